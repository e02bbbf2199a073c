"""The verdict of one file in plain words, what follows from it, and the way out: a password, another try, the values."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QFrame, QHBoxLayout, QVBoxLayout, QWidget

from gui import file_words_state as words
from gui.files_state import Item
from gui.plain_text import breakable
from gui.widgets.marker import Marker
from gui.widgets.parts import button, field, label

VALUES = "Show &what was found"


class FileCard(QFrame):
    """`opened` is told a password, `shown` whether values are to be seen."""

    def __init__(self, opened: Callable[[str], None], shown: Callable[[bool], None]) -> None:
        super().__init__()
        self.setObjectName("card")
        self._opened, self._item_id = opened, ""
        self.marker = Marker()
        self.headline, self.more, self.judged = label(name="h2", wraps=True), label(wraps=True), label(name="dim", wraps=True)
        self.password, self.open = field("Password of the file", secret=True), button("&Open", self._open, "primary")
        self.password.setPlaceholderText("Its password")
        self.password.returnPressed.connect(self._open)
        self.values = QCheckBox(VALUES)
        self.values.setObjectName("check")
        self.values.clicked.connect(shown)
        self._lay_out()

    def _lay_out(self) -> None:
        across, column, self._asking = QHBoxLayout(self), QVBoxLayout(), QWidget()
        row = QHBoxLayout(self._asking)
        across.setContentsMargins(14, 9, 14, 9)
        across.setSpacing(9)
        column.setSpacing(3)
        row.setContentsMargins(0, 3, 0, 0)
        across.addWidget(self.marker, 0, Qt.AlignmentFlag.AlignTop)
        across.addLayout(column, 1)
        row.addWidget(self.password, 1)
        row.addWidget(self.open)
        for part in (self.headline, self.more, self._asking, self.judged, self.values):
            column.addWidget(part)

    def show_item(self, item: Item | None) -> None:
        self.setVisible(item is not None)
        if item is None:
            return
        if item.id != self._item_id:
            self._item_id = item.id
            self.password.clear()
        self.marker.show_marker(words.state(item)[0])
        told = ((self.headline, words.headline(item)), (self.more, words.details(item)), (self.judged, words.judged_by(item)))
        for part, text in told:
            part.setText(breakable(text))
            part.setVisible(bool(text))
        self._asking.setVisible(item.wants_password and item.step == "done")
        self.values.setVisible(item.told is not None and bool(item.told.findings))
        self.values.setEnabled(not item.is_under_way)
        self.values.setChecked(item.with_values)
        self.setAccessibleName(f"{item.shown_name}: {words.headline(item)}. {words.details(item)}")

    def _open(self) -> None:
        if self.password.text():
            self._opened(self.password.text())
            self.password.clear()
