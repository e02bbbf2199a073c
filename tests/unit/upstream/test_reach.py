"""Where a download may connect to is decided by the address, and by who named it."""

from collections.abc import Sequence

import pytest

from appliance.errors import UpstreamFailed
from appliance.upstream.client import HttpClient, Origin
from appliance.upstream.download import Patience
from appliance.upstream.reach import Kind, NotReachable, Reach, addresses_of_site, kind_of
from tests.fakes.files import file_server


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("127.0.0.1", "loopback"),
        ("127.9.9.9", "loopback"),
        ("::1", "loopback"),
        ("::ffff:127.0.0.1", "loopback"),
        ("64:ff9b::7f00:1", "loopback"),
        ("10.1.2.3", "site"),
        ("172.16.0.1", "site"),
        ("192.168.1.1", "site"),
        ("100.64.0.1", "site"),
        ("fd00::1", "site"),
        ("::ffff:10.0.0.1", "site"),
        ("64:ff9b::a00:1", "site"),
        ("8.8.8.8", "internet"),
        ("2606:4700::1111", "internet"),
        ("64:ff9b::808:808", "internet"),
        ("169.254.169.254", "none"),
        ("::ffff:169.254.169.254", "none"),
        ("fe80::1%eth0", "none"),
        ("0.0.0.0", "none"),
        ("::", "none"),
        ("224.0.0.1", "none"),
        ("ff02::1", "none"),
    ],
)
def test_addresses_are_told_apart_however_they_are_written(address: str, kind: Kind) -> None:
    assert kind_of(address) == kind


async def addresses(reach: Reach, host: str, *, is_tls: bool = True) -> list[str]:
    return await reach.addresses(Origin(host, 443, is_tls))


async def test_what_an_administrator_names_may_be_anywhere_but_on_the_internet_only_over_https() -> None:
    for host in ("127.0.0.1", "10.0.0.5", "8.8.8.8"):
        assert await addresses(Reach(f"https://{host}/", air_gap=False), host) == [host]
    assert await addresses(Reach("http://10.0.0.5/", air_gap=False), "10.0.0.5", is_tls=False) == ["10.0.0.5"]
    with pytest.raises(NotReachable, match="only https"):
        await addresses(Reach("http://8.8.8.8/", air_gap=False), "8.8.8.8", is_tls=False)


@pytest.mark.parametrize("target", ["127.0.0.1", "10.0.0.5", "169.254.169.254", "::1", "::ffff:10.0.0.5"])
async def test_a_server_on_the_internet_can_not_send_us_into_the_network(target: str) -> None:
    reach = Reach("https://8.8.8.8/model", air_gap=False)
    await addresses(reach, "8.8.8.8")
    reach.follow("https://1.1.1.1/model")
    assert await addresses(reach, "1.1.1.1") == ["1.1.1.1"]
    reach.follow(f"https://[{target}]/" if ":" in target else f"https://{target}/")
    with pytest.raises(NotReachable):
        await addresses(reach, target)


async def test_a_mirror_within_the_site_may_lead_on_within_it_and_over_https_out_of_it() -> None:
    reach = Reach("http://10.0.0.5/model", air_gap=False)
    await addresses(reach, "10.0.0.5", is_tls=False)
    reach.follow("https://10.0.0.6/model")
    assert await addresses(reach, "10.0.0.6") == ["10.0.0.6"]
    assert await addresses(reach, "8.8.8.8") == ["8.8.8.8"]
    assert await addresses(reach, "10.0.0.5", is_tls=False) == ["10.0.0.5"]  # itself, as it was named
    with pytest.raises(NotReachable, match="without https"):
        await addresses(reach, "10.0.0.6", is_tls=False)


async def test_behind_an_air_gap_nothing_leads_to_the_internet() -> None:
    with pytest.raises(NotReachable, match="air_gap is on"):
        await addresses(Reach("https://8.8.8.8/", air_gap=True), "8.8.8.8")
    assert await addresses(Reach("https://10.0.0.5/", air_gap=True), "10.0.0.5") == ["10.0.0.5"]
    assert await addresses_of_site(Origin("127.0.0.1", 80, False)) == ["127.0.0.1"]
    with pytest.raises(UpstreamFailed, match="air_gap is on"):
        await addresses_of_site(Origin("8.8.8.8", 443, True))


@pytest.mark.parametrize("url", ["ftp://a/", "file:///etc/passwd", "//a/", "a", "http://", "http://u:p@a/", "http://a:99999/"])
def test_what_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(NotReachable):
        Reach(url, air_gap=False)


async def test_the_client_connects_to_the_addresses_it_was_given_and_to_no_other() -> None:
    async def resolve(origin: Origin) -> Sequence[str]:
        assert origin.host == "models.example"  # a name that nobody resolves
        return ["127.0.0.2", "127.0.0.1"]  # nobody listens at the first

    with file_server() as files:
        files.files["/a"] = b"hello"
        client = HttpClient(Patience(), resolve)
        await client.open()
        port = files.url.rpartition(":")[2]
        answer = await client.send("GET", f"http://models.example:{port}/a", {}, b"", "the mirror")
        assert await answer.read() == b"hello"
        await client.close()


async def test_a_client_behind_an_air_gap_says_why_it_does_not_connect() -> None:
    client = HttpClient(Patience(), addresses_of_site)
    await client.open()
    with pytest.raises(UpstreamFailed, match=r"air_gap is on, and 8\.8\.8\.8 is on the internet"):
        await client.send("GET", "https://8.8.8.8/v1/models", {}, b"", "openai")
    await client.close()
