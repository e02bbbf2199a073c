"""The lines with a key in them mean what they say, whatever a model is called."""

import ast
import json
import subprocess

import pytest

from appliance.lan.lines import CA_FILE
from appliance.lan.snippets import snippets

API = "https://10.0.0.5:8443/v1"
KEY = "gh-dev-0123"
ODD = ["gpt-4o", "acme/it's", 'a"b', "$(id)`id`", "a\\b", "é/ü", "a\nb", "# no: [yaml]"]


def lines(model: str, title: str, *, own_authority: bool = False) -> str:
    (section,) = [one for one in snippets(api=API, key=KEY, model=model, own_authority=own_authority) if one.title == title]
    return "\n".join(section.lines)


@pytest.mark.parametrize("model", ODD)
def test_the_shell_hands_curl_what_was_meant(model: str) -> None:
    script = "curl() { printf '%s\\0' \"$@\"; }\n" + lines(model, "curl", own_authority=True)
    done = subprocess.run(["bash", "-c", script], capture_output=True, timeout=30, check=True)
    words = done.stdout.decode().split("\0")[:-1]
    assert words[:3] == ["--cacert", CA_FILE, f"{API}/chat/completions"]
    assert f"Authorization: Bearer {KEY}" in words
    assert json.loads(words[-1])["model"] == model


@pytest.mark.parametrize("model", ODD)
@pytest.mark.parametrize("title", ["OpenAI SDK (Python)", "LangChain (Python)"])
def test_python_reads_what_was_meant(model: str, title: str) -> None:
    calls = [node for node in ast.walk(ast.parse(lines(model, title))) if isinstance(node, ast.Call)]
    given = {word.arg: ast.literal_eval(word.value) for call in calls for word in call.keywords}
    assert (given["model"], given["base_url"], given["api_key"]) == (model, API, KEY)


@pytest.mark.parametrize("model", ODD)
def test_continues_file_names_the_model(model: str) -> None:
    (line,) = [line for line in lines(model, "Continue").splitlines() if line.startswith("    model: ")]
    assert json.loads(line.removeprefix("    model: ")) == model  # a JSON string is a YAML string


def test_our_certificate_is_named_where_it_vouches_and_nowhere_else() -> None:
    for title in ("curl", "Continue", "Open WebUI"):
        assert CA_FILE in lines("m", title, own_authority=True)
        assert CA_FILE not in lines("m", title)
