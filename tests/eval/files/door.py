"""The shipped program as those see it who have files looked at: `POST /v1/files/scan`, and what it answers."""

import http.client
import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from tests.running import Appliance, Fake, eventually

PATH = "/v1/files/scan?include_values=true"
BOUNDARY = "gatehouse-eval-5d2c"
SECONDS_MAX, START_SECONDS_MAX = 900.0, 180.0


class Found(NamedTuple):
    type: str
    value: str
    part: str
    page: int
    name: str
    hidden: str


class Told(NamedTuple):
    """What the answer says of one file. status: of the whole answer. code: the error's; "": none. seconds: what it took."""

    status: int
    kind: str
    verdict: str
    found: tuple[Found, ...]
    warnings: tuple[str, ...]
    code: str
    engine: str
    unread: tuple[str, ...]
    seconds: float


class Sent(NamedTuple):
    name: str
    data: bytes


def form(files: Sequence[Sent], password: str = "") -> bytes:
    """Names go as they are, in UTF-8, but for what would end the quotes."""
    parts = []
    for one in files:
        name = one.name.replace("\\", "\\\\").replace('"', "%22").encode()
        parts.append(b'Content-Disposition: form-data; name="file"; filename="' + name + b'"\r\n\r\n' + one.data)
    if password:
        parts.append(b'Content-Disposition: form-data; name="password"\r\n\r\n' + password.encode())
    edge = b"--" + BOUNDARY.encode()
    return b"".join(edge + b"\r\n" + part + b"\r\n" for part in parts) + edge + b"--\r\n"


def told_of(answer: dict[str, Any], status: int, seconds: float) -> Told:
    """Of one entry of `files`. A form that isn't the documented one is a KeyError."""
    found = tuple(
        Found(one["type"], one.get("value", ""), one["part"], one.get("page", 0), one.get("name", ""), one.get("hidden", ""))
        for one in answer["findings"]
    )
    error = answer["error"]
    return Told(
        status,
        answer["kind"] or "",
        answer["verdict"],
        found,
        tuple(answer["warnings"]),
        error["code"] if error else "",
        answer["engine"] or "",
        tuple(answer.get("unread", ())),
        seconds,
    )


class Door:
    """An appliance before a fake provider, and a key that may have values told."""

    def __init__(self, appliance: Appliance, fake: Fake) -> None:
        self.appliance, self.fake = appliance, fake
        scopes = ["chat", "files", "file_values"]
        made = appliance.call("POST", "/api/v1/admin/api-keys", {"name": "eval", "scopes": scopes}, token=appliance.owner_token)
        assert made.status == 201, made
        self.key = str(made.json["key"])

    def post(self, body: bytes, seconds: float = SECONDS_MAX, path: str = PATH) -> tuple[int, bytes]:
        """Status and body. Errors: OSError, HTTPException: no answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.appliance.port, timeout=seconds)
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        try:
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def scan(self, name: str, data: bytes, password: str = "") -> Told:
        """Asked again where it is too busy. Errors: OSError, HTTPException, ValueError, KeyError: no proper answer."""
        body, begun = form([Sent(name, data)], password), time.monotonic()
        while True:
            status, answer = self.post(body)
            if status not in (429, 503) or time.monotonic() - begun > SECONDS_MAX:
                break
            time.sleep(0.5)
        read, seconds = json.loads(answer), time.monotonic() - begun
        if status != 200:
            return Told(status, "", "refused", (), (), str(read["error"]["code"]), "", (), seconds)
        (only,) = read["files"]
        return told_of(only, status, seconds)

    def family(self) -> list[psutil.Process]:
        server = psutil.Process(self.appliance.pid)
        return [server, *server.children(recursive=True)]

    def cpu_seconds(self) -> float:
        """Of the server and of all its workers, those that have ended too."""
        total = 0.0
        for one in self.family():
            try:
                times = one.cpu_times()
            except psutil.NoSuchProcess:
                continue
            total += times.user + times.system + times.children_user + times.children_system
        return total

    def resident_bytes(self) -> int:
        """Of the server process alone: workers are renewed, and have bounds of their own."""
        return int(psutil.Process(self.appliance.pid).memory_info().rss)


def _is_ready(appliance: Appliance) -> bool:
    try:
        return appliance.call("GET", "/ready", timeout=3).status == 200
    except OSError:
        return False


@contextmanager
def opened(folder: Path, policy: str = "default", engine: str = "auto") -> Iterator[Door]:
    """Started, and stopped at the end: then everything must be in order."""
    fake = Fake("openai")
    try:
        settings: dict[str, Any] = {"providers": [fake.provider("fake")], "guardrail_policy": policy}
        if engine != "auto":
            settings["ocr"] = {"engine": engine, "models": os.environ.get("GATEHOUSE_OCR_MODELS", "")}
        appliance = Appliance(folder / "home", settings=settings)
        appliance.start(wait=False)
        try:
            eventually(lambda: appliance.is_running and _is_ready(appliance), START_SECONDS_MAX, 0.2)
            yield Door(appliance, fake)
        finally:
            appliance.stop()
    finally:
        fake.stop()
