"""Below the table of a long list: all about the chosen line, how much of the list is here, and a button for the next page."""

from collections.abc import Callable

from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from gui.plain_text import breakable
from gui.widgets.parts import button, label


class MorePart(QWidget):
    def __init__(self, more: Callable[[], object]) -> None:
        super().__init__()
        self.facts, self.note = label(name="dim", wraps=True), label(name="dim", wraps=True)
        self.more = button("Show &more", more, "small")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        column, row = QVBoxLayout(self), QHBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        row.setSpacing(8)
        row.addWidget(self.note, 1)
        row.addWidget(self.more)
        column.addLayout(row)
        column.addWidget(self.facts)

    def show_facts(self, text: str) -> None:
        self.facts.setText(breakable(text))
        self.facts.setVisible(bool(text))

    def show_more(self, note: str, *, has_more: bool, is_asking: bool, is_bad: bool = False) -> None:
        """Nothing where all of the list is here."""
        self.note.setText(breakable(note))
        name = "bad" if is_bad else "dim"
        if self.note.objectName() != name:
            self.note.setObjectName(name)
            self.note.style().polish(self.note)
        self.note.setVisible(bool(note))
        self.more.setVisible(has_more)
        self.more.setEnabled(not is_asking)
