"""Adding a provider, or changing one: its kind, what that kind needs, a test of the connection, and Save."""

from typing import Any
from urllib.parse import quote

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from gui import provider_form_state as forms
from gui.client import Failure
from gui.plain_text import breakable, sentences
from gui.provider_form_state import ProviderForm
from gui.provider_row_state import ADDABLE, KINDS, kind_title, tried_words
from gui.providers_state import Provider, tried_of
from gui.providers_watch import PROVIDERS, ProvidersWatch
from gui.watch import UNREADABLE
from gui.widgets.form_field import FormArea, FormField, combo
from gui.widgets.marker import Marker
from gui.widgets.parts import button, field, label

TEST, SAVE = "provider.test", "provider.save"
WIDTH = 520


class ProviderDialog(QDialog):
    """`saved` tells the provider's id. Nothing is kept before Save is pressed."""

    saved = Signal(str)

    def __init__(self, watch: ProvidersWatch, before: Provider | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Change a provider" if before is not None else "Add a provider")
        self.setMinimumWidth(WIDTH)
        self._watch, self._before = watch, before
        self._has_address = before is not None and bool(before.base_url)
        self._suggested = self._tried = ""
        self.kind, self.credential = combo("Kind"), combo("Key from")
        self.kind_row, self.credential_row = FormField("&Kind", self.kind), FormField("Key &from", self.credential)
        self.rows = {name: FormField(title, field(title, secret=name in forms.SECRETS)) for name, title in forms.TITLES.items()}
        self.form = FormArea()
        self.marker, self.outcome, self.problem = Marker(), label(wraps=True), label(name="bad", wraps=True)
        self.test, self.cancel = button("&Test connection", self._test), button("Cancel", self.reject)
        self.save = button("&Save" if before is not None else "&Add", self._save, "primary")
        self.save.setDefault(True)
        self.test.setAutoDefault(False)
        self._lay_out()
        self._fill(forms.form_of(before) if before is not None else ProviderForm())
        self._connect()

    # Its parts

    def _lay_out(self) -> None:
        layout, told, foot = QVBoxLayout(self), QHBoxLayout(), QHBoxLayout()
        layout.setContentsMargins(20, 18, 20, 18)
        layout.setSpacing(12)
        names = list(self.rows)
        self.kind_row.add_to(self.form.rows)
        for name in names[: names.index("api_key")]:
            self.rows[name].add_to(self.form.rows)
        self.credential_row.add_to(self.form.rows)
        for name in names[names.index("api_key") :]:
            self.rows[name].add_to(self.form.rows)
        told.setSpacing(8)
        told.addWidget(self.marker)
        told.addWidget(self.outcome, 1)
        foot.setSpacing(8)
        foot.addWidget(self.test)
        foot.addStretch()
        foot.addWidget(self.cancel)
        foot.addWidget(self.save)
        layout.addWidget(self.form)
        layout.addLayout(told)
        layout.addWidget(self.problem)
        layout.addLayout(foot)
        for part in (self.marker, self.outcome, self.problem):
            part.hide()

    def _connect(self) -> None:
        self.kind.currentIndexChanged.connect(lambda _: self._kind_chosen())
        self.credential.currentIndexChanged.connect(lambda _: self._edited())
        for row in self.rows.values():
            self.line(row).textChanged.connect(lambda _: self._edited())
        self._watch.answered.connect(self._answered)

    @staticmethod
    def line(row: FormField) -> QLineEdit:
        assert isinstance(row.part, QLineEdit)
        return row.part

    def fill_in(self, **texts: str) -> None:
        for name, text in texts.items():
            self.line(self.rows[name]).setText(text)

    # What it shows

    def _fill(self, form: ProviderForm) -> None:
        kinds = list(ADDABLE) if self._before is None else [self._before.kind]
        for kind in kinds:
            self.kind.addItem(kind_title(kind), kind)
        self.kind.setEnabled(self._before is None)
        self.kind.setCurrentIndex(max(0, self.kind.findData(form.kind)))
        self._offer_credentials(form.credential)
        self.fill_in(**{name: getattr(form, name) for name in forms.TITLES})
        self._suggest()
        self._show_fields()

    def _offer_credentials(self, chosen: str) -> None:
        self.credential.blockSignals(True)
        self.credential.clear()
        for way in forms.ways_to_a_key(self.now.kind):
            self.credential.addItem(forms.WAYS_TO_A_KEY[way], way)
        self.credential.setCurrentIndex(max(0, self.credential.findData(chosen)))
        self.credential.blockSignals(False)

    def _suggest(self) -> None:
        """A name, as long as nobody has typed one."""
        if self._before is None and self.now.name == self._suggested:
            self._suggested = forms.suggested_name(self.now.kind, self._watch.providers)
            self.fill_in(name=self._suggested)

    def _kind_chosen(self) -> None:
        self._offer_credentials(self.now.credential)
        self._suggest()
        self._edited()

    def _edited(self) -> None:
        """What was tried or complained of is no longer what stands here."""
        self._tried = ""
        self._show_problems({})
        self._tell("", "")
        self._show_fields()

    def _show_fields(self) -> None:
        form = self.now
        shown = forms.fields(form.kind, form.credential, has_address=self._has_address)
        for name, row in self.rows.items():
            self.form.rows.setRowVisible(row, name in shown)
            self.line(row).setPlaceholderText(forms.hint(name, form.kind, self._before))
        self.kind_row.explain(KINDS[form.kind].who)
        self.test.setEnabled(True)
        self.form.fit(self)

    @property
    def now(self) -> ProviderForm:
        """As it stands in the dialog. What a hidden field still holds from before counts for nothing."""
        kind = str(self.kind.currentData())
        credential = str(self.credential.currentData() or "key")
        shown = forms.fields(kind, credential, has_address=self._has_address)
        typed = {name: self.line(self.rows[name]).text().strip() for name in shown}
        return ProviderForm(kind=kind, credential=credential, **typed)

    def _show_problems(self, problems: dict[str, str]) -> None:
        for name, row in self.rows.items():
            row.show_problem(problems.get(name, ""))
        self.problem.hide()
        first = next((name for name in self.rows if name in problems), "")
        self.form.fit(self)
        if first:
            self.form.go_to(self.line(self.rows[first]))

    def _tell(self, marker: str, text: str) -> None:
        for part in (self.marker, self.outcome):
            part.setVisible(bool(text))
        self.marker.show_marker(marker)
        self.outcome.setObjectName({"ready": "ok", "failed": "bad"}.get(marker, ""))
        self.outcome.style().polish(self.outcome)
        self.outcome.setText(breakable(text))
        self.form.fit(self)

    # What it does

    def _test(self) -> None:
        form = self.now
        problems = forms.wrong(form, self._before, is_test=True)
        how, why_not = forms.test_of(form, self._before)
        self._show_problems(problems)
        if problems or not how:
            self._tell("failed" if why_not else "", "" if problems else why_not)
            return
        self.test.setEnabled(False)
        self._tell("working", "Testing…")
        self._tried = f"{TEST} {id(self)}"
        if how == "stored" and self._before is not None:
            self._watch.send(self._tried, "POST", f"{PROVIDERS}/{quote(self._before.id, safe='')}/test")
        else:
            self._watch.send(self._tried, "POST", f"{PROVIDERS}/test", forms.body(form))

    def _save(self) -> None:
        problems = forms.wrong(self.now, self._before)
        self._show_problems(problems)
        if problems:
            return
        if self._before is None:
            self._send_saved("POST", PROVIDERS, forms.body(self.now))
        elif changed := forms.changes(self.now, self._before):
            self._send_saved("PATCH", f"{PROVIDERS}/{quote(self._before.id, safe='')}", changed)
        else:
            self.accept()

    def _send_saved(self, method: str, path: str, body: dict[str, Any]) -> None:
        self.save.setEnabled(False)
        self._watch.send(f"{SAVE} {id(self)}", method, path, body)

    def _answered(self, ticket: str, answer: Any, failure: Failure | None) -> None:
        if ticket == f"{SAVE} {id(self)}":
            self.save.setEnabled(True)
            if failure is None:
                self.accept()
                self.saved.emit(str((answer or {}).get("id", "")))
            else:
                self._refused(failure)
        elif ticket == self._tried:  # else it was about what stood here before
            self.test.setEnabled(True)
            tried = tried_of(answer) if failure is None else None
            if tried is not None:
                self._tell("ready" if tried.ok else "failed", tried_words(tried))
            elif failure is not None and forms.field_of(failure.param):
                self._tell("", "")
                self._refused(failure)
            else:
                shown = failure or UNREADABLE
                self._tell("failed", sentences(shown.message, shown.fix))

    def _refused(self, failure: Failure) -> None:
        """At the field that it is about, where that is seen."""
        name = forms.field_of(failure.param)
        told = sentences(forms.complaint(failure.message, failure.param), failure.fix)
        if name and not self.rows[name].isHidden():
            self._show_problems({name: told})
            return
        self.problem.setText(breakable(sentences(failure.message, failure.fix)))
        self.problem.show()
        self.form.fit(self)
