"""What a program calls itself, as a person would say it: "Firefox on Linux". It is a claim, and told for recognising only."""

CHARACTERS_MAX = 60
# The first that stands in it: nearly every browser names those before it as well.
_BROWSERS = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "SamsungBrowser/": "Samsung Internet",
    "Firefox/": "Firefox",
    "FxiOS/": "Firefox",
    "CriOS/": "Chrome",
    "HeadlessChrome/": "Chrome",
    "Chrome/": "Chrome",
    "Safari/": "Safari",
}
_SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "CrOS": "ChromeOS",
    "Windows": "Windows",
    "Mac OS X": "macOS",
    "Linux": "Linux",
}


def browser_name(agent: str) -> str:
    """Of a program that is no browser: its own words."""
    browser = next((name for mark, name in _BROWSERS.items() if mark in agent), "")
    if not browser:
        return agent[:CHARACTERS_MAX] or "A program without a name"
    system = next((name for mark, name in _SYSTEMS.items() if mark in agent), "")
    return f"{browser} on {system}" if system else browser
