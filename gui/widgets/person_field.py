"""Choosing one of many people: what is typed is looked for in their names and addresses."""

from typing import Any

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from gui.client import Failure
from gui.keys_watch import KeysWatch
from gui.people_state import User
from gui.plain_text import breakable, one_line, sentences, tooltip
from gui.widgets.parts import field, label

PAUSE_MS = 250  # of typing, before the gateway is asked
SHOWN_MAX = 50
LIST_HEIGHT, ITEM_HEIGHT = 96, 26


class PersonField(QWidget):
    """`chosen`: another one, or nobody. Arrow keys in the search walk through the list."""

    chosen = Signal()

    def __init__(self, watch: KeysWatch) -> None:
        super().__init__()
        self._watch = watch
        self.search, self.list, self.note = field("Name or e-mail address"), QListWidget(), label("Looking…", "dim", wraps=True)
        self.search.setPlaceholderText("Name or e-mail address")
        self.search.setClearButtonEnabled(True)
        self.search.installEventFilter(self)
        self.list.setObjectName("card")
        self.list.setAccessibleName("People found")
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
        self._pause.timeout.connect(self._ask)
        self.search.textChanged.connect(lambda _: self._pause.start())
        self.list.currentItemChanged.connect(lambda *_: self.chosen.emit())
        watch.found.connect(self._found)
        self._ask()

    @property
    def user_id(self) -> str:
        row = self.list.currentRow()
        return self._id_at(row) if row >= 0 else ""

    @property
    def _words(self) -> str:
        return self.search.text().strip()[:200]

    def _ask(self) -> None:
        self._watch.find_people(self._words)

    def _found(self, words: str, people: list[User] | Failure, has_more: bool) -> None:
        if words != self._words:  # somebody typed on
            return
        if isinstance(people, Failure):
            self._say(sentences(people.message, people.fix))
            return
        before = self.user_id
        self.list.blockSignals(True)
        self.list.clear()
        for one in people[:SHOWN_MAX]:
            self._add(one)
        at = next((n for n in range(self.list.count()) if self._id_at(n) == before), 0 if len(people) == 1 else -1)
        self.list.setCurrentRow(at)
        self.list.blockSignals(False)
        more = has_more or len(people) > SHOWN_MAX
        nobody = f"Nobody has “{one_line(words, 60)}” in their name or address." if words else "There are no people yet."
        self._say(nobody if not people else "There are more: type a part of the name." if more else "")

    def _say(self, text: str) -> None:
        self.note.setText(breakable(text))
        self.note.setVisible(bool(text))
        self.chosen.emit()

    def _add(self, one: User) -> None:
        text = f"{one_line(one.name, 80)}  ·  {one_line(one.email, 120)}{'  ·  suspended' if one.suspended_at else ''}"
        item = QListWidgetItem(text, self.list)
        item.setData(Qt.ItemDataRole.UserRole, one.id)
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
