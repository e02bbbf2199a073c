"""Lines come in the order in which people read them, however the page lies."""

import numpy as np
import pytest

from appliance.files.ocr.order import in_order
from appliance.files.ocr.seam import Reading, carried, corners_of

LETTER = [("SSN", 0, 1, 60, 20), ("519-28-4073", 80, 0, 200, 20), ("below both", 0, 40, 120, 60)]
COLUMNS = [
    (f"{side} column, line {row} of its prose", left, 40 + 30 * row, left + 300, 60 + 30 * row)
    for row in range(4)
    for side, left in (("left", 0), ("right", 340))
]


def read(lines: list[tuple[str, int, int, int, int]], degrees: float = 0) -> list[Reading]:
    turn = np.radians(degrees)
    matrix = np.array([[np.cos(turn), -np.sin(turn), 900.0], [np.sin(turn), np.cos(turn), 900.0]])
    return [Reading(text, 0.9, carried(corners_of(*box), matrix), ()) for text, *box in lines]


@pytest.mark.parametrize("degrees", [0, 7, -7, 90, 180, 270])
def test_what_stands_side_by_side_is_read_from_the_left(degrees: float) -> None:
    mixed = read([LETTER[2], LETTER[1], LETTER[0]], degrees)
    assert [one.text for one in in_order(mixed)] == ["SSN", "519-28-4073", "below both"]


def test_columns_of_prose_are_read_one_after_the_other_and_what_goes_across_parts_them() -> None:
    heading, foot = ("a heading", 0, 0, 640, 20), ("a foot", 0, 200, 640, 220)
    texts = [one.text for one in in_order(read([foot, *COLUMNS, heading]))]
    prose = [f"{side} column, line {row} of its prose" for side in ("left", "right") for row in range(4)]
    assert texts == ["a heading", *prose, "a foot"]


def test_rows_of_a_table_stay_together() -> None:
    cells = [
        (f"{name}{row}", left, 30 * row, left + 60, 20 + 30 * row) for row in range(5) for name, left in (("a", 0), ("b", 300))
    ]
    assert [one.text for one in in_order(read(cells))] == [text for text, *_ in cells]


def test_a_note_at_the_margin_comes_last() -> None:
    (note,) = read([("note", 0, 0, 40, 20)], 90)
    assert [one.text for one in in_order([note, *read(LETTER)])] == ["SSN", "519-28-4073", "below both", "note"]
