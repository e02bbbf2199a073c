"""A new password for somebody who has lost theirs."""

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QDialog, QHBoxLayout, QVBoxLayout, QWidget

from gui.client import Failure
from gui.people_state import User
from gui.people_watch import MACHINE, PeopleWatch
from gui.person_form_state import PASSWORD_CHARACTERS_MIN, made_password
from gui.plain_text import breakable, one_line, sentences
from gui.widgets.form_field import FormArea, FormField
from gui.widgets.parts import button, field, label

WIDTH = 460


class PasswordDialog(QDialog):
    """`saved` tells what became of it, in words."""

    saved = Signal(str)

    def __init__(self, watch: PeopleWatch, user: User, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("New password")
        self.setMinimumWidth(WIDTH)
        self._watch, self._user = watch, user
        self.title = label(breakable(f"A new password for {one_line(user.name, 80)}"), "h2", wraps=True)
        self.note = label(
            "Every sign-in of theirs ends. Tell it them yourself; they can change it on their page (/me).", wraps=True
        )
        self.password, self.form = field("Password"), FormArea()
        self.password.setText(made_password())
        self.row = FormField("&Password", self.password)
        self.row.add_to(self.form.rows)
        self.drop = QCheckBox("Drop their &second factor as well: they have lost it")
        self.drop.setObjectName("check")
        self.drop.setVisible(user.second_factor)
        self.problem = label(name="bad", wraps=True)
        self.cancel, self.save = button("Cancel", self.reject), button("&Set it", self._save, "primary")
        self.save.setDefault(True)
        layout, foot = QVBoxLayout(self), QHBoxLayout()
        layout.setContentsMargins(20, 18, 20, 18)
        layout.setSpacing(10)
        foot.addStretch()
        foot.addWidget(self.cancel)
        foot.addWidget(self.save)
        for part in (self.title, self.note, self.form, self.drop, self.problem):
            layout.addWidget(part)
        layout.addLayout(foot)
        self.problem.hide()
        self.password.textChanged.connect(lambda _: self.row.show_problem(""))
        watch.answered.connect(self._answered)
        self.form.fit(self)

    def _save(self) -> None:
        if len(self.password.text()) < PASSWORD_CHARACTERS_MIN:
            self._tell(f"At least {PASSWORD_CHARACTERS_MIN} characters.", "password")
            return
        self.save.setEnabled(False)
        body = {"email": self._user.email, "password": self.password.text(), "drop_second_factor": self.drop.isChecked()}
        self._watch.send(f"password {id(self)}", "POST", f"{MACHINE}/password", body)

    def _answered(self, ticket: str, answer: Any, failure: Failure | None) -> None:
        if ticket != f"password {id(self)}":
            return
        if failure is None:
            ended = int((answer or {}).get("sessions_ended", 0))
            self.accept()
            signed_out = {0: "", 1: " One sign-in ended."}.get(ended, f" {ended} sign-ins ended.")
            self.saved.emit(f"{one_line(self._user.name, 80)} has a new password.{signed_out}")
            return
        self.save.setEnabled(True)
        self._tell(sentences(failure.message, failure.fix), failure.param)

    def _tell(self, text: str, param: str) -> None:
        at_field = param == "password"
        self.row.show_problem(text if at_field else "")
        self.problem.setText("" if at_field else breakable(text))
        self.problem.setVisible(not at_field)
        self.form.fit(self)
