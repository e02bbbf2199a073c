"""Making an API key, or changing one: whose it is, how long it works, what it may do."""

from functools import partial
from typing import Any

from PySide6.QtCore import QDate, Signal
from PySide6.QtWidgets import QCheckBox, QDateEdit, QDialog, QHBoxLayout, QLineEdit, QMenu, QWidget

from gui import key_form_state as forms
from gui.client import Failure
from gui.key_form_state import KeyForm
from gui.key_row_state import SCOPES
from gui.keys_state import ApiKey, made_of
from gui.keys_watch import KEYS, KeysWatch
from gui.moments_state import now
from gui.plain_text import breakable, one_line, sentences
from gui.provider_form_state import complaint
from gui.records_watch import CHANGED_MEANWHILE, at
from gui.watch import UNREADABLE
from gui.widgets.form_field import PART_HEIGHT, FormArea, FormField, combo, lay_out_form
from gui.widgets.holder_field import HolderField
from gui.widgets.parts import button, field, label

SAVE = "key.save"
WIDTH = 560


class KeyFormDialog(QDialog):
    """`made` tells a new key with its value, `saved` the id of one that was changed."""

    made = Signal(object, object)
    saved = Signal(str)

    def __init__(
        self, watch: KeysWatch, before: ApiKey | None = None, parent: QWidget | None = None, *, account_id: str = ""
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("New API key" if before is None else "Change an API key")
        self.setMinimumWidth(WIDTH)
        self._watch, self._before, self._is_sent = watch, before, False
        self.name, self.models = field("Name"), field("Models")
        self.name.setMaxLength(forms.NAME_CHARACTERS_MAX)
        self.name.setPlaceholderText("What is it for?")
        self.models.setPlaceholderText("All that its organisation may use")
        self.holder, self.environment, self.ends = HolderField(watch, account_id), combo("Environment"), combo("Ends")
        self.day = QDateEdit(QDate.currentDate().addMonths(1))
        self.day.setCalendarPopup(True)
        self.day.setDisplayFormat("yyyy-MM-dd")
        self.day.setAccessibleName("Its last day")
        self.day.setMinimumHeight(PART_HEIGHT)
        self.scopes = {name: QCheckBox(SCOPES.get(name, one_line(name, 40))) for name in forms.scopes_of(before)}
        self.choose, self.menu = button("C&hoose", lambda: None), QMenu(self)
        self.form, self.problem = FormArea(), label(name="bad", wraps=True)
        self.cancel = button("Cancel", self.reject)
        self.save = button("&Make key" if before is None else "&Save", self._save, "primary")
        self.save.setDefault(True)
        self.rows = self._rows()
        lay_out_form(self, self.form, self.rows.values(), self.problem, self.cancel, self.save)
        self._fill(forms.form_of(before) if before is not None else KeyForm())
        self._connect()
        self._show_fields()

    # Its parts

    def _rows(self) -> dict[str, FormField]:
        self.choose.setMenu(self.menu)
        made = {
            "name": FormField("&Name", self.name),
            "holder": FormField("&Whose", self.holder),
            "environment": FormField("En&vironment", self.environment),
            "expires_at": FormField("&Ends", _beside(self.ends, self.day)),
            "scopes": FormField("May", _beside(*self.scopes.values(), fills=False)),
            "models": FormField("Mo&dels", _beside(self.models, self.choose)),
        }
        made["holder"].title.setBuddy(self.holder.kind)
        made["expires_at"].title.setBuddy(self.ends)
        made["models"].title.setBuddy(self.models)
        made["models"].explain("Routes and models it may ask for, with commas between; openai/* is all that begin so.")
        return made

    def _fill(self, form: KeyForm) -> None:
        self.name.setText(form.name)
        self.models.setMaxLength(100_000)
        self.models.setText(form.models)
        for name in dict.fromkeys([*forms.ENVIRONMENTS, form.environment]):
            self.environment.addItem(one_line(name, 40), name)
        self.environment.setCurrentIndex(self.environment.findData(form.environment))
        for name, text in forms.ends_of(self._before).items():
            self.ends.addItem(text, name)
        self.ends.setCurrentIndex(self.ends.findData(form.ends))
        for name, box in self.scopes.items():
            box.setObjectName("check")
            box.setChecked(name in form.scopes)
        for name in self._watch.offered:
            self.menu.addAction(one_line(name, 80).replace("&", "&&"), partial(self._add_model, name))
        self.choose.setEnabled(bool(self._watch.offered))
        for name in ("holder", "environment"):
            self.form.rows.setRowVisible(self.rows[name], self._before is None)

    def _connect(self) -> None:
        self.name.textChanged.connect(lambda _: self._edited("name"))
        self.models.textChanged.connect(lambda _: self._edited("models"))
        self.holder.changed.connect(lambda: self._edited("holder"))
        self.ends.currentIndexChanged.connect(lambda _: self._edited("expires_at"))
        self.day.dateChanged.connect(lambda _: self._edited("expires_at"))
        for box in self.scopes.values():
            box.toggled.connect(lambda _: self._edited("scopes"))
        self._watch.answered.connect(self._answered)

    # What it shows

    def _show_fields(self) -> None:
        self.day.setVisible(self.ends.currentData() == "day")
        self.rows["holder"].explain(self.holder.explanation)
        self.form.fit(self)

    def _edited(self, row: str) -> None:
        self.rows[row].show_problem("")
        self._show_fields()

    def _add_model(self, name: str) -> None:
        named = forms.models_in(self.models.text())
        self.models.setText(", ".join([*named, *([] if name in named else [name])]))

    @property
    def now(self) -> KeyForm:
        return KeyForm(
            name=self.name.text().strip(),
            holder=self.holder.chosen_kind,
            user_id=self.holder.user_id,
            account_id=self.holder.account_id,
            environment=str(self.environment.currentData()),
            ends=str(self.ends.currentData()),
            day=self.day.date().toString("yyyy-MM-dd"),
            scopes=tuple(name for name, box in self.scopes.items() if box.isChecked()),
            models=self.models.text(),
        )

    def _show_problems(self, problems: dict[str, str]) -> None:
        for name, row in self.rows.items():
            row.show_problem(problems.get(name, ""))
        self.problem.hide()
        self.form.fit(self)
        parts: dict[str, QWidget] = {
            "name": self.name,
            "holder": self.holder.first_part,
            "models": self.models,
            "expires_at": self.ends,
        }
        first = next((name for name in self.rows if name in problems), "")
        if first in parts:
            self.form.go_to(parts[first])

    # What it does

    def _save(self) -> None:
        form, before, moment = self.now, self._before, now()
        problems = forms.wrong(form, before, moment)
        self._show_problems(problems)
        if problems:
            return
        if before is None:
            self._send("POST", KEYS, forms.body(form, moment))
        elif changed := forms.changes(form, before, moment):
            self._send("PATCH", at(KEYS, before.id), changed, before.version)
        else:
            self.accept()

    def _send(self, method: str, path: str, body: dict[str, Any], version: int | None = None) -> None:
        self._sending(True)
        self._watch.send(f"{SAVE} {id(self)}", method, path, body, version=version)

    def _sending(self, on: bool) -> None:
        self._is_sent = on
        self.save.setEnabled(not on)
        self.cancel.setEnabled(not on)

    def reject(self) -> None:
        if not self._is_sent:  # else a key is made whose value nobody sees
            super().reject()

    def _answered(self, ticket: str, answer: Any, failure: Failure | None) -> None:
        if ticket != f"{SAVE} {id(self)}":
            return
        self._sending(False)
        if failure is not None:
            self._refused(failure)
        elif self._before is not None:
            self._watch.look_at(self._before.id)
            self.accept()
            self.saved.emit(self._before.id)
        elif (made := made_of(answer)) is None:
            self._refused(UNREADABLE)
        else:
            self.accept()
            self.made.emit(made, forms.models_in(self.models.text()) or None)

    def _refused(self, failure: Failure) -> None:
        """At the row that it is about, where that is seen."""
        name = forms.row_of(failure.param)
        if name and not self.rows[name].isHidden():
            self._show_problems({name: sentences(complaint(failure.message, failure.param), failure.fix)})
            return
        self.problem.setText(breakable(sentences(failure.message, failure.fix)))
        self.problem.show()
        if failure.status == CHANGED_MEANWHILE and self._before is not None:
            self._watch.look_at(self._before.id)
            self.save.setEnabled(False)
            self.cancel.setFocus()
        self.form.fit(self)


def _beside(*parts: QWidget, fills: bool = True) -> QWidget:
    made = QWidget()
    row = QHBoxLayout(made)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(8 if fills else 14)
    for place, part in enumerate(parts):
        row.addWidget(part, 1 if fills and place == 0 else 0)
    if not fills:
        row.addStretch()
        made.setMinimumHeight(PART_HEIGHT)
    if parts and isinstance(parts[0], QLineEdit):
        made.setFocusProxy(parts[0])
    return made
