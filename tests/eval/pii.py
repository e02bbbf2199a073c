"""How well identifiers are found: `python -m tests.eval.pii FOLDER [--errors] [--obfuscated] [--speed]`.

FOLDER holds pii.jsonl and pii_obfuscated.jsonl (their README tells the format). Judged are the types that a row says are fully
labelled. A finding counts where its score is at least 0.5, its type is the label's, and the two overlap by at least half of
both; each label is found once, by the finding that overlaps it most. `exact`: the same with equal spans.
PERSON, ADDRESS and LOCATION are judged elsewhere.
"""

import argparse
import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from appliance.guardrails import encoded
from appliance.guardrails.detectors import bank, contact, dates, india, medical, nations, network, numbers
from appliance.guardrails.finding import Finding
from appliance.guardrails.guard import Guard
from appliance.guardrails.house import make_guard
from appliance.guardrails.scanner import Scanner

ELSEWHERE = frozenset({"PERSON", "ADDRESS", "LOCATION", "DATE_TIME"})
BOUND = 0.5
Span = tuple[int, int, str]


def scanner() -> Scanner:
    patterns = [one for room in (contact, numbers, india, nations, network, dates, medical, bank) for one in room.PATTERNS]
    types = tuple(sorted({kind for one in patterns for kind in one.types}))
    return Scanner([*patterns, *encoded.patterns(Scanner(patterns), types)])


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def found_in(scan: Scanner, text: str) -> list[Finding]:
    return [one for one in scan.find(text) if one.score >= BOUND and one.type not in ELSEWHERE]


def same(label: Span, found: Finding, exact: bool) -> int:
    """How many characters they share; 0: not the same."""
    if label[2] != found.type or (exact and (label[0], label[1]) != (found.start, found.end)):
        return 0
    shared = min(label[1], found.end) - max(label[0], found.start)
    return shared if shared * 2 >= max(label[1] - label[0], found.end - found.start) else 0


class Score:
    def __init__(self) -> None:
        self.hits: Counter[str] = Counter()
        self.missed: Counter[str] = Counter()
        self.wrong: Counter[str] = Counter()

    def add(self, labels: list[Span], found: list[Finding], exact: bool = False) -> tuple[list[Span], list[Finding]]:
        left, missed = list(found), []
        for label in labels:
            best = max(left, key=lambda one: same(label, one, exact), default=None)
            if best is None or not same(label, best, exact):
                missed.append(label)
                continue
            left.remove(best)
            self.hits[label[2]] += 1
        self.missed.update(one[2] for one in missed)
        self.wrong.update(one.type for one in left)
        return missed, left

    def rates(self, kinds: Iterable[str] | None = None) -> tuple[float, float, float]:
        chosen = set(kinds) if kinds is not None else {*self.hits, *self.missed, *self.wrong}
        hits, missed, wrong = (sum(one[kind] for kind in chosen) for one in (self.hits, self.missed, self.wrong))
        precision, recall = hits / max(1, hits + wrong), hits / max(1, hits + missed)
        return precision, recall, 2 * precision * recall / max(1e-9, precision + recall)

    def table(self, title: str) -> None:
        print(f"\n{title:<16} labels found wrong      P      R     F1")
        for kind in sorted({*self.hits, *self.missed, *self.wrong}):
            precision, recall, f1 = self.rates([kind])
            labels = self.hits[kind] + self.missed[kind]
            print(
                f"{kind:<16} {labels:>6} {self.hits[kind]:>5} {self.wrong[kind]:>5} {precision:>6.3f} {recall:>6.3f} {f1:>6.3f}"
            )


def judged(row: dict[str, Any]) -> list[Span]:
    return [(one["start"], one["end"], one["type"]) for one in row["spans"] if one["type"] not in ELSEWHERE]


def plain(scan: Scanner, folder: Path, shown: list[str]) -> None:
    by_source: dict[str, Score] = defaultdict(Score)
    together, exact = Score(), Score()
    hard = flagged = 0
    for row in rows_of(folder / "pii.jsonl"):
        everything = found_in(scan, row["text"])
        if row.get("hard"):
            hard += 1
            flagged += bool(everything)
            shown += [f"LOOKALIKE {one.type} {row['text'][one.start : one.end]!r} in {row['text'][:160]!r}" for one in everything]
        labels = [one for one in judged(row) if one[2] in row["labelled"]]
        found = [one for one in everything if one.type in row["labelled"]]
        missed, wrong = together.add(labels, found)
        by_source[row["source"].partition(":")[0]].add(labels, found)
        exact.add(labels, found, exact=True)
        shown += [
            f"MISSED {kind} {row['text'][start:end]!r} in {_around(row['text'], start, end)}" for start, end, kind in missed
        ]
        shown += [
            f"WRONG {one.type} {row['text'][one.start : one.end]!r} {one.score} in {_around(row['text'], one.start, one.end)}"
            for one in wrong
        ]
    for source, score in by_source.items():
        score.table(source)
        print(f"{source}: P {score.rates()[0]:.4f} R {score.rates()[1]:.4f} F1 {score.rates()[2]:.4f}")
    together.table("together")
    for name, value in zip(("precision", "recall", "f1"), together.rates(), strict=True):
        print(f"figure eval_pii_{name} {value:.4f} ratio")
    print(f"figure eval_pii_exact_f1 {exact.rates()[2]:.4f} ratio")
    print(f"figure eval_pii_lookalike_percent {100 * flagged / max(1, hard):.2f} %")


def obfuscated(scan: Scanner, folder: Path, shown: list[str]) -> None:
    score, ways = Score(), {True: Counter[str](), False: Counter[str]()}
    for row in rows_of(folder / "pii_obfuscated.jsonl"):
        missed, _ = score.add(judged(row), found_in(scan, row["text"]))
        ways[bool(missed)][row["obf"]] += 1
        shown += [f"HIDDEN {row['obf']} {kind} {row['text'][start:end]!a} in {row['text']!a}" for start, end, kind in missed]
    score.table("obfuscated")
    for way in sorted({*ways[True], *ways[False]}):
        print(f"{way:<20} found {ways[False][way]:>3} missed {ways[True][way]:>3}")
    print(f"figure eval_pii_obfuscated_recall {score.rates()[1]:.4f} ratio")


def cuts(folder: Path) -> None:
    """As a stream cuts them, one character at a time, and in two at every place: how many ways find something else."""
    guard = make_guard(lambda key: False)
    ways = wrong = 0
    for row in rows_of(folder / "pii_stream.jsonl"):
        text = row["text"]
        whole = [(one.start, one.end, one.type) for one in guard.scanner.find(text)]
        pieces = [row["chunks"], list(text), *([text[:cut], text[cut:]] for cut in range(1, len(text)))]
        for one in pieces:
            ways += 1
            wrong += _in_pieces(guard, one) != whole
    print(f"{ways} ways to cut {folder.name}/pii_stream.jsonl")
    print(f"figure eval_stream_cuts_wrong {wrong} ways")


def _in_pieces(guard: Guard, pieces: list[str]) -> list[Span]:
    got: list[Span] = []
    place = 0

    def act(part: str, found: list[Finding]) -> str:
        nonlocal place
        got.extend((one.start + place, one.end + place, one.type) for one in found)
        place += len(part)
        return part

    window = guard.window(act)
    for piece in pieces:
        window.feed(piece)
    window.last()
    return got


def _around(text: str, start: int, end: int) -> str:
    return repr(text[max(0, start - 50) : start] + "[[" + text[start:end] + "]]" + text[end : end + 25])


PROSE = (
    "The committee met again on Tuesday to discuss whether the new library should open at weekends, and who would pay for it. "
)
FORM = (
    "Name: Ada Byron\nDOB: 10/12/1980\nPhone: +44 20 7946 0958\n"
    "Email: ada@example.org\nPAN: ABCPE1234F\nCard: 4111 1111 1111 1111\n"
)


def speed(scan: Scanner) -> None:
    for name, text, unit in (
        ("prose", (PROSE * 100)[:10_240], 10),
        ("form", (FORM * 100)[:10_240], 10),
        ("prose_devanagari", ("यह समिति मंगलवार को फिर मिली और चर्चा हुई। " * 400)[:3_600], 10),
        ("200_chars", (PROSE + FORM)[:200], 1),
    ):
        scan.find(text)
        least = float("inf")
        for _ in range(30):
            begun = time.perf_counter()
            scan.find(text)
            least = min(least, time.perf_counter() - begun)
        print(f"figure pii_us_{name} {least * 1e6 / unit:.0f} us" + ("/kB" if unit > 1 else ""))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--errors", action="store_true", help="print what was missed and what was wrong")
    parser.add_argument("--speed", action="store_true", help="microseconds a kB, on one core")
    arguments = parser.parse_args()
    shown: list[str] = []
    scan = scanner()
    plain(scan, arguments.folder, shown)
    obfuscated(scan, arguments.folder, shown)
    cuts(arguments.folder)
    if arguments.speed:
        speed(scan)
    if arguments.errors:
        print("\n".join(shown))


if __name__ == "__main__":
    main()
