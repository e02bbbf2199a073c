"""The file that a peer's findings come in. Run by the peers' own Pythons too, so it needs nothing but Python's own library.

Texts are named by their SHA-256: no row of the labelled texts is written anywhere.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

Found = list[tuple[str, int, int, float]]  # type in the peer's own word, start, end, score


def key_of(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def texts_of(folder: Path, *names: str) -> Iterator[str]:
    for name in names:
        path = folder / name
        for line in path.read_text(encoding="utf-8").split("\n") if path.is_file() else ():
            if line.strip():
                yield json.loads(line)["text"]


def write(path: Path, about: dict[str, object], parts: dict[str, tuple[Callable[[str], Found], list[str]]]) -> None:
    """What a peer found in the texts of each part, by that part's finder.

    about: name, title, note, claims (the types that it says it finds) and bounds (least scores to try).
    """
    found = {part: {key_of(text): find(text) for text in texts} for part, (find, texts) in parts.items()}
    path.write_text(json.dumps({**about, "found": found}), encoding="utf-8")
