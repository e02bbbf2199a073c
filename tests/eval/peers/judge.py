"""Judges what peers found as our own findings are judged: `python -m tests.eval.peers.judge FOLDER OUTPUTS FOUND…`.

Of each FOUND (a file of found_file.py) the outputs of the parts go to OUTPUTS/PEER/, in the form of our own: `pii.txt`
of all types, `pii.own.txt` of those alone that the peer says it finds, `secrets.txt`; and about.json, with its title
and what is to be known."""

import json
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from appliance.guardrails.finding import Finding
from tests.eval import pii, secrets
from tests.eval.peers.found_file import key_of
from tests.eval.peers.type_names import claimed, type_name


def _surest(one: list[Any]) -> tuple[Any, ...]:
    """In an order of its own: Presidio tells its findings in another one each time."""
    kind, start, end, score = one
    return -score, start - end, start, kind


class Recorded:
    """A peer's findings in the place of our scanner: of `kinds` alone, at least as sure as `bound`.

    Where they overlap the surest remains, then the longest, as in Presidio's own anonymizer.
    """

    def __init__(self, found: dict[str, list[list[Any]]], bound: float, kinds: frozenset[str] | None = None) -> None:
        self.found, self.bound, self.kinds = found, bound, kinds

    def find(self, text: str) -> list[Finding]:
        wanted = [
            Finding(type=type_name(kind), start=start, end=end, score=1.0, detector="peer")
            for kind, start, end, score in sorted(self.found.get(key_of(text), []), key=_surest)
            if score >= self.bound and (self.kinds is None or type_name(kind) in self.kinds)
        ]
        taken: list[Finding] = []
        for one in wanted:
            if all(one.end <= other.start or one.start >= other.end for other in taken):
                taken.append(one)
        return taken


def labelled(folder: Path) -> frozenset[str]:
    return frozenset(kind for row in pii.rows_of(folder / "pii.jsonl") for kind in row["labelled"])


class PiiOfPeer:
    """Judged on some types, at that of the peer's bounds which suits it best on these very rows: in its favour."""

    def __init__(self, folder: Path, peer: dict[str, Any], kinds: frozenset[str], only: frozenset[str] | None) -> None:
        tried = {bound: pii.Judgement(Recorded(peer["found"]["pii"], bound, kinds), folder, only) for bound in peer["bounds"]}
        self.bound = max(tried, key=lambda bound: tried[bound].together.rates()[2])
        self.judgement = tried[self.bound]


def print_to(path: Path, show: Callable[[], None]) -> None:
    with path.open("w", encoding="utf-8") as file, redirect_stdout(file):
        show()


def judge(folder: Path, output: Path, peer: dict[str, Any]) -> None:
    output.mkdir(parents=True, exist_ok=True)
    note, found = peer["note"], peer["found"]
    if "pii" in found:
        kinds = labelled(folder)
        own = claimed(peer["claims"]) & kinds
        every, its = PiiOfPeer(folder, peer, kinds, None), PiiOfPeer(folder, peer, own, own)
        print_to(output / "pii.txt", every.judgement.print)
        print_to(output / "pii.own.txt", its.judgement.print)
        if len(peer["bounds"]) > 1:
            tried = ", ".join(str(bound) for bound in peer["bounds"])
            note += f" As the least score {tried} were tried; the best for it on these rows hold: {every.bound} for all types, "
            note += f"{its.bound} for its own."
        note += f" Labelled here, and not among what it says it finds: {', '.join(sorted(kinds - own)) or 'nothing'}."
    if "secrets" in found:
        texts = found["secrets"]
        print_to(output / "secrets.txt", secrets.Judgement(lambda text: bool(texts.get(key_of(text))), folder).print)
    (output / "about.json").write_text(json.dumps({"title": peer["title"], "note": note}), encoding="utf-8")


def main(folder: Path, outputs: Path, found: list[Path]) -> None:
    for path in found:
        peer = json.loads(path.read_text(encoding="utf-8"))
        judge(folder, outputs / peer["name"], peer)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), [Path(one) for one in sys.argv[3:]])
