"""A browser by a name that people know."""

import pytest

from appliance.api.browser_name import browser_name

_WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
AGENTS = {
    "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0": "Firefox on Linux",
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_WEBKIT} Chrome/150.0.0.0 Safari/537.36": "Chrome on Windows",
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_WEBKIT} Chrome/150.0.0.0 Safari/537.36 Edg/150.0.0.0": "Edge on Windows",
    f"Mozilla/5.0 (Linux; Android 10; K) {_WEBKIT} Chrome/150.0.0.0 Mobile Safari/537.36": "Chrome on Android",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/19.0 Safari/605.1.15": "Safari on macOS",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) CriOS/150.0 Mobile Safari/604.1": "Chrome on iPhone",
    f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {_WEBKIT} Chrome/150.0.0.0 Safari/537.36": "Chrome on ChromeOS",
    f"Mozilla/5.0 {_WEBKIT} Chrome/150.0.0.0": "Chrome",
    "curl/8.14.1": "curl/8.14.1",
    "x" * 200: "x" * 60,
    "": "A program without a name",
}


@pytest.mark.parametrize("agent", AGENTS)
def test_a_browser_has_the_name_that_people_know(agent: str) -> None:
    assert browser_name(agent) == AGENTS[agent]
