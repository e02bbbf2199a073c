"""A policy opened: its rules, its expressions, what it says of itself, what it was before, and a text to try it on."""

from functools import partial
from typing import Any

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QHBoxLayout, QVBoxLayout, QWidget

from gui import policy_form_state as forms
from gui.client import Failure
from gui.confirm_dialog import ConfirmDialog
from gui.guardrails_state import Json, Policy, Version
from gui.guardrails_watch import POLICIES, GuardrailsWatch
from gui.plain_text import breakable, one_line, sentences
from gui.records_watch import CHANGED_MEANWHILE, at
from gui.watch import UNREADABLE
from gui.widgets.elided import Elided
from gui.widgets.guardrail_trial import GuardrailTrial
from gui.widgets.part_tabs import PartTabs
from gui.widgets.parts import button, label
from gui.widgets.policy_about import PolicyAbout, ShownAbout
from gui.widgets.policy_draft import PolicyDraft
from gui.widgets.policy_versions import PolicyVersions

WANTED, LEAST, FRAME = QSize(880, 640), QSize(520, 400), QSize(16, 60)


class PolicyDialog(QDialog):
    """`before`: the policy as it is kept; without it the draft is a new one, or an older version (`is_shown_only`).
    `source`: of what it is a copy. `saved` and `restored` tell the name, `copied` that a copy of it is wanted."""

    saved = Signal(str)
    copied = Signal(str)
    restored = Signal(str)

    def __init__(
        self,
        watch: GuardrailsWatch,
        draft: Json,
        parent: QWidget,
        *,
        before: Policy | None = None,
        source: str = "",
        is_shown_only: bool = False,
        title: str = "",
    ) -> None:
        super().__init__(parent)
        self._watch, self._before, self._source, self._is_shown_only = watch, before, source, is_shown_only
        self._kept = draft if before is None else before.policy
        self._is_left = self._is_outdated = False
        self.dialog: QDialog | None = None
        self.setWindowTitle(title or ("New policy" if before is None else "Policy"))
        room = QGuiApplication.primaryScreen().availableSize() - FRAME
        self.setMinimumSize(LEAST.boundedTo(room))
        self.resize(WANTED.boundedTo(room))
        self.heading, self.standing, self.problem = Elided("h2"), label(name="dim", wraps=True), label(name="bad", wraps=True)
        self.cancel = button("Close" if is_shown_only else "Cancel", self.reject)
        self.copy, self.save = button("&Copy…", self._copy, "primary"), button("&Save", self._save, "primary")
        self._draft = PolicyDraft(watch, self, draft, is_shown_only=is_shown_only)
        self._make_parts(draft)
        self._lay_out()
        self._connect()
        self._refresh()
        self._draft.rules.view.setFocus()
        if isinstance(self.about, PolicyAbout) and before is None:
            self.about.name.setFocus()

    # Its parts

    def _make_parts(self, draft: Json) -> None:
        content = self._draft.content
        self.about: PolicyAbout | ShownAbout = (
            ShownAbout(content) if self._is_shown_only else PolicyAbout(draft, content, is_new=self._before is None)
        )
        self.trial = GuardrailTrial(self._watch, lambda: self.draft)
        self.versions = PolicyVersions(self._watch, self._before, self._act_on_version) if self._before is not None else None
        parts: dict[str, tuple[str, QWidget]] = {
            "rules": ("&Rules", self._draft.rules),
            "custom": ("Ex&pressions", self._draft.custom),
            "about": ("Sett&ings", self.about),
        }
        if self._before is None and not self._is_shown_only:  # a new one is named first
            parts = {"about": parts.pop("about"), **parts}
        if self.versions is not None:
            parts["versions"] = ("Versio&ns", self.versions)
        parts["trial"] = ("&Try it", self.trial)
        self.parts = PartTabs(parts)

    def _lay_out(self) -> None:
        layout, foot = QVBoxLayout(self), QHBoxLayout()
        layout.setContentsMargins(20, 18, 20, 18)
        layout.setSpacing(10)
        foot.setSpacing(8)
        foot.addStretch()
        for one in (self.cancel, self.copy, self.save):
            foot.addWidget(one)
        for part in (self.heading, self.standing):
            layout.addWidget(part)
        layout.addWidget(self.parts, 1)
        layout.addWidget(self.problem)
        layout.addLayout(foot)
        self.problem.hide()
        self.save.setVisible(not self._is_shown_only)
        self.copy.setVisible(self._is_shown_only and self._before is not None)
        (self.cancel if self._is_shown_only else self.save).setDefault(True)

    def _connect(self) -> None:
        self._draft.changed.connect(self._touched)
        if isinstance(self.about, PolicyAbout):
            self.about.changed.connect(self._touched)
        self.parts.turned.connect(lambda _: self._refresh())
        self._watch.answered.connect(self._answered)

    # What it shows

    @property
    def draft(self) -> Json:
        about = self.about.over if isinstance(self.about, PolicyAbout) else self._kept
        return self._draft.over(about)

    @property
    def is_changed(self) -> bool:
        return not self._is_shown_only and self.draft != self._kept

    def _touched(self) -> None:
        self.problem.setVisible(self._is_outdated)
        self._refresh()

    def _refresh(self) -> None:
        before, name = self._before, str(self.draft.get("name", ""))
        title = one_line(self.draft.get("title", ""))
        self.heading.setText(" · ".join(part for part in (one_line(name, 64), title) if part) or "New policy")
        known = self._watch.guardrails
        is_default = known.held.is_default and name in known.held.names
        told = forms.standing(before, known.assigned(name), is_for_everyone=is_default) if before is not None else ""
        copied = f"A copy of {one_line(self._source, 64)}: nothing changes there." if self._source else ""
        self.standing.setText(breakable(told or copied))
        self.standing.setVisible(bool(self.standing.text()))
        if self.versions is not None and before is not None and self.parts.name == "versions":
            self.versions.show_policy(before, is_changed=self.is_changed)
        if self.parts.name == "trial":
            self.trial.ask()

    def _show_problem(self, failure: Failure) -> None:
        """At the field that it is about, wherever that is."""
        place = forms.place_of(failure.param)
        told = sentences(*forms.said(failure.message, failure.fix, failure.param, place))
        if place.part == "about" and isinstance(self.about, PolicyAbout) and place.field:
            self.parts.show_part("about")
            self.about.show_problem(place.field, told)
            return
        self.problem.setText(breakable(told if place.part == "about" else sentences(failure.message, failure.fix)))
        self.problem.show()
        if place.part != "about":
            self.parts.show_part(place.part)
            self._draft.show_problem(place, told)
        if failure.status == CHANGED_MEANWHILE:
            self._is_outdated = True
            self.save.setEnabled(False)
            self.cancel.setFocus()

    # What it does

    def _copy(self) -> None:
        if self._before is not None:
            self.accept()
            self.copied.emit(self._before.name)

    def _save(self) -> None:
        draft = self.draft
        taken = [one.name for one in self._watch.guardrails.policies.items]
        found = forms.wrong(draft, taken, is_new=self._before is None)
        if found is not None:
            self._show_problem(Failure(found[1], "", param=found[0]))
        elif questions := forms.questions(draft, self._kept if self._before is not None else {}):
            self._ask(questions, draft)
        else:
            self._send(draft)

    def _ask(self, questions: list[tuple[str, str]], draft: Json) -> None:
        """One after the other; what is sent has a yes to each."""
        first, *others = questions
        then = partial(self._ask, others, draft) if others else partial(self._send, draft)
        self._open(ConfirmDialog(*first, "Let through", then, self))

    def _send(self, draft: Json) -> None:
        before = self._before
        self.problem.hide()
        if before is None:
            self._sending("save", "POST", POLICIES, forms.body(draft, self._source))
        elif changed := forms.changes(draft, before.policy):
            self._sending("save", "PATCH", at(POLICIES, before.name), changed, before.version)
        else:
            self.accept()

    def _sending(self, what: str, method: str, path: str, body: Json, version: int | None = None) -> None:
        self.save.setEnabled(False)
        self._watch.send(f"policy.{what} {id(self)}", method, path, body, version=version)

    def _answered(self, ticket: str, answer: Any, failure: Failure | None) -> None:
        what, _, whose = ticket.partition(" ")
        if whose != str(id(self)) or not what.startswith("policy."):
            return
        self.save.setEnabled(True)
        policy = self._watch.take_policy(answer) if failure is None else None
        if policy is None:
            self._show_problem(failure or UNREADABLE)
        else:
            self.accept()
            (self.saved if what == "policy.save" else self.restored).emit(policy.name)

    def _act_on_version(self, verb: str, one: Version) -> None:
        before = self._before
        assert before is not None
        if verb == "show":
            title = f"Version {one.version} of {one_line(before.name, 64)}"
            self._open(PolicyDialog(self._watch, one.policy, self, is_shown_only=True, title=title))
        else:
            send = partial(
                self._sending, "restore", "POST", at(POLICIES, before.name, "/restore"), {"version": one.version}, before.version
            )
            self._open(ConfirmDialog(*forms.restore_question(one, before), "Restore", send, self))

    def _open(self, dialog: QDialog) -> None:
        self.dialog = dialog
        dialog.open()

    def reject(self) -> None:
        """Not by a slip, where something would be lost."""
        if self.is_changed and not self._is_left:
            self._open(ConfirmDialog(*forms.LEAVE_QUESTION, "Leave", self._leave, self))
        else:
            super().reject()

    def _leave(self) -> None:
        self._is_left = True
        self.reject()
