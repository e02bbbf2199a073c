"""What somebody who has just got a key pastes: for curl, the OpenAI SDK, Continue, Open WebUI and LangChain.

Sources, read 2026-11: docs.continue.dev/reference (models, requestOptions.caBundlePath), docs.openwebui.com/getting-started
(OPENAI_API_BASE_URL), python.langchain.com (ChatOpenAI), github.com/openai/openai-python.
"""

import json
import shlex

from appliance.lan.lines import CA_FILE, Section

ANY_MODEL = "YOUR_MODEL"  # where none is offered yet


def snippets(*, api: str, key: str, model: str, own_authority: bool) -> list[Section]:
    """`api`: base URL up to /v1. `own_authority`: ours vouches there, and its certificate lies beside the lines as a file."""
    return [
        _curl(api, key, model, own_authority),
        _openai(api, key, model, own_authority),
        _continue(api, key, model, own_authority),
        _open_webui(api, key, own_authority),
        _langchain(api, key, model, own_authority),
    ]


def _trusting(own_authority: bool) -> str:
    return f'On Linux, before it: export SSL_CERT_FILE="$PWD/{CA_FILE}".' if own_authority else ""


def _curl(api: str, key: str, model: str, own_authority: bool) -> Section:
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "Hello!"}]}, ensure_ascii=False)
    trust = f"--cacert {CA_FILE} " if own_authority else ""
    lines = [
        f"curl {trust}{shlex.quote(f'{api}/chat/completions')} \\",
        f"  -H {shlex.quote(f'Authorization: Bearer {key}')} \\",
        '  -H "Content-Type: application/json" \\',
        f"  -d {shlex.quote(body)}",
    ]
    return Section("curl", "", lines)


def _openai(api: str, key: str, model: str, own_authority: bool) -> Section:
    lines = [
        "from openai import OpenAI",
        "",
        "client = OpenAI(",
        f"    base_url={_text(api)},",
        f"    api_key={_text(key)},",
        ")",
        "answer = client.chat.completions.create(",
        f"    model={_text(model)},",
        '    messages=[{"role": "user", "content": "Hello!"}],',
        ")",
        "print(answer.choices[0].message.content)",
    ]
    return Section("OpenAI SDK (Python)", _trusting(own_authority), lines)


def _continue(api: str, key: str, model: str, own_authority: bool) -> Section:
    lines = [
        "name: Gatehouse",
        "version: 1.0.0",
        "schema: v1",
        "models:",
        f"  - name: {_text(f'Gatehouse {model}')}",
        "    provider: openai",
        f"    model: {_text(model)}",
        f"    apiBase: {_text(api)}",
        f"    apiKey: {_text(key)}",
        "    roles: [chat, edit]",
    ]
    if own_authority:
        lines += ["    requestOptions:", f"      caBundlePath: /path/to/{CA_FILE}"]
    return Section("Continue", "In ~/.continue/config.yaml.", lines)


def _open_webui(api: str, key: str, own_authority: bool) -> Section:
    lines = [f"export OPENAI_API_BASE_URL={shlex.quote(api)}", f"export OPENAI_API_KEY={shlex.quote(key)}"]
    lines += [f'export SSL_CERT_FILE="$PWD/{CA_FILE}"'] * own_authority
    where = (
        "Before open-webui serve. Or in the running one: Admin Panel, Settings, Connections, OpenAI API, with this URL and key."
    )
    return Section("Open WebUI", where, lines)


def _langchain(api: str, key: str, model: str, own_authority: bool) -> Section:
    lines = [
        "from langchain_openai import ChatOpenAI",
        "",
        "model = ChatOpenAI(",
        f"    base_url={_text(api)},",
        f"    api_key={_text(key)},",
        f"    model={_text(model)},",
        ")",
        'print(model.invoke("Hello!").content)',
    ]
    return Section("LangChain (Python)", _trusting(own_authority), lines)


def _text(value: str) -> str:
    """In double quotes, as Python and YAML both read it."""
    return json.dumps(value, ensure_ascii=False)
