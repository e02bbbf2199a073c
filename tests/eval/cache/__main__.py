"""How often two questions are taken for the same, rightly and wrongly: `make eval-cache`, or `python -m tests.eval.cache`.

A hit needs cosine ≥ 0.92 and the verifier's yes; beside it stands what cosine alone and the verifier alone would take. The pairs
are in pairs/; a third is held out, chosen by checksum, and has figures of its own. `--pairs FOLDER`: other pairs in the same
form. `--missed`: what went wrong, of the pairs that aren't held out. Ends with 1 where a target is missed.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from appliance.cache.sameness import verdict
from tests.eval.cache.labelled import FOLDER, Pair, pairs
from tests.eval.lines import figure_line
from tests.eval.parts import Target

MODEL = Path(".venv-eval/minilm")
THRESHOLD = 0.92
THRESHOLDS = (0.80, 0.85, 0.90, 0.92, 0.95, 0.98)
TARGETS = (
    Target("cache_false_hits_percent", "near misses taken for the same", 1, is_least=False),
    Target("cache_true_hits_percent", "paraphrases taken for the same", 45),
)


class Judged(NamedTuple):
    pair: Pair
    cosine: float
    same: bool
    reason: str

    def is_near(self, threshold: float = THRESHOLD) -> bool:
        return self.cosine >= threshold


Rule = Callable[[Judged], bool]
RULES: dict[str, Rule] = {
    "cache": lambda one: one.same and one.is_near(),
    "cosine alone": lambda one: one.is_near(),
    "verifier alone": lambda one: one.same,
}


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="make eval-cache", description=__doc__.partition("\n")[0])
    parser.add_argument("--pairs", type=Path, default=FOLDER)
    parser.add_argument("--verifier-alone", action="store_true")
    parser.add_argument("--missed", action="store_true")
    asked = parser.parse_args(arguments)
    judged = judge(pairs(asked.pairs), None if asked.verifier_alone else MODEL)
    rules = {"verifier alone": RULES["verifier alone"]} if asked.verifier_alone else RULES
    print_table(judged, rules)
    if asked.missed:
        print_missed(judged)
    return print_figures(judged, rules)


def judge(labelled: Sequence[Pair], model: Path | None) -> list[Judged]:
    cosine = cosines(model)
    verdicts = [verdict(pair.one, pair.other) for pair in labelled]
    return [Judged(pair, cosine(pair), one.same, one.reason) for pair, one in zip(labelled, verdicts, strict=True)]


def cosines(model: Path | None) -> Callable[[Pair], float]:
    if model is None:
        return lambda _: 1.0
    from tests.eval.cache.embedding import Embedder

    embedder = Embedder(model)
    return lambda pair: float(embedder.embed(pair.one) @ embedder.embed(pair.other))


def percent(judged: Sequence[Judged], rule: Rule, *, is_same: bool) -> float:
    chosen = [one for one in judged if one.pair.is_same == is_same]
    return 100 * sum(rule(one) for one in chosen) / max(1, len(chosen))


def print_table(judged: Sequence[Judged], rules: dict[str, Rule]) -> None:
    print(f"{'kind':<20} {'pairs':>5}" + "".join(f" {name:>15}" for name in rules))
    for is_same, title in ((True, "the same"), (False, "not the same")):
        print(f"-- {title}")
        kinds = dict.fromkeys(one.pair.kind for one in judged if one.pair.is_same == is_same)
        for kind in kinds:
            chosen = [one for one in judged if one.pair.kind == kind and one.pair.is_same == is_same]
            print(f"{kind:<20} {len(chosen):>5}" + "".join(f" {sum(rule(one) for one in chosen):>15}" for rule in rules.values()))
    if len(rules) > 1:
        print("-- threshold: true and false hits in %, with the verifier; cosine alone")
        for threshold in THRESHOLDS:
            both = [lambda one, at=threshold: one.same and one.is_near(at), lambda one, at=threshold: one.is_near(at)]
            shown = "; ".join(
                f"{percent(judged, rule, is_same=True):.1f} {percent(judged, rule, is_same=False):.1f}" for rule in both
            )
            print(f"{threshold:.2f}  {shown}")


def print_missed(judged: Sequence[Judged]) -> None:
    for one in judged:
        if one.pair.is_same != one.same and not one.pair.is_held_out:
            print(f"{one.pair.kind}: {one.pair.one!r} / {one.pair.other!r}: {one.reason or 'taken for the same'}")


def print_figures(judged: Sequence[Judged], rules: dict[str, Rule]) -> int:
    held_out = [one for one in judged if one.pair.is_held_out]
    names = {"cache": "cache", "cosine alone": "cosine", "verifier alone": "verifier"}
    figures: dict[str, float] = {}
    for name, rule in rules.items():
        for title, is_same in (("false", False), ("true", True)):
            figures[f"{names[name]}_{title}_hits_percent"] = percent(judged, rule, is_same=is_same)
            figures[f"{names[name]}_held_out_{title}_hits_percent"] = percent(held_out, rule, is_same=is_same)
    for name, value in figures.items():
        print(figure_line(name, value, "%"))
    missed = [target for target in TARGETS if target.figure in figures and not target.is_met(figures[target.figure])]
    for target in missed:
        print(f"missed: {target.means}: {figures[target.figure]:.2f}, wanted {target}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
