"""Where the shipped program connects to: not one packet leaves an air gap; a proxy and a private authority are believed."""

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.calls import Answer
from tests.conftest import MakeAppliance, MakeFake
from tests.fakes.certificates import made_certificates
from tests.fakes.files import file_server
from tests.running import ROOT, Appliance, Fake, NetworkNamespace, ProgramFailed, environment, eventually

# Prints where each packet goes that leaves by the trap. MLD and router solicitations are the kernel's own.
TRAP = """
import ipaddress, socket, sys
trap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.ntohs(3))
trap.bind(("out0", 0))
print("ready", flush=True)
while True:
    data, (_, kind, direction, *_) = trap.recvfrom(65536)
    if direction != socket.PACKET_OUTGOING:
        continue
    if kind == 0x0800:
        print(ipaddress.ip_address(data[16:20]), data[9], flush=True)
    elif kind == 0x86DD:
        if not (data[6] in (0, 58) and data[24] == 0xFF):
            print(ipaddress.ip_address(data[24:40]), data[6], flush=True)
    else:
        print("kind", hex(kind), flush=True)
"""
# A provider that closes each connection; below /moved it sends whoever asks to a metadata service.
CLOSING = """
import http.server, json
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        moved = self.path.startswith("/moved")
        choice = {"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}
        body = json.dumps({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}).encode()
        self.send_response(302 if moved else 200)
        if moved:
            self.send_header("location", "http://169.254.169.254/v1/chat/completions")
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print(json.dumps({"port": server.server_address[1]}), flush=True)
server.serve_forever()
"""
ELSEWHERE = {
    "v4": "http://203.0.113.9:8080/v1",
    "v6": "http://[2001:db8:9::9]:8080/v1",
    "named": "https://api.openai.com/v1",
    "lan": "http://models.lan:8000/v1",
    "mapped": "http://[::ffff:203.0.113.9]/v1",
    "metadata": "http://169.254.169.254/v1",
}


def providers(**addresses: str) -> list[dict[str, Any]]:
    return [{"name": name, "base_url": url, "api_key": "k", "models": ["m"]} for name, url in addresses.items()]


def chat(model: str) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": "Hello!"}]}


class WithHosts(NetworkNamespace):
    """A namespace in which programs read another hosts file, as if a name server had answered."""

    def __init__(self, inner: NetworkNamespace, hosts: Path) -> None:
        self._inner = inner
        self._hosts = hosts

    @property
    def prefix(self) -> list[str]:
        mounted = 'mount --bind "$0" /etc/hosts && exec "$@"'
        return [*self._inner.prefix, "unshare", "-m", "sh", "-c", mounted, str(self._hosts)]


class Trap:
    """The only way out of a namespace: everything sent there is seen, and goes nowhere."""

    def __init__(self, namespace: NetworkNamespace, file: Path) -> None:
        self._file = file
        self._seen = 0
        for arguments in (
            ["link", "add", "out0", "type", "veth", "peer", "name", "out1"],
            ["link", "set", "out0", "addrgenmode", "none", "arp", "off"],
            ["link", "set", "out0", "up"],
            ["link", "set", "out1", "addrgenmode", "none"],
            ["link", "set", "out1", "up"],
            ["addr", "add", "198.18.0.1/24", "dev", "out0"],
            ["addr", "add", "2001:db8::1/64", "dev", "out0", "nodad"],
            ["route", "add", "default", "dev", "out0"],
            ["-6", "route", "add", "default", "dev", "out0"],
        ):
            subprocess.run([*namespace.prefix, "ip", *arguments], check=True)
        with file.open("wb") as output:
            self._process = subprocess.Popen([*namespace.prefix, sys.executable, "-c", TRAP], stdout=output)
        eventually(lambda: "ready" in file.read_text())

    def packets(self) -> set[str]:
        """Where they went since the test began."""
        return {line.split()[0] for line in self._lines()[self._seen :]}

    def forget(self) -> None:
        self._seen = len(self._lines())

    def _lines(self) -> list[str]:
        return self._file.read_text().splitlines()

    def close(self) -> None:
        self._process.kill()
        self._process.wait(10)


@pytest.fixture(scope="module")
def only_way_out(namespace: NetworkNamespace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trap]:
    made = Trap(namespace, tmp_path_factory.mktemp("trap") / "packets")
    yield made
    made.close()


@pytest.fixture
def trap(only_way_out: Trap) -> Trap:
    only_way_out.forget()
    return only_way_out


@contextmanager
def serving(namespace: NetworkNamespace, *arguments: str) -> Iterator[int]:
    """The port of a Python program that serves within the namespace."""
    process = subprocess.Popen(
        [*namespace.prefix, sys.executable, *arguments],
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        yield int(json.loads(process.stdout.readline())["port"])
    finally:
        process.terminate()
        process.communicate(timeout=10)


@pytest.fixture
def inner_port(namespace: NetworkNamespace) -> Iterator[int]:
    """A provider within the namespace."""
    with serving(namespace, "-m", "tests.fakes.openai") as port:
        yield port


def ask_inside(box: Appliance, namespace: NetworkNamespace, model: str) -> Answer:
    return namespace.call("POST", f"{box.url}/v1/chat/completions", chat(model), token=box.first_run_key)


def test_behind_an_air_gap_not_one_packet_leaves(
    appliance: MakeAppliance, namespace: NetworkNamespace, trap: Trap, inner_port: int
) -> None:
    settings = {
        "air_gap": True,
        "air_gap_networks": ["192.0.2.0/24"],
        "local_models": False,
        "providers": [
            *providers(**ELSEWHERE, inner=f"http://127.0.0.1:{inner_port}/v1"),
            {"name": "asked", "base_url": "https://api.example.com/v1", "api_key": "k"},  # is asked for its models at the start
        ],
    }
    box = appliance(settings=settings, env={"HTTPS_PROXY": "http://203.0.113.1:3128"}, namespace=namespace)
    for name in ELSEWHERE:
        answer = ask_inside(box, namespace, f"{name}/m")
        assert answer.status == 502, answer
        assert "air_gap is on" in answer.json["error"]["message"]
    assert ask_inside(box, namespace, "inner/m").status == 401, "what is inside is asked, and wants another key"
    doctor = box.command("doctor", "--air-gap", "--json")
    assert doctor.returncode == 1, doctor.stdout + doctor.stderr
    found = {finding["name"]: finding for finding in json.loads(doctor.stdout)["findings"]}
    assert {name for name in ELSEWHERE if found[f"provider {name}"]["state"] == "fail"} == set(ELSEWHERE)
    assert found["provider inner"]["state"] == "ok"
    assert found["connections"]["state"] == "ok"
    for source in ([], ["--from", "http://203.0.113.9/models"], ["--from", "https://mirror.example.com/models"]):
        got = box.command("models", "get", "qwen3-0.6b", *source)
        assert got.returncode != 0, got.stdout
        assert "air_gap is on" in got.stdout + got.stderr
    assert trap.packets() == set()


def test_without_an_air_gap_the_trap_sees_them(appliance: MakeAppliance, namespace: NetworkNamespace, trap: Trap) -> None:
    """What makes the test above mean something."""
    settings = {"local_models": False, "connect_seconds_max": 1.0, "providers": providers(**ELSEWHERE)}
    box = appliance(settings=settings, namespace=namespace)
    for name in ("v4", "v6", "named", "metadata"):
        assert ask_inside(box, namespace, f"{name}/m").status in (502, 504)
    packets = trap.packets()
    assert {"203.0.113.9", "2001:db8:9::9"} <= packets
    assert "169.254.169.254" not in packets


def test_what_is_within_the_air_gap_is_reached(
    appliance: MakeAppliance, namespace: NetworkNamespace, trap: Trap, inner_port: int
) -> None:
    inner = {"name": "inner", "base_url": f"http://127.0.0.1:{inner_port}/v1", "api_key": "sk-fake-0123456789abcdef"}
    settings = {"air_gap": True, "air_gap_networks": [], "local_models": False, "providers": [inner]}
    box = appliance(settings=settings, namespace=namespace)
    assert ask_inside(box, namespace, "inner/gpt-4o").status == 200
    doctor = box.command("doctor", "--air-gap")
    assert doctor.returncode == 0, doctor.stdout
    assert "all inside" in doctor.stdout
    assert trap.packets() == set()


def test_a_name_that_changes_its_mind_and_a_provider_that_redirects_lead_nowhere(
    appliance: MakeAppliance, namespace: NetworkNamespace, trap: Trap, tmp_path: Path
) -> None:
    cases = {
        "a": ("169.254.169.254", "metadata service"),
        "b": ("::ffff:169.254.169.254", "metadata service"),
        "c": ("169.254.7.7", "link-local"),
        "d": ("100.64.0.9", "100.64.0.0/10"),
    }
    hosts = tmp_path / "hosts"
    hosts.write_text("".join(f"127.0.0.1 {name}.example\n" for name in cases))
    inside = WithHosts(namespace, hosts)
    if (tried := inside.run("true")).returncode:
        pytest.skip(f"no file can be mounted over another here: {tried.stderr.strip()}")
    with serving(namespace, "-c", CLOSING) as port:
        urls = {name: f"http://{name}.example:{port}/v1" for name in cases}
        named = providers(**urls, moved=f"http://127.0.0.1:{port}/moved/v1")
        box = appliance(settings={"local_models": False, "providers": named}, namespace=inside)
        assert {ask_inside(box, namespace, f"{name}/m").status for name in cases} == {200}
        assert ask_inside(box, namespace, "moved/m").status == 502
        hosts.write_text("".join(f"{address} {name}.example\n" for name, (address, _) in cases.items()))
        for name, (_, words) in cases.items():
            answer = ask_inside(box, namespace, f"{name}/m")
            assert answer.status == 502
            assert words in answer.json["error"]["message"]
    assert trap.packets() == set()


def test_metadata_addresses_are_no_providers(appliance: MakeAppliance, namespace: NetworkNamespace, trap: Trap) -> None:
    urls = [
        "http://169.254.169.254/v1",
        "http://[::ffff:a9fe:a9fe]/v1",
        "http://2852039166/v1",
        "http://metadata.google.internal/v1",
    ]
    named = providers(**{f"p{number}": url for number, url in enumerate(urls)})
    box = appliance(settings={"local_models": False, "providers": named}, namespace=namespace)
    for number in range(len(urls)):
        answer = ask_inside(box, namespace, f"p{number}/m")
        assert answer.status == 502, answer
        assert "is not connected to" in answer.json["error"]["message"]
        assert answer.json["error"]["fix"]
    assert trap.packets() == set()


def test_callers_can_not_choose_a_host(appliance: MakeAppliance, namespace: NetworkNamespace, trap: Trap) -> None:
    there = "http://203.0.113.9:8080/v1"
    fields = ("base_url", "api_base", "api_url", "url", "proxy", "webhook", "callback_url", "custom_llm_provider", "user")
    content = [{"type": "image_url", "image_url": {"url": f"{there}/a.png"}}]
    with serving(namespace, "-c", CLOSING) as port:
        inner = providers(inner=f"http://127.0.0.1:{port}/v1")
        box = appliance(settings={"local_models": False, "connect_seconds_max": 1.0, "providers": inner}, namespace=namespace)
        for body in (dict.fromkeys(fields, there), {"messages": [{"role": "user", "content": content}]}):
            url = f"{box.url}/v1/chat/completions?base_url={there}"
            assert namespace.call("POST", url, chat("inner/m") | body, token=box.first_run_key).status == 200
        for model in (there, "inner@203.0.113.9", "//203.0.113.9/m", "openai/gpt-4o"):
            assert ask_inside(box, namespace, model).status == 404
        for model in (f"inner/{there}", "inner/@203.0.113.9/x", "inner///203.0.113.9/m"):  # odd names to its provider, no more
            assert ask_inside(box, namespace, model).status == 200
    assert trap.packets() == set()


def test_an_images_address_is_fetched_from_listed_hosts_alone(appliance: MakeAppliance, fake: MakeFake) -> None:
    openai = fake("openai")
    here = ["127.0.0.1"]
    closed = appliance(settings={"local_models": False, "providers": [openai.provider("up")]})
    listed = {"image_hosts_allowed": here, "upstream_allowed": here}
    opened = appliance(settings={"local_models": False, "providers": [openai.provider("up")], **listed})
    image = b"\x89PNG\r\n\x1a\n" + bytes(100)
    with file_server() as files:
        files.files["/a.png"] = image
        url = f"{files.url}/a.png"
        assert sent_on(closed, openai, url) == url
        assert files.asked == []
        assert sent_on(opened, openai, url) == f"data:image/png;base64,{base64.b64encode(image).decode()}"
        assert [asked.path for asked in files.asked] == ["/a.png"]
        content = [{"type": "image_url", "image_url": {"url": url}}]
        passed = {"model": "up/gpt-4o", "messages": [{"role": "user", "content": content}]}
        assert opened.chat(passed).status == 200
        assert image_seen(openai) == url, "what passes through is left alone"
        refused = describe(opened, f"{files.url}/none.png")
        assert refused.status == 400
        assert "its host says 404" in refused.json["error"]["message"]


def describe(box: Appliance, url: str) -> Answer:
    content = [{"type": "text", "text": "What is it?"}, {"type": "image", "source": {"type": "url", "url": url}}]
    body = {"model": "up/gpt-4o", "max_tokens": 50, "messages": [{"role": "user", "content": content}]}
    return box.call("POST", "/v1/messages", body, token=box.first_run_key)


def sent_on(box: Appliance, openai: Fake, url: str) -> str:
    """What the provider was given for an image's address, in a request of another dialect than its own."""
    answer = describe(box, url)
    assert answer.status == 200, answer
    return image_seen(openai)


def image_seen(openai: Fake) -> str:
    sent = [seen["body"] for seen in openai.call("GET", "/_seen").json if seen["body"]]  # not the questions for its models
    content = json.loads(sent[-1])["messages"][-1]["content"]
    return str(next(part["image_url"]["url"] for part in content if part["type"] == "image_url"))


def test_providers_are_reached_through_the_sites_proxy(appliance: MakeAppliance, fake: MakeFake, tmp_path: Path) -> None:
    certificates = made_certificates(tmp_path, "provider.example")
    openai, proxy = fake("openai", certificates=certificates), fake("proxy")
    settings = {
        "upstream_proxy": f"http://site:s3cret%3Aword@localhost:{proxy.port}",
        "upstream_ca_file": str(certificates.authority),
        "local_models": False,
        "providers": [
            {**openai.provider("plain"), "base_url": f"http://provider.example:{openai.port}/v1"},
            {**openai.provider("secure"), "base_url": f"https://provider.example:{openai.tls_port}/v1"},
            openai.provider("here"),
        ],
    }
    box = appliance(settings=settings)
    for name in ("plain", "secure", "here"):
        assert box.chat(chat(f"{name}/gpt-4o")).status == 200
    with box.chat_stream(chat("secure/gpt-4o")) as answer:
        assert answer.collect().content == "You said: Hello!"
    asked = proxy.call("GET", "/_seen").json
    assert {entry["method"] for entry in asked} == {"CONNECT", "GET", "POST"}
    assert {entry["user"] for entry in asked} == {"site"}
    assert "s3cret" not in box.command("settings").stdout + box.output_tail(500)


def test_a_sites_own_authority_is_believed_where_it_is_named(appliance: MakeAppliance, fake: MakeFake, tmp_path: Path) -> None:
    certificates = made_certificates(tmp_path, "localhost")
    openai = fake("openai", certificates=certificates)
    secure = {**openai.provider("up"), "base_url": f"https://localhost:{openai.tls_port}/v1"}
    settings = {"local_models": False, "providers": [secure]}
    doubted = appliance(settings=settings).chat(chat("up/gpt-4o"))
    assert doubted.status == 502
    assert "upstream_ca_file" in doubted.json["error"]["fix"]
    believing = appliance(settings={**settings, "upstream_ca_file": str(certificates.authority)})
    assert believing.chat(chat("up/gpt-4o")).status == 200


def test_a_proxy_that_refuses_is_told_with_the_mend(appliance: MakeAppliance, fake: MakeFake) -> None:
    proxy = fake("proxy")
    settings = {
        "upstream_proxy": f"http://site:wrong@localhost:{proxy.port}",
        "providers": providers(secure="https://provider.example/v1"),
    }
    answer = appliance(settings=settings).chat(chat("secure/m"))
    assert answer.status == 502
    assert "the proxy localhost wants another user name or password" in answer.json["error"]["message"]
    assert "upstream_proxy" in answer.json["error"]["fix"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"upstream_ca_file": "/nowhere/ca.pem"}, "can't be read"),
        ({"upstream_proxy": "socks5://proxy:1080"}, "no address of an HTTP proxy"),
        ({"upstream_proxy": "http://proxy:1", "air_gap": True}, "nobody knows where it leads"),
        ({"upstream_allowed": ["169.254.0.0/99"]}, "neither a network nor a host"),
        ({"air_gap_networks": ["10.0.0.0/8", "my network"]}, "neither a network nor a host"),
    ],
)
def test_a_setting_that_can_not_be_right_is_told_at_the_start(
    appliance: MakeAppliance, settings: dict[str, Any], words: str
) -> None:
    box = appliance(settings=settings, start=False)
    with pytest.raises(ProgramFailed, match="before it was ready"):
        box.start()
    assert words in box.output
