"""The product's first three calls, byte for byte as its users paste them, on a fresh start.

Only the token and the key are put in. They name port 8000, so all of it runs in a network of its own.
"""

import json
import subprocess

import pytest

from tests.conftest import MakeAppliance
from tests.running import Appliance, NetworkNamespace

REGISTER = (
    'curl -X POST http://localhost:8000/api/v1/admin/auth/register -H "Content-Type: application/json" '
    """-d '{"name": "Test", "email": "test@example.com", "password": "Password123!"}'"""
)
MAKE_KEY = (
    'curl -X POST http://localhost:8000/api/v1/admin/api-keys -H "Authorization: Bearer YOUR_TOKEN" '
    """-d '{"name": "My Key"}'"""
)
CHAT = (
    'curl http://localhost:8000/api/v1/chat/completions -H "Authorization: Bearer YOUR_API_KEY" '
    """-d '{"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello!"}]}'"""
)


@pytest.fixture(scope="module")
def box(appliances: MakeAppliance, namespace: NetworkNamespace) -> Appliance:
    return appliances(model=True, port=8000, namespace=namespace)


def paste(namespace: NetworkNamespace, line: str) -> subprocess.CompletedProcess[str]:
    done = namespace.run("bash", "-c", line)
    assert done.returncode == 0, done.stderr
    return done


def test_the_three_calls_work_as_pasted(box: Appliance, namespace: NetworkNamespace) -> None:
    registered = json.loads(paste(namespace, REGISTER).stdout)
    assert registered["token_type"] == "bearer"
    assert registered["expires_in"] > 0
    assert registered["user"]["email"] == "test@example.com"
    assert "assword" not in json.dumps(registered)

    made = json.loads(paste(namespace, MAKE_KEY.replace("YOUR_TOKEN", registered["access_token"])).stdout)
    assert set(made) == {"id", "name", "environment", "key", "key_prefix", "created_at", "expires_at"}
    assert (made["name"], made["environment"], made["expires_at"]) == ("My Key", "development", None)
    assert made["key"].startswith(made["key_prefix"])
    assert len(made["key_prefix"]) < len(made["key"]) / 2

    answered = json.loads(paste(namespace, CHAT.replace("YOUR_API_KEY", made["key"])).stdout)
    assert answered["choices"][0]["message"]["content"].strip()
    assert answered["model"] == "smollm2-135m-instruct", "the answer says which model gave it"
    shown = paste(namespace, CHAT.replace("YOUR_API_KEY", made["key"]).replace("curl ", "curl -sS -i ", 1)).stdout
    head = shown.replace("\r\n", "\n").partition("\n\n")[0].lower()
    assert "x-gatehouse-alias: gpt-4o-mini" in head


def test_the_lines_shown_at_the_first_start_work_as_pasted(appliance: MakeAppliance, namespace: NetworkNamespace) -> None:
    """What `serve` prints for the newcomer: a line that registers the owner, and a chat with a development key."""
    box = appliance(model=True, namespace=namespace)
    lines = [line.strip() for line in box.welcome.splitlines() if line.strip().startswith("curl ")]
    (register,) = [line for line in lines if "auth/register" in line]
    (ask,) = [line for line in lines if "chat/completions" in line]
    assert json.loads(paste(namespace, ask).stdout)["choices"][0]["message"]["content"].strip()
    assert "access_token" in json.loads(paste(namespace, register).stdout)

    box.restart()
    shown_again = box.welcome
    key = ask.partition("Bearer ")[2].partition('"')[0]
    assert key not in shown_again, "the development key is shown once"
    assert "chat/completions" in shown_again
    assert json.loads(paste(namespace, ask).stdout)["choices"], "it goes on working after a restart"
