"""How well identifiers are found: `python -m tests.eval.pii FOLDER [--errors] [--speed]`.

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
from typing import Any, Protocol

from appliance.guardrails import encoded
from appliance.guardrails.detectors import bank, contact, dates, india, medical, nations, network, numbers
from appliance.guardrails.finding import Finding
from appliance.guardrails.guard import Guard
from appliance.guardrails.house import make_guard
from appliance.guardrails.scanner import Scanner
from tests.eval.lines import Count, count_line, figure_line

ELSEWHERE = frozenset({"PERSON", "ADDRESS", "LOCATION", "DATE_TIME"})
BOUND = 0.5
Span = tuple[int, int, str]


class Finder(Protocol):
    """Our scanner, or what a peer found (tests/eval/peers)."""

    def find(self, text: str) -> list[Finding]: ...


def scanner() -> Scanner:
    patterns = [one for room in (contact, numbers, india, nations, network, dates, medical, bank) for one in room.PATTERNS]
    types = tuple(sorted({kind for one in patterns for kind in one.types}))
    return Scanner([*patterns, *encoded.patterns(Scanner(patterns), types)])


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def found_in(scan: Finder, text: str) -> list[Finding]:
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

    def print(self, table: str) -> None:
        for kind in sorted({*self.hits, *self.missed, *self.wrong}):
            hits = self.hits[kind]
            print(count_line(table, kind, Count(hits, hits + self.missed[kind], self.wrong[kind])))

    def sum(self) -> Count:
        hits, missed, wrong = (sum(one.values()) for one in (self.hits, self.missed, self.wrong))
        return Count(hits, hits + missed, wrong)


def judged(row: dict[str, Any]) -> list[Span]:
    return [(one["start"], one["end"], one["type"]) for one in row["spans"] if one["type"] not in ELSEWHERE]


class Judgement:
    """Of everything in the folder, or of `kinds` alone: a peer's own types."""

    def __init__(self, scan: Finder, folder: Path, kinds: frozenset[str] | None = None) -> None:
        self.scan, self.kinds = scan, kinds
        self.together, self.exact, self.hidden = Score(), Score(), Score()
        self.parts: dict[str, dict[str, Score]] = {"source": defaultdict(Score), "lang": defaultdict(Score)}
        self.alike, self.alarms = Counter[str](), Counter[str]()
        self.ways, self.ways_found = Counter[str](), Counter[str]()
        self.shown: list[str] = []
        for row in rows_of(folder / "pii.jsonl"):
            self._plain(row)
        if (folder / "pii_obfuscated.jsonl").is_file():
            for row in rows_of(folder / "pii_obfuscated.jsonl"):
                self._hidden(row)

    def _counts(self, kind: str) -> bool:
        return self.kinds is None or kind in self.kinds

    def _plain(self, row: dict[str, Any]) -> None:
        everything = [one for one in found_in(self.scan, row["text"]) if self._counts(one.type)]
        text = row["text"]
        if row.get("hard"):
            self.alike[str(row["hard"])] += 1
            self.alarms[str(row["hard"])] += bool(everything)
            self.shown += [f"LOOKALIKE {one.type} {text[one.start : one.end]!r} in {text[:160]!r}" for one in everything]
        labels = [one for one in judged(row) if one[2] in row["labelled"] and self._counts(one[2])]
        found = [one for one in everything if one.type in row["labelled"]]
        missed, wrong = self.together.add(labels, found)
        self.exact.add(labels, found, exact=True)
        self.parts["source"][row["source"].partition(":")[0]].add(labels, found)
        self.parts["lang"][row.get("lang") or "-"].add(labels, found)
        self.shown += [f"MISSED {kind} {text[start:end]!r} in {_around(text, start, end)}" for start, end, kind in missed]
        self.shown += [
            f"WRONG {one.type} {text[one.start : one.end]!r} {one.score} in {_around(text, one.start, one.end)}" for one in wrong
        ]

    def _hidden(self, row: dict[str, Any]) -> None:
        labels = [one for one in judged(row) if self._counts(one[2])]
        missed, _ = self.hidden.add(labels, [one for one in found_in(self.scan, row["text"]) if self._counts(one.type)])
        self.ways[row["obf"]] += len(labels)
        self.ways_found[row["obf"]] += len(labels) - len(missed)
        self.shown += [f"HIDDEN {row['obf']} {kind} {row['text'][start:end]!a} in {row['text']!a}" for start, end, kind in missed]

    def print(self) -> None:
        self.together.print("type")
        for table, scores in self.parts.items():
            for name, score in sorted(scores.items()):
                print(count_line(table, name, score.sum()))
        for name, number in sorted(self.alike.items()):
            print(count_line("look-alike", name, Count(false=self.alarms[name], harmless=number)))
        self.hidden.print("hidden type")
        for name, number in sorted(self.ways.items()):
            print(count_line("hidden", name, Count(self.ways_found[name], number)))
        if self.together.sum().labels:
            for name, value in zip(("precision", "recall", "f1"), self.together.rates(), strict=True):
                print(figure_line(f"eval_pii_{name}", value))
            print(figure_line("eval_pii_exact_f1", self.exact.rates()[2]))
        if self.alike:
            print(figure_line("eval_pii_lookalike_percent", 100 * self.alarms.total() / self.alike.total(), "%"))
        if self.hidden.sum().labels:
            print(figure_line("eval_pii_obfuscated_recall", self.hidden.rates()[1]))


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
    scan = scanner()
    judgement = Judgement(scan, arguments.folder)
    judgement.print()
    cuts(arguments.folder)
    if arguments.speed:
        speed(scan)
    if arguments.errors:
        print("\n".join(judgement.shown))


if __name__ == "__main__":
    main()
