"""Making a department or a team, renaming it, or moving a team."""

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QWidget

from gui.client import Failure
from gui.people_state import DEFAULT_TENANT, Unit
from gui.people_watch import PeopleWatch
from gui.plain_text import breakable, sentences
from gui.provider_form_state import complaint
from gui.records_watch import CHANGED_MEANWHILE, DEPARTMENTS, TEAMS, at
from gui.widgets.form_field import FormArea, FormField, combo, lay_out_form
from gui.widgets.parts import button, field, label
from gui.widgets.unit_choice import offer

WIDTH, NAME_CHARACTERS_MAX = 440, 200


class UnitDialog(QDialog):
    """`is_team`: of a new one; `department_id`: where it is to be. `saved` tells its id."""

    saved = Signal(str)

    def __init__(
        self,
        watch: PeopleWatch,
        before: Unit | None = None,
        parent: QWidget | None = None,
        *,
        is_team: bool = False,
        department_id: str | None = None,
    ) -> None:
        super().__init__(parent)
        self._is_team = before.is_team if before is not None else is_team
        what = "team" if self._is_team else "department"
        self.setWindowTitle(f"Change a {what}" if before is not None else f"Add a {what}")
        self.setMinimumWidth(WIDTH)
        self._watch, self._before = watch, before
        tenant = (before.tenant_id if before is not None else "") or DEFAULT_TENANT
        self.name, self.department = field("Name"), combo("Department")
        self.name.setMaxLength(NAME_CHARACTERS_MAX)
        self.form, self.problem = FormArea(), label(name="bad", wraps=True)
        self.rows = {"name": FormField("&Name", self.name)}
        if self._is_team:
            self.rows["department_id"] = FormField("&Department", self.department)
            self.rows["department_id"].explain("Its people and their keys go along.")
        self.cancel = button("Cancel", self.reject)
        self.save = button("&Save" if before is not None else "&Add", self._save, "primary")
        self.save.setDefault(True)
        lay_out_form(self, self.form, self.rows.values(), self.problem, self.cancel, self.save)
        self.name.setText(before.name if before is not None else "")
        offer(
            self.department,
            watch.people.organisation.departments(tenant),
            before.department_id if before is not None else department_id,
        )
        self.name.textChanged.connect(lambda _: self._show_problem("", "name"))
        watch.answered.connect(self._answered)
        self.form.fit(self)

    def _show_problem(self, text: str, name: str) -> None:
        for row_name, row in self.rows.items():
            row.show_problem(text if row_name == name else "")
        self.problem.setText("" if name in self.rows else breakable(text))
        self.problem.setVisible(bool(self.problem.text()))
        self.form.fit(self)

    def _save(self) -> None:
        name, before, department_id = self.name.text().strip(), self._before, self.department.currentData()
        if not name:
            self._show_problem("Give it a name.", "name")
            return
        if before is None:
            inside = {"department_id": department_id} if self._is_team and department_id else {}
            self._send("POST", TEAMS if self._is_team else DEPARTMENTS, {"name": name, **inside})
            return
        changed: dict[str, Any] = {} if name == before.name else {"name": name}
        if self._is_team and department_id != before.department_id:
            changed["department_id"] = department_id
        if changed:
            self._send("PATCH", at(TEAMS if self._is_team else DEPARTMENTS, before.id), changed, before.version)
        else:
            self.accept()

    def _send(self, method: str, path: str, body: dict[str, Any], version: int | None = None) -> None:
        self.save.setEnabled(False)
        self._watch.send(f"unit {id(self)}", method, path, body, version=version)

    def _answered(self, ticket: str, answer: Any, failure: Failure | None) -> None:
        if ticket != f"unit {id(self)}":
            return
        if failure is None:
            self.accept()
            self.saved.emit(str((answer or {}).get("id", "")))
            return
        self.save.setEnabled(failure.status != CHANGED_MEANWHILE)
        name = failure.param.removeprefix("$.")
        self._show_problem(sentences(complaint(failure.message, failure.param), failure.fix), name)
