"""Through the site's proxy, and past it: which connections go where, and what is said when the proxy fails."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest

from appliance.errors import UpstreamFailed, UpstreamTimeout
from appliance.home import CannotStart
from appliance.settings import Settings
from appliance.upstream.client import HttpClient
from appliance.upstream.origin import NotReachable, Origin, taken_apart
from appliance.upstream.proxy import Proxies, parsed
from appliance.upstream.reach import Reach
from tests.fakes.certificates import Certificates, made_certificates
from tests.fakes.proxy import PASSWORD, USER, FakeProxy

CREDENTIAL = f"{USER}:{PASSWORD.replace(':', '%3A')}"


class Limits(msgspec.Struct):
    connect_seconds_max: float = 3.0
    first_byte_seconds_max: float = 5.0
    between_bytes_seconds_max: float = 5.0
    answer_bytes_max: int = 1024 * 1024


class Provider:
    """Answers every request with hello, and remembers it."""

    def __init__(self) -> None:
        self.seen: list[bytes] = []
        self._open: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._listening: asyncio.Server

    async def start(self, tls: ssl.SSLContext | None) -> int:
        self._listening = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=tls)
        return int(self._listening.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        self._listening.close()
        for writer in self._open.values():
            writer.transport.abort()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open[task] = writer
        with suppress(asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
                self.seen.append(head)
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello")
        writer.transport.abort()
        del self._open[task]


class Site:
    """A proxy, a provider behind it, and a client that has to go through."""

    def __init__(self, proxy: FakeProxy, server: Provider, url: str, client: Callable[..., HttpClient]) -> None:
        self.proxy = proxy
        self.server = server
        self.url = url
        self.client = client

    async def ask(self, client: HttpClient, url: str = "") -> bytes:
        answer = await client.send("POST", f"{url or self.url}/v1/x?y=1", {"Authorization": "Bearer k"}, b"{}", "up")
        return await answer.read()


def server_tls(certificates: Certificates) -> ssl.SSLContext:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificates.server, certificates.server_key)
    return tls


@asynccontextmanager
async def site(
    tls: Certificates | None = None, proxy_tls: Certificates | None = None, credential: str = CREDENTIAL, ca_file: str = ""
) -> AsyncIterator[Site]:
    server, proxy = Provider(), FakeProxy()
    port = await server.start(server_tls(tls) if tls else None)
    await proxy.start(0, server_tls(proxy_tls) if proxy_tls else None)
    made: list[HttpClient] = []

    def client(**settings: Any) -> HttpClient:
        scheme, at = ("https" if proxy_tls else "http"), f"{credential}@" if credential else ""
        all_of_them = Settings(**{"upstream_proxy": f"{scheme}://{at}localhost:{proxy.port}", **settings})
        ca = ca_file or (str(tls.authority) if tls else "")
        made.append(HttpClient(Limits(), Reach.for_provider(all_of_them), Proxies.of(all_of_them, {}), ca_file=ca))
        return made[-1]

    try:
        yield Site(proxy, server, f"{'https' if tls else 'http'}://provider.example:{port}", client)
    finally:
        for one in made:
            await one.close()
        await proxy.stop()
        await server.stop()


async def test_a_plain_request_goes_through_in_absolute_form_with_the_credential_and_connections_are_kept() -> None:
    async with site() as here:
        client = here.client()
        await client.open()
        assert [await here.ask(client) for _ in range(3)] == [b"hello"] * 3
        for asked in here.proxy.asked:
            assert (asked.method, asked.target, asked.user) == ("POST", f"{here.url}/v1/x?y=1", USER)
        assert len(here.proxy.asked) == 3
        assert len(client.connections) == 1
        assert here.server.seen[0].startswith(b"POST /v1/x?y=1 HTTP/1.1\r\nhost: " + here.url.removeprefix("http://").encode())


async def test_https_goes_through_a_tunnel_that_shows_the_proxy_nothing_and_is_kept(tmp_path: Path) -> None:
    async with site(made_certificates(tmp_path, "provider.example")) as here:
        client = here.client()
        await client.open()
        assert [await here.ask(client) for _ in range(5)] == [b"hello"] * 5
        (asked,) = here.proxy.asked
        assert (asked.method, asked.target, asked.user) == ("CONNECT", here.url.removeprefix("https://"), USER)
        assert "Bearer" not in asked.head
        assert b"proxy-authorization" not in here.server.seen[0]


async def test_a_proxy_may_itself_be_asked_over_tls(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    provider, proxy = made_certificates(tmp_path, "provider.example"), made_certificates(tmp_path / "p", "localhost")
    both = tmp_path / "both.pem"
    both.write_bytes(provider.authority.read_bytes() + proxy.authority.read_bytes())
    async with site(provider, proxy, ca_file=str(both)) as here:
        assert [await here.ask(here.client()) for _ in range(2)] == [b"hello"] * 2
    async with site(None, proxy, ca_file=str(both)) as here:
        assert await here.ask(here.client()) == b"hello"
    async with site(provider, proxy) as here:
        with pytest.raises(UpstreamFailed, match="the proxy localhost shows a certificate") as refused:
            await here.ask(here.client())
        assert "upstream_ca_file" in refused.value.fix


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize(
    ("credential", "words"),
    [
        ("", "wants another user name or password"),
        ("site:wrong", "wants another user name or password"),
        ("refusing:x", r"does not connect to provider.example \(status 403\)"),
        ("rubbish:x", "no HTTP"),
        ("cut:x", "without an answer"),
        ("early:x", "not asked for"),
        ("endless:x", "no HTTP"),
    ],
)
async def test_a_proxy_that_fails_is_told_apart_from_the_provider(
    tmp_path: Path, secure: bool, credential: str, words: str
) -> None:
    async with site(made_certificates(tmp_path, "provider.example") if secure else None, credential=credential) as here:
        client = here.client()
        await client.open()
        if secure or "wants" in words:
            with pytest.raises(UpstreamFailed, match=words) as refused:
                await here.ask(client)
            assert "proxy" in refused.value.message
            assert "upstream_proxy" in refused.value.fix
            assert "s3cret" not in refused.value.message + refused.value.fix
        elif credential.startswith("refusing"):  # nobody can tell who said so
            assert (await client.send("POST", f"{here.url}/", {}, b"", "up")).status == 403
        elif not credential.startswith("early"):
            with pytest.raises(UpstreamFailed):
                await here.ask(client)
        await asyncio.sleep(0.05)
        assert not secure or not client.connections
        assert here.server.seen == []


async def test_a_proxy_that_is_slow_or_away_has_the_time_to_connect_and_no_more(tmp_path: Path) -> None:
    certificates = made_certificates(tmp_path, "provider.example")
    async with site(certificates, credential="slow:x") as here:
        with pytest.raises(UpstreamTimeout, match="could not be reached in time"):
            await here.ask(here.client())
    async with site(certificates) as here:
        with pytest.raises(UpstreamFailed, match=r"the proxy 127\.0\.0\.1 can't be connected to"):
            await here.ask(here.client(upstream_proxy="http://127.0.0.1:1"))


async def test_who_leaves_while_the_proxy_thinks_leaves_no_connection(tmp_path: Path) -> None:
    async with site(made_certificates(tmp_path, "provider.example"), credential="slow:x") as here:
        waiting = asyncio.ensure_future(here.ask(here.client()))
        await asyncio.sleep(0.2)
        assert len(here.proxy.asked) == 1
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254",
        "http://metadata.google.internal",
        "https://[fd00:ec2::254]",
        "http://2852039166",
        "http://0.0.0.0",
    ],
)
async def test_a_proxy_is_not_asked_for_what_is_refused_straight(url: str) -> None:
    async with site() as here:
        with pytest.raises(UpstreamFailed, match="is not connected to"):
            await here.ask(here.client(), url)
        assert here.proxy.asked == []


async def test_a_proxy_at_a_metadata_address_is_not_connected_to() -> None:
    async with site() as here:
        with pytest.raises(UpstreamFailed, match="metadata"):
            await here.ask(here.client(upstream_proxy="http://169.254.169.254"))


async def test_this_machine_and_the_exceptions_are_asked_straight() -> None:
    async with site() as here:
        port = here.url.rpartition(":")[2]
        for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]"):
            assert await here.ask(here.client(), f"http://{host}:{port}") == b"hello"
        assert here.proxy.asked == []


def way(proxies: Proxies, url: str) -> str:
    proxy = proxies.for_origin(taken_apart(url)[0])
    return f"{proxy.origin.host}:{proxy.origin.port}" if proxy else "straight"


def test_exceptions_are_hosts_what_is_below_them_and_networks() -> None:
    exceptions = ["10.0.0.0/8", "fd00::/8", "gpu.lan", "*.corp.example", ".inner.example"]
    proxies = Proxies.of(Settings(upstream_proxy="http://p:3128", upstream_proxy_exceptions=exceptions), {})
    for straight in (
        "http://10.1.2.3",
        "https://[fd00::1]",
        "http://gpu.lan",
        "https://a.b.corp.example",
        "https://x.inner.example",
    ):
        assert way(proxies, straight) == "straight"
    for through in ("http://11.1.2.3", "https://api.example", "https://corp.example", "https://xgpu.lan", "https://gpu.lan.evil"):
        assert way(proxies, through) == "p:3128"
    everything = Proxies.of(Settings(upstream_proxy="http://p:3128", upstream_proxy_exceptions=["*"]), {})
    assert way(everything, "https://api.example") == "straight"


def test_the_environments_proxies_count_where_no_setting_says_otherwise() -> None:
    environ = {"HTTPS_PROXY": "http://secure:1", "http_proxy": "plain:2", "NO_PROXY": "corp.example, .lan,10.0.0.0/8"}
    proxies = Proxies.of(Settings(), environ)
    assert way(proxies, "https://api.example") == "secure:1"
    assert way(proxies, "http://api.example") == "plain:2"
    for straight in ("https://corp.example", "https://a.corp.example", "http://gpu.lan", "http://10.0.0.1", "http://127.0.0.1:1"):
        assert way(proxies, straight) == "straight"
    assert way(Proxies.of(Settings(upstream_proxy="http://p:3128"), environ), "https://corp.example") == "p:3128"
    assert way(Proxies.of(Settings(upstream_proxy="none"), environ), "https://api.example") == "straight"
    assert way(Proxies.of(Settings(air_gap=True), environ), "https://api.example") == "straight"
    assert way(Proxies.of(Settings(), {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"}), "https://api.example") == "straight"
    assert way(Proxies.of(Settings(), {"HTTPS_PROXY": "socks5h://p:1"}), "https://api.example") == "straight"
    assert way(Proxies.of(Settings(), {"HTTPS_PROXY": "", "https_proxy": ""}), "https://api.example") == "straight"


def test_a_proxys_address_is_read_with_its_credential_and_never_shown() -> None:
    proxy = parsed("https://user%40site:p%3Ass@proxy.example")
    assert proxy.origin == Origin("proxy.example", 443, True)
    assert proxy.credential_line == "proxy-authorization: Basic dXNlckBzaXRlOnA6c3M=\r\n"
    for text in ("socks5://p:1", "http://", "http://user:sECRET@", "http://p:99999", "http://p:1/path?sECRET", "http://[::1"):
        with pytest.raises(NotReachable) as refused:
            parsed(text)
        assert "sECRET" not in refused.value.message + refused.value.fix
    with pytest.raises(CannotStart, match="upstream_proxy"):
        Proxies.of(Settings(upstream_proxy="socks5://p:1"), {})


class TestPrivateAuthority:
    async def test_a_sites_own_authority_is_believed_where_it_is_named(self, tmp_path: Path) -> None:
        certificates = made_certificates(tmp_path, "127.0.0.1")
        server = Provider()
        port = await server.start(server_tls(certificates))
        trusting = HttpClient(Limits(), ca_file=str(certificates.authority))
        assert await (await trusting.send("GET", f"https://127.0.0.1:{port}/", {}, b"", "up")).read() == b"hello"
        await trusting.close()
        doubting = HttpClient(Limits())
        with pytest.raises(UpstreamFailed, match="not trusted here") as refused:
            await doubting.send("GET", f"https://127.0.0.1:{port}/", {}, b"", "up")
        assert "upstream_ca_file" in refused.value.fix
        await doubting.close()
        await server.stop()

    def test_a_file_that_is_none_is_told_at_the_start(self, tmp_path: Path) -> None:
        rubbish = tmp_path / "rubbish.pem"
        rubbish.write_text("no certificate")
        for path, words in ((tmp_path / "nothing.pem", "can't be read"), (rubbish, "PEM"), (tmp_path, "can't be read|PEM")):
            with pytest.raises(CannotStart, match=words) as refused:
                HttpClient(Limits(), ca_file=str(path))
            assert refused.value.fix
