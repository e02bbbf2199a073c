"""The top of the Guardrails page: what holds for everyone, which of its three parts is seen, a search, what may be made."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QButtonGroup, QFrame, QHBoxLayout, QVBoxLayout, QWidget

from gui.plain_text import breakable
from gui.widgets.marker import Marker
from gui.widgets.parts import button, field, label

NAMES = ("Po&licies", "Assign&ments", "&Try it")


class HeldCard(QFrame):
    """Seen on each of the parts."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("card")
        self.marker, self.title, self.more = Marker(), label(name="h2", wraps=True), label(name="dim", wraps=True)
        across, column = QHBoxLayout(self), QVBoxLayout()
        across.setContentsMargins(14, 9, 14, 9)
        across.setSpacing(9)
        column.setSpacing(2)
        across.addWidget(self.marker, 0, Qt.AlignmentFlag.AlignTop)
        across.addLayout(column, 1)
        column.addWidget(self.title)
        column.addWidget(self.more)

    def show_held(self, marker: str, title: str, more: str) -> None:
        self.marker.show_marker(marker)
        self.title.setText(breakable(title))
        self.more.setText(breakable(more))
        self.more.setVisible(bool(more))
        self.setAccessibleName(f"{title}. {more}")


class GuardrailsHead(QWidget):
    def __init__(self, turned: Callable[[], object], add: Callable[[], object], assign: Callable[[], object]) -> None:
        super().__init__()
        self.held = HeldCard()
        self.tabs = [button(name, turned) for name in NAMES]
        self.search, self.add, self.assign = field("Find"), button("&Add…", add), button("Ass&ign…", assign)
        self.search.setPlaceholderText("Find")
        self.search.setClearButtonEnabled(True)
        self.search.setMinimumWidth(76)
        self.assign.hide()
        self._group = QButtonGroup(self)
        for tab in self.tabs:
            tab.setCheckable(True)
            self._group.addButton(tab)
        self.tabs[0].setChecked(True)
        column, row = QVBoxLayout(self), QHBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        row.setSpacing(8)
        for part in (*self.tabs, self.search, self.add, self.assign):
            row.addWidget(part, 1 if part is self.search else 0)
        row.addStretch()
        column.addWidget(self.held)
        column.addLayout(row)

    @property
    def place(self) -> int:
        return next((place for place, tab in enumerate(self.tabs) if tab.isChecked()), 0)

    def show_counts(self, *counts: str) -> None:
        """How many there are: policies, assignments."""
        for tab, name, count in zip(self.tabs, NAMES, (*counts, ""), strict=True):
            tab.setText(f"{name}  {count}" if count not in ("", "0") else name)
            tab.setAccessibleName(", ".join(part for part in (name.replace("&", ""), count) if part))
        self.search.setVisible(self.place != 2)
        self.add.setVisible(self.place == 0)
        self.assign.setVisible(self.place == 1)
