"""A file that was made, and what is known of it: where which value stands, and what its reader is to say."""

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

LABELS, FILES = "labels.jsonl", "files.jsonl"
HIDDEN, GPS = "HIDDEN_TEXT", "GPS"
# Groups, each with a figure of its own.
PDF_TEXT, DOCX, SCAN_CLEAN, SCAN_HARD, IMAGE_TEXT, TEXTS = "pdf_text", "docx", "scan_clean", "scan_hard", "image_text", "texts"
CLEAN, HOSTILE = "clean", "hostile"
RECALLED = (PDF_TEXT, DOCX, SCAN_CLEAN, SCAN_HARD, IMAGE_TEXT, TEXTS)


class Label(NamedTuple):
    """place: as `Where.part` says it (appliance/files/document.py). value "": only that something of the type is there.
    note: how it stands there, for people, such as "white on white". page: from 1 on; 0: its reader needn't tell."""

    place: str
    type: str
    value: str
    note: str = ""
    page: int = 0


class MadeFile(NamedTuple):
    """codes: of the errors one of which is right; () : it must be read. notices: of the warnings that it must have.
    may_be_read: whether an answer without error is right too. sent_as: the name that its sender gives it; None: its own."""

    name: str
    data: bytes
    kind: str
    group: str
    labels: tuple[Label, ...] = ()
    codes: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    may_be_read: bool = False
    sent_as: str | None = None


Maker = Callable[[random.Random], Iterator[MadeFile]]


def write(made: Iterator[MadeFile], folder: Path) -> list[MadeFile]:
    """Into `folder`, and what is known of them into its two lists; given back without their bytes.

    Shapes:  labels.jsonl has a line for each value: file, place, type, value, note, page; files.jsonl one for each file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    names = set()
    with (folder / LABELS).open("a", encoding="utf-8") as labels, (folder / FILES).open("a", encoding="utf-8") as files:
        for one in made:
            assert one.name not in names, f"{one.name} is made twice"
            names.add(one.name)
            (folder / one.name).write_bytes(one.data)
            for label in one.labels:
                labels.write(json.dumps({"file": one.name, **label._asdict()}, ensure_ascii=False) + "\n")
            known = {key: value for key, value in one._asdict().items() if key not in ("data", "labels")}
            files.write(json.dumps(known, ensure_ascii=False) + "\n")
            written.append(one._replace(data=b""))
    return written
