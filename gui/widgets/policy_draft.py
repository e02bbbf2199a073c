"""What a policy's draft consists of, as it is changed: its rules and its expressions, with their dialogs."""

import msgspec
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QDialog

from gui import policy_form_state as forms
from gui import rule_words_state as rules
from gui.expression_dialog import ExpressionDialog
from gui.guardrails_state import Content, Json
from gui.guardrails_watch import GuardrailsWatch
from gui.policy_form_state import Place
from gui.rule_dialog import RuleDialog
from gui.tables.lines_view import LinesView
from gui.widgets.draft_lines import DraftLines, Edited

NO_RULES = "No rules: nothing is inspected."
NO_EXPRESSIONS = "No expressions of your own. One finds what only you know, such as the numbers of your projects."


class PolicyDraft(QObject):
    """`changed`: by somebody's hand. `over`: lays what stands here over the rest of the draft."""

    changed = Signal()

    def __init__(self, watch: GuardrailsWatch, dialog: QDialog, draft: Json, *, is_shown_only: bool) -> None:
        super().__init__(dialog)
        self._watch, self._dialog, self._draft, self._is_shown_only = watch, dialog, draft, is_shown_only
        rules_view = LinesView("Rules", rules.COLUMNS, {1: 150, 2: 150}, {3: 560})
        self.rules = DraftLines(
            rules_view,
            lambda n, raw, problem: rules.line(n, forms.rule_of(raw), problem),
            lambda raw: rules.facts(forms.rule_of(raw)),
            self._open_rule,
            {"types": [], "input": "mask", "output": "mask"},
            NO_RULES,
            is_shown_only=is_shown_only,
        )
        self.custom = DraftLines(
            LinesView("Expressions", rules.CUSTOM_COLUMNS, {0: 210}, {2: 520}),
            lambda n, raw, problem: rules.custom_line(n, forms.custom_of(raw), problem),
            self._custom_facts,
            self._open_custom,
            {},
            NO_EXPRESSIONS,
            is_shown_only=is_shown_only,
        )
        self.rules.show_items(list(draft.get("rules", [])))
        self.custom.show_items(list(draft.get("custom", [])))
        for part in (self.rules, self.custom):
            part.changed.connect(self.changed)

    @property
    def content(self) -> Content:
        return msgspec.convert(self._draft, Content)

    def over(self, rest: Json) -> Json:
        found = dict(rest)
        for name, part in (("rules", self.rules), ("custom", self.custom)):
            if part.items != list(self._draft.get(name, [])):
                found[name] = part.items
        return found

    def show_problem(self, place: Place, told: str) -> None:
        """Its row is marked, and its dialog opens at the field."""
        part = self.rules if place.part == "rules" else self.custom
        if 0 <= place.row < len(part.items):
            part.show_items(part.items, {place.row: {place.field: told}})
            part.go_to(place.row)

    def _open_rule(self, raw: Json, edited: Edited, problems: dict[str, str]) -> None:
        known = self._watch.guardrails.detectors
        names = [forms.custom_of(one).name for one in self.custom.items]
        offered = forms.types_offered([one.type for one in known], forms.rule_of(raw).types, names)
        notes = {one.type: f"In streams: {one.on_streams}" for one in known}
        self._open(RuleDialog(raw, offered, notes, edited, problems, self._dialog))

    def _open_custom(self, raw: Json, edited: Edited, problems: dict[str, str]) -> None:
        others = [forms.custom_of(one).name for one in self.custom.items if one is not raw]
        self._open(ExpressionDialog(raw, others, edited, problems, self._dialog))

    def _open(self, dialog: RuleDialog | ExpressionDialog) -> None:
        self.dialog = dialog
        if self._is_shown_only:
            dialog.only_show()
        dialog.open()

    def _custom_facts(self, raw: Json) -> str:
        custom = forms.custom_of(raw)
        return forms.custom_fate(custom, [forms.rule_of(one) for one in self.rules.items])
