"""Revoking a key by its value, for whoever found one where it should not be."""

from typing import Any

from PySide6.QtWidgets import QCheckBox, QDialog, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from gui.client import Failure
from gui.key_row_state import ended_words
from gui.keys_state import ApiKey, Ended, ended_of, key_of
from gui.keys_watch import KEYS, KeysWatch
from gui.plain_text import breakable, sentences
from gui.provider_form_state import complaint
from gui.records_watch import at
from gui.watch import UNREADABLE
from gui.widgets.form_field import FormArea, FormField
from gui.widgets.parts import button, field, label

REVOKE, LOOK = "key.revoke_value", "key.look"
WIDTH = 480
VALUE_CHARACTERS_MAX = 200
_WHAT = (
    "Paste a key that was found in a chat, a file or a repository, whole. Whatever it opened is closed with the next request. "
    "The value is kept nowhere."
)


class LeakDialog(QDialog):
    """It stays open, and says which key it was."""

    def __init__(self, watch: KeysWatch, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Revoke a leaked key")
        self.setMinimumWidth(WIDTH)
        self._watch = watch
        self._ended: Ended | None = None
        self.note, self.outcome = label(_WHAT, wraps=True), label(name="ok", wraps=True)
        self.value, self.shows = field("The key's value", secret=True), QCheckBox("&Show it")
        self.value.setMaxLength(VALUE_CHARACTERS_MAX)
        self.value.setPlaceholderText("gh-…")
        self.shows.setObjectName("check")
        self.form, self.row = FormArea(), FormField("&Value", self.value)
        self.cancel, self.revoke = button("Close", self.reject), button("&Revoke", self._revoke, "danger")
        self.revoke.setDefault(True)
        self._lay_out()
        self.value.textChanged.connect(lambda _: self._edited())
        self.shows.toggled.connect(self._show_value)
        watch.answered.connect(self._answered)
        self._edited()
        self.value.setFocus()

    def _lay_out(self) -> None:
        layout, foot = QVBoxLayout(self), QHBoxLayout()
        layout.setContentsMargins(20, 18, 20, 18)
        layout.setSpacing(12)
        self.row.add_to(self.form.rows)
        self.form.rows.addRow("", self.shows)
        foot.setSpacing(8)
        foot.addStretch()
        foot.addWidget(self.cancel)
        foot.addWidget(self.revoke)
        for part in (self.note, self.form, self.outcome):
            layout.addWidget(part)
        layout.addLayout(foot)
        self.outcome.hide()

    def _show_value(self, on: bool) -> None:
        self.value.setEchoMode(QLineEdit.EchoMode.Normal if on else QLineEdit.EchoMode.Password)

    def _edited(self) -> None:
        self.revoke.setEnabled(bool(self.value.text().strip()))
        self.row.show_problem("")
        if self.value.text():
            self.outcome.hide()
        self.form.fit(self)

    def _revoke(self) -> None:
        self.revoke.setEnabled(False)
        self._watch.send(f"{REVOKE} {id(self)}", "POST", f"{KEYS}/revoke", {"key": self.value.text().strip()})

    def _answered(self, ticket: str, answer: Any, failure: Failure | None) -> None:
        if ticket == f"{LOOK} {id(self)}" and self._ended is not None:
            self._tell(self._ended, key_of(answer) if failure is None else None)
        if ticket != f"{REVOKE} {id(self)}":
            return
        self._ended = ended_of(answer) if failure is None else None
        if self._ended is None:
            shown = failure or UNREADABLE
            self.revoke.setEnabled(True)
            self.row.show_problem(sentences(complaint(shown.message, shown.param), shown.fix))
            self.form.fit(self)
            return
        self.value.clear()
        self._tell(self._ended, self._watch.keys.keys.get(self._ended.id))
        self._watch.send(f"{LOOK} {id(self)}", "GET", at(KEYS, self._ended.id))  # further down the list, or in none
        self._watch.look_at(self._ended.id)
        self.cancel.setFocus()

    def _tell(self, ended: Ended, key: ApiKey | None) -> None:
        self.outcome.setText(breakable(ended_words(ended, self._watch.keys, key)))
        self.outcome.show()
        self.form.fit(self)
