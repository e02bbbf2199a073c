"""Files that somebody wants looked into, without Qt: which there are, how far each is, and what the gateway said of it."""

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec

from gui.plain_text import one_line

FILES_MAX = 1_000  # on the page
LOOKED_AT_MAX = 20_000  # entries of folders that are dropped
NAME_CHARACTERS_MAX = 200
PAGES_MAX = 100_000
LOSSES_MAX = 1  # after which a file is not sent by itself any more
Step = Literal["waiting", "sending", "reading", "done", "failed"]
Box = tuple[float, float, float, float]


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A finding, as the gateway tells it. `box`, `boxes`: left, top, right, bottom, in parts of 1 of its page."""

    type: str
    action: str = "flag"
    score: float = 1.0
    detector: str = ""
    start: int = 0
    end: int = 0
    part: str = "body"
    page: int = 0
    name: str = ""
    in_name: bool = False
    box: Box | None = None
    boxes: list[Box] = []
    hidden: str = ""
    engine: str = ""
    value: str | None = None

    @property
    def places(self) -> list[Box]:
        """Its boxes, within the page."""
        given = self.boxes or ([self.box] if self.box is not None else [])
        within = [(_part(one[0]), _part(one[1]), _part(one[2]), _part(one[3])) for one in given]
        return [one for one in within if one[0] <= one[2] and one[1] <= one[3]]


def _part(value: float) -> float:
    return min(1.0, max(0.0, value)) if value == value else 0.0  # not a number: none


class Problem(msgspec.Struct, frozen=True):
    """Why a file can't be read, or why the gateway didn't look. `code`: of files; `status`: of the call, 0 where none came."""

    message: str
    fix: str = ""
    code: str = ""
    status: int = 0


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What the gateway says of a file."""

    verdict: str
    kind: str | None = None
    findings: list[Found] = []
    warnings: list[str] = []
    error: Problem | None = None
    engine: str | None = None
    pages: int = 0
    unread: list[str] = []
    findings_left_out: int = 0


class _Answer(msgspec.Struct, frozen=True):
    files: list[Told]
    policy: str = ""


def told_of(body: Any) -> tuple[Told, str] | None:
    """What is said of the one file that was sent, and by which policy."""
    try:
        answer = msgspec.convert(body, _Answer)
    except msgspec.ValidationError:
        return None
    if len(answer.files) != 1 or not 0 <= answer.files[0].pages <= PAGES_MAX:
        return None
    return answer.files[0], answer.policy


class Item:
    """One file. `sent`: how much of it, from 0 to 1. `problem`: why nothing is known of it. `with_values`: they were asked for.
    `losses`: how often the gateway went while it had it. `password` was typed for it, and is forgotten with it."""

    def __init__(self, item_id: str, path: Path, size: int) -> None:
        self.id = item_id
        self.path = path
        self.name = path.name[:NAME_CHARACTERS_MAX] or "file"
        self.size = size
        self.step: Step = "waiting"
        self.sent = 0.0
        self.told: Told | None = None
        self.policy = ""
        self.problem: Problem | None = None
        self.losses = 0
        self.password = ""
        self.with_values = False

    @property
    def shown_name(self) -> str:
        return one_line(self.name, 160)

    @property
    def is_under_way(self) -> bool:
        return self.step in ("waiting", "sending", "reading")

    @property
    def wants_password(self) -> bool:
        return self.told is not None and self.told.error is not None and self.told.error.code == "ENCRYPTED"

    @property
    def can_be_saved(self) -> bool:
        """A redacted version can be written: all of it was read."""
        return self.told is not None and self.told.error is None and not self.told.unread and self.step == "done"

    @property
    def pages(self) -> int:
        """That can be drawn."""
        told = self.told
        drawn = told is not None and told.kind in ("pdf", "png", "jpeg", "webp", "tiff", "bmp", "gif") and told.error is None
        return told.pages if told is not None and drawn else 0

    def begin_again(self) -> None:
        """What was told stays until something else is."""
        self.step, self.sent, self.problem, self.losses = "waiting", 0.0, None, 0

    def lose(self) -> bool:
        """The gateway went while it had it. Whether it is worth another try: a file may be what brought it down."""
        self.losses += 1
        self.step, self.sent = "waiting", 0.0
        return self.losses <= LOSSES_MAX

    def take(self, told: Told, policy: str) -> None:
        self.told, self.policy, self.step, self.problem, self.losses = told, policy, "done", None, 0

    def forget_values(self) -> None:
        self.with_values = False
        if self.told is not None:
            bare = [msgspec.structs.replace(one, value=None) for one in self.told.findings]
            self.told = msgspec.structs.replace(self.told, findings=bare)

    def fail(self, problem: Problem) -> None:
        self.step, self.problem = "failed", problem


class Files:
    """In the order in which they came."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self._numbers = itertools.count(1)

    def get(self, item_id: str) -> Item | None:
        return next((one for one in self.items if one.id == item_id), None)

    def add(self, paths: Iterable[Path]) -> tuple[list[Item], int]:
        """Those that are new, and how many there is no room for."""
        here = {one.path for one in self.items}
        added: list[Item] = []
        left_out = 0
        for path in files_in(paths):
            if path in here:
                continue
            if len(self.items) >= FILES_MAX:
                left_out += 1
                continue
            here.add(path)
            item = Item(f"file{next(self._numbers)}", path, size_of(path))
            self.items.append(item)
            added.append(item)
        return added, left_out

    def remove(self, item_id: str) -> None:
        self.items = [one for one in self.items if one.id != item_id]

    def next_waiting(self) -> Item | None:
        return next((one for one in self.items if one.step == "waiting"), None)

    def count(self, *steps: Step) -> int:
        return sum(one.step in steps for one in self.items)

    @property
    def share(self) -> float:
        """How much is done, from 0 to 1."""
        done = self.count("done", "failed") + sum(one.sent / 2 for one in self.items if one.step in ("sending", "reading"))
        return done / len(self.items) if self.items else 0.0

    @property
    def savable(self) -> list[Item]:
        return [one for one in self.items if one.can_be_saved]


def files_in(paths: Iterable[Path]) -> Iterator[Path]:
    """Files as they are given, and those in folders that are, without hidden ones; links in folders are not followed."""
    looked_at = 0
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        pending = [path]
        while pending and looked_at < LOOKED_AT_MAX:
            folder = pending.pop()
            try:
                entries = sorted(folder.iterdir())
            except OSError:
                continue
            looked_at += len(entries)
            for entry in entries:
                if entry.name.startswith(".") or entry.is_symlink():
                    continue
                if entry.is_dir():
                    pending.append(entry)
                elif entry.is_file():
                    yield entry


def size_of(path: Path) -> int:
    """In bytes; 0 where that can't be told: whoever opens it will see."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


# The redacted ones


def redacted_name(name: str) -> str:
    stem, dot, ending = name.rpartition(".")
    return f"{stem}-redacted.{ending}" if dot and stem and len(ending) <= 8 else f"{name}-redacted"


def free_name(name: str, taken: set[str]) -> str:
    """One that no other has, whether letters are large or small; it is taken from now on."""
    stem, dot, ending = name.rpartition(".")
    stem, ending = (stem, f".{ending}") if dot and stem else (name, "")
    for number in itertools.count(1):
        wanted = name if number == 1 else f"{stem} ({number}){ending}"
        if wanted.lower() not in taken:
            taken.add(wanted.lower())
            return wanted
    raise AssertionError  # it counts for ever
