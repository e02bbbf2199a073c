"""A new value for a key: how long the one before goes on working beside it."""

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QHBoxLayout, QVBoxLayout, QWidget

from gui.client import Failure
from gui.key_form_state import GRACE_SECONDS, GRACES, rotate_words
from gui.key_row_state import is_rotating
from gui.keys_state import ApiKey, made_of
from gui.keys_watch import KEYS, KeysWatch
from gui.moments_state import now
from gui.plain_text import breakable, one_line, sentences
from gui.records_watch import CHANGED_MEANWHILE, at
from gui.watch import UNREADABLE
from gui.widgets.form_field import FormArea, FormField, combo
from gui.widgets.parts import button, label

ROTATE = "key.rotate"
WIDTH = 460


class RotateDialog(QDialog):
    """`made` tells the new value, and what the key may ask for."""

    made = Signal(object, object)

    def __init__(self, watch: KeysWatch, key: ApiKey, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Rotate an API key")
        self.setMinimumWidth(WIDTH)
        self._watch, self._key, self._is_sent = watch, key, False
        self.title = label(breakable(f"A new value for {one_line(key.name, 80)}"), "h2", wraps=True)
        self.note = label(breakable(rotate_words(key, has_two=is_rotating(key, now()))), wraps=True)
        self.grace, self.form, self.problem = combo("The value before ends"), FormArea(), label(name="bad", wraps=True)
        for seconds, text in GRACES.items():
            self.grace.addItem(text, seconds)
        self.grace.setCurrentIndex(self.grace.findData(GRACE_SECONDS))
        self.row = FormField("The old value &ends", self.grace)
        self.cancel, self.rotate = button("Cancel", self.reject), button("&Rotate", self._rotate, "primary")
        self.rotate.setDefault(True)
        self._lay_out()
        self.grace.currentIndexChanged.connect(lambda _: self._explain())
        watch.answered.connect(self._answered)
        self._explain()

    def _lay_out(self) -> None:
        layout, foot = QVBoxLayout(self), QHBoxLayout()
        layout.setContentsMargins(20, 18, 20, 18)
        layout.setSpacing(12)
        self.row.add_to(self.form.rows)
        foot.setSpacing(8)
        foot.addStretch()
        foot.addWidget(self.cancel)
        foot.addWidget(self.rotate)
        for part in (self.title, self.note, self.form, self.problem):
            layout.addWidget(part)
        layout.addLayout(foot)
        self.problem.hide()

    def _explain(self) -> None:
        at_once = self.grace.currentData() == 0
        self.row.explain("Programs that still have it are refused." if at_once else "Until then both values work.")
        self.form.fit(self)

    def _rotate(self) -> None:
        self._sending(True)
        body = {"grace_seconds": self.grace.currentData()}
        path = at(KEYS, self._key.id, "/rotate")
        self._watch.send(f"{ROTATE} {id(self)}", "POST", path, body, version=self._key.version)

    def _sending(self, on: bool) -> None:
        self._is_sent = on
        self.rotate.setEnabled(not on)
        self.cancel.setEnabled(not on)

    def reject(self) -> None:
        if not self._is_sent:  # else nobody sees the new value
            super().reject()

    def _answered(self, ticket: str, answer: Any, failure: Failure | None) -> None:
        if ticket != f"{ROTATE} {id(self)}":
            return
        self._sending(False)
        made = made_of(answer) if failure is None else None
        if made is not None:
            self._watch.look_at(self._key.id)
            self.accept()
            self.made.emit(made, self._key.models)
            return
        shown = failure or UNREADABLE
        self.problem.setText(breakable(sentences(shown.message, shown.fix)))
        self.problem.show()
        if shown.status == CHANGED_MEANWHILE:
            self._watch.look_at(self._key.id)
            self.rotate.setEnabled(False)
            self.cancel.setFocus()
        self.form.fit(self)
