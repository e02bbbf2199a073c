"""The order in which people read lines: row by row, what stands side by side from the left; columns of prose one after another.

A value may go on in the next line, and what a number is often stands beside it or above: so texts must come in their order,
however the page lies.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from appliance.files.ocr.seam import Places, Reading, box_of

PROSE_MIN = 18
"""Characters of a line in a column of prose; shorter ones side by side are a table's row, and stay together."""

ROWS_MIN = 3
_SAME_WAY = 0.7  # cosine of what other lines may be turned by: 45 degrees
_Row = list[tuple[Reading, tuple[float, float, float, float]]]


def in_order(readings: Sequence[Reading]) -> list[Reading]:
    """As most of them run; those that run otherwise, such as a note at the margin, come last."""
    if len(readings) < 2:
        return list(readings)
    ways = np.array([_way(reading) for reading in readings])
    lengths = np.array([[float(len(reading.text))] for reading in readings])
    along = _direction(ways * lengths)
    if along is None:
        return list(readings)
    agree = ways @ along > _SAME_WAY
    exact = _direction((ways * lengths)[agree])  # of those alone: what runs otherwise must not tilt the page
    along = along if exact is None else exact
    turn = np.array([[along[0], -along[1]], [along[1], along[0]]])  # makes them level
    level = [(one, box_of(one.corners @ turn)) for one, agrees in zip(readings, agree, strict=True) if agrees]
    ordered = [one for row in _columns(list(_rows(level))) for one, _ in row]
    return ordered + [one for one, agrees in zip(readings, agree, strict=True) if not agrees]


def _direction(ways: Places) -> Places | None:
    together = ways.sum(axis=0)
    length = float(np.hypot(*together))
    return np.asarray(together / length, np.float64) if length > 1e-6 else None


def _way(reading: Reading) -> Places:
    across = reading.corners[1] - reading.corners[0]
    return np.asarray(across / max(1e-6, float(np.hypot(*across))), np.float64)


def _rows(level: _Row) -> Iterator[_Row]:
    """From above. A line belongs to a row where the middle of it does."""
    row: _Row = []
    for one in sorted(level, key=lambda one: one[1][1] + one[1][3]):
        middle, (_, top, _, bottom) = (one[1][1] + one[1][3]) / 2, row[0][1] if row else one[1]
        edge = (bottom - top) * 0.25
        if row and not top + edge <= middle <= bottom - edge:
            yield sorted(row, key=lambda one: one[1][0])
            row = []
        row.append(one)
    if row:
        yield sorted(row, key=lambda one: one[1][0])


def _columns(rows: list[_Row]) -> Iterator[_Row]:
    """Where rows are two lines of prose beside each other all the left ones come first, as far as nothing goes across."""
    gutters = [(left[1][2] + right[1][0]) / 2 for left, right in _beside(rows) if _is_prose(left[0]) and _is_prose(right[0])]
    if len(gutters) < ROWS_MIN:
        yield from rows
        return
    gutter = float(np.median(gutters))
    left: list[_Row] = []
    right: list[_Row] = []
    for row in rows:
        if any(box[0] < gutter < box[2] for _, box in row):
            yield from (*left, *right, row)
            left, right = [], []
        else:
            left.append([one for one in row if one[1][2] <= gutter])
            right.append([one for one in row if one[1][2] > gutter])
    yield from (*left, *right)


def _beside(rows: list[_Row]) -> Iterator[tuple[tuple[Reading, tuple[float, ...]], tuple[Reading, tuple[float, ...]]]]:
    for row in rows:
        if len(row) == 2:
            yield row[0], row[1]


def _is_prose(reading: Reading) -> bool:
    return len(reading.text) >= PROSE_MIN
