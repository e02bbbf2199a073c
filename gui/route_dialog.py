"""Making a route, or changing it: its name, how one of several deployments is chosen, the deployments, what comes after them."""

from functools import partial
from typing import Any
from urllib.parse import quote

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QDialog, QHBoxLayout, QLineEdit, QMenu, QVBoxLayout, QWidget

from gui import route_form_state as forms
from gui.client import Failure
from gui.plain_text import breakable, sentences
from gui.provider_form_state import complaint
from gui.providers_state import Route
from gui.providers_watch import ROUTES, ProvidersWatch
from gui.route_form_state import RouteForm
from gui.route_row_state import STRATEGIES
from gui.widgets.form_field import FormArea, FormField, combo
from gui.widgets.parts import button, field, label
from gui.widgets.target_rows import TargetRows

SAVE = "route.save"
WIDTH = 620


class RouteDialog(QDialog):
    """`saved` tells the route's id."""

    saved = Signal(str)

    def __init__(self, watch: ProvidersWatch, before: Route | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Change a route" if before is not None else "Add a route")
        self.setMinimumWidth(WIDTH)
        self._watch, self._before = watch, before
        self.name, self.strategy, self.fallbacks = field("Name"), combo("Chosen"), field("When all fail")
        self.name.setPlaceholderText("What programs write as their model, for example fast")
        self.fallbacks.setPlaceholderText("Nothing: the error is told. Else other routes, in order")
        self.form, self.targets = FormArea(), TargetRows(watch)
        self.choose, self.menu = button("C&hoose", lambda: None), QMenu(self)
        self.local_only, self.drops = (
            QCheckBox("Nothing may leave this &machine"),
            QCheckBox("Leave &out what a provider can't do"),
        )
        for one in (self.local_only, self.drops):
            one.setObjectName("check")
        self.local_only.setToolTip("Deployments that aren't local are never asked, nor are those of its fallbacks.")
        self.drops.setToolTip("Instead of refusing the request; a header of the answer says what was left out.")
        self.problem = label(name="bad", wraps=True)
        self.save, self.cancel = (
            button("&Save" if before is not None else "&Add", self._save, "primary"),
            button("Cancel", self.reject),
        )
        self.save.setDefault(True)
        self.rows = self._rows()
        self._lay_out()
        self._fill(forms.form_of(before) if before is not None else RouteForm())
        self.name.textChanged.connect(lambda _: self._edited("name"))
        self.fallbacks.textChanged.connect(lambda _: self._edited("fallbacks"))
        self.targets.changed.connect(lambda: self._edited("targets"))
        self._watch.answered.connect(self._answered)
        self._watch.ask_local_models()

    def _rows(self) -> dict[str, FormField]:
        after = QWidget()
        row = QHBoxLayout(after)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.fallbacks, 1)
        row.addWidget(self.choose)
        self.choose.setMenu(self.menu)
        made = {
            "name": FormField("&Name", self.name),
            "strategy": FormField("&Chosen", self.strategy),
            "targets": FormField("Deployments", self.targets),
            "fallbacks": FormField("&When all fail", after),
        }
        made["fallbacks"].title.setBuddy(self.fallbacks)
        return made

    def _lay_out(self) -> None:
        layout, foot = QVBoxLayout(self), QHBoxLayout()
        layout.setContentsMargins(20, 18, 20, 18)
        layout.setSpacing(12)
        for row in self.rows.values():
            row.add_to(self.form.rows)
        self.form.rows.addRow("", self.local_only)
        self.form.rows.addRow("", self.drops)
        foot.setSpacing(8)
        foot.addStretch()
        foot.addWidget(self.cancel)
        foot.addWidget(self.save)
        layout.addWidget(self.form)
        layout.addWidget(self.problem)
        layout.addLayout(foot)
        self.problem.hide()

    def _fill(self, form: RouteForm) -> None:
        for name, (title, _) in STRATEGIES.items():
            self.strategy.addItem(title, name)
        if form.strategy not in STRATEGIES:
            self.strategy.addItem(form.strategy, form.strategy)
        self.strategy.currentIndexChanged.connect(lambda _: self._explain())
        self.strategy.setCurrentIndex(self.strategy.findData(form.strategy))
        self.name.setText(form.name)
        self.fallbacks.setText(", ".join(form.fallbacks))
        self.local_only.setChecked(form.local_only)
        self.drops.setChecked(form.drop_unsupported)
        self.targets.show_targets(forms.provider_names(self._watch.providers, form), list(form.targets))
        others = forms.fallback_names(self._watch.providers, self._before)
        for name in others:
            self.menu.addAction(name.replace("&", "&&"), partial(self._then, name))
        self.choose.setEnabled(bool(others))
        self._explain()

    def _explain(self) -> None:
        name = str(self.strategy.currentData())
        self.rows["strategy"].explain(STRATEGIES[name][1] if name in STRATEGIES else "")
        self.form.fit(self)

    def _edited(self, name: str) -> None:
        """What was complained of is no longer what stands here."""
        self.rows[name].show_problem("")
        self.problem.hide()
        self.form.fit(self)

    def _then(self, name: str) -> None:
        """One more fallback, at the end."""
        named = [*self.now.fallbacks, *([] if name in self.now.fallbacks else [name])]
        self.fallbacks.setText(", ".join(named))

    @property
    def now(self) -> RouteForm:
        return RouteForm(
            name=self.name.text().strip(),
            strategy=str(self.strategy.currentData()),
            targets=tuple(self.targets.now),
            fallbacks=tuple(name for piece in self.fallbacks.text().split(",") if (name := piece.strip())),
            local_only=self.local_only.isChecked(),
            drop_unsupported=self.drops.isChecked(),
        )

    def _show_problems(self, problems: dict[str, str]) -> None:
        for name, row in self.rows.items():
            row.show_problem(problems.get(name, ""))
        self.targets.show_problems(problems)
        self.problem.hide()
        self.form.fit(self)
        first: QLineEdit | None = self.name if "name" in problems else self.fallbacks if "fallbacks" in problems else None
        if first is not None:
            self.form.go_to(first)

    def _save(self) -> None:
        form = self.now
        problems = forms.wrong(form)
        self._show_problems(problems)
        if problems:
            return
        self.save.setEnabled(False)
        before = self._before
        method, path = ("POST", ROUTES) if before is None else ("PATCH", f"{ROUTES}/{quote(before.id, safe='')}")
        self._watch.send(f"{SAVE} {id(self)}", method, path, forms.body(form, before))

    def _answered(self, ticket: str, answer: Any, failure: Failure | None) -> None:
        if ticket != f"{SAVE} {id(self)}":
            return
        self.save.setEnabled(True)
        if failure is None:
            self.accept()
            self.saved.emit(str((answer or {}).get("id", "")))
            return
        name = forms.field_of(failure.param)
        if name in self.rows or self.targets.has(name):
            self._show_problems({name: sentences(complaint(failure.message, failure.param), failure.fix)})
            return
        self.problem.setText(breakable(sentences(failure.message, failure.fix)))
        self.problem.show()
        self.form.fit(self)
