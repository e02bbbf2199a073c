"""Which page of a file is seen, how large, and what is marked on it, without Qt."""

import msgspec

from gui.files_state import Box, Told

WIDTHS = (800, 1_600, 2_400)  # in which pages are asked for: few, so that each is drawn once
ZOOMS = (1.0, 1.25, 1.5, 2.0, 3.0, 4.0)  # of the width that there is


class Mark(msgspec.Struct, frozen=True):
    """A box on the page. `place`: the finding's, in the list."""

    place: int
    box: Box
    action: str


class Leaf:
    """Which page of a file is seen, and how large."""

    def __init__(self) -> None:
        self.page, self.pages, self.zoom = 1, 0, 1.0

    def open(self, pages: int) -> None:
        self.pages = pages
        self.page = 1

    def turn(self, by: int) -> None:
        self.go_to(self.page + by)

    def go_to(self, page: int) -> None:
        self.page = max(1, min(page, self.pages or 1))

    def zoom_by(self, by: int) -> None:
        self.zoom = ZOOMS[max(0, min(ZOOMS.index(self.zoom) + by, len(ZOOMS) - 1))]

    def width_for(self, pixels: float) -> int:
        """The width to ask for, where so many pixels are seen."""
        return next((width for width in WIDTHS if width >= pixels), WIDTHS[-1])


def marks(told: Told | None, page: int) -> list[Mark]:
    """On that page."""
    findings = told.findings if told is not None else []
    return [Mark(place, box, one.action) for place, one in enumerate(findings) if one.page == page for box in one.places]


def mark_at(found: list[Mark], x: float, y: float, slack: float = 0.004) -> int:
    """The finding whose box is there, the smallest of several; -1: none."""
    hit = [
        one for one in found
        if one.box[0] - slack <= x <= one.box[2] + slack and one.box[1] - slack <= y <= one.box[3] + slack
    ]  # fmt: skip
    return min(hit, key=lambda one: (one.box[2] - one.box[0]) * (one.box[3] - one.box[1])).place if hit else -1
