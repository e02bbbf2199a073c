"""What the parts printed, and what was judged of peers, in a folder: `ours/PART.txt`, and for each peer a folder like ours.

A peer's `PART.own.txt` is judged on the types alone that it says it finds; about.json has its title and a note.
"""

import json
from pathlib import Path
from typing import NamedTuple

from tests.eval.lines import Output, output_of


class Peer(NamedTuple):
    title: str
    note: str
    parts: dict[str, Output]
    own: dict[str, Output]  # the same parts, on the peer's own types


class Outputs(NamedTuple):
    ours: dict[str, Output]
    peers: list[Peer]


def _parts_in(folder: Path, suffix: str) -> dict[str, Output]:
    paths = [path for path in sorted(folder.glob("*.txt")) if path.name == path.name.partition(".")[0] + suffix]
    return {path.name.removesuffix(suffix): output_of(path.read_text(encoding="utf-8")) for path in paths}


def outputs_in(folder: Path) -> Outputs:
    peers = []
    for path in sorted(folder.glob("*/about.json")):
        about = json.loads(path.read_text(encoding="utf-8"))
        peers.append(Peer(about["title"], about["note"], _parts_in(path.parent, ".txt"), _parts_in(path.parent, ".own.txt")))
    return Outputs(_parts_in(folder / "ours", ".txt"), peers)
