"""Where the server may connect to: every address is looked at, and only what passed is connected to."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from appliance.errors import UpstreamFailed
from appliance.settings import Settings
from appliance.upstream import site_names
from appliance.upstream.client import HttpClient
from appliance.upstream.download import Patience
from appliance.upstream.networks import Places
from appliance.upstream.origin import NotReachable, Origin, literal, taken_apart
from appliance.upstream.reach import Reach
from tests.fakes.files import Answer, file_server


class Names:
    """A name server that answers each time as the test says, and remembers what it was asked."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, origin: Origin) -> Sequence[str]:
        self.asked.append(origin.host)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


async def nobody(origin: Origin) -> Sequence[str]:
    raise AssertionError(f"a name server was asked for {origin.host}")


def provider(names: Any = nobody, **settings: Any) -> Reach:
    return Reach.for_provider(Settings(**settings), names)


async def addresses(reach: Reach, url: str) -> list[str]:
    return await reach.addresses(taken_apart(url)[0])


@pytest.mark.parametrize("url", ["http://127.0.0.1:8001/v1", "http://10.0.0.5/v1", "https://8.8.8.8/v1", "http://[fd12::1]:8000"])
async def test_an_administrators_provider_may_be_on_this_machine_in_its_network_or_on_the_internet(url: str) -> None:
    assert await addresses(provider(), url) == [taken_apart(url)[0].host]


REFUSED = [
    "http://169.254.169.254/latest/meta-data",
    "http://169.254.7.7/",
    "http://[fe80::1]/",
    "http://[fe80::1%25eth0]/",
    "http://[fd00:ec2::254]/",
    "http://[::ffff:169.254.169.254]/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[2002:a9fe:a9fe::]/",
    "http://[64:ff9b::169.254.169.254]/",
    "http://[64:ff9b:1::169.254.169.254]/",
    "http://[2001:0:a9fe:a9fe::1]/",
    "http://[::169.254.169.254]/",
    "http://100.64.0.9/",
    "http://100.100.100.200/",
    "http://168.63.129.16/",
    "http://0.0.0.0/",
    "http://[::]/",
    "http://224.0.0.251/",
    "http://255.255.255.255/",
    "http://metadata.google.internal/computeMetadata/v1/",
    "http://METADATA.google.internal./",
    "http://metadata/",
    "http://instance-data.ec2.internal/",
    "http://169。254。169。254/",
    "http://１６９.254.169.254/",  # noqa: RUF001 -- full width is the point
    "http://169.254.169.254./",
    "http://2852039166/",
    "http://0xa9fea9fe/",
    "http://0251.0376.0251.0376/",
    "http://169.254.43518/",
    "http://api.example@169.254.169.254/",
]


@pytest.mark.parametrize("url", REFUSED)
async def test_link_local_and_metadata_addresses_are_refused_in_every_spelling(url: str) -> None:
    with pytest.raises(NotReachable):
        await addresses(provider(), url)


@pytest.mark.parametrize("url", REFUSED)
async def test_a_refused_address_is_no_upstream_to_the_client_either(url: str) -> None:
    client = HttpClient(Patience(), provider())
    with pytest.raises(UpstreamFailed) as refused:
        await client.send("POST", url, {}, b"{}", "evil")
    assert refused.value.fix
    await client.close()


@pytest.mark.parametrize(
    ("allowed", "url"),
    [
        ("169.254.0.0/16", "http://169.254.169.254/"),
        ("169.254.169.254", "http://[::ffff:169.254.169.254]/"),
        ("100.64.0.0/10", "http://100.64.0.9/"),
        ("fe80::/10", "http://[fe80::1]/"),
        ("metadata.google.internal", "http://metadata.google.internal/"),
        ("*.google.internal", "http://metadata.google.internal/"),
    ],
)
async def test_what_an_administrator_listed_is_connected_to(allowed: str, url: str) -> None:
    names = Names(["169.254.169.254"])
    assert await addresses(provider(names, upstream_allowed=[allowed]), url)
    with pytest.raises(NotReachable):
        await addresses(provider(names, upstream_allowed=["192.168.0.0/16", "other.example"]), url)


async def test_of_a_names_addresses_only_those_that_pass_are_dialled() -> None:
    mixed = Names(["169.254.169.254", "10.0.0.5", "fe80::1%eth0", "::ffff:169.254.169.254", "8.8.8.8"])
    assert await addresses(provider(mixed), "http://models.example/") == ["10.0.0.5", "8.8.8.8"]
    with pytest.raises(NotReachable, match="metadata"):
        await addresses(provider(Names(["169.254.169.254"])), "http://models.example/")
    with pytest.raises(OSError, match="no address"):
        await addresses(provider(Names([])), "http://models.example/")


async def test_a_name_that_is_rebound_leads_to_the_address_that_was_looked_at_and_nowhere_else() -> None:
    """Each connection asks the name server once, looks at the answer, and connects to that very answer."""
    with file_server() as files:
        files.files["/a"] = b"hello"
        port = files.url.rpartition(":")[2]
        names = Names(["127.0.0.1"], ["169.254.169.254"])
        client = HttpClient(Patience(), provider(names))
        await client.open()
        answer = await client.send("GET", f"http://models.example:{port}/a", {}, b"", "the mirror")
        assert await answer.read() == b"hello"
        assert names.asked == ["models.example"]
        for connection in list(client.connections):
            connection.abort()
        with pytest.raises(UpstreamFailed, match="metadata"):
            await client.send("GET", f"http://models.example:{port}/a", {}, b"", "the mirror")
        await client.close()


async def test_the_client_connects_to_the_addresses_it_was_given_and_to_no_other() -> None:
    with file_server() as files:
        files.files["/a"] = b"hello"
        client = HttpClient(Patience(), provider(Names(["127.0.0.2", "127.0.0.1"])))  # nobody listens at the first
        await client.open()
        port = files.url.rpartition(":")[2]
        answer = await client.send("GET", f"http://models.example:{port}/a", {}, b"", "the mirror")
        assert await answer.read() == b"hello"
        await client.close()


async def test_a_redirect_is_handed_back_and_not_followed() -> None:
    with file_server() as files:
        files.next = [Answer(status=302, location=f"{files.url}/secret")]
        client = HttpClient(Patience())
        await client.open()
        answer = await client.send("GET", f"{files.url}/nowhere", {}, b"", "the mirror")
        assert answer.status == 302
        assert [asked.path for asked in files.asked] == ["/nowhere"]
        await answer.read()
        await client.close()


class TestWhatACallerNames:
    def public(self, names: Any = nobody, **settings: Any) -> Reach:
        return Reach.for_public(Settings(**settings), names)

    @pytest.mark.parametrize("url", ["https://8.8.8.8/", "https://pictures.example/a.png", "http://127.0.0.1/", *REFUSED])
    async def test_nothing_is_fetched_unless_an_administrator_lists_hosts(self, url: str) -> None:
        with pytest.raises(NotReachable):
            await addresses(self.public(), url)

    async def test_a_listed_host_is_asked_on_the_internet_over_https_and_nowhere_else(self) -> None:
        listed = {"image_hosts_allowed": ["pictures.example", "*.cdn.example"]}
        names = Names(["8.8.8.8"])
        assert await addresses(self.public(names, **listed), "https://pictures.example/a.png") == ["8.8.8.8"]
        assert await addresses(self.public(names, **listed), "https://eu.cdn.example/a.png") == ["8.8.8.8"]
        for url in ("http://pictures.example/", "https://cdn.example/", "https://pictures.example.evil.example/", "https://x/"):
            with pytest.raises(NotReachable):
                await addresses(self.public(names, **listed), url)
        for inner in ("127.0.0.1", "10.0.0.5", "192.168.1.1", "fd00::1", "100.64.0.1", "169.254.169.254", "::ffff:10.0.0.5"):
            with pytest.raises(NotReachable):
                await addresses(self.public(Names([inner]), **listed), "https://pictures.example/a.png")

    async def test_a_host_within_the_site_needs_both_lists(self) -> None:
        both = {"image_hosts_allowed": ["pictures.lan"], "upstream_allowed": ["pictures.lan"]}
        assert await addresses(self.public(Names(["10.0.0.5"]), **both), "http://pictures.lan/a.png") == ["10.0.0.5"]
        both = {"image_hosts_allowed": ["10.0.0.0/8"], "upstream_allowed": ["10.0.0.5"]}
        assert await addresses(self.public(**both), "http://10.0.0.5/a.png") == ["10.0.0.5"]
        for url in ("http://10.0.0.6/a.png", "https://10.0.0.6/a.png", "https://11.0.0.5/a.png"):
            with pytest.raises(NotReachable):
                await addresses(self.public(**both), url)

    def test_without_https_nothing_is_asked_through_a_proxy_either(self) -> None:
        """A proxy resolves the name, so that only what is known before can be looked at."""
        reach = self.public(image_hosts_allowed=["pictures.example"])
        reach.check(taken_apart("https://pictures.example/a.png")[0])
        with pytest.raises(NotReachable, match="https only"):
            reach.check(taken_apart("http://pictures.example/a.png")[0])


class TestAirGap:
    def reach(self, names: Any = nobody, **settings: Any) -> Reach:
        return provider(names, air_gap=True, **settings)

    async def test_only_the_networks_listed_are_open(self) -> None:
        for url in ("http://127.0.0.1:8001", "http://10.0.0.5", "http://192.168.7.7", "http://[fd00::5]", "http://[::1]:8000"):
            assert await addresses(self.reach(), url)
        for url in ("https://8.8.8.8", "https://[2606:4700::1111]", "http://192.0.2.1", "http://[::ffff:8.8.8.8]"):
            with pytest.raises(NotReachable, match="air_gap is on"):
                await addresses(self.reach(), url)
        narrow = self.reach(air_gap_networks=["10.1.0.0/16"])
        assert await addresses(narrow, "http://10.1.2.3") == ["10.1.2.3"]
        assert await addresses(narrow, "http://127.0.0.1") == ["127.0.0.1"]
        with pytest.raises(NotReachable, match="networks listed"):
            await addresses(narrow, "http://10.2.0.1")

    async def test_a_listed_upstream_does_not_lead_out_of_the_gap(self) -> None:
        with pytest.raises(NotReachable, match="air_gap is on"):
            await addresses(self.reach(upstream_allowed=["8.8.8.8"]), "https://8.8.8.8")

    async def test_no_name_server_is_asked_for_a_name_elsewhere(self) -> None:
        for host in ("api.openai.com", "models.corp.example", "evil.lan.example.com"):
            with pytest.raises(NotReachable, match="no name server is asked"):
                await addresses(self.reach(), f"https://{host}/v1")

    async def test_localhost_and_the_hosts_file_need_no_name_server(self, tmp_path: Path) -> None:
        assert await addresses(self.reach(), "http://localhost:8001") == ["127.0.0.1", "::1"]
        hosts = tmp_path / "hosts"
        hosts.write_text(
            "# comment\n10.0.0.5  gpu.example gpu # the rack\nbad line\n\nfd00::5\tGPU.example.\n8.8.8.8 evil.example\n"
        )
        assert site_names.known_here("gpu.example", hosts) == [literal("10.0.0.5"), literal("fd00::5")]
        assert site_names.known_here("gpu", hosts) == [literal("10.0.0.5")]
        assert site_names.known_here("comment", hosts) == []
        assert site_names.known_here("gpu.example", tmp_path / "none") == []

    def test_a_name_of_the_site_is_asked_only_of_a_name_server_within_it(self, tmp_path: Path) -> None:
        inside = Places(["10.0.0.0/8", "127.0.0.0/8", "models.corp.example", "*.gpu.example"])
        file = tmp_path / "resolv.conf"
        file.write_text("search corp.example\nnameserver 10.0.0.1\nnameserver 127.0.0.53\n")
        for host in ("box", "box.lan", "box.local", "models.corp.example", "a.gpu.example"):
            site_names.check_may_ask(host, inside, file)
        for host in ("corp.example", "other.corp.example", "api.openai.com", "lan.example"):
            with pytest.raises(NotReachable, match="no name server is asked"):
                site_names.check_may_ask(host, inside, file)
        for outside in ("8.8.8.8", "192.168.1.1", "fe80::1%eth0", "rubbish"):
            file.write_text(f"nameserver 10.0.0.1\nnameserver {outside}\n")
            with pytest.raises(NotReachable, match="name server"):
                site_names.check_may_ask("box.lan", inside, file)

    async def test_a_client_behind_an_air_gap_says_why_it_does_not_connect(self) -> None:
        client = HttpClient(Patience(), self.reach())
        with pytest.raises(UpstreamFailed, match=r"air_gap is on, and 8\.8\.8\.8 is in none of the networks") as refused:
            await client.send("GET", "https://8.8.8.8/v1/models", {}, b"", "openai")
        assert "air_gap_networks" in refused.value.fix
        await client.close()
