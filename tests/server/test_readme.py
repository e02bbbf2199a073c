"""README's snippets, run as they stand: those that speak to localhost:8000, in the order in which they appear.

Only YOUR_TOKEN and YOUR_API_KEY are put in, with what the earlier snippets gave.
"""

import json
import re
import sys

import pytest

from tests.conftest import MakeAppliance
from tests.running import ROOT, Appliance, NetworkNamespace

FENCED = re.compile(r"^```(bash|sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
README = ROOT / "README.md"
SNIPPETS = [(kind, text) for kind, text in FENCED.findall(README.read_text(encoding="utf-8")) if "localhost:8000" in text]


@pytest.fixture(scope="module")
def box(appliances: MakeAppliance, namespace: NetworkNamespace) -> Appliance:
    return appliances(model=True, port=8000, namespace=namespace)


def test_the_readme_shows_the_first_calls_and_the_sdk() -> None:
    kinds = [kind for kind, _ in SNIPPETS]
    assert "python" in kinds
    shown = "\n".join(text for _, text in SNIPPETS)
    for wanted in ("auth/register", "api-keys", "chat/completions", "base_url"):
        assert wanted in shown


def test_every_snippet_of_the_readme_works(box: Appliance, namespace: NetworkNamespace) -> None:
    known: dict[str, str] = {}
    for kind, written in SNIPPETS:
        text = written
        for placeholder, value in known.items():
            text = text.replace(placeholder, value)
        assert not re.search(r"YOUR_\w+", text), f"this snippet needs something that no earlier one gave:\n{text}"
        command = ["bash", "-euo", "pipefail", "-c", text] if kind != "python" else [sys.executable, "-W", "error", "-c", text]
        done = namespace.run(*command)
        assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
        assert '"error"' not in done.stdout, f"{text}\n{done.stdout}"
        assert done.stdout.strip(), f"it says nothing:\n{text}"
        for line in re.findall(r"\{.*\}", done.stdout):
            try:
                answer = json.loads(line)
            except ValueError:
                continue  # a line of a stream
            if "access_token" in answer:
                known["YOUR_TOKEN"] = answer["access_token"]
            if "key" in answer:
                known["YOUR_API_KEY"] = answer["key"]
