"""A real Chromium without a window, driven over its debugging pipe: typing and clicking as a person would, without scripts."""

import base64
import json
import os
import select
import shutil
import ssl
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.running import ROOT

POLICIES = Path("/etc/chromium")
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SCREENSHOTS = ROOT / "build" / "screenshots"
ANSWER_SECONDS_MAX = 60.0
_SILENT = (
    "--headless",
    "--no-sandbox",  # needs user namespaces, which containers and root often lack
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
)


class Chromium:
    """One page. `prefix`: a command that it runs behind, such as a network namespace's; `authority`: a PEM file that it trusts,
    as an administrator would hand it out (the policy CACertificates, in a mount namespace of its own)."""

    def __init__(self, folder: Path, prefix: Sequence[str] = (), authority: Path | None = None) -> None:
        assert BROWSER is not None
        folder.mkdir()
        to_it, from_us = os.pipe()
        to_us, from_it = os.pipe()
        policies = folder / "etc" / "policies" / "managed"
        policies.mkdir(parents=True)
        trusted = [base64.b64encode(ssl.PEM_cert_to_DER_cert(authority.read_text())).decode()] if authority else []
        (policies / "trust.json").write_text(json.dumps({"CACertificates": trusted}))
        mount = f"mount --bind {folder / 'etc'} {POLICIES} && " if authority else ""
        line = f'{mount}exec "$@" 3<&{to_it} 4>&{from_it}'
        words = [BROWSER, *_SILENT, f"--user-data-dir={folder / 'profile'}", "about:blank"]
        with (folder / "stderr").open("wb") as stderr:
            self._process = subprocess.Popen(
                [*prefix, *(["unshare", "-m"] if authority else []), "bash", "-c", line, "bash", *words],
                env={"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8"},
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                pass_fds=(to_it, from_it),
            )
        os.close(to_it)
        os.close(from_it)
        self._out, self._in, self._read, self._number, self._session = from_us, to_us, b"", 0, ""
        (target,) = [one for one in self._ask("Target.getTargets")["targetInfos"] if one["type"] == "page"]
        self._session = self._ask("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "DOM"):
            self._ask(f"{domain}.enable")
        self._ask("Emulation.setScriptExecutionDisabled", value=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        os.close(self._out)
        os.close(self._in)

    def open(self, url: str) -> str:
        """The browser's own word on what went wrong; empty where nothing did."""
        answer = self._ask("Page.navigate", url=url)
        if not answer.get("errorText"):
            self._loaded(answer["loaderId"])
        return str(answer.get("errorText", ""))

    @property
    def address(self) -> str:
        history = self._ask("Page.getNavigationHistory")
        return str(history["entries"][history["currentIndex"]]["url"])

    def text(self) -> str:
        """The page's HTML."""
        root = self._ask("DOM.getDocument", depth=0)["root"]["nodeId"]
        return str(self._ask("DOM.getOuterHTML", nodeId=root)["outerHTML"])

    def type(self, selector: str, words: str) -> None:
        """In place of what stands in the field."""
        self._ask("DOM.focus", nodeId=self._node(selector))
        self._key("a", 65, commands=["selectAll"])
        self._ask("Input.insertText", text=words)

    def press_enter(self) -> None:
        """In the field that has the focus; waits for the page that comes of it."""
        before = self._frame()
        self._key("Enter", 13, text="\r")
        self._until_another(before)

    def click(self, selector: str) -> None:
        """A link or a button; waits for the page that comes of it."""
        before, node = self._frame(), self._node(selector)
        self._ask("DOM.scrollIntoViewIfNeeded", nodeId=node)
        quad = self._ask("DOM.getContentQuads", nodeId=node)["quads"][0]
        place = {"x": (quad[0] + quad[4]) / 2, "y": (quad[1] + quad[5]) / 2, "button": "left", "clickCount": 1}
        for what in ("mousePressed", "mouseReleased"):
            self._ask("Input.dispatchMouseEvent", type=what, **place)
        self._until_another(before)

    def picture(self, name: str, *, dark: bool = False, width: int = 1000) -> tuple[Path, int]:
        """The whole page as a PNG, and how wide its content is."""
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self._ask("Emulation.setEmulatedMedia", features=scheme)
        self._ask("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=False)
        size = self._ask("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": width, "height": size["height"], "scale": 1}
        shot = self._ask("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        path.write_bytes(base64.b64decode(shot["data"]))
        return path, int(size["width"])

    def _key(self, key: str, code: int, **more: Any) -> None:
        for what in ("keyDown", "keyUp"):
            self._ask("Input.dispatchKeyEvent", type=what, key=key, windowsVirtualKeyCode=code, **more)

    def _node(self, selector: str) -> int:
        root = self._ask("DOM.getDocument", depth=0)["root"]["nodeId"]
        node = int(self._ask("DOM.querySelector", nodeId=root, selector=selector)["nodeId"])
        assert node, f"the page has no {selector}: {self.text()}"
        return node

    def _frame(self) -> str:
        return str(self._ask("Page.getFrameTree")["frameTree"]["frame"]["loaderId"])

    def _until_another(self, before: str) -> None:
        end = time.monotonic() + ANSWER_SECONDS_MAX
        while self._frame() == before:
            assert time.monotonic() < end, "no other page came"
            time.sleep(0.05)
        time.sleep(0.3)  # laid out; there is no script in it that one could wait for

    def _loaded(self, loader: str) -> None:
        end = time.monotonic() + ANSWER_SECONDS_MAX
        while self._frame() != loader:
            assert time.monotonic() < end, "the page did not come"
            time.sleep(0.05)
        time.sleep(0.3)

    def _ask(self, method: str, **params: Any) -> dict[str, Any]:
        self._number += 1
        session = {"sessionId": self._session} if self._session else {}
        message = {"id": self._number, "method": method, "params": params, **session}
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = json.loads(self._message())
            if answer.get("id") == self._number:
                assert "error" not in answer, (method, answer)
                found: dict[str, Any] = answer["result"]
                return found

    def _message(self) -> bytes:
        while b"\0" not in self._read:
            ready, _, _ = select.select([self._in], [], [], ANSWER_SECONDS_MAX)
            piece = os.read(self._in, 1 << 20) if ready else b""
            assert piece, "the browser says nothing more"
            self._read += piece
        message, _, self._read = self._read.partition(b"\0")
        return message
