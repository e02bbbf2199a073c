"""How well names and addresses are found: `python -m tests.eval.names DATA_FOLDER [--show PERSON|ADDRESS]`.

Judged are the rows of sources that annotate the type at all. Two rules: the exact span; and overlap (same type, and at least half
of each covered by the other), one to one. Some sources annotate addresses in pieces (number, street, then the town as a
LOCATION): `joined` counts pieces with nothing but blanks and commas between them as one address, which is what a policy hides.
"""

import argparse
import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from appliance.guardrails.detectors.names import Names
from appliance.guardrails.scanner import Scanner
from tests.eval.lines import Count, count_line, figure_line

TYPES = ("PERSON", "ADDRESS")
Span = tuple[int, int]


def matched(gold: list[Span], found: list[Span], exact: bool) -> int:
    """Pairs, one to one, the best first."""
    pairs = []
    for one in gold:
        for two in found:
            common = min(one[1], two[1]) - max(one[0], two[0])
            if (one == two) if exact else common * 2 >= max(one[1] - one[0], two[1] - two[0]):
                pairs.append((common, one, two))
    used: set[tuple[str, Span]] = set()
    count = 0
    for _, one, two in sorted(pairs, reverse=True):
        if ("gold", one) not in used and ("found", two) not in used:
            used |= {("gold", one), ("found", two)}
            count += 1
    return count


def joined(row: dict[str, Any]) -> list[Span]:
    """Pieces of addresses (and what follows of towns) as one."""
    out: list[list[int]] = []
    for one in sorted(row["spans"], key=lambda span: span["start"]):
        if one["type"] not in ("ADDRESS", "LOCATION", "ZIP"):
            continue
        if out and not row["text"][out[-1][1] : one["start"]].strip(" ,\n\t"):
            out[-1][1] = one["end"]
        elif one["type"] == "ADDRESS":
            out.append([one["start"], one["end"]])
    return [(start, end) for start, end in out]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--bound", type=float, default=0.5)
    parser.add_argument("--show", choices=TYPES, help="print what is missed and what is wrong (to look at; never kept)")
    given = parser.parse_args()
    rows = [json.loads(line) for line in (given.folder / "pii.jsonl").read_text(encoding="utf-8").splitlines()]
    annotating = {kind: {row["source"] for row in rows if any(one["type"] == kind for one in row["spans"])} for kind in TYPES}
    scanner, counts, alarms = Scanner([], [Names()]), defaultdict(Counter[str]), defaultdict(Counter[str])
    for row in rows:
        found = [one for one in scanner.find(row["text"]) if one.score >= given.bound]
        for kind in TYPES:
            spans = [(one.start, one.end) for one in found if one.type == kind]
            if row["source"] not in annotating[kind]:
                alarms[f"{kind} in {row['source']}, {'hard' if row.get('hard') else 'usual'} rows"] += Counter(
                    false=bool(spans), harmless=1
                )
                continue
            gold = [(one["start"], one["end"]) for one in row["spans"] if one["type"] == kind]
            rules = {"exact": (gold, True), "overlap": (gold, False)} | (
                {"joined": (joined(row), False)} if kind == "ADDRESS" else {}
            )
            for rule, (wanted, exact) in rules.items():
                counts[kind, rule, row["source"], row.get("lang") or "-"] += Counter(
                    good=matched(wanted, spans, exact), found=len(spans), gold=len(wanted)
                )
            if given.show == kind and matched(gold, spans, False) != max(len(gold), len(spans)):
                print([row["text"][a:b] for a, b in gold], "FOUND", [row["text"][a:b] for a, b in spans], "IN", row["text"][:160])
    for key in sorted(counts):
        print(count_line(f"{key[0]} {key[1]}", f"{key[2]} {key[3]}", count_of(counts[key])))
    for name, number in sorted(alarms.items()):
        print(count_line("alarms", name, Count(false=number["false"], harmless=number["harmless"])))
    for kind in TYPES:
        total = count_of(sum((one for key, one in counts.items() if key[:2] == (kind, "overlap")), Counter[str]()))
        if total.labels:
            print(figure_line(f"eval_{kind.lower()}_f1", total.f1 or 0.0))


def count_of(numbers: Counter[str]) -> Count:
    return Count(numbers["good"], numbers["gold"], numbers["found"] - numbers["good"])


if __name__ == "__main__":
    main()
