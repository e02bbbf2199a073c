"""/docs and /redoc in a real browser whose network ends at this machine. Screenshots are kept in build/screenshots."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest

from tests.running import ROOT, Appliance

SCREENSHOTS = ROOT / "build" / "screenshots"
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
BROWSER_SECONDS_MAX = 60
# What Chromium asks its own makers, whatever page is open.
BROWSERS_OWN = (".google.com", ".googleapis.com", ".gvt1.com")

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium here (apt install chromium)")


class Seen(msgspec.Struct):
    """A page after its scripts have run."""

    dom: str
    console: str
    hosts: set[str]
    screenshot: Path


@pytest.fixture(scope="module")
def browse(door: Appliance, tmp_path_factory: pytest.TempPathFactory) -> "Browse":
    return Browse(door, tmp_path_factory.mktemp("browser"))


class Browse:
    """Opens a page of the door, once each."""

    def __init__(self, door: Appliance, folder: Path) -> None:
        self._door = door
        self._folder = folder
        self._seen: dict[str, Seen] = {}

    def __call__(self, path: str) -> Seen:
        if path not in self._seen:
            self._seen[path] = self._open(path, path.strip("/").partition("#")[0])
        return self._seen[path]

    def _open(self, path: str, name: str) -> Seen:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        screenshot, net_log = SCREENSHOTS / f"{name}.png", self._folder / f"{name}.json"
        screenshot.unlink(missing_ok=True)
        assert BROWSER is not None
        command = [
            BROWSER,
            "--headless",
            "--no-sandbox",  # needs user namespaces, which containers and root often lack
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--proxy-server=127.0.0.1:9",  # nobody listens there: only loopback, which goes around proxies, can be reached
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            f"--user-data-dir={self._folder / name}",
            f"--log-net-log={net_log}",
            "--enable-logging=stderr",
            "--window-size=1400,8000",  # high: operations that aren't in sight aren't in the page
            "--virtual-time-budget=10000",
            f"--screenshot={screenshot}",
            "--dump-dom",
            f"http://127.0.0.1:{self._door.port}{path}",
        ]
        done = self._run(command)
        console = "\n".join(line for line in done.stderr.splitlines() if "CONSOLE" in line)
        return Seen(done.stdout, console, hosts_in(net_log), screenshot)

    def _run(self, command: list[str]) -> "subprocess.CompletedProcess[str]":
        """Once more where the browser hangs, which it does now and then on a busy machine, whatever the page."""
        environment = {"PATH": os.environ["PATH"], "HOME": str(self._folder), "LANG": "C.UTF-8"}
        for seconds in (BROWSER_SECONDS_MAX / 2, BROWSER_SECONDS_MAX):
            try:
                return subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=True, env=environment)
            except subprocess.TimeoutExpired as error:
                hung = error
        raise hung


def hosts_in(net_log: Path) -> set[str]:
    """Every host that the browser tried to reach for the page."""
    events = json.loads(net_log.read_text("utf-8"))["events"]
    urls = {str(event["params"]["url"]) for event in events if "url" in event.get("params", {})}
    hosts = {urlsplit(url).hostname or "" for url in urls if url.startswith(("http", "ws"))}
    return {host for host in hosts if not f".{host}".endswith(BROWSERS_OWN)}


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_the_page_shows_the_routes_and_asks_nobody_else(browse: Browse, path: str) -> None:
    seen = browse(path)
    for text in ("/v1/chat/completions", "/api/v1/admin/api-keys", "/health", "Gatehouse API"):
        assert text in seen.dom
    assert seen.hosts == {"127.0.0.1"}
    assert "Uncaught" not in seen.console
    assert seen.screenshot.stat().st_size > 20_000


def test_swagger_finds_nothing_wrong_with_the_document(browse: Browse) -> None:
    dom = browse("/docs").dom
    assert "Resolver error" not in dom
    assert "errors-wrapper" not in dom
    assert "Failed to load" not in dom


def test_nothing_but_a_logo_is_turned_away(browse: Browse) -> None:
    """The page's policy blocks what its scripts may not do; a block that we don't know of hides a broken page."""
    refused = [line for path in ("/docs", "/redoc") for line in browse(path).console.splitlines() if "violates" in line]
    assert [line for line in refused if "redoc.ly/redoc/logo" not in line] == []


def test_the_document_describes_every_route_with_an_example_of_an_error(door: Appliance) -> None:
    document = door.call("GET", "/openapi.json").json
    for path in (
        "/v1/chat/completions",
        "/v1/embeddings",
        "/v1/models",
        "/api/v1/chat/completions",
        "/health",
        "/ready",
        "/metrics",
    ):
        assert path in document["paths"], path
    names = [operation["operationId"] for item in document["paths"].values() for operation in item.values()]
    assert len(names) == len(set(names))
