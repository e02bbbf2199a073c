"""Taking people in from a file: what would become of it first, then for good, then their links."""

from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QDialog, QFileDialog, QHBoxLayout, QVBoxLayout, QWidget

from gui import people_file_state as files
from gui.client import Failure
from gui.people_watch import PeopleWatch
from gui.plain_text import breakable, one_line, sentences
from gui.records_watch import USERS
from gui.widgets.parts import button, label

WIDTH = 520
TRIED, TAKEN = "try", "take"


class PeopleFileDialog(QDialog):
    """`taken`: accounts were made, in words. It begins with a dry run."""

    taken = Signal(str)

    def __init__(self, watch: PeopleWatch, path: Path, people: list[dict[str, str]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Import people")
        self.setMinimumWidth(WIDTH)
        self._watch, self._people = watch, people
        self._links = ""
        count = f"{len(people):,} {'person' if len(people) == 1 else 'people'}"
        self.title = label(breakable(f"{one_line(path.name, 80)}: {count}"), "h2", wraps=True)
        self.outcome, self.problem = label("Asking the gateway…", wraps=True), label(name="bad", wraps=True)
        self.invite = QCheckBox("Make a &link for each, with which they set their password")
        self.invite.setObjectName("check")
        self.invite.setChecked(True)
        self.cancel, self.take = button("Cancel", self.reject), button("&Import", self._take, "primary")
        self.keep = button("Save the &links…", self._keep, "primary")
        layout, foot = QVBoxLayout(self), QHBoxLayout()
        layout.setContentsMargins(20, 18, 20, 18)
        layout.setSpacing(12)
        foot.addStretch()
        for part in (self.cancel, self.take, self.keep):
            foot.addWidget(part)
        for row in (self.title, self.outcome, self.problem, self.invite):
            layout.addWidget(row)
        layout.addLayout(foot)
        self.problem.hide()
        self.keep.hide()
        self.take.setEnabled(False)
        watch.answered.connect(self._answered)
        self._send(TRIED, dry_run=True)

    def _fit(self) -> None:
        """As high as its sentences need: Qt does not count wrapped lines by itself."""
        layout = self.layout()
        if layout is not None:
            layout.invalidate()
            layout.activate()
            height = layout.totalHeightForWidth(self.width())
            self.setMinimumHeight(height)
            self.resize(self.width(), height)

    def _ticket(self, step: str) -> str:
        return f"import {step} {id(self)}"

    def _send(self, step: str, *, dry_run: bool) -> None:
        body = {"users": self._people, "invite": self.invite.isChecked() and not dry_run}
        self._watch.send(self._ticket(step), "POST", f"{USERS}/import{'?dry_run=true' if dry_run else ''}", body)

    def _take(self) -> None:
        self.take.setEnabled(False)
        self.outcome.setText("They are being made…")
        self._send(TAKEN, dry_run=False)

    def _answered(self, ticket: str, answer: Any, failure: Failure | None) -> None:
        if ticket not in (self._ticket(TRIED), self._ticket(TAKEN)):
            return
        told = files.imported_of(answer) if failure is None else None
        if told is None:
            self._refused(failure)
        elif told.dry_run:
            self.outcome.setText(breakable(files.question(told)))
            self.take.setEnabled(bool(told.created))
            self.take.setDefault(bool(told.created))
            self._fit()
        else:
            self._made(told)

    def _refused(self, failure: Failure | None) -> None:
        self.outcome.setText("Nothing was changed.")
        text = "The gateway's answer can't be read." if failure is None else sentences(failure.message, failure.fix)
        self.problem.setText(breakable(text))
        self.problem.show()
        self.take.setEnabled(False)
        self._fit()

    def _made(self, told: files.Imported) -> None:
        self.taken.emit(files.done_words(told))
        if not told.links:
            self.accept()
            return
        self._links = files.links_text(told)
        self.outcome.setText(
            f"{files.done_words(told)} Their links are shown nowhere else: save them now, and send each its own."
        )
        self.invite.hide()
        self.take.hide()
        self.keep.show()
        self.keep.setFocus()
        self.cancel.setText("Close")
        self._fit()

    def _keep(self) -> None:
        name, _ = QFileDialog.getSaveFileName(self, "Save the links", "links.csv", "Tables (*.csv)")
        if name:
            self.keep_in(Path(name))

    def keep_in(self, path: Path) -> None:
        try:
            path.touch(mode=0o600)
            path.write_text(self._links, encoding="utf-8")
        except OSError as error:
            self.problem.setText(breakable(f"They can't be saved there: {error.strerror}."))
            self.problem.show()
            return
        self.accept()
