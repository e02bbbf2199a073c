"""What a policy was before: its versions, with when and by whom; each can be looked at, and be what it is again."""

from collections.abc import Callable

from PySide6.QtWidgets import QVBoxLayout, QWidget

from gui import policy_form_state as forms
from gui.client import Failure
from gui.guardrails_state import Policy, Version
from gui.guardrails_watch import GuardrailsWatch
from gui.moments_state import now
from gui.plain_text import breakable, sentences
from gui.tables.lines_view import LOW, LinesView
from gui.widgets.line_actions import LineActions
from gui.widgets.parts import label


class PolicyVersions(QWidget):
    """Asked for when it is seen first. `act`: what is to be done with a version: show or restore."""

    def __init__(self, watch: GuardrailsWatch, policy: Policy, act: Callable[[str, Version], None]) -> None:
        super().__init__()
        self._watch, self._act_on = watch, act
        self.policy, self.is_changed = policy, False
        self.versions: list[Version] = []
        self._asked_for = 0
        self.view = LinesView("Versions", forms.VERSION_COLUMNS, {0: 76, 1: 120, 2: 150}, {}, LOW)
        self.problem, self.older = label(name="bad", wraps=True), label(name="dim", wraps=True)
        self.buttons = LineActions(forms.VERSION_WAYS, self._act)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        for part, stretch in ((self.problem, 0), (self.view, 1), (self.older, 0), (self.buttons, 0)):
            layout.addWidget(part, stretch)
        self.problem.hide()
        self.older.hide()
        self.view.chosen.connect(self.refresh)
        watch.versioned.connect(self._came)
        watch.changed.connect(self.refresh)  # names of people come later
        self.view.opened.connect(lambda: self._act("show"))

    def show_policy(self, policy: Policy, *, is_changed: bool) -> None:
        self.policy, self.is_changed = policy, is_changed
        if policy.version != self._asked_for:
            self._asked_for = policy.version
            self._watch.ask_versions(policy.name)
        self.refresh()

    def _came(self, name: str, found: list[Version] | Failure, has_older: bool) -> None:
        if name != self.policy.name:
            return
        if isinstance(found, Failure):
            self._asked_for = 0
            self.problem.setText(breakable(f"Its versions can't be shown. {sentences(found.message, found.fix)}"))
        else:
            self.versions = found
            self.older.setText(f"These are the newest {len(found)}; the gateway keeps the older ones too.")
            self.older.setVisible(has_older)
        self.problem.setVisible(isinstance(found, Failure))
        self.refresh()

    def refresh(self) -> None:
        moment = now()
        lines = [forms.version_line(one, self._watch.name_of(one.made_by), moment) for one in self.versions]
        self.view.blockSignals(True)
        self.view.show_rows(lines, "Asking the gateway for its versions…" if self.problem.isHidden() else "")
        self.view.blockSignals(False)
        one = self._chosen
        actions = forms.version_actions(one, self.policy, is_changed=self.is_changed) if one is not None else []
        self.buttons.show_actions(actions)

    @property
    def _chosen(self) -> Version | None:
        return next((one for one in self.versions if one.id == self.view.chosen_id), None)

    def _act(self, verb: str) -> None:
        if (one := self._chosen) is not None:
            self._act_on(verb, one)
