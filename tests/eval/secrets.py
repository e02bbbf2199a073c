"""How many secrets are found, and how many findings are secrets: `python -m tests.eval.secrets DATA_FOLDER`.

A row of secrets.jsonl is right where something is found in it and its label is 1, or nothing and 0.
"""

import argparse
import base64
import random
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import msgspec

from appliance.guardrails.finding import Finding
from appliance.guardrails.scanner import Scanner
from appliance.guardrails.secret_patterns import secret_patterns
from appliance.identity.key_format import well_formed
from tests.eval.lines import Count, count_line, figure_line

BOUND = 0.5


class Row(msgspec.Struct):
    id: str
    text: str
    label: int
    source: str
    hard: str = ""


class Tally:
    def __init__(self) -> None:
        self.hits = self.misses = self.alarms = self.quiet = 0

    def add(self, label: int, is_found: bool) -> None:
        self.hits += label and is_found
        self.misses += label and not is_found
        self.alarms += not label and is_found
        self.quiet += not label and not is_found

    @property
    def recall(self) -> float:
        return self.hits / max(1, self.hits + self.misses)

    @property
    def precision(self) -> float:
        return self.hits / max(1, self.hits + self.alarms)

    def count(self) -> Count:
        labels, harmless = self.hits + self.misses, self.alarms + self.quiet
        found = (self.hits, labels) if labels else (None, None)
        return Count(*found, None, *((self.alarms, harmless) if harmless else (None, None)))


def scanner() -> Scanner:
    return Scanner(secret_patterns(well_formed))


def secrets_in(found: list[Finding]) -> list[Finding]:
    return [one for one in found if one.score >= BOUND and one.type.startswith("SECRET_")]


def rows_of(folder: Path) -> list[Row]:
    lines = (folder / "secrets.jsonl").read_text(encoding="utf-8").splitlines()
    return [msgspec.json.decode(line, type=Row) for line in lines if line]


def _show(row: Row, found: list[Finding], with_values: bool) -> None:
    kind = "missed" if row.label else "false alarm"
    print(f"{kind:12} {row.id} {row.source} {row.hard} {[(one.type, one.detector, one.score) for one in found]}")
    if with_values:
        print("   ", repr(row.text[:400]), [row.text[one.start : one.end] for one in found])


def _texts() -> dict[str, str]:
    """Forty kilobytes each of what the machine reads all day, drawn by a fixed seed."""
    source = random.Random(4)
    here = Path(__file__).resolve().parents[2]
    code = "".join(path.read_text(encoding="utf-8") for path in sorted((here / "appliance/identity").glob("*.py")))
    names = ("DB_HOST", "API_KEY", "SECRET_KEY", "LOG_LEVEL", "STRIPE_TOKEN", "DB_PASSWORD", "CACHE_TTL", "PORT")
    env = "".join(f"{name}={base64.b64encode(source.randbytes(18)).decode()}\n" for _ in range(160) for name in names)
    prose = (here / "README.md").read_text(encoding="utf-8") + (here / "CHANGELOG.md").read_text(encoding="utf-8")
    texts = {"prose": prose, "code": code, "env file": env, "base64": base64.encodebytes(source.randbytes(30_000)).decode()}
    return {name: text.encode("ascii", "ignore").decode()[:40_000] for name, text in texts.items()}


def _print_speed(scan: Scanner) -> None:
    for name, text in _texts().items():
        times = []
        for _ in range(3):
            started = time.perf_counter()
            scan.find(text)
            times.append(time.perf_counter() - started)
        print(f"speed  {name:28} {1e9 * min(times) / len(text):.0f} us a kB")


class Judgement:
    def __init__(self, is_found_in: Callable[[str], bool], folder: Path) -> None:
        self.total = Tally()
        self.rows = [(row, is_found_in(row.text)) for row in rows_of(folder)]
        for row, is_found in self.rows:
            self.total.add(row.label, is_found)

    def _print_by(self, table: str, key: Callable[[Row], str]) -> None:
        tallies: defaultdict[str, Tally] = defaultdict(Tally)
        for row, is_found in self.rows:
            if key(row):
                tallies[key(row)].add(row.label, is_found)
        for name, tally in sorted(tallies.items()):
            print(count_line(table, name, tally.count()))

    def print(self) -> None:
        self._print_by("source", lambda row: row.source.partition(":")[0])
        self._print_by("kind", lambda row: row.hard)
        print(figure_line("eval_secrets_recall", self.total.recall))
        print(figure_line("eval_secrets_precision", self.total.precision))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.eval.secrets", description=__doc__)
    parser.add_argument("data", type=Path, help="the folder with secrets.jsonl")
    parser.add_argument("--errors", action="store_true", help="which rows are judged wrongly, by their ids")
    parser.add_argument("--values", action="store_true", help="their texts too, on this terminal only")
    parser.add_argument("--speed", action="store_true", help="how long a kilobyte takes, by what it is made of")
    chosen = parser.parse_args()
    if not (chosen.data / "secrets.jsonl").is_file():
        print(f"no secrets.jsonl in {chosen.data}", file=sys.stderr)
        return 2
    scan, started = scanner(), time.perf_counter()
    judgement = Judgement(lambda text: bool(secrets_in(scan.find(text))), chosen.data)
    seconds = time.perf_counter() - started
    if chosen.errors or chosen.values:
        for row, is_found in judgement.rows:
            if is_found != bool(row.label):
                _show(row, secrets_in(scan.find(row.text)), chosen.values)
    print(f"rows {len(judgement.rows)}, {1e6 * seconds / max(1, len(judgement.rows)):.0f} us a row")
    if chosen.speed:
        _print_speed(scan)
    judgement.print()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
