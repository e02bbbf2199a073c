"""Where a provider is said to be, by somebody who would reach what is not theirs: POST /api/v1/admin/providers/test.

What a name server that changes its mind, or a redirect, would do: test_reach.py.
"""

import json
from typing import Any

import pytest

from tests.calls import Answer
from tests.conftest import MakeAppliance
from tests.fakes.files import file_server
from tests.running import Appliance, Fake

ADMIN = "/api/v1/admin/"


@pytest.fixture(scope="module")
def door(appliances: MakeAppliance) -> Appliance:
    return appliances(settings={"local_models": False})


def admin(door: Appliance, method: str, path: str, body: Any = None) -> Answer:
    return door.call(method, ADMIN + path, body, token=door.owner_token)


def take_in(door: Appliance, provider: str) -> Answer:
    return admin(door, "POST", "routes/import", f"[[providers]]\n{provider}".encode())


NOWHERE = [
    "169.254.169.254",
    "2852039166",
    "0xa9fea9fe",
    "0xA9.0xFE.0xA9.0xFE",
    "0251.0376.0251.0376",
    "169.254.43518",
    "169.16689662",
    "169.254.169.254.",
    "[::ffff:169.254.169.254]",
    "[::ffff:a9fe:a9fe]",
    "[0:0:0:0:0:ffff:a9fe:a9fe]",
    "[::a9fe:a9fe]",
    "[::169.254.169.254]",
    "[64:ff9b::a9fe:a9fe]",
    "[64:ff9b:1::a9fe:a9fe]",
    "[2002:a9fe:a9fe::]",
    "[2001:0:a9fe:a9fe::]",
    "[2001:db8::5efe:a9fe:a9fe]",
    "[2001:db8::a9fe:a9fe]",
    "[fe80::1]",
    "[fe80::1%25lo]",
    "[fd00:ec2::254]",
    "[FD20:CE::254]",
    "[::ffff:0:169.254.169.254]",
    "100.64.0.1",
    "100.127.255.254",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "metadata",
    "metadata.",
    "METADATA.google.internal",
    "metadata.google.internal.",
    "x.metadata.google.internal",
    "instance-data",
    "0.0.0.0",
    "0",
    "[::]",
    "224.0.0.1",
    "255.255.255.255",
]
REFUSED_FORMS = [
    "http://a@169.254.169.254",
    "http://169.254.169.254@example.com",
    "http://169.254.169.254\\@example.com",
    "http:///169.254.169.254",
    "http:\\\\169.254.169.254",
    "http:169.254.169.254",
    "ftp://169.254.169.254",
    "gopher://169.254.169.254",
    "file:///etc/passwd",
    "unix:///run/x",
    "http://①⑥⑨.②⑤④.①⑥⑨.②⑤④",
    "http://169。254。169。254",
    "http://169.254.169.254:٨٠",
    "http://169.254.169.254:80:80",
    "http://x/v1?a=b",
    "http://x/v1#a",
    "http://x/\r\nx:y",
]


def test_however_a_forbidden_address_is_written_no_provider_is_there(door: Appliance) -> None:
    form = {"name": "x", "kind": "openai-compatible", "api_key": "sk-never-sent-0123456789"}
    for host in NOWHERE:
        answer = admin(door, "POST", "providers/test", {**form, "base_url": f"http://{host}/v1"})
        assert answer.status == 200, (host, answer)
        assert "is not connected to" in answer.json["error"]["message"], (host, answer)
    for address in REFUSED_FORMS:
        answer = admin(door, "POST", "providers/test", {**form, "base_url": address})
        assert (answer.status, answer.error["param"]) in ((400, "base_url"), (400, "name")), (address, answer)


BAD_WORDS = [
    {"kind": "openai", "api_key": "sk-1\r\nx-injected: y"},
    {"kind": "openai", "api_key": "sk-1\x00"},
    {"kind": "openai", "api_key": "sk-\u00e9"},
    {"kind": "azure", "api_key": "sk-1", "base_url": "http://127.0.0.1:9", "api_version": "2024\r\nx: y"},
    {"kind": "azure", "api_key": "sk-1", "base_url": "http://127.0.0.1:9", "api_version": "2024&x=y#"},
    {"kind": "bedrock", "api_key": "sk-1", "region": "us-east-1.example.com/"},
    {"kind": "bedrock", "api_key": "sk-1", "region": "us-east-1\n"},
    {"kind": "bedrock", "access_key_id": "AKIA/..\r\n", "secret_access_key": "s", "region": "us-east-1"},
]


@pytest.mark.parametrize("words", BAD_WORDS)
def test_nothing_is_slipped_into_a_head_or_an_address(door: Appliance, words: dict[str, str]) -> None:
    for path in ("providers", "providers/test"):
        assert admin(door, "POST", path, {"name": "x", **words}).status == 400
    lines = "".join(f"{key} = {json.dumps(words[key])}\n" for key in words)
    assert take_in(door, f'name = "x"\n{lines}').status == 400


def test_a_provider_that_says_the_credential_back_is_not_repeated(door: Appliance) -> None:
    key = "sk-secret-0123456789"
    with file_server() as files:
        files.files["/v1/models"] = json.dumps({"data": [{"id": f"Bearer {key}"}, {"id": "x" * 100_000}, {"id": "m"}]}).encode()
        form = {"name": "echo", "kind": "openai-compatible", "base_url": f"{files.url}/v1", "api_key": key}
        tried = admin(door, "POST", "providers/test", form)
    assert (tried.json["ok"], tried.json["models"]) == (True, ["Bearer …", "x" * 256, "m"])


def test_an_attempt_to_connect_is_in_the_audit_without_what_was_sent(door: Appliance, upstream: Fake) -> None:
    form = upstream.provider("tried")
    host = f"127.0.0.1:{upstream.port}"
    bad = {**form, "api_key": "sk-wrong-0123456789", "base_url": form["base_url"]}
    forbidden = {**form, "kind": "openai-compatible", "base_url": "http://169.254.169.254/latest"}
    seen = door.rows("SELECT max(seq) AS last FROM audit")[0]["last"]
    assert [admin(door, "POST", "providers/test", one).json["ok"] for one in (form, bad, forbidden)] == [True, False, False]
    assert admin(door, "POST", "providers/test", {**form, "kind": "none"}).status == 400, "nothing was tried"
    made = admin(door, "POST", "providers", form).json["id"]
    assert admin(door, "POST", f"providers/{made}/test").json["ok"]
    rows = door.rows("SELECT * FROM audit WHERE seq > ? AND action = 'provider.test' ORDER BY seq", seen)
    assert [(row["target"], json.loads(row["detail"])) for row in rows] == [
        ("tried", {"host": host, "kind": form["kind"], "outcome": "answered"}),
        ("tried", {"host": host, "kind": form["kind"], "outcome": "failed"}),
        ("tried", {"host": "169.254.169.254", "kind": "openai-compatible", "outcome": "failed"}),
        (made, {"host": host, "kind": form["kind"], "outcome": "answered"}),
    ]
    assert {row["actor"][:5] for row in rows} == {"user_"}
    assert not any(secret in str(rows) for secret in (form["api_key"], bad["api_key"]))


def led_away(upstream: Fake) -> list[str]:
    """Addresses that are others than a fake's, however little."""
    host, port = f"127.0.0.1:{upstream.port}", upstream.port
    hosts = [f"localhost:{port}", f"127.1:{port}", f"127.0.0.1.:{port}", f"2130706433:{port}", f"[::ffff:127.0.0.1]:{port}"]
    hosts += [f"@{host}", f"u:p@{host}", f"{host}@example.com", f"{host}\\@example.com", "127.0.0.1", f"127.0.0.1:0{port}"]
    hosts += [f"127.0.0.\uff11:{port}", f"127.0.0.1\t:{port}", f"{host}#@example.com", f"{host}?@example.com", "", "127.0.0.1:"]
    return [f"https://{host}/v1", f"//{host}/v1", "", *(f"http://{one}/v1" for one in hosts)]


def test_a_kept_credential_is_led_nowhere_else(door: Appliance, upstream: Fake) -> None:
    form = upstream.provider("acme")
    assert admin(door, "POST", "providers", form).status == 201
    for address in led_away(upstream):
        refused = [
            admin(door, "PATCH", "providers/acme", {"base_url": address}),
            admin(door, "PATCH", "providers/acme", {"base_url": address, "api_key": None, "name": "other", "kind": "openai"}),
            take_in(door, f'name = "acme"\nkind = "openai"\nbase_url = {json.dumps(address)}'),
        ]
        kept = admin(door, "GET", "providers/acme").json
        assert (kept["base_url"], kept["api_key_end"]) == (form["base_url"], "…cdef"), address
        assert [answer.status for answer in refused] == [400, 400, 400], address
    renamed = admin(door, "PATCH", "providers/acme", {"name": "other", "kind": "openai", "base_url": form["base_url"].upper()[:4]
                    + form["base_url"][4:]})  # fmt: skip
    assert (renamed.status, renamed.json["api_key_end"]) == (200, "…cdef"), "the scheme in capitals is the same address"
    assert admin(door, "POST", "providers/other/test").json["ok"]


def test_a_credential_of_the_settings_is_led_nowhere_else(appliance: MakeAppliance, upstream: Fake) -> None:
    filed = {**upstream.provider("filed"), "api_key_env": "FILED_KEY"}
    del filed["api_key"]
    environ = {
        "FILED_KEY": upstream.key,
        "OPENAI_API_KEY": "sk-openai-0123456789",
        "SAME_KEY": upstream.key,
        "FREE_KEY": upstream.key[::-1],
    }
    door = appliance(settings={"local_models": False, "providers": [filed]}, env=environ)
    with file_server() as files:
        files.files["/v1/models"] = b'{"data": []}'
        for name in ("FILED_KEY", "OPENAI_API_KEY", "SAME_KEY"):
            form = {"name": "own", "kind": "openai-compatible", "base_url": f"{files.url}/v1", "api_key_env": name}
            for path in ("providers", "providers/test"):
                refused = admin(door, "POST", path, form)
                assert (refused.status, refused.error["param"]) == (400, "api_key_env")
                assert "was given to" in refused.error["message"]
        assert files.asked == []
        assert admin(door, "POST", "providers/test", {**form, "api_key_env": "FREE_KEY"}).json["ok"]
    here = {**form, "base_url": filed["base_url"], "api_key_env": "FILED_KEY"}
    assert admin(door, "POST", "providers", here).status == 201, "where it was given for it may be used again"
    assert admin(door, "PATCH", "providers/own", {"base_url": "http://127.0.0.1:9/v1"}).status == 400
