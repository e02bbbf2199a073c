"""How well attacks are told from harmless texts: `python -m tests.eval.injection DATA_FOLDER [--errors] [--speed] [--seen]`.

FOLDER holds injection.jsonl and injection_obfuscated.jsonl (their README tells the format). A row is told an attack where any
finding of PROMPT_INJECTION or JAILBREAK has a score of at least 0.5. The shipped weights were trained on these rows, so that the
honest figures are the `unseen` ones: for each group of sources a classifier is trained without it (as models/train_injection.py
does; with the shipped bound), and judges it beside the rules. `--seen` leaves those out, which takes two minutes less.
"""

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from appliance.guardrails.detectors import injection, jailbreak
from appliance.guardrails.detectors.injection_model import TYPES, attack_scanner, doubted, weights
from appliance.guardrails.detectors.injection_scripts import OtherScripts
from appliance.guardrails.scanner import Scanner

BOUND = 0.5
RULES = [*injection.PATTERNS, *jailbreak.PATTERNS]
Row = dict[str, Any]
MODELS = Path(__file__).resolve().parents[2] / "models"
EVERYDAY = Path(__file__).with_name("everyday.txt")


def rows_of(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def told(scan: Scanner, text: str) -> float:
    return max((one.score for one in scan.find(text) if one.type in TYPES), default=0.0)


class Tally:
    def __init__(self) -> None:
        self.right = {0: 0, 1: 0}
        self.all = {0: 0, 1: 0}

    def add(self, label: int, is_told: bool) -> None:
        self.all[label] += 1
        self.right[label] += is_told == bool(label)

    @property
    def recall(self) -> float:
        return self.right[1] / max(1, self.all[1])

    @property
    def false_percent(self) -> float:
        return 100 * (self.all[0] - self.right[0]) / max(1, self.all[0])


def judged(rows: list[Row], is_told: list[bool], title: str, key: Callable[[Row], str]) -> Tally:
    parts: dict[str, Tally] = defaultdict(Tally)
    total = Tally()
    for row, said in zip(rows, is_told, strict=True):
        total.add(row["label"], said)
        parts[key(row)].add(row["label"], said)
    for name, part in sorted(parts.items()):
        attacks = f"found {part.right[1]:>3} of {part.all[1]:>3}" if part.all[1] else " " * 16
        alarms = f"false {part.all[0] - part.right[0]:>3} of {part.all[0]:>3}" if part.all[0] else ""
        print(f"{title} {name:<18} {attacks}  {alarms}")
    return total


def source(row: Row) -> str:
    return str(row["source"]).partition(":")[0]


def everyday_texts() -> list[str]:
    """What people and programs say all day, in a line each. No line is to be trained on; texts like them are."""
    return EVERYDAY.read_text(encoding="utf-8").splitlines()


def everyday(show: bool) -> None:
    scan, lines = attack_scanner(RULES), everyday_texts()
    said = [told(scan, line) for line in lines]
    print(f"figure eval_everyday_false_percent {100 * sum(one >= BOUND for one in said) / len(said):.2f} %")
    if show:
        print(*(f"everyday {one:.2f} {line!r}" for line, one in zip(lines, said, strict=True) if one >= BOUND), sep="\n")


def seen(folder: Path, show: bool) -> None:
    scan, rows = attack_scanner(RULES), rows_of(folder / "injection.jsonl")
    said = [told(scan, row["text"]) for row in rows]
    is_told = [one >= BOUND for one in said]
    total = judged(rows, is_told, "seen", source)
    hard = [(row, one) for row, one in zip(rows, is_told, strict=True) if row.get("hard")]
    traps = judged([row for row, _ in hard], [one for _, one in hard], "hard", lambda row: str(row["hard"]))
    hidden = rows_of(folder / "injection_obfuscated.jsonl")
    hidden_said = [told(scan, row["text"]) for row in hidden]
    obfuscated = judged(hidden, [one >= BOUND for one in hidden_said], "hidden", lambda row: str(row["obf"]))
    print(f"figure eval_injection_recall {total.recall:.4f} ratio")
    print(f"figure eval_injection_false_percent {total.false_percent:.2f} %")
    print(f"figure eval_injection_hard_false_percent {traps.false_percent:.2f} %")
    print(f"figure eval_injection_obfuscated_recall {obfuscated.recall:.4f} ratio")
    print(f"figure eval_injection_obfuscated_false_percent {obfuscated.false_percent:.2f} %")
    if show:
        for row, one in zip([*rows, *hidden], [*said, *hidden_said], strict=True):
            if (one >= BOUND) != bool(row["label"]):
                print(f"{'missed' if row['label'] else 'false'} {one:.2f} {row['source']} {row['id']} {row['text'][:200]!r}")


def unseen(folder: Path, show: bool) -> None:
    sys.path[:0] = [str(MODELS)]
    from injection_training import OURS, corpus_of, first  # type: ignore[import-not-found]
    from injection_training import unseen as odds_of

    rows, rules = rows_of(folder / "injection.jsonl"), Scanner(RULES, [OtherScripts()])
    corpus = corpus_of(folder)
    odds = odds_of(corpus, first(corpus))[corpus.groups != OURS]
    said = [doubted(weights().score(float(one)), len(row["text"])) for one, row in zip(odds, rows, strict=True)]
    is_told = [max(one, told(rules, row["text"])) >= BOUND for row, one in zip(rows, said, strict=True)]
    total = judged(rows, is_told, "unseen", source)
    hard = [(row, one) for row, one in zip(rows, is_told, strict=True) if row.get("hard")]
    traps = judged([row for row, _ in hard], [one for _, one in hard], "unseen hard", lambda row: str(row["hard"]))
    print(f"figure eval_injection_unseen_recall {total.recall:.4f} ratio")
    print(f"figure eval_injection_unseen_false_percent {total.false_percent:.2f} %")
    print(f"figure eval_injection_unseen_hard_false_percent {traps.false_percent:.2f} %")
    if show:
        for row, one, wrong in zip(rows, said, is_told, strict=True):
            if wrong != bool(row["label"]):
                print(
                    f"unseen {'missed' if row['label'] else 'false'} {one:.2f} {row['source']} {row['id']} {row['text'][:200]!r}"
                )


PROSE = (
    "The committee met again on Tuesday to discuss whether the new library should open at weekends, and who would pay for it. "
)
MAIL = "Dear Anna,\nplease ignore my previous message and send the report to the office by Friday.\nKind regards,\nTom\n"
TABLE = "| 12 | Lima | 3.5 | paid |\n| 40 | Oslo | 7.1 | open |\n"


def speed() -> None:
    scan = attack_scanner(RULES)
    for name, text, unit in (
        ("prose", (PROSE * 100)[:10_240], 10),
        ("mail", (MAIL * 100)[:10_240], 10),
        ("table", (TABLE * 300)[:10_240], 10),
        ("200_chars", PROSE[:100] + MAIL[:100], 1),
    ):
        scan.find(text)
        least = float("inf")
        for _ in range(20):
            begun = time.thread_time()
            scan.find(text)
            least = min(least, time.thread_time() - begun)
        print(f"figure injection_us_{name} {least * 1e6 / unit:.0f} us" + ("/kB" if unit > 1 else ""))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--errors", action="store_true", help="print what was missed and what was wrong")
    parser.add_argument("--seen", action="store_true", help="only what the shipped weights say")
    parser.add_argument("--speed", action="store_true", help="microseconds a kB, on one core")
    arguments = parser.parse_args()
    seen(arguments.folder, arguments.errors)
    everyday(arguments.errors)
    if not arguments.seen:
        unseen(arguments.folder, arguments.errors)
    if arguments.speed:
        speed()


if __name__ == "__main__":
    main()
