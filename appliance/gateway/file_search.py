"""What detectors find in a document: values line by line and over lines' ends, attacks in each text that stands by itself."""

import asyncio
from collections.abc import Iterator
from functools import partial

from appliance.files.document import Document
from appliance.gateway.file_lines import certain, joints
from appliance.gateway.file_text import Part, Placed, Reading, names, readings
from appliance.guardrails.custom import CustomScanner
from appliance.guardrails.finding import Finding, resolved
from appliance.guardrails.guard import Guard
from appliance.guardrails.policy_set import PolicySet

UNBROKEN_SCORE_MIN = 0.85  # of what is a value only where a line's end counts as a blank
SPREAD_SCORE_MIN = 0.9  # of an attack that is one only where texts that stand apart are read as one
_LOOKED_AT_ONCE = 60  # joints
# A program's version looks like the address of a machine. The whole of such a property may be one all the same.
_OF_PROGRAMS = frozenset(
    ("Producer", "Creator", "CreatorTool", "softwareAgent", "Software", "Application", "AppVersion", "PTEX.Fullbanner", "REx")
)


class Search:
    """One a request. custom: what its policies look for besides."""

    def __init__(self, guard: Guard, policy: PolicySet, custom: CustomScanner | None = None) -> None:
        self._guard = guard
        self._custom = custom
        self._wanted = partial(policy.acts_on, direction="input")

    async def found(self, document: Document) -> list[Placed]:
        found: dict[tuple[str, tuple[Part, ...]], Placed] = {}
        for reading in readings(document):
            for begin, end, core, core_end in reading.windows():
                for one in await asyncio.to_thread(self._found_in, reading, (begin, end), (core, core_end)):
                    placed = reading.placed(one) if core <= one.start < core_end else None
                    if placed is not None and not _is_version(document, placed):
                        found.setdefault((one.type, placed.parts), placed)
        return list(found.values())

    def found_in_names(self, document: Document) -> list[tuple[Part, Finding, str]]:
        found: list[tuple[Part, Finding, str]] = []
        for number, name in names(document):
            without_dot = " ".join(name.rsplit(".", 1))  # `.txt` makes no host of what stands before it
            looked = [*self._looked(name), *self._guard.attacks(name)]
            looked += [*self._looked(without_dot), *self._guard.attacks(without_dot)]
            found += [(Part(number, one.start, one.end), one, name) for one in resolved(looked)]
        return found

    def _found_in(self, reading: Reading, window: tuple[int, int], core: tuple[int, int]) -> list[Finding]:
        begin, end = window
        values = _moved(self._looked(reading.text[begin:end]), begin)
        found = resolved([*values, *self._attacks(reading, begin, end)]) if reading.attacks else values
        unbroken = reading.without_breaks(begin, end)
        if unbroken is not None:
            again = _moved(self._looked(unbroken), begin)
            found += [one for one in again if one.score >= UNBROKEN_SCORE_MIN and reading.is_broken(one)]
        return [*found, *self._parted(reading, core, values)]

    def _parted(self, reading: Reading, core: tuple[int, int], known: list[Finding]) -> Iterator[Finding]:
        """By lines' ends. `known`: what was found without looking over them."""
        all_joints = list(joints(reading.text, max(0, core[0] - 200), core[1] + 200)) if reading.has_lines else []
        for first in range(0, len(all_joints), _LOOKED_AT_ONCE):
            some = all_joints[first : first + _LOOKED_AT_ONCE]
            looked = self._guard.found([joint.text for joint in some], self._custom, self._wanted)
            for joint, found in zip(some, looked, strict=True):
                yield from certain(joint, found, known)

    def _attacks(self, reading: Reading, begin: int, end: int) -> list[Finding]:
        """In each text that stands by itself; and in all of them together, where there is no doubt."""
        found: list[Finding] = []
        apart = reading.apart(begin, end)
        for start, stop in apart:
            found += _moved(self._guard.attacks(reading.text[start:stop]), start)
        if len(apart) > 1:
            spread = _moved(self._guard.attacks(reading.text[begin:end]), begin)
            found += [one for one in spread if one.score >= SPREAD_SCORE_MIN]
        return found

    def _looked(self, text: str) -> list[Finding]:
        (values,) = self._guard.found([text], self._custom, self._wanted)
        return values


def _moved(found: list[Finding], by: int) -> list[Finding]:
    return [one.at(one.start + by, one.end + by) for one in found]


def _is_version(document: Document, placed: Placed) -> bool:
    if placed.finding.type != "IP_ADDRESS" or len(placed.parts) > 1:
        return False
    (part,) = placed.parts
    piece = document.pieces[part.piece]
    said = piece.text[part.start : part.end]
    is_of_program = piece.where.part in ("metadata", "xml") and piece.where.name in _OF_PROGRAMS
    return is_of_program and ":" not in said and piece.text.strip() != said
