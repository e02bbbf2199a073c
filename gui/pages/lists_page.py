"""What pages of lists have in common: one head over parts, what stands there while nothing is known, what is said of a wish."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent, QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import QDialog, QLineEdit, QStackedLayout, QStackedWidget, QVBoxLayout, QWidget

from gui.client import Failure
from gui.confirm_dialog import ConfirmDialog
from gui.plain_text import breakable, sentences
from gui.service import Service
from gui.watch import Watch
from gui.widgets.parts import button, label


class ListsPage(QWidget):
    """`what`: its things, in the plural. `ask`: everything anew, for who asks by hand. `dialog`: the one opened last."""

    def __init__(self, service: Service, watch: Watch, what: str, ask: Callable[[], object]) -> None:
        super().__init__()
        self._service, self._what, self._ask = service, what, ask
        self.dialog: QDialog | None = None
        self.note, self.again = label(name="dim", wraps=True), button("Try &again", ask)
        self.stale = label(name="warn", wraps=True)
        self.problem, self.done = label(name="bad", wraps=True), label(name="ok", wraps=True)
        self._watched = watch

    def refresh(self) -> None:
        """What is known now, on the screen."""
        raise NotImplementedError

    def _lay_out(self, head: QWidget, search: QLineEdit, *parts: QWidget) -> None:
        """`parts`: one of them is seen, as the head says."""
        self._stack = QStackedLayout(self)
        self._stack.setContentsMargins(0, 0, 0, 0)
        empty, content = QWidget(), QWidget()
        middle, column = QVBoxLayout(empty), QVBoxLayout(content)
        middle.addStretch(2)
        self.note.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        middle.addWidget(self.note)
        middle.addWidget(self.again, 0, Qt.AlignmentFlag.AlignHCenter)
        middle.addStretch(3)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        self.parts = QStackedWidget()
        for part in parts:
            self.parts.addWidget(part)
        for each in (head, self.stale, self.problem, self.done):
            column.addWidget(each)
        column.addWidget(self.parts, 1)
        self._stack.addWidget(empty)
        self._stack.addWidget(content)
        self._watched.changed.connect(self.refresh)
        self._watched.failed.connect(self._tell)
        QShortcut(QKeySequence.StandardKey.Find, self, search.setFocus)
        QShortcut(QKeySequence.StandardKey.Refresh, self, self._ask)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 (Qt's name)
        super().showEvent(event)
        self._watched.watch(on=True)

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 (Qt's name)
        super().hideEvent(event)
        self._watched.watch(on=False)

    # What it shows

    def _is_there(self, *, told: bool) -> bool:
        """Whether the lists can be shown; else a note stands there, and why."""
        failure, phase = self._watched.failure, self._service.phase
        if told and phase == "running":
            self._stack.setCurrentIndex(1)
            return True
        has_failed = failure is not None and phase == "running"
        self.note.setText(breakable(waiting_note(self._what, phase, failure)))
        self.note.setObjectName("bad" if has_failed else "dim")
        self.note.style().polish(self.note)
        self.again.setVisible(has_failed)
        self._stack.setCurrentIndex(0)
        return False

    def _show_said(self) -> None:
        """Whether it is out of date, and what became of the last wish."""
        failure = self._watched.failure
        old = f"This may be out of date. {sentences(failure.message, failure.fix)}" if failure is not None else ""
        self.stale.setText(breakable(old))
        self.stale.setVisible(bool(old))
        self.problem.setVisible(bool(self.problem.text()))
        self.done.setVisible(bool(self.done.text()))

    def _tell(self, failure: Failure) -> None:
        self._say(sentences(failure.message, failure.fix))

    def _say(self, problem: str = "", done: str = "") -> None:
        self.problem.setText(breakable(problem))
        self.done.setText(breakable(done))
        self.refresh()

    # What it asks

    def _confirm(self, question: tuple[str, str], verb: str, confirmed: Callable[[], None]) -> None:
        self._say()
        self._open(ConfirmDialog(*question, verb, confirmed, self))

    def _open(self, dialog: QDialog) -> None:
        """Not `exec`: events go on being read while it is open."""
        self.dialog = dialog
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()


def waiting_note(what: str, phase: str, failure: Failure | None) -> str:
    """What stands in place of a page while there is nothing to show."""
    if phase == "running":
        return (
            f"The {what} can't be shown. {sentences(failure.message, failure.fix)}"
            if failure
            else f"Asking the gateway for its {what}…"
        )
    return {
        "starting": "The gateway is starting…",
        "stopping": "The gateway is stopping…",
    }.get(phase, f"The gateway is stopped. Start it to see its {what}.")
