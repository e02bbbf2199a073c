"""What `make eval` measures: its parts, the targets that they are held to, and what is to be known about their figures.

`python -m tests.eval.parts PART FOLDER`: can it be measured there? Exit status 1 where files of it are missing.
"""

import sys
from pathlib import Path
from typing import NamedTuple


class Target(NamedTuple):
    figure: str
    means: str
    bound: float
    is_least: bool = True  # or the most that it may be

    def __str__(self) -> str:
        return f"{'≥' if self.is_least else '≤'} {self.bound:g}"

    def is_met(self, value: float) -> bool:
        return value >= self.bound if self.is_least else value <= self.bound


class Part(NamedTuple):
    name: str  # of the module and of its output
    title: str
    files: tuple[str, ...]
    targets: tuple[Target, ...]
    note: str
    tables: dict[str, str]  # a printed table's name, and what it is called in the report; others keep their names
    files_more: tuple[str, ...] = ()  # read where they are there


PII = Part(
    "pii",
    "Identifiers",
    ("pii.jsonl",),
    (
        Target("eval_pii_f1", "identifiers found, F1", 0.97),
        Target("eval_pii_lookalike_percent", "harmless look-alikes with an alarm, %", 2, is_least=False),
        Target("eval_pii_obfuscated_recall", "hidden identifiers found", 0.90),
    ),
    """A finding counts where its score is at least 0.5, its type is the label's, and the two share at least half of the
longer one. Judged are the types that a row says are fully labelled. `eval_pii_exact_f1` asks for equal spans.

Identifiers are found by rules and checksums; nothing is trained. **The rules were written, and mended, with the errors
on the project's own rows in view: on those rows the figures say that nothing has broken, not how the next text will
fare.** Rows that the rules' authors never saw are the only honest test; expect less on them. More than half of the
project's rows are made up (with valid checksums) from some forty templates, so that many look alike.""",
    {
        "type": "By type",
        "source": "By source",
        "lang": "By language",
        "look-alike": "Harmless look-alikes, by kind",
        "hidden": "Hidden, by how",
        "hidden type": "Hidden, by type",
    },
    ("pii_obfuscated.jsonl",),
)
NAMES = Part(
    "names",
    "Names and addresses",
    ("pii.jsonl",),
    (
        Target("eval_person_f1", "names of persons, F1", 0.80),
        Target("eval_address_f1", "postal addresses, F1", 0.70),
    ),
    """Judged are the rows of sources that label the type at all; the figures ask that the two share half of the longer one
(`overlap`). `joined` takes an address that is labelled in pieces as one, which is what a policy hides.

The tagger was trained on sentences invented for it and on no labelled row. The errors on the one source of the
project's rows that labels names were looked at while the sentences were written, though, and one source can't be left
out: expect less on other texts. What it gets wrong, and how far trainings differ by chance, stands in
`models/names_card.md`.""",
    {
        "PERSON exact": "Persons, equal spans",
        "PERSON overlap": "Persons, half shared",
        "ADDRESS exact": "Addresses, equal spans",
        "ADDRESS overlap": "Addresses, half shared",
        "ADDRESS joined": "Addresses, pieces as one",
        "alarms": "Texts of sources that don't label the type, with a finding (it may be right)",
    },
)
SECRETS = Part(
    "secrets",
    "Secrets",
    ("secrets.jsonl",),
    (
        Target("eval_secrets_recall", "texts with a secret found", 0.85),
        Target("eval_secrets_precision", "texts found that have one", 0.95),
    ),
    """A text is right where something is found in it and its label says so, or nothing and nothing; in which characters
isn't judged.

Secrets are found by rules; nothing is trained. As with identifiers, the rules' authors had the project's own rows
before them, and more than half of those are made up: expect less on other ones.""",
    {"source": "By source", "kind": "Harmless texts, by kind"},
)
INJECTION = Part(
    "injection",
    "Injections and jailbreaks",
    ("injection.jsonl", "injection_obfuscated.jsonl"),
    (
        Target("eval_injection_recall", "attacks told", 0.85),
        Target("eval_injection_false_percent", "harmless texts told an attack, %", 2, is_least=False),
        Target("eval_injection_hard_false_percent", "the harder ones of them, %", 4, is_least=False),
        Target("eval_everyday_false_percent", "of what is said all day, % told an attack", 0.5, is_least=False),
    ),
    """A text is told an attack where a rule or the classifier says so with a score of at least 0.5. Harder ones are
harmless texts that speak of attacks, give roles or hold trigger words. What is said all day are 556 short requests,
answers, names of tools and commands of our own. No template makes one of them, but one author wrote both, and chose by
them how much of such text is trained on: expect more alarms on other people's.

**The classifier that comes with Gatehouse was trained on the project's own rows: on those the figures are of texts that
it has seen.** The figures and tables called unseen are the honest ones: for each group of sources a classifier is
trained without it, and judges it beside the rules. (The rules' authors had seen the rows all the same.) On rows of your
own nothing was trained, and the plain figures count.""",
    {
        "seen": "By source, with the weights that come with Gatehouse",
        "hard": "Harder harmless texts, by kind",
        "hidden": "Hidden, by how",
        "unseen": "By source, each judged by a classifier that was trained without it",
        "unseen hard": "Harder harmless texts, unseen",
    },
)
PARTS = (PII, NAMES, SECRETS, INJECTION)


def main(name: str, folder: Path) -> int:
    lacking = [file for part in PARTS if part.name == name for file in part.files if not (folder / file).is_file()]
    if lacking:
        print(f"{name} isn't measured: no {', '.join(lacking)} in {folder}", file=sys.stderr)
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
