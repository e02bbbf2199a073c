"""What a table of the window shows, without Qt: one line each, its cells as plain text."""

import msgspec


class Cell(msgspec.Struct, frozen=True):
    """note: a second line. marker: a sign before the text. tone: its colour's name. share: a bar, from 0 to 1."""

    text: str
    note: str = ""
    marker: str = ""
    tone: str = "text"
    share: float | None = None
    hint: str = ""


class Line(msgspec.Struct, frozen=True):
    """One row. `id`: by which it stays chosen."""

    id: str
    cells: tuple[Cell, ...]


class Action(msgspec.Struct, frozen=True):
    """A button for the chosen line. `why` it can't be done now, empty where it can."""

    verb: str
    text: str
    why: str = ""
