"""Choosing one of many: what is typed is looked for, and arrow keys walk through what was found."""

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from gui.plain_text import breakable, one_line, tooltip
from gui.widgets.parts import field, label

PAUSE_MS = 250  # of typing, before the gateway is asked
SHOWN_MAX = 50
LIST_HEIGHT, ITEM_HEIGHT = 96, 26


class SoughtField(QWidget):
    """`chosen`: another one, or none. `what`: what is typed; `found`: the list's name for screen readers; `none`: said where
    there are none; `nothing`: said, with the words, where none has them."""

    chosen = Signal()

    def __init__(self, what: str, found: str, none: str, nothing: str, ask: Callable[[str], None]) -> None:
        super().__init__()
        self._none, self._nothing, self._ask_for = none, nothing, ask
        self.search, self.list, self.note = field(what), QListWidget(), label("Looking…", "dim", wraps=True)
        self.search.setPlaceholderText(what)
        self.search.setClearButtonEnabled(True)
        self.search.installEventFilter(self)
        self.list.setObjectName("card")
        self.list.setAccessibleName(found)
        self.list.setFrameShape(QFrame.Shape.StyledPanel)
        self.list.setFixedHeight(LIST_HEIGHT)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setTextElideMode(Qt.TextElideMode.ElideRight)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for part in (self.search, self.list, self.note):
            layout.addWidget(part)
        self._pause = QTimer(self, singleShot=True, interval=PAUSE_MS)
        self._pause.timeout.connect(self.ask)
        self.search.textChanged.connect(lambda _: self._pause.start())
        self.list.currentItemChanged.connect(lambda *_: self.chosen.emit())

    @property
    def chosen_id(self) -> str:
        row = self.list.currentRow()
        return self._id_at(row) if row >= 0 else ""

    @property
    def words(self) -> str:
        return self.search.text().strip()[:200]

    def ask(self) -> None:
        self._ask_for(self.words)

    def show_found(self, words: str, found: list[tuple[str, str]], *, has_more: bool = False) -> None:
        """Ids and texts."""
        if words != self.words:  # somebody typed on
            return
        before = self.chosen_id
        self.list.blockSignals(True)
        self.list.clear()
        for its_id, text in found[:SHOWN_MAX]:
            self._add(its_id, text)
        at = next((n for n in range(self.list.count()) if self._id_at(n) == before), 0 if len(found) == 1 else -1)
        self.list.setCurrentRow(at)
        self.list.blockSignals(False)
        more = has_more or len(found) > SHOWN_MAX
        nothing = self._nothing.format(words=one_line(words, 60)) if words else self._none
        self.say(words, nothing if not found else "There are more: type a part of the name." if more else "")

    def say(self, words: str, text: str) -> None:
        if words != self.words:
            return
        self.note.setText(breakable(text))
        self.note.setVisible(bool(text))
        self.chosen.emit()

    def _add(self, its_id: str, text: str) -> None:
        item = QListWidgetItem(text, self.list)
        item.setData(Qt.ItemDataRole.UserRole, its_id)
        item.setSizeHint(QSize(0, ITEM_HEIGHT))
        item.setToolTip(tooltip(text))

    def _id_at(self, row: int) -> str:
        return str(self.list.item(row).data(Qt.ItemDataRole.UserRole))

    def eventFilter(self, watched: Any, event: Any) -> bool:  # noqa: N802 (Qt's name)
        if isinstance(event, QKeyEvent) and event.type() == QKeyEvent.Type.KeyPress:
            step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()), 0)
            if step and self.list.count():
                self.list.setCurrentRow(min(max(0, self.list.currentRow() + step), self.list.count() - 1))
                return True
        return super().eventFilter(watched, event)
