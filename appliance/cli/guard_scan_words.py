"""What `gatehouse guard scan` prints: for people a block a file, for other programs a line."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import click

from appliance.cli.main import printable

if TYPE_CHECKING:
    from appliance.gateway.file_verdict import FileFinding, FileProblem, FileVerdict

COLOURS = {"clean": "green", "flagged": "yellow", "blocked": "red", "unreadable": "magenta"}
ORDER = ("clean", "flagged", "blocked", "unreadable")
DEEDS = {"block": "stopped", "mask": "hidden", "tokenise": "hidden", "flag": "told", "allow": "told"}
SHOWN_MAX = 8  # kinds and places of a file
RUNS_MAX = 6  # of pages that follow each other
WARNINGS = {
    "TYPE_MISMATCH": "its name says something else than its content",
    "JAVASCRIPT": "it carries JavaScript",
}
_PASSWORD_FIX = "Write its password into a file, and add --password-file FILE."


def lines_for_people(one: "FileVerdict") -> Iterator[str]:
    """The verdict and the name; then what was found and where, what becomes of it, and what is wrong."""
    yield f"{click.style(f'{one.verdict:<10}', fg=COLOURS[one.verdict], bold=True)}  {printable(one.name)}"
    groups = list(_groups(one.findings).values())
    width = max((len(group[0].type) for group in groups), default=0)
    for group in groups[:SHOWN_MAX]:
        first = group[0]
        count = f" ({len(group)} times)" if len(group) > 1 else ""
        told = f"{first.type:<{width}}  {DEEDS.get(first.action, first.action):<7}  {_places(group)}{count}"
        yield f"            {printable(told)}"
    for told in (*_left_out(groups, one), *_problem(one.error), *(WARNINGS.get(code, code) for code in one.warnings)):
        yield f"            {printable(told)}"
    if one.error is None or one.findings:
        for part in one.unread[:3]:
            yield f"            not read: {printable(part)}"
    if len(one.unread) > 3:
        yield f"            not read: {len(one.unread) - 3} more parts"


def line_for_programs(one: "FileVerdict") -> str:
    """Tabs between verdict, name, and the rest in words."""
    groups = list(_groups(one.findings).values())
    found = [f"{group[0].type}{f' ({len(group)})' if len(group) > 1 else ''}{_standing(group)}" for group in groups]
    told = [*_problem(one.error), *found[:SHOWN_MAX], *_left_out(groups, one), *one.warnings, *one.unread[:3]]
    return "\t".join((f"{one.verdict:<10}", printable(one.name), printable(", ".join(told))))


def summary(told: "Sequence[FileVerdict]") -> str:
    counts = {verdict: sum(one.verdict == verdict for one in told) for verdict in ORDER}
    return ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)


def _groups(findings: "Iterable[FileFinding]") -> "dict[tuple[str, ...], list[FileFinding]]":
    """Of one type, in one kind of place, for one reason not seen: whatever their pages."""
    found: dict[tuple[str, ...], list[FileFinding]] = {}
    for one in findings:
        found.setdefault((one.type, one.part, one.name, one.hidden, one.action), []).append(one)
    return found


def _standing(group: "list[FileFinding]") -> str:
    place = _places(group)
    return f" {'on' if place.startswith('page') else 'in'} {place}" if place != "text" else ""


def _places(group: "list[FileFinding]") -> str:
    """Such as `pages 1-3, 7, comment, white on white`."""
    first = group[0]
    pages = sorted({one.page for one in group if one.page})
    name = f" {first.name}" if first.name else ""
    parts = [pages_words(pages) if pages else "", f"{first.part}{name}" if first.part != "body" else "" if pages else "text"]
    return ", ".join(part for part in (*parts, f"nobody sees it: {first.hidden}" if first.hidden else "") if part)


def pages_words(pages: Sequence[int]) -> str:
    """Numbers in order, those that follow each other as one run."""
    runs: list[tuple[int, int]] = []
    for page in pages:
        if runs and runs[-1][1] == page - 1:
            runs[-1] = (runs[-1][0], page)
        else:
            runs.append((page, page))
    shown = ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs[:RUNS_MAX])
    more = f" and {sum(last - first + 1 for first, last in runs[RUNS_MAX:])} more" if len(runs) > RUNS_MAX else ""
    return f"page{'s' if len(pages) > 1 else ''} {shown}{more}"


def _left_out(groups: "list[list[FileFinding]]", one: "FileVerdict") -> list[str]:
    kinds, left = len(groups) - SHOWN_MAX, one.findings_left_out
    return [
        *([f"and {kinds} more kinds and places"] if kinds > 0 else []),
        *([f"and {left} more findings"] if left else []),
    ]


def _problem(error: "FileProblem | None") -> list[str]:
    if error is None:
        return []
    fix = _PASSWORD_FIX if error.code == "ENCRYPTED" else _sentence(error.fix)
    return [f"{error.code}: {_sentence(error.message)} {fix}".strip()]


def _sentence(text: str) -> str:
    told = text.strip().removesuffix(".")
    return f"{told[:1].upper()}{told[1:]}." if told else ""
