"""The local network, with two machines: the appliance on one, a colleague on the other, a cable between them."""

import hashlib
import json
import os
import re
import shutil
import sqlite3
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.conftest import MakeAppliance
from tests.running import ROOT, Appliance, Colleague, NetworkNamespace, environment, eventually
from tests.sdk.node_package import installed

HOST = Colleague.HOST_ADDRESS
API = f"https://{HOST}:8443"
JOIN = f"http://{HOST}:8000/join"
CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello!"}], "max_tokens": 20}


def gatehouse(box: Appliance, *words: str, status: int = 0) -> str:
    """A command on the appliance's machine; what it says on both channels."""
    done = box.command(*words)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stderr + done.stdout


@pytest.fixture(scope="module")
def box(appliances: MakeAppliance, namespace: NetworkNamespace, colleague: Colleague) -> Appliance:
    """Its LAN opened while it runs."""
    made = appliances(model=True, port=8000, namespace=namespace)
    assert "answered itself over verified TLS" in gatehouse(made, "lan", "on")
    return made


@pytest.fixture(scope="module")
def key(box: Appliance) -> str:
    return gatehouse(box, "keys", "create", "colleague").splitlines()[-1]


@pytest.fixture
def ca(box: Appliance, colleague: Colleague, tmp_path: Path) -> Path:
    """The authority as a colleague fetches it."""
    file = tmp_path / "gatehouse-ca.pem"
    done = colleague.run("curl", "-fsS", "-o", str(file), f"{JOIN}/ca.pem")
    assert done.returncode == 0, done.stderr
    return file


def fetched(colleague: Colleague, url: str, *words: str) -> tuple[int, int, str]:
    """curl's exit status, HTTP's status, the body."""
    done = colleague.run("curl", "-sS", "-m", "60", "-w", "\n%{http_code}", url, *words)
    body, _, status = done.stdout.rpartition("\n")
    return done.returncode, int(status or 0), body


def test_a_colleague_asks_over_verified_tls_with_curl(box: Appliance, colleague: Colleague, ca: Path, key: str) -> None:
    words = ["--cacert", str(ca), "-H", f"Authorization: Bearer {key}", "-d", json.dumps(CHAT)]
    exit_status, status, body = fetched(colleague, f"{API}/v1/chat/completions", *words)
    assert (exit_status, status) == (0, 200), body
    assert json.loads(body)["choices"][0]["message"]["content"]


def test_the_python_sdk_asks_and_streams_over_verified_tls(box: Appliance, colleague: Colleague, ca: Path, key: str) -> None:
    program = f"""
import openai
client = openai.OpenAI()
asked = {CHAT!r}
print(client.chat.completions.create(**asked).choices[0].message.content)
pieces = [chunk.choices[0].delta.content or "" for chunk in client.chat.completions.create(stream=True, **asked) if chunk.choices]
assert len(pieces) > 2, pieces
print("models:", [model.id for model in client.models.list()])
"""
    env = {"SSL_CERT_FILE": str(ca), "OPENAI_BASE_URL": f"{API}/v1", "OPENAI_API_KEY": key}
    done = colleague.run(sys.executable, "-c", program, env=env)
    assert done.returncode == 0, done.stderr
    assert "gpt-4o-mini" in done.stdout


def test_without_the_authority_no_client_talks_to_it(box: Appliance, colleague: Colleague, key: str) -> None:
    assert fetched(colleague, f"{API}/v1/models")[0] == 60  # curl: the peer's certificate can't be verified
    env = {"OPENAI_BASE_URL": f"{API}/v1", "OPENAI_API_KEY": key}
    done = colleague.run(sys.executable, "-c", "import openai; openai.OpenAI(max_retries=0).models.list()", env=env)
    assert "APIConnectionError" in done.stderr
    assert "certificate verify failed" in done.stderr.lower()


def test_the_lines_of_the_join_page_work_as_pasted(box: Appliance, colleague: Colleague, key: str, tmp_path: Path) -> None:
    """All that run on this system: the certificate, curl, Python, Node."""
    status, page = fetched(colleague, JOIN)[1:]
    assert status == 200
    pasted = [
        line[2:] for line in page.splitlines() if line.startswith("  ") and not re.match("  (sudo|certutil|[0-9A-F:]+$)", line)
    ]
    folder = tmp_path / "pasted"
    shutil.copytree(installed() / "node_modules", folder / "node_modules", symlinks=True)
    script = "set -e; cd " + str(folder) + "\n" + "\n".join(pasted).replace("YOUR_API_KEY", key)
    env = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = colleague.run("bash", "-c", script, env=env)
    assert done.returncode == 0, script + done.stdout + done.stderr
    mark = re.search(r"(?:[0-9A-F]{2}:){31}[0-9A-F]{2}", page)
    assert mark is not None
    assert f"sha256 Fingerprint={mark[0]}" in done.stdout
    assert '"object":"chat.completion"' in done.stdout
    assert len(done.stdout.split("\n")) >= 4  # fingerprint, curl's answer, Python's, Node's


def test_plain_http_from_the_lan_is_refused_with_the_reason(box: Appliance, colleague: Colleague, key: str) -> None:
    for path in ("/v1/models", "/v1/chat/completions", "/health", "/docs", "/api/v1/admin/auth/register", "/join/../health"):
        _, status, body = fetched(colleague, f"http://{HOST}:8000{path}", "--path-as-is", "-H", f"Authorization: Bearer {key}")
        assert status == 403, (path, body)
        error = json.loads(body)["error"]
        assert error["code"] == "https_required"
        assert f"https://{HOST}:8443" in error["fix"]
        assert "revoke it" in error["fix"]  # the key has just crossed the network in the clear
        assert key not in body


def test_the_join_page_serves_the_authority_and_nothing_else(box: Appliance, colleague: Colleague) -> None:
    html = fetched(colleague, JOIN, "-H", "Accept: text/html")[2]
    assert html.startswith("<!doctype html>")
    assert "<script" not in html
    assert "/join/ca.pem" in html
    pem = fetched(colleague, f"{JOIN}/ca.pem")[2]
    assert "PRIVATE" not in pem
    certificate = ssl.PEM_cert_to_DER_cert(pem)
    done = colleague.run("bash", "-c", f"curl -fsS {JOIN}/ca.crt | sha256sum")
    assert done.stdout.split()[0] == hashlib.sha256(certificate).hexdigest()
    assert fetched(colleague, JOIN, "-X", "POST", "-d", "x=1")[1] == 405
    assert fetched(colleague, f"{JOIN}/leaf.key")[1] == 403


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", f"{HOST}.evil.example", "", "a" * 400, "[::1", "127.0.0.1@x"]
)
def test_a_foreign_host_is_refused_at_every_door(box: Appliance, colleague: Colleague, ca: Path, host: str) -> None:
    """DNS rebinding: a web site's own name leads here."""
    header = ["-H", f"Host: {host}" if host else "Host;"]
    refused = (400, 403, 421)
    assert fetched(colleague, JOIN, *header)[1] in refused
    assert fetched(colleague, f"{API}/health", "--cacert", str(ca), *header)[1] in refused
    assert box.namespace is not None
    done = box.namespace.run("curl", "-sS", "-w", "\n%{http_code}", "http://127.0.0.1:8000/v1/models", *header)
    assert int(done.stdout.rpartition("\n")[2]) in refused, done.stdout


def test_names_of_the_machine_are_served_and_certified(box: Appliance, colleague: Colleague, ca: Path) -> None:
    shown = json.loads(gatehouse(box, "lan", "status", "--json"))
    assert shown["reachable"] is True
    names = [url.split("/")[2].split(":")[0] for url in shown["urls"] if not re.match(r"https://[\d\[]", url)]
    assert any(name.endswith(".local") for name in names)
    for name in names:
        answer = fetched(colleague, f"https://{name}:8443/health", "--cacert", str(ca), "--resolve", f"{name}:8443:{HOST}")
        assert answer[:2] == (0, 200), (name, answer)


def test_what_is_meant_for_this_machine_does_not_work_from_the_lan(box: Appliance, colleague: Colleague, ca: Path) -> None:
    first_run_key = re.search(r"Bearer (gh-dev-\w+)", box.output)
    assert first_run_key is not None
    words = ["--cacert", str(ca), "-H", f"Authorization: Bearer {first_run_key[1]}", "-d", json.dumps(CHAT)]
    status, body = fetched(colleague, f"{API}/v1/chat/completions", *words)[1:]
    assert (status, json.loads(body)["error"]["code"]) == (401, "loopback_only") or status == 403, body
    person = json.dumps({"name": "Mallory", "email": "m@example.com", "password": "Password123!"})
    status, body = fetched(colleague, f"{API}/api/v1/admin/auth/register", "--cacert", str(ca), "-d", person)[1:]
    assert status == 403, body
    control = json.loads((box.home / "run" / "control.json").read_text())["token"]
    words = ["--cacert", str(ca), "-H", f"Authorization: Bearer {control}"]
    assert fetched(colleague, f"{API}/api/v1/admin/lan", *words)[1] == 401


@pytest.mark.timeout(180)
def test_a_changed_address_gets_a_certificate_without_a_restart_and_without_cutting_a_stream(
    box: Appliance, colleague: Colleague, ca: Path, key: str, tmp_path: Path
) -> None:
    assert box.namespace is not None
    asked = {**CHAT, "messages": [{"role": "user", "content": "Count from 1 to 200, one number a line."}], "max_tokens": 400}
    command = ["curl", "-sS", "-N", "--cacert", str(ca), "-H", f"Authorization: Bearer {key}", f"{API}/v1/chat/completions"]
    streamed = tmp_path / "streamed"
    with streamed.open("wb") as out:
        stream = subprocess.Popen(
            [*colleague.prefix, *command, "-d", json.dumps({**asked, "stream": True})], stdout=out, env=environment()
        )
        eventually(lambda: streamed.stat().st_size > 500, seconds=30)
        pid = box.pid
        box.namespace.run("ip", "addr", "add", "10.77.0.9/24", "dev", "lan0")
        try:

            def certified() -> bool:
                return fetched(colleague, "https://10.77.0.9:8443/health", "--cacert", str(ca))[:2] == (0, 200)

            eventually(certified, seconds=40, every=0.5)
            assert fetched(colleague, f"{API}/health", "--cacert", str(ca))[:2] == (0, 200)
            assert stream.wait(60) == 0
        finally:
            box.namespace.run("ip", "addr", "del", "10.77.0.9/24", "dev", "lan0")
    assert b"\n\ndata: [DONE]\n\n: gatehouse {" in streamed.read_bytes()
    assert box.pid == pid


def test_a_machine_name_that_is_tried_often_is_not_looked_up_each_time(box: Appliance, colleague: Colleague) -> None:
    began = time.monotonic()
    done = colleague.run("bash", "-c", f"for i in $(seq 30); do curl -s -o /dev/null -H 'Host: guess'$i'.example' {JOIN}; done")
    assert done.returncode == 0
    assert time.monotonic() - began < 20


def test_closing_it_cuts_live_views_from_the_network_at_once(
    appliance: MakeAppliance, namespace: NetworkNamespace, colleague: Colleague, tmp_path: Path
) -> None:
    made = appliance(settings={"lan_port": 8546}, port=8105, namespace=namespace)
    gatehouse(made, "lan", "on")
    person = {"name": "Olga", "email": "olga@example.com", "password": "Password123!"}
    token = namespace.call("POST", "http://localhost:8105/api/v1/admin/auth/register", person).json["access_token"]
    authority = tmp_path / "ca.pem"
    authority.write_text(fetched(colleague, f"http://{HOST}:8105/join/ca.pem")[2])
    seen = tmp_path / "seen"
    words = ["-sS", "-N", "--cacert", str(authority), "-H", f"Authorization: Bearer {token}"]
    with seen.open("wb") as out:
        reading = subprocess.Popen(
            [*colleague.prefix, "curl", *words, f"https://{HOST}:8546/api/v1/admin/events"],
            stdout=out,
            stderr=subprocess.DEVNULL,
            env=environment(),
        )
        eventually(lambda: b"event: overview" in seen.read_bytes())
        began = time.monotonic()
        gatehouse(made, "lan", "off")
        assert time.monotonic() - began < 4
        reading.wait(5)
    assert namespace.call("GET", "http://localhost:8105/health").status == 200


@pytest.mark.timeout(180)
def test_it_stays_open_over_a_restart_and_closes_for_good(appliance: MakeAppliance, namespace: NetworkNamespace) -> None:
    made = appliance(settings={"lan_port": 8543}, port=8100, namespace=namespace)
    opened = gatehouse(made, "lan", "on")
    mark = re.search(r"(?:[0-9A-F]{2}:){31}[0-9A-F]{2}", opened)
    assert mark is not None
    made.stop()
    made.start()
    assert "The local network reaches it" in made.welcome
    again = json.loads(gatehouse(made, "lan", "status", "--json"))
    assert again["on"]
    assert again["fingerprint"] == mark[0]  # colleagues need not trust anew
    gatehouse(made, "lan", "off")
    assert namespace.run("curl", "-sS", f"https://{namespace.LAN_ADDRESS}:8543/health").returncode == 7
    assert namespace.run("curl", "-sS", f"http://{namespace.LAN_ADDRESS}:8100/join").returncode == 7
    made.stop()
    with sqlite3.connect(made.home / "gatehouse.db") as database:
        actions = [row[0] for row in database.execute("SELECT action FROM audit WHERE target = 'lan' ORDER BY seq")]
    database.close()
    assert actions == ["lan.authority_made", "lan.on", "lan.off"]
    made.start()
    assert json.loads(gatehouse(made, "lan", "status", "--json"))["on"] is False


def test_it_can_be_opened_before_the_server_runs(appliance: MakeAppliance, namespace: NetworkNamespace) -> None:
    made = appliance(settings={"lan_port": 8544}, port=8101, namespace=namespace, start=False)
    assert "from the next start" in gatehouse(made, "lan", "on")
    made.start()
    assert json.loads(gatehouse(made, "lan", "status", "--json"))["reachable"] is True


def test_a_port_that_is_taken_is_said_and_nothing_is_switched_on(appliance: MakeAppliance, namespace: NetworkNamespace) -> None:
    made = appliance(settings={"lan_port": 8545}, port=8102, namespace=namespace)
    squatter = subprocess.Popen(
        [
            *namespace.prefix,
            sys.executable,
            "-c",
            "import socket; s = socket.create_server(('0.0.0.0', 8545)); print(1, flush=True); input()",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert squatter.stdout is not None
        squatter.stdout.readline()
        refused = gatehouse(made, "lan", "on", status=1)
        assert "8545" in refused
        assert "lan_port" in refused
        assert "lan" not in (made.home / "gatehouse.toml").read_text().replace("lan_port", "")
        assert made.is_running
    finally:
        squatter.communicate(b"\n")
    assert "answered itself" in gatehouse(made, "lan", "on")


def test_the_environment_and_an_open_host_overrule_the_switch_and_it_says_so(
    appliance: MakeAppliance, namespace: NetworkNamespace
) -> None:
    by_environment = appliance(env={"GATEHOUSE_LAN": "false"}, port=8103, namespace=namespace)
    assert "GATEHOUSE_LAN" in gatehouse(by_environment, "lan", "on", status=1)
    wide_open = appliance(settings={"host": "0.0.0.0"}, port=8104, namespace=namespace)
    assert "without encryption" in gatehouse(wide_open, "lan", "on", status=1)


def private_keys(data: bytes) -> Iterator[object]:
    """Those that are some: the database has a policy's example of what it finds, which opens nothing."""
    for one in re.finditer(
        rb"-----BEGIN ([A-Z ]*)PRIVATE KEY-----.*?-----END \1PRIVATE KEY-----", data.replace(b"\\n", b"\n"), re.DOTALL
    ):
        with suppress(ValueError):
            yield load_pem_private_key(one.group(), None)


def test_the_private_keys_lie_where_only_the_owner_reads_and_the_authority_in_the_vault(box: Appliance) -> None:
    leaf = box.home / "lan" / "leaf.key"
    assert leaf.stat().st_mode & 0o077 == 0
    keys = [file for file in box.home.rglob("*") if file.is_file() and list(private_keys(file.read_bytes()))]
    assert keys == [leaf]  # the authority's own is in the database, sealed


def test_the_door_says_host_unknown_in_its_documents() -> None:
    assert "host_not_allowed" in (ROOT / "docs" / "reference" / "errors.md").read_text()


@pytest.mark.timeout(120)
def test_a_certificate_that_has_just_been_replaced_is_not_reported_as_wrong(
    appliance: MakeAppliance, namespace: NetworkNamespace
) -> None:
    """The server before takes connections for a moment longer, and shows the certificate before."""
    made = appliance(settings={"lan_port": 8546}, port=8105, namespace=namespace)
    for _ in range(8):
        assert "answered itself" in gatehouse(made, "lan", "on", "--new-ca")
