"""Where a download may connect to is decided by the address, and by who named it."""

import pytest

from appliance.settings import Settings
from appliance.upstream.download_reach import DownloadReach
from appliance.upstream.origin import NotReachable, taken_apart


async def addresses(reach: DownloadReach, url: str) -> list[str]:
    return await reach.addresses(taken_apart(url)[0])


async def test_what_an_administrator_names_may_be_anywhere_but_on_the_internet_only_over_https() -> None:
    for host in ("127.0.0.1", "10.0.0.5", "8.8.8.8"):
        assert await addresses(DownloadReach(f"https://{host}/", Settings()), f"https://{host}") == [host]
    assert await addresses(DownloadReach("http://10.0.0.5/", Settings()), "http://10.0.0.5") == ["10.0.0.5"]
    with pytest.raises(NotReachable, match="only https"):
        await addresses(DownloadReach("http://8.8.8.8/", Settings()), "http://8.8.8.8")


@pytest.mark.parametrize("target", ["127.0.0.1", "10.0.0.5", "169.254.169.254", "[::1]", "[::ffff:10.0.0.5]", "[2002:a00:5::1]"])
async def test_a_server_on_the_internet_can_not_send_us_into_the_network(target: str) -> None:
    reach = DownloadReach("https://8.8.8.8/model", Settings())
    await addresses(reach, "https://8.8.8.8")
    reach.follow("https://1.1.1.1/model")
    assert await addresses(reach, "https://1.1.1.1") == ["1.1.1.1"]
    reach.follow(f"https://{target}/")
    with pytest.raises(NotReachable):
        await addresses(reach, f"https://{target}")


async def test_a_mirror_within_the_site_may_lead_on_within_it_and_over_https_out_of_it() -> None:
    reach = DownloadReach("http://10.0.0.5/model", Settings())
    await addresses(reach, "http://10.0.0.5")
    reach.follow("https://10.0.0.6/model")
    assert await addresses(reach, "https://10.0.0.6") == ["10.0.0.6"]
    assert await addresses(reach, "https://8.8.8.8") == ["8.8.8.8"]
    assert await addresses(reach, "http://10.0.0.5") == ["10.0.0.5"]  # itself, as it was named
    with pytest.raises(NotReachable, match="without https"):
        await addresses(reach, "http://10.0.0.6")


async def test_behind_an_air_gap_nothing_leads_to_the_internet() -> None:
    with pytest.raises(NotReachable, match="air_gap is on"):
        await addresses(DownloadReach("https://8.8.8.8/", Settings(air_gap=True)), "https://8.8.8.8")
    assert await addresses(DownloadReach("https://10.0.0.5/", Settings(air_gap=True)), "https://10.0.0.5") == ["10.0.0.5"]
    with pytest.raises(NotReachable, match="air_gap is on"):
        await addresses(
            DownloadReach("https://10.0.0.5/", Settings(air_gap=True, air_gap_networks=["10.1.0.0/16"])), "https://10.0.0.5"
        )


async def test_a_mirror_at_an_address_that_is_refused_otherwise_is_one_that_an_administrator_listed() -> None:
    listed = Settings(upstream_allowed=["100.64.0.0/10"])
    assert await addresses(DownloadReach("http://100.64.0.9/", listed), "http://100.64.0.9") == ["100.64.0.9"]
    with pytest.raises(NotReachable, match=r"100\.64\.0\.0/10"):
        await addresses(DownloadReach("http://100.64.0.9/", Settings()), "http://100.64.0.9")


def test_what_is_no_web_address_is_refused() -> None:
    for url in ("ftp://a/", "http://u:p@a/", "http://a:99999/"):
        with pytest.raises(NotReachable):
            DownloadReach(url, Settings())
