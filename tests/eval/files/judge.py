"""Which labels were found: a finding counts where its type, its place and its value fit."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher
from typing import NamedTuple
from urllib.parse import unquote

from tests.eval.files.door import Found, Told
from tests.eval.files.made import GPS, HIDDEN, Label, MadeFile
from tests.eval.lines import Count, count_line

# Where the seam leaves open which of two words a place has.
AS_WELL = {
    "picture": ("body",),  # a page that is a picture
    "field": ("annotation",),
    "link": ("annotation", "body"),
    "xml": ("metadata",),
    "insertion": ("body",),
    "comment": ("metadata",),  # its author
}
PLACES_ON_EARTH = ("GPS", "GPS_LOCATION", "LOCATION", "COORDINATES", "GEO")
NEARLY = 0.8


class Missed(NamedTuple):
    file: str
    label: Label
    how: str

    def __str__(self) -> str:
        label = self.label
        page = f", page {label.page}" if label.page else ""
        return f"missed: {self.file}: {label.type} in {label.place}{page} ({label.note}): {self.how}"


def plain(value: str) -> str:
    return re.sub(r"[\s\u200b\u00ad-]", "", unquote(value)).casefold()


def type_fits(label: Label, one: Found) -> bool:
    if label.type == "SECRET":
        return one.type.startswith("SECRET_")
    if label.type == GPS:
        return one.type in PLACES_ON_EARTH
    if label.type == "PROMPT_INJECTION":
        return one.type in ("PROMPT_INJECTION", "JAILBREAK")
    return one.type == label.type


def value_fits(label: Label, one: Found) -> bool:
    return not label.value or plain(label.value) in plain(one.value)


def place_fits(label: Label, one: Found) -> bool:
    places = {other for place in label.place.split("|") for other in (place, *AS_WELL.get(place, ()))}
    return one.part in places and (not label.page or not one.page or one.page == label.page)


def fits(label: Label, one: Found) -> bool:
    return type_fits(label, one) and value_fits(label, one) and place_fits(label, one)


def missed_in(made: MadeFile, told: Told) -> Iterator[Missed]:
    for label in made.labels:
        if not any(fits(label, one) for one in told.found):
            yield Missed(made.name, label, _how(label, told))


def _how(label: Label, told: Told) -> str:
    if told.code:
        return f"the file was not read, {told.code}"
    for one in told.found:
        if label.value and value_fits(label, one) and type_fits(label, one):
            return f"found, but told to be in {one.part}, page {one.page}"
        if label.value and value_fits(label, one) and place_fits(label, one):
            return f"found, but told to be {one.type}"
    for one in told.found:
        if (
            label.value
            and type_fits(label, one)
            and SequenceMatcher(None, plain(one.value), plain(label.value)).ratio() >= NEARLY
        ):
            return "read inexactly"
    return "not found" if not told.unread else "not found; a part of the file could not be read"


def beside(made: MadeFile, told: Told) -> list[Found]:
    """Findings that no label is about. A label's value may be found in several places; a mask's half in none."""
    return [
        one
        for one in told.found
        if not any(type_fits(label, one) and (value_fits(label, one) or label.type == HIDDEN) for label in made.labels)
    ]


class Verdicts:
    """Of all files so far."""

    def __init__(self) -> None:
        self.labels: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))  # group, note: found, of
        self.missed: list[Missed] = []
        self.alarms: list[str] = []
        self.extra: list[str] = []
        self.problems: list[str] = []

    def add(self, made: MadeFile, told: Told) -> None:
        missed = list(missed_in(made, told))
        self.missed += missed
        lacking = {one.label for one in missed}
        for label in made.labels:
            row = self.labels[made.group][label.note]
            row[0] += label not in lacking
            row[1] += 1
        self.extra += [
            f"beside the labels: {made.name}: {one.type} in {one.part}, page {one.page}: {one.value!r}"
            for one in beside(made, told)
        ]
        self.problems += problems_of(made, told)

    def add_clean(self, made: MadeFile, told: Told) -> None:
        self.alarms += [f"alarm: {made.name}: {one.type} in {one.part}, page {one.page}: {one.value!r}" for one in told.found]
        self.problems += problems_of(made, told)

    def recall(self, group: str) -> float:
        rows = self.labels[group].values()
        return sum(found for found, _ in rows) / max(1, sum(count for _, count in rows))

    def lines(self, groups: Iterable[str]) -> Iterator[str]:
        """A table for each group, then what was missed."""
        for group in groups:
            for note, (found, count) in self.labels.get(group, {}).items():
                yield count_line(group, note, Count(found, count))
        yield from map(str, self.missed)
        yield from self.alarms
        yield from self.extra
        yield from self.problems


def problems_of(made: MadeFile, told: Told) -> Iterator[str]:
    if told.code and not made.codes:
        yield f"not read: {made.name}: {told.status} {told.code}"
        return
    if told.kind and told.kind != made.kind and {told.kind, made.kind} - {"text", "csv", "markdown", "html"}:
        yield f"wrong kind: {made.name}: {told.kind}, and it is {made.kind}"
    for notice in made.notices:
        if notice not in told.warnings:
            yield f"no warning: {made.name}: {notice}"
    if told.unread:
        yield f"unread: {made.name}: {'; '.join(told.unread)}"


def hostile_problem(made: MadeFile, told: Told) -> str:
    """Of a file that was answered, in words; "": the answer is right."""
    if not told.code:
        return "" if made.may_be_read else f"{made.name} was read as {told.verdict}; right: {', '.join(made.codes)}"
    if told.unread and made.may_be_read:
        return ""  # a part of it was left out, and that is told
    if told.status != 200 and told.status != 413:
        return f"{made.name} is answered with {told.status} {told.code}"
    if told.code in made.codes or (told.status == 413 and "TOO_LARGE" in made.codes):
        return ""
    return f"{made.name} is {told.code}; right: {', '.join(made.codes) or 'read'}"
