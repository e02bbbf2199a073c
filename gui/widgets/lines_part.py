"""A table with the buttons for its chosen line; or, while there is nothing yet, what it is for and one button."""

from collections.abc import Callable, Mapping

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QStackedLayout, QVBoxLayout, QWidget

from gui.lines_state import Action, Line
from gui.plain_text import breakable
from gui.tables.lines_view import LinesView
from gui.widgets.line_actions import LineActions
from gui.widgets.parts import button, label

EMPTY_WIDTH_MAX = 520


class Empty(QFrame):
    """What is said where there is nothing yet."""

    def __init__(self, title: str, text: str, verb: str, pressed: Callable[[], object]) -> None:
        super().__init__()
        self.setObjectName("hint")
        self.setMaximumWidth(EMPTY_WIDTH_MAX)
        self.title, self.text, self.button = (
            label(title, "h2", wraps=True),
            label(text, wraps=True),
            button(verb, pressed, "primary"),
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 16, 20, 16)
        layout.setSpacing(8)
        layout.addWidget(self.title)
        layout.addWidget(self.text)
        layout.addWidget(self.button, 0, Qt.AlignmentFlag.AlignLeft)


class LinesPart(QWidget):
    """`below`: more about the chosen line, between the table and its buttons; `share`: of the height, where the table has 3."""

    def __init__(
        self,
        view: LinesView,
        empty: Empty,
        ways: Mapping[str, str],
        act: Callable[[str], None],
        below: QWidget | None = None,
        share: int = 2,
    ) -> None:
        super().__init__()
        self.view, self.empty = view, empty
        self.why, self.buttons = label(name="warn", wraps=True), LineActions(ways, act)
        self._stack = QStackedLayout(self)
        self._stack.setContentsMargins(0, 0, 0, 0)
        nothing, something = QWidget(), QWidget()
        middle, across, column = QVBoxLayout(nothing), QHBoxLayout(), QVBoxLayout(something)
        across.addStretch(1)  # not an alignment, which would cut its wrapped text
        across.addWidget(empty, 6)
        across.addStretch(1)
        middle.addStretch(2)
        middle.addLayout(across)
        middle.addStretch(3)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        column.addWidget(view, 3)
        if below is not None:
            column.addWidget(below, share)
        column.addWidget(self.why)
        column.addWidget(self.buttons)
        self._stack.addWidget(nothing)
        self._stack.addWidget(something)

    def show_lines(self, lines: list[Line], sought: str, note: str = "") -> None:
        """`sought`: what the lines were searched for; without it, no line means that there is nothing yet. `note`: what stands
        where the search found nothing."""
        self._stack.setCurrentIndex(0 if not lines and not sought else 1)
        self.view.show_rows(lines, note or f"Nothing has “{sought}” in it.")

    def show_chosen(self, actions: list[Action], why: str) -> None:
        self.buttons.show_actions(actions)
        self.why.setText(breakable(why))
        self.why.setVisible(bool(why))
