"""Where a request for a route would go now, and why. Nothing is sent."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QFrame, QGridLayout, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from gui.client import Failure
from gui.plain_text import breakable, one_line, sentences
from gui.providers_state import Explanation
from gui.providers_watch import ProvidersWatch
from gui.route_row_state import explained, explained_head
from gui.widgets.parts import button, label


class ExplainDialog(QDialog):
    """Asked anew at each press of its button: where the strategy draws, the next answer may differ."""

    def __init__(self, watch: ProvidersWatch, model: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Explain")
        self.resize(560, 320)
        self._watch, self._model = watch, model
        self.title = label(breakable(f"A request for {one_line(model, 80)} would go now to"), "h2", wraps=True)
        self.note = label("Asking the gateway…", "dim", wraps=True)
        self.again, close = button("&Ask again", self._ask), button("Close", self.accept, "primary")
        self.again.setAutoDefault(False)
        close.setDefault(True)
        self.lines: list[tuple[str, str, str]] = []
        self._area, inside = QScrollArea(), QWidget()
        self._area.setObjectName("card")
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setWidgetResizable(True)
        inside.setObjectName("clear")
        self._grid = QGridLayout(inside)
        self._grid.setContentsMargins(14, 10, 14, 10)
        self._grid.setColumnStretch(1, 1)
        self._area.setWidget(inside)
        layout, foot = QVBoxLayout(self), QHBoxLayout()
        layout.setContentsMargins(20, 18, 20, 18)
        layout.setSpacing(10)
        foot.addWidget(self.again)
        foot.addStretch()
        foot.addWidget(close)
        layout.addWidget(self.title)
        layout.addWidget(self._area, 1)
        layout.addWidget(self.note)
        layout.addLayout(foot)
        watch.explained.connect(self._explained)
        self._ask()

    def _ask(self) -> None:
        self.again.setEnabled(False)
        self._watch.explain(self._model)

    def _explained(self, model: str, found: Explanation | Failure) -> None:
        if model != self._model:
            return
        self.again.setEnabled(True)
        if isinstance(found, Failure):
            self._show([], sentences(found.message, found.fix), "bad")
        else:
            self._show(explained(found), explained_head(found), "dim")

    def _show(self, lines: list[tuple[str, str, str]], note: str, tone: str) -> None:
        self.lines = lines
        while (item := self._grid.takeAt(0)) is not None:
            if (part := item.widget()) is not None:
                part.deleteLater()
        for place, (sign, name, why) in enumerate(lines):
            text = QWidget()
            column = QVBoxLayout(text)
            column.setContentsMargins(0, 0, 0, 4)
            column.setSpacing(1)
            column.addWidget(label(breakable(name), "h2", wraps=True))
            column.addWidget(label(breakable(why), "dim", wraps=True))
            self._grid.addWidget(label(sign, "h2"), place, 0, Qt.AlignmentFlag.AlignTop)
            self._grid.addWidget(text, place, 1)
        self._grid.setRowStretch(len(lines), 1)
        self.note.setText(breakable(note))
        self.note.setObjectName(tone)
        self.note.style().polish(self.note)
