"""Assigning a policy: which one, to whom, and how it counts there."""

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QWidget

from gui.client import Failure
from gui.guardrails_watch import GuardrailsWatch
from gui.plain_text import breakable, one_line, sentences
from gui.policy_row_state import MODES
from gui.provider_form_state import complaint
from gui.rule_words_state import does
from gui.widgets.form_field import FormArea, FormField, combo, lay_out_form
from gui.widgets.parts import button, label
from gui.widgets.subject_field import SubjectField

WIDTH = 560


class AssignmentDialog(QDialog):
    """`policy`: the one that is chosen first. `saved` tells the assignment's id."""

    saved = Signal(str)

    def __init__(self, watch: GuardrailsWatch, parent: QWidget, policy: str = "") -> None:
        super().__init__(parent)
        self.setWindowTitle("Assign a policy")
        self.setMinimumWidth(WIDTH)
        self._watch = watch
        self.policy, self.whom, self.mode = combo("Policy"), SubjectField(watch), combo("How it counts")
        self.policy.setMinimumContentsLength(12)
        self.policy.setSizeAdjustPolicy(self.policy.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.form, self.problem = FormArea(), label(name="bad", wraps=True)
        self.rows = {
            "policy": FormField("&Policy", self.policy),
            "subject": FormField("&For whom", self.whom),
            "mode": FormField("&How", self.mode),
        }
        self.rows["subject"].title.setBuddy(self.whom.kind)
        self.cancel, self.save = button("Cancel", self.reject), button("&Assign", self._save, "primary")
        self.save.setDefault(True)
        lay_out_form(self, self.form, self.rows.values(), self.problem, self.cancel, self.save)
        for one in sorted(watch.guardrails.policies.items, key=lambda one: one.name):
            title = one_line(one.content.title, 80)
            self.policy.addItem(f"{one_line(one.name, 64)}{f'  ·  {title}' if title else ''}", one.name)
        self.policy.setCurrentIndex(max(0, self.policy.findData(policy)))
        self._offer_modes()
        self.policy.currentIndexChanged.connect(lambda _: self._edited("policy"))
        self.whom.changed.connect(self._whom_changed)
        self.mode.currentIndexChanged.connect(lambda _: self._edited("mode"))
        watch.answered.connect(self._answered)
        self._explain()

    def _whom_changed(self) -> None:
        self._offer_modes()
        self._edited("subject")

    def _offer_modes(self) -> None:
        """A route stands in no circle, so nothing there is wider than another."""
        names = [name for name in MODES if name != "replace" or self.whom.chosen_kind not in ("route", "everyone")]
        if names == [self.mode.itemData(n) for n in range(self.mode.count())]:
            return
        chosen = self.mode.currentData()
        self.mode.blockSignals(True)
        self.mode.clear()
        for name in names:
            self.mode.addItem(MODES[name][0], name)
        self.mode.setCurrentIndex(max(0, self.mode.findData(chosen)))
        self.mode.blockSignals(False)

    def _edited(self, row: str) -> None:
        self.rows[row].show_problem("")
        self.problem.hide()
        self._explain()

    def _explain(self) -> None:
        policy = self._watch.guardrails.policies.get(self.policy.currentData())
        self.rows["policy"].explain(breakable(f"{does(policy.content)}." if policy is not None else ""))
        self.rows["subject"].explain(self.whom.explanation)
        self.rows["mode"].explain(MODES[str(self.mode.currentData())][1])
        self.form.fit(self)

    def _show_problem(self, row: str, text: str) -> None:
        for name, one in self.rows.items():
            one.show_problem(text if name == row else "")
        self.problem.setText("" if row in self.rows else breakable(text))
        self.problem.setVisible(bool(self.problem.text()))
        self.form.fit(self)
        if row == "subject":
            self.form.go_to(self.whom.first_part)

    def _save(self) -> None:
        subject = self.whom.subject
        if subject is None:
            self._show_problem("subject", "Choose for whom.")
            return
        self.save.setEnabled(False)
        self._watch.assign(f"assign {id(self)}", subject, str(self.policy.currentData()), str(self.mode.currentData()))

    def _answered(self, ticket: str, answer: Any, failure: Failure | None) -> None:
        if ticket != f"assign {id(self)}":
            return
        self.save.setEnabled(True)
        if failure is None:
            self._watch.take_assignment(answer)
            self.accept()
            self.saved.emit(str((answer or {}).get("id", "")))
            return
        row = failure.param.removeprefix("$.").split(".")[0]
        self._show_problem(row, sentences(complaint(failure.message, failure.param), failure.fix))
