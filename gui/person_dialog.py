"""Inviting somebody, adding an account with a password, or changing one."""

from typing import Any, Literal

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QWidget

from gui import person_form_state as forms
from gui.client import Failure
from gui.people_state import DEFAULT_TENANT, ROLES, User
from gui.people_watch import INVITATIONS, PeopleWatch
from gui.person_form_state import PersonForm
from gui.plain_text import breakable, sentences
from gui.provider_form_state import complaint
from gui.records_watch import CHANGED_MEANWHILE, USERS, at
from gui.widgets.form_field import FormArea, FormField, combo, lay_out_form
from gui.widgets.parts import button, field, label
from gui.widgets.unit_choice import offer

WIDTH = 480
Kind = Literal["invite", "add", "edit"]
_TITLES = {
    "invite": ("Invite somebody", "&Make the link"),
    "add": ("Add an account", "&Add"),
    "edit": ("Change an account", "&Save"),
}


class PersonDialog(QDialog):
    """`saved` tells the answer of the gateway, and the form that was sent."""

    saved = Signal(object, object)

    def __init__(
        self,
        watch: PeopleWatch,
        kind: Kind,
        before: User | None = None,
        form: PersonForm | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        title, verb = _TITLES[kind]
        self.setWindowTitle(title)
        self.setMinimumWidth(WIDTH)
        self._watch, self._kind, self._before = watch, kind, before
        self._tenant = (before.tenant_id if before is not None else "") or DEFAULT_TENANT
        self.email, self.name, self.password = field("E-mail address"), field("Name"), field("Password")
        self.role, self.department, self.team, self.days = combo("Role"), combo("Department"), combo("Team"), combo("Days")
        self.form, self.problem = FormArea(), label(name="bad", wraps=True)
        self.rows = self._rows()
        self.cancel, self.save = button("Cancel", self.reject), button(verb, self._save, "primary")
        self.save.setDefault(True)
        lay_out_form(self, self.form, self.rows.values(), self.problem, self.cancel, self.save)
        self._fill(form or (forms.form_of(before) if before is not None else PersonForm(password=forms.made_password())))
        self._connect()
        self.form.fit(self)

    def _rows(self) -> dict[str, FormField]:
        rows = {
            "email": FormField("&E-mail address", self.email),
            "name": FormField("&Name", self.name),
            "role": FormField("&Role", self.role),
            "department_id": FormField("&Department", self.department),
            "team_id": FormField("&Team", self.team),
        }
        if self._kind == "add":
            rows["password"] = FormField("&Password", self.password)
            rows["password"].explain("Tell it them yourself; they can change it on their page (/me).")
        if self._kind == "invite":
            rows["email"].explain("The link is for this address alone. Left empty: for whoever holds it.")
            rows["expires_in_hours"] = FormField("&It works for", self.days)
        return rows

    def _fill(self, form: PersonForm) -> None:
        for part, text in ((self.email, form.email), (self.name, form.name), (self.password, form.password)):
            part.setText(text)
        self.email.setMaxLength(forms.EMAIL_CHARACTERS_MAX)
        self.name.setMaxLength(forms.NAME_CHARACTERS_MAX)
        for name, (title, _) in ROLES.items():
            self.role.addItem(title, name)
        self.role.setCurrentIndex(max(0, self.role.findData(form.role)))
        for days, words in forms.DAYS.items():
            self.days.addItem(words, days)
        self.days.setCurrentIndex(max(0, self.days.findData(form.days)))
        offer(self.department, self._watch.people.organisation.departments(self._tenant), form.department_id)
        self._offer_teams(form.team_id)
        self._explain_role()

    def _connect(self) -> None:
        for part in (self.email, self.name, self.password):
            part.textChanged.connect(lambda _: self._show_problems({}))
        self.department.currentIndexChanged.connect(lambda _: self._offer_teams(None))
        self.role.currentIndexChanged.connect(lambda _: self._explain_role())
        self._watch.answered.connect(self._answered)

    def _explain_role(self) -> None:
        self.rows["role"].explain(ROLES[str(self.role.currentData())][1])
        self.form.fit(self)

    def _offer_teams(self, chosen: str | None) -> None:
        offer(self.team, self._watch.people.organisation.teams(self._tenant, self.department.currentData()), chosen)

    @property
    def now(self) -> PersonForm:
        return PersonForm(
            self.email.text().strip(),
            self.name.text().strip(),
            str(self.role.currentData()),
            self.department.currentData(),
            self.team.currentData(),
            self.password.text(),
            str(self.days.currentData()),
        )

    def _show_problems(self, problems: dict[str, str]) -> None:
        for name, row in self.rows.items():
            row.show_problem(problems.get(name, ""))
        self.problem.hide()
        self.form.fit(self)
        first = next((name for name in self.rows if name in problems), None)
        if first is not None:
            self.form.go_to(self.rows[first].part)

    def _save(self) -> None:
        form, before = self.now, self._before
        problems = forms.wrong(form, is_invitation=self._kind == "invite", has_password=self._kind == "add")
        self._show_problems(problems)
        if problems:
            return
        if self._kind == "invite":
            self._send("POST", INVITATIONS, forms.invitation(form))
        elif before is None:
            self._send("POST", USERS, forms.account(form))
        elif changed := forms.changes(form, before):
            self._send("PATCH", at(USERS, before.id), changed, before.version)
        else:
            self.accept()

    def _send(self, method: str, path: str, body: dict[str, Any], version: int | None = None) -> None:
        self.save.setEnabled(False)
        self._watch.send(f"person {id(self)}", method, path, body, version=version)

    def _answered(self, ticket: str, answer: Any, failure: Failure | None) -> None:
        if ticket != f"person {id(self)}":
            return
        if failure is None:
            form = self.now
            self.accept()
            self.saved.emit(answer, form)
            return
        self.save.setEnabled(failure.status != CHANGED_MEANWHILE)
        name = forms.row_of(failure.param)
        if name in self.rows:
            self._show_problems({name: sentences(complaint(failure.message, failure.param), failure.fix)})
            return
        self.problem.setText(breakable(sentences(failure.message, failure.fix)))
        self.problem.show()
        self.form.fit(self)
