"""A small gateway with only what the Files page asks: for screens that a real one shows seldom (a slow answer, a
refusal, a thousand findings). A process of its own; models_stand_in.py says why."""

import re
import struct
import zlib
from pathlib import Path
from typing import Any

from tests.gui.models_stand_in import Hold, Json, Stage, serve

SCAN, PAGE = "/api/v1/files/scan", "/api/v1/files/page"


def finding(kind: str = "US_SSN", page: int = 1, **more: Any) -> Json:
    top = more.pop("top", 0.2)
    box = {"box": [0.1, top, 0.4, top + 0.03]} if page else {}
    return {
        "type": kind, "start": 5, "end": 16, "score": 0.9, "detector": kind.lower(), "action": "mask", "part": "body",
        "page": page, **box, **more,
    }  # fmt: skip


def verdict(name: str, verdict: str = "clean", *findings: Json, **more: Any) -> Json:
    """A FileVerdict."""
    return {
        "name": name, "kind": "pdf", "verdict": verdict, "findings": list(findings), "warnings": [], "error": None,
        "engine": None, "pages": 1, "unread": [], "findings_left_out": 0, **more,
    }  # fmt: skip


class StandIn(Hold):
    """`told`: of files, by their name; others are clean."""

    def __init__(self, home: Path, told: dict[str, Json] | None = None) -> None:
        super().__init__(home, "tests.gui.files_stand_in", {"told": told or {}})

    @property
    def pages(self) -> list[str]:
        """Which pages were asked for, and how wide."""
        return [path.partition("?")[2] for _, path, _ in self.calls if path.startswith(PAGE)]


class Gateway(Stage):
    def __init__(self, told: dict[str, Json]) -> None:
        super().__init__()
        self.told = told

    def about(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        where, _, query = path.partition("?")
        if where == PAGE:
            return 200, png(400, 560)
        if where != SCAN:
            return 200, {}
        (name,) = re.findall(r'filename="([^"]*)"', body)
        if "redact" in query:
            return 200, f"redacted {name}"
        return 200, {"files": [self.told.get(name) or verdict(name)], "policy": "default@1"}


def png(width: int, height: int) -> bytes:
    """A page with lines on it."""
    rows = b"".join(b"\0" + (b"\x60" if row % 28 < 6 and row > 40 else b"\xff") * width for row in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    made = (struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(made)


if __name__ == "__main__":
    serve(Gateway)
