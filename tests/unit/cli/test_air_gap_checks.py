"""`gatehouse doctor --air-gap`: every upstream, and whether it is inside."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.cli.checks import air_gap
from appliance.cli.checks.finding import Finding, Patient
from appliance.home import Home
from appliance.settings import ProviderSettings, Settings

Examine = Callable[..., list[Finding]]


@pytest.fixture
def examine(tmp_path: Path) -> Examine:
    def examine(check: Any, environ: dict[str, str] | None = None, **settings: Any) -> list[Finding]:
        return list(check(Patient(Home(tmp_path), environ or {}, Settings(**settings))))

    return examine


def provider(name: str, url: str) -> ProviderSettings:
    return ProviderSettings(name=name, base_url=url)


@pytest.mark.parametrize("on", [False, True])
def test_each_provider_is_held_against_the_rules_whether_the_gap_is_on_or_off(examine: Examine, on: bool) -> None:
    inside = ["http://127.0.0.1:8001/v1", "http://localhost:8001/v1", "http://10.0.0.5/v1", "http://[fd00::5]/v1"]
    outside = ["https://api.openai.com/v1", "https://8.8.8.8/v1", "http://169.254.169.254/v1", "http://[2606:4700::1111]/v1"]
    rows = [provider(f"p{number}", url) for number, url in enumerate(inside + outside)]
    findings = examine(air_gap.upstreams, providers=rows, air_gap=on)
    assert [finding.state for finding in findings] == ["ok"] * len(inside) + ["fail"] * len(outside)
    assert findings[1].what == "localhost (127.0.0.1, ::1) is inside"
    for finding in findings:
        assert bool(finding.mend) is (finding.state != "ok"), finding


def test_the_networks_that_are_listed_are_those_that_count(examine: Examine) -> None:
    rows = [provider("near", "http://10.1.0.5/v1"), provider("far", "http://10.2.0.5/v1")]
    near, far = examine(air_gap.upstreams, providers=rows, air_gap_networks=["10.1.0.0/16"])
    assert (near.state, far.state) == ("ok", "fail")
    assert "10.1.0.0/16" in examine(air_gap.setting, air_gap=True, air_gap_networks=["10.1.0.0/16"])[0].what
    assert examine(air_gap.setting)[0].state == "warn"


def test_a_proxy_is_told_as_the_way_out_that_it_is(examine: Examine) -> None:
    assert examine(air_gap.proxy) == []
    assert examine(air_gap.proxy, upstream_proxy="http://p:1")[0].state == "fail"
    assert examine(air_gap.proxy, {"HTTPS_PROXY": "http://p:1"})[0].state == "warn"
    assert examine(air_gap.proxy, {"HTTPS_PROXY": "http://p:1"}, air_gap=True) == []
    assert examine(air_gap.proxy, {"HTTPS_PROXY": "http://p:1"}, upstream_proxy="none") == []


def test_without_a_server_there_are_no_connections_to_look_at(examine: Examine) -> None:
    assert examine(air_gap.connections) == []
