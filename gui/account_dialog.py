"""Making a service account, renaming it, or putting it into another department or team."""

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QWidget

from gui import account_form_state as forms
from gui.account_form_state import AccountForm
from gui.client import Failure
from gui.keys_state import ServiceAccount
from gui.keys_watch import ACCOUNTS, KeysWatch
from gui.people_state import DEFAULT_TENANT
from gui.plain_text import breakable, sentences
from gui.provider_form_state import complaint
from gui.records_watch import CHANGED_MEANWHILE, at
from gui.widgets.form_field import FormArea, FormField, combo, lay_out_form
from gui.widgets.parts import button, field, label
from gui.widgets.unit_choice import offer

SAVE = "account.save"
WIDTH = 460


class AccountDialog(QDialog):
    """`saved` tells the account's id."""

    saved = Signal(str)

    def __init__(self, watch: KeysWatch, before: ServiceAccount | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Change a service account" if before is not None else "Add a service account")
        self.setMinimumWidth(WIDTH)
        self._watch, self._before = watch, before
        self._tenant = (before.tenant_id if before is not None else "") or DEFAULT_TENANT
        self.name, self.department, self.team = field("Name"), combo("Department"), combo("Team")
        self.name.setPlaceholderText("Which program is it?")
        self.name.setMaxLength(forms.NAME_CHARACTERS_MAX)
        self.form, self.problem = FormArea(), label(name="bad", wraps=True)
        self.rows = {
            "name": FormField("&Name", self.name),
            "department_id": FormField("&Department", self.department),
            "team_id": FormField("&Team", self.team),
        }
        self.rows["department_id"].explain("What its keys use counts there, and stops when it is suspended.")
        self.cancel = button("Cancel", self.reject)
        self.save = button("&Save" if before is not None else "&Add", self._save, "primary")
        self.save.setDefault(True)
        lay_out_form(self, self.form, self.rows.values(), self.problem, self.cancel, self.save)
        self._fill(forms.form_of(before) if before is not None else AccountForm())
        self.name.textChanged.connect(lambda _: self._show_problems({}))
        self.department.currentIndexChanged.connect(lambda _: self._offer_teams(None))
        watch.answered.connect(self._answered)
        self.form.fit(self)

    def _fill(self, form: AccountForm) -> None:
        self.name.setText(form.name)
        offer(self.department, self._watch.keys.organisation.departments(self._tenant), form.department_id)
        self._offer_teams(form.team_id)

    def _offer_teams(self, chosen: str | None) -> None:
        department_id = self.department.currentData()
        offer(self.team, self._watch.keys.organisation.teams(self._tenant, department_id), chosen)

    @property
    def now(self) -> AccountForm:
        return AccountForm(self.name.text().strip(), self.department.currentData(), self.team.currentData())

    def _show_problems(self, problems: dict[str, str]) -> None:
        for name, row in self.rows.items():
            row.show_problem(problems.get(name, ""))
        self.problem.hide()
        self.form.fit(self)
        if "name" in problems:
            self.form.go_to(self.name)

    def _save(self) -> None:
        form, before = self.now, self._before
        problems = forms.wrong(form)
        self._show_problems(problems)
        if problems:
            return
        if before is None:
            self._send("POST", ACCOUNTS, forms.body(form))
        elif changed := forms.changes(form, before):
            self._send("PATCH", at(ACCOUNTS, before.id), changed, before.version)
        else:
            self.accept()

    def _send(self, method: str, path: str, body: dict[str, Any], version: int | None = None) -> None:
        self.save.setEnabled(False)
        self._watch.send(f"{SAVE} {id(self)}", method, path, body, version=version)

    def _answered(self, ticket: str, answer: Any, failure: Failure | None) -> None:
        if ticket != f"{SAVE} {id(self)}":
            return
        if failure is None:
            self.accept()
            self.saved.emit(str((answer or {}).get("id", "")))
            return
        self.save.setEnabled(failure.status != CHANGED_MEANWHILE)
        name = forms.row_of(failure.param)
        if name:
            self._show_problems({name: sentences(complaint(failure.message, failure.param), failure.fix)})
            return
        self.problem.setText(breakable(sentences(failure.message, failure.fix)))
        self.problem.show()
        self.form.fit(self)
