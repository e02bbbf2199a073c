"""Asks before something that can't be taken back, and says what it leads to."""

from collections.abc import Callable

from PySide6.QtWidgets import QCheckBox, QDialog, QHBoxLayout, QVBoxLayout, QWidget

from gui.plain_text import breakable
from gui.widgets.parts import button, label


class ConfirmDialog(QDialog):
    """Cancel is what Return presses: nothing is done by a habit. `verb`: the other button's word. `choice`: what may be wanted
    beside it, as a box to tick."""

    def __init__(
        self,
        question: str,
        consequence: str,
        verb: str,
        confirmed: Callable[[], None],
        parent: QWidget | None = None,
        *,
        choice: str = "",
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(verb)
        self.setFixedWidth(440)
        self._confirmed = confirmed
        self.question, self.consequence = label(breakable(question), "h2", wraps=True), label(breakable(consequence), wraps=True)
        self.cancel, self.confirm = button("Cancel", self.reject), button(f"&{verb}", self._confirm, "danger")
        self.choice = QCheckBox(choice)
        self.choice.setObjectName("check")
        self.choice.setVisible(bool(choice))
        self.cancel.setDefault(True)
        self.confirm.setAutoDefault(False)
        layout, foot = QVBoxLayout(self), QHBoxLayout()
        layout.setContentsMargins(20, 18, 20, 18)
        layout.setSpacing(10)
        foot.addStretch()
        foot.addWidget(self.cancel)
        foot.addWidget(self.confirm)
        layout.addWidget(self.question)
        layout.addWidget(self.consequence)
        layout.addWidget(self.choice)
        layout.addSpacing(6)
        layout.addLayout(foot)
        self.cancel.setFocus()

    def _confirm(self) -> None:
        self.accept()
        self._confirmed()
