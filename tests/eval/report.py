"""Writes docs/guardrails-report.md of what the parts of `make eval` printed: `python -m tests.eval.report OUTPUTS DATA_FOLDER`.

OUTPUTS is a folder as outputs.py tells. The same outputs and data give the same file: no date, no machine, no speed, no
text of a row. Exit status 1 where a target is missed, after the file is written."""

import argparse
import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.eval.lines import Output
from tests.eval.outputs import Outputs, Peer, outputs_in
from tests.eval.parts import PARTS, Part, Target
from tests.eval.tables import markdown, table

REPORT = Path(__file__).resolve().parents[2] / "docs/guardrails-report.md"
NOTHING = Output({}, {}, {})

BEGIN = """# How well guardrails find things

`make eval` writes this page: change nothing here. It measures what Gatehouse finds on labelled texts with the detectors
and the bound (0.5) that policies have by default. Nothing of the texts themselves stands here, nor speeds, which differ
by machine ([Guardrails](deploy/guardrails.md) says what policies do about what is found).
"""

OWN_DATA = """## On your own texts

    make eval DATA=FOLDER           # PEERS=1 make eval DATA=FOLDER: beside other programs too, which takes 1 GB and three minutes

FOLDER holds files with one JSON object a line; only `pii.jsonl` must be there:

- `pii.jsonl`: `text`; `spans`, a list of `{"start", "end", "type"}` in characters, half open; `labelled`, the types
  that are labelled wherever they stand in the text (only those are judged); `source`; and where it applies `lang`, and
  `hard`, a kind of harmless look-alike.
- `pii_obfuscated.jsonl`: `text`, `spans`, and `obf`, how the value is hidden.
- `secrets.jsonl`: `id`, `text`, `label` (1: there is a secret), `source`, and where it applies `hard`, a kind of
  harmless text.
- `injection.jsonl`: `text`, `label` (1: an attack), `source`, and where it applies `hard`;
  `injection_obfuscated.jsonl`: `obf` as well.

Types, kinds and sources are what the files say. Types are named as `GET /api/v1/admin/guardrails/detectors` names them.
The command fails where a target is missed, and names it. A hundred texts of your own, which nobody here has seen, tell
you more than all of this page.
"""


def measured(target: Target, output: Output) -> tuple[str, str]:
    """The figure, and whether it is what it should be."""
    if target.figure not in output.figures:
        return "-", "not measured"
    value = output.figures[target.figure]
    return value, "yes" if target.is_met(float(value)) else "**missed**"


def missed(outputs: Outputs) -> list[str]:
    return [
        f"{target.figure} is {value}, not {target}"
        for part in PARTS
        for target in part.targets
        for value, met in [measured(target, outputs.ours.get(part.name, NOTHING))]
        if met == "**missed**"
    ]


def not_measured(outputs: Outputs) -> list[str]:
    return [
        target.figure
        for part in PARTS
        for target in part.targets
        if target.figure not in outputs.ours.get(part.name, NOTHING).figures
    ]


def targets(outputs: Outputs) -> str:
    rows = [
        [f"{part.title}: {target.means}", *_measured_row(target, outputs.ours.get(part.name, NOTHING))]
        for part in PARTS
        for target in part.targets
    ]
    return "## Targets\n\n" + markdown(["", "measured", "target", "met"], rows)


def _measured_row(target: Target, output: Output) -> tuple[str, str, str]:
    value, met = measured(target, output)
    return value, str(target), met


def data_of(folder: Path) -> str:
    rows = []
    for name in dict.fromkeys(name for part in PARTS for name in (*part.files, *part.files_more)):
        if (folder / name).is_file():
            data = (folder / name).read_bytes()
            rows.append(
                [f"`{name}`", str(sum(bool(line.strip()) for line in data.split(b"\n"))), hashlib.sha256(data).hexdigest()[:16]]
            )
    return "## Texts\n\n" + markdown(["file", "texts", "SHA-256 begins with"], rows)


def peer_columns(part: Part, peers: list[Peer]) -> dict[str, Output]:
    """By title. A peer that finds few of the types is judged on its own as well."""
    columns = {}
    for peer in peers:
        if part.name in peer.own:
            columns[f"{peer.title}, all types"] = peer.parts[part.name]
            columns[f"{peer.title}, its own types"] = peer.own[part.name]
        elif part.name in peer.parts:
            columns[peer.title] = peer.parts[part.name]
    return columns


def figures(part: Part, output: Output, peers: list[Peer]) -> str:
    columns, aims = peer_columns(part, peers), {target.figure: str(target) for target in part.targets}
    rows = [
        [f"`{name}`", value, aims.get(name, ""), *(one.figures.get(name, "-") for one in columns.values())]
        for name, value in output.figures.items()
        if name.startswith("eval_")
    ]
    return markdown(["figure", "Gatehouse", "target", *columns], rows)


def section(part: Part, output: Output | None, peers: list[Peer]) -> Iterator[str]:
    yield f"## {part.title}"
    if output is None:
        yield "Not measured in this run."
        return
    yield part.note
    yield figures(part, output, peers)
    for name, counts in output.tables.items():
        yield f"### {part.tables.get(name, name)}"
        beside = {peer.title: peer.parts[part.name].tables.get(name, {}) for peer in peers if part.name in peer.parts}
        yield table(counts, beside)


def peers_of(outputs: Outputs) -> str:
    if not outputs.peers:
        return "## Other programs\n\nNot measured in this run: `PEERS=1 make eval` puts them beside ours."
    notes = "\n".join(f"- **{peer.title}.** {peer.note}" for peer in outputs.peers)
    return f"""## Other programs

On the same texts, by the same judge, in environments of their own, asking nothing of the network. Where findings of theirs
overlap, the surest and then the longest counts. Their types are read as ours by `tests/eval/peers/type_names.py`; types
that no label has count neither for nor against them. "Its own types": judged on those types alone that the program says
it finds; dates of birth aren't among them, though for all types any date of theirs is taken for one. The tables below
are of all types. Our rules were mended on these very texts and theirs were not, which flatters ours: what they lack in
types is a finding, small distances are none.

{notes}"""


def report(outputs: Outputs, folder: Path) -> str:
    parts = [BEGIN.rstrip(), targets(outputs), data_of(folder), peers_of(outputs)]
    for part in PARTS:
        parts += section(part, outputs.ours.get(part.name), outputs.peers)
    return "\n\n".join([*parts, OWN_DATA.rstrip()]) + "\n"


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("outputs", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--to", type=Path, default=REPORT)
    given = parser.parse_args(words)
    outputs = outputs_in(given.outputs)
    given.to.write_text(report(outputs, given.data), encoding="utf-8")
    print(f"The report is in {given.to}.")
    for name in not_measured(outputs):
        print(f"not measured: {name}", file=sys.stderr)
    for line in missed(outputs):
        print(f"target missed: {line}", file=sys.stderr)
    return 1 if missed(outputs) else 0


if __name__ == "__main__":
    sys.exit(main())
