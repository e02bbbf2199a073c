"""A paragraph's texts: as it is seen, what nobody sees in it, what was deleted, and its fields' codes."""

from collections.abc import Callable, Iterator
from itertools import groupby, pairwise
from typing import NamedTuple

from appliance.files.document import Piece, Where
from appliance.files.reading.leaves import Found, Leaf, put_together

_BETWEEN = " -./\u00a0\u2011"  # may stand between the parts of one value


class Segment(NamedTuple):
    """why: nobody sees it. code: it is a field's. deleted, inserted: a change that is tracked. branch: of several ways to write
    the same, of which a program shows one, the number of this one; None: it stands in all."""

    leaf: Leaf
    text: str
    why: str = ""
    code: bool = False
    deleted: bool = False
    inserted: bool = False
    branch: int | None = None


def pieces(segments: list[Segment], where: Where) -> Iterator[Found]:
    """Of what programs show that know all of it; then what the others show, where that is something else."""
    told = set()
    for found in _pieces([segment for segment in segments if not segment.branch], where):
        told.add(found.piece.text)
        yield found
    for branch in sorted({segment.branch or 0 for segment in segments} - {0}):
        for found in _pieces([segment for segment in segments if segment.branch in {None, branch}], where):
            if found.piece.text not in told:
                yield found


def _pieces(segments: list[Segment], where: Where) -> Iterator[Found]:
    """One for what is seen, and one each for the rest: so a value is found that is split over runs, or round what is hidden.
    Where a value could go over the border of what is seen and what isn't, all of it comes once more in one."""
    shown = [segment for segment in segments if not segment.code and not segment.deleted and not segment.why]
    inserted = bool(shown) and all(segment.inserted or segment.text.isspace() for segment in shown)
    yield from _one(shown, Where("insertion", name=where.name) if inserted else where)
    hidden = [segment for segment in segments if segment.why and not segment.code and not segment.deleted]
    for why, group in groupby(hidden, key=lambda segment: segment.why):
        yield from _one(list(group), where, why)
    kept = [segment for segment in segments if not segment.code and not segment.deleted]
    if shown and hidden and _touch(kept, lambda segment: bool(segment.why)):
        yield from _one(kept, where)
    deleted = [segment for segment in segments if segment.deleted and not segment.code]
    if deleted:
        before = [segment for segment in segments if not segment.code and not segment.inserted]
        whole = _touch(before, lambda segment: segment.deleted)
        yield from _one(before, Where("deletion", name=where.name)) if whole else ()
        yield from _one(deleted, Where("deletion", name=where.name))
    yield from _one([segment for segment in segments if segment.code], Where("field"))


def _one(segments: list[Segment], where: Where, why: str = "") -> Iterator[Found]:
    if any(segment.text and not segment.text.isspace() for segment in segments):
        yield put_together(((segment.leaf, segment.text) for segment in segments), Piece("", where, why))


def _touch(segments: list[Segment], is_other: Callable[[Segment], bool]) -> bool:
    """Whether a letter or digit of the one kind stands next to one of the other, but for what may stand within a value."""
    for one, two in pairwise(segments):
        if is_other(one) != is_other(two):
            left, right = one.text.rstrip(_BETWEEN), two.text.lstrip(_BETWEEN)
            if left and right and left[-1].isalnum() and right[0].isalnum() and (left[-1].isdigit() or right[0].isdigit()):
                return True
            if one.text and two.text and one.text[-1].isalnum() and two.text[0].isalnum():
                return True
    return False
