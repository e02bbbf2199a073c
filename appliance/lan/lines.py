"""The lines that a colleague pastes, per system and SDK. Each works as it stands, once YOUR_API_KEY is a key."""

import json
import shlex

import msgspec

CA_FILE = "gatehouse-ca.pem"
KEY = "YOUR_API_KEY"


class Section(msgspec.Struct, frozen=True):
    """A heading, what to know, and lines to paste."""

    title: str
    note: str
    lines: list[str]


def sections(*, api: str, join: str, model: str) -> list[Section]:
    """`api`: base URL up to /v1; `join`: address of the page, up to /join."""
    return [certificate(join), _curl(api, model), python(api, model), _node(api, model), *_systems()]


def certificate(join: str) -> Section:
    return Section(
        "First: fetch the certificate, and compare its fingerprint",
        "The second line must show the fingerprint that your administrator reads to you; else stop.",
        [f"curl -fsS -o {CA_FILE} {join}/ca.pem", f"openssl x509 -in {CA_FILE} -noout -sha256 -fingerprint"],
    )


def _chat(model: str) -> str:
    return json.dumps({"model": model, "messages": [{"role": "user", "content": "Hello!"}]})


def _curl(api: str, model: str) -> Section:
    header = f'-H "Authorization: Bearer {KEY}"'
    line = f"curl --cacert {CA_FILE} {api}/chat/completions {header} -d {shlex.quote(_chat(model))}"
    return Section("curl", "", [line])


def _exports(api: str) -> str:
    return f"OPENAI_BASE_URL={api} OPENAI_API_KEY={KEY}"


def python(api: str, model: str) -> Section:
    program = (
        "from openai import OpenAI; print(OpenAI().chat.completions.create("
        f"model={model!r}, messages=[{{'role': 'user', 'content': 'Hello!'}}]).choices[0].message.content)"
    )
    return Section(
        "Python (openai)",
        "On Linux as below. On macOS and Windows, put the certificate into the system's store (below) instead of SSL_CERT_FILE:"
        " newer versions of the SDK trust that store alone.",
        [f'export SSL_CERT_FILE="$PWD/{CA_FILE}" {_exports(api)}', f'python3 -c "{program}"'],
    )


def _node(api: str, model: str) -> Section:
    program = (
        'import("openai").then(async ({ default: OpenAI }) => console.log((await new OpenAI().chat.completions.create('
        f"{_chat(model)})).choices[0].message.content))"
    )
    return Section(
        "Node (openai)",
        "Node reads the variable when it starts.",
        [f'export NODE_EXTRA_CA_CERTS="$PWD/{CA_FILE}" {_exports(api)}', f"node -e {shlex.quote(program)}"],
    )


def _systems() -> list[Section]:
    return [
        Section(
            "Debian, Ubuntu: trust it for the whole system",
            "",
            [f"sudo cp {CA_FILE} /usr/local/share/ca-certificates/gatehouse-ca.crt && sudo update-ca-certificates"],
        ),
        Section(
            "Fedora, Red Hat",
            "",
            [f"sudo cp {CA_FILE} /etc/pki/ca-trust/source/anchors/ && sudo update-ca-trust"],
        ),
        Section(
            "macOS",
            "",
            [f"sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain {CA_FILE}"],
        ),
        Section("Windows", "In a command prompt run as administrator.", [f"certutil -addstore -f ROOT {CA_FILE}"]),
        Section(
            "Browsers",
            "Chrome, Edge and Safari use the system's store. Firefox has its own: Settings, Certificates, View certificates,"
            f" Authorities, Import {CA_FILE}.",
            [],
        ),
    ]
