"""Rooms in the place of the real ones. A file says in JSON what its reader does with it."""

import json
import os
import threading
import time
from pathlib import Path
from typing import Any

from appliance.files.document import Change, Document, FileError, Line, Picture, Piece, Pixels, Redacted, Seen, Span, Where
from appliance.files.orders import Draw, EngineHere, Look, Read, Redact, Warm
from appliance.files.rooms import answering
from appliance.workers.child import Room

_kept: list[bytearray] = []
DRAWN = b"\x00\xff" * 50


def _acts(path: str) -> dict[str, Any]:
    acts: dict[str, Any] = json.loads(Path(path).read_bytes())
    if acts.get("crash"):
        os._exit(3)
    if acts.get("spin"):
        while True:
            pass
    time.sleep(acts.get("sleep", 0))
    if acts.get("memory"):
        _kept.append(bytearray(acts["memory"]))
    if acts.get("disk"):
        for number in range(8):
            Path(f"much-{number}").write_bytes(bytes(acts["disk"] // 8))
    for number in range(acts.get("empty", 0)):
        Path(f"nothing-{number}").touch()
    for _ in range(acts.get("threads", 0)):
        threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
    if acts.get("stay"):
        time.sleep(600)
    if acts.get("nested"):
        _deep()
    if "code" in acts:
        raise FileError(acts["code"], "words", "a fix")
    if acts.get("bug"):
        raise ValueError("a secret of the file")
    return acts


def _deep() -> None:
    _deep()


def read(order: Read) -> Any:
    acts = _acts(order.path)
    if "answer" in acts:
        return acts["answer"]
    texts = [*acts.get("texts", []), *(["pid " + str(os.getpid())] if acts.get("pid") else [])]
    pages = acts.get("pictures", 0)
    pictures = [
        Picture(number, Where("picture", page=number + 1), 10, 10, left=0.5, top=0.25, right=1.0, bottom=0.75)
        for number in range(pages)
    ]
    names = sorted(path.name.partition("-")[0] for path in Path().iterdir())
    texts += [f"name {order.name} password {order.password} folder {names}"] if acts.get("order") else []
    return Document("pdf", [Piece(text) for text in texts], pictures, pages=max(1, pages))


def picture(order: Draw) -> Pixels:
    acts = json.loads(Path(order.path).read_bytes()).get("drawn", {})
    time.sleep(acts.get("sleep", 0))
    if "code" in acts and order.number == 1:
        raise FileError(acts["code"], "too large a picture", "a fix")
    file = Path(f"drawn-{order.number}")
    if acts.get("link"):
        file.symlink_to(acts["link"])
    elif not acts.get("nothing"):
        file.write_bytes(DRAWN)
    return Pixels(acts.get("file", str(file)), acts.get("width", 10), 10, acts.get("channels", 1))


def redact(order: Redact) -> Redacted:
    acts = _acts(order.path)
    said = {
        "changes": [[c.piece, c.start, c.end, c.text] for c in order.changes],
        "pieces": [p.text for p in order.document.pieces],
    }
    if not acts.get("nothing"):
        Path(order.result).write_text(json.dumps(said))
    if acts.get("late"):
        raise FileError("MALFORMED", "words", "a fix")
    return Redacted("pdf", 1, ["metadata"])


def lines(order: Look) -> Seen:
    data = Path(order.pixels.file).read_bytes()
    text = f"seen {len(data)} by {order.engine}"
    return Seen(
        [Line(text, 0.5, 0.0, 0.0, 1.0, 0.5, [Span(0, 4, 0.0, 0.0, 0.5, 0.5)]), Line("two", 1.0, 0, 0.5, 1, 1)], "fake 1.0"
    )


def warm(order: Warm) -> list[EngineHere]:
    return [EngineHere("fake 1.0", ["Latn"])]


FILES = Room({"read": answering(Read, read), "picture": answering(Draw, picture), "redact": answering(Redact, redact)}, threads=1)
OCR = Room({"lines": answering(Look, lines), "warm": answering(Warm, warm)}, threads=1)
assert Change
