"""The value of a key, shown once: to be copied, or as lines to paste."""

from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from gui.key_form_state import made_words, model_for, snippets
from gui.keys_state import Made
from gui.plain_text import breakable, one_line
from gui.widgets.form_field import combo
from gui.widgets.parts import button, field, label

WIDTH = 600
LINES_HEIGHT = 186
_LEFT = "It hasn't been copied, and can't be shown again. Close once more to leave it."
_TRUST = "On another machine the program must trust this gateway's certificate first: open the network page there (/join)."


class MadeDialog(QDialog):
    """`endpoints`: where programs reach the gateway. It closes at the second try, unless something was copied."""

    def __init__(
        self,
        made: Made,
        endpoints: list[str],
        offered: list[str],
        models: list[str] | None = None,
        parent: QWidget | None = None,
        *,
        is_rotated: bool = False,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("New value" if is_rotated else "New API key")
        self.setMinimumWidth(WIDTH)
        self._made, self._model = made, model_for(offered, models)
        self._is_copied = self._is_warned = False
        self.title = label(breakable(one_line(made.name, 120)), "h2", wraps=True)
        self.note = label(breakable(made_words(made, is_rotated=is_rotated)), wraps=True)
        self.key, self.copy = field("The key"), button("&Copy key", self._copy_key, "primary")
        self.key.setText(made.key)
        self.key.setReadOnly(True)
        self.key.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.where, self.kind = combo("Address"), combo("Lines for")
        for one in endpoints:
            self.where.addItem(one_line(one, 200), one)
        for name in snippets("", "", ""):
            self.kind.addItem(name)
        self.lines, self.copy_lines = _lines(), button("Copy &lines", self._copy_lines)
        self.trust, self.said = label(_TRUST, "dim", wraps=True), label(name="warn", wraps=True)
        self.close_it = button("Close", self.reject)
        self._lay_out()
        self.where.currentIndexChanged.connect(lambda _: self._show_lines())
        self.kind.currentIndexChanged.connect(lambda _: self._show_lines())
        self._show_lines()
        self.copy.setDefault(True)
        self.copy.setFocus()

    def _lay_out(self) -> None:
        layout, value, choice, foot = QVBoxLayout(self), QHBoxLayout(), QHBoxLayout(), QHBoxLayout()
        layout.setContentsMargins(20, 18, 20, 18)
        layout.setSpacing(10)
        for row in (value, choice, foot):
            row.setSpacing(8)
        value.addWidget(self.key, 1)
        value.addWidget(self.copy)
        choice.addWidget(self.kind)
        choice.addWidget(self.where, 1)
        choice.addWidget(self.copy_lines)
        foot.addWidget(self.said, 1)
        foot.addWidget(self.close_it)
        layout.addWidget(self.title)
        layout.addWidget(self.note)
        layout.addLayout(value)
        layout.addSpacing(4)
        layout.addLayout(choice)
        layout.addWidget(self.lines)
        layout.addWidget(self.trust)
        layout.addLayout(foot)

    def _show_lines(self) -> None:
        api = str(self.where.currentData() or "")
        self.lines.setPlainText(snippets(api, self._made.key, self._model)[self.kind.currentText()])
        self.trust.setVisible(api.startswith("https:"))

    def _copy_key(self) -> None:
        self._copied(self._made.key, "Copied the key.")

    def _copy_lines(self) -> None:
        self._copied(self.lines.toPlainText(), "Copied the lines, with the key in them.")

    def _copied(self, text: str, said: str) -> None:
        QGuiApplication.clipboard().setText(text)
        self._is_copied = True
        self._say(said, "ok")

    def _say(self, text: str, name: str) -> None:
        self.said.setObjectName(name)
        self.said.style().polish(self.said)
        self.said.setText(text)

    def reject(self) -> None:
        if self._is_copied or self._is_warned:
            super().reject()
            return
        self._is_warned = True
        self._say(_LEFT, "warn")
        self.copy.setFocus()


def _lines() -> QPlainTextEdit:
    made = QPlainTextEdit()
    made.setObjectName("mono")
    made.setAccessibleName("Lines to paste")
    made.setReadOnly(True)
    made.setTabChangesFocus(True)
    made.setFixedHeight(LINES_HEIGHT)
    made.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
    return made
