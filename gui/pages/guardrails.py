"""Guardrails: policies, for whom each holds, and a text to try one on. Live."""

from gui import policy_form_state as forms
from gui import policy_row_state as words
from gui.assignment_dialog import AssignmentDialog
from gui.guardrails_state import Json, Policy
from gui.guardrails_watch import GuardrailsWatch
from gui.moments_state import now
from gui.pages.lists_page import ListsPage
from gui.plain_text import one_line
from gui.policy_dialog import PolicyDialog
from gui.service import Service
from gui.tables.lines_view import LinesView
from gui.widgets.guardrail_trial import GuardrailTrial
from gui.widgets.guardrails_head import GuardrailsHead
from gui.widgets.lines_part import Empty, LinesPart
from gui.widgets.more_part import MorePart


class GuardrailsPage(ListsPage):
    def __init__(self, service: Service) -> None:
        self.watch = GuardrailsWatch(service)
        super().__init__(service, self.watch, "policies", self.watch.ask_anew)
        self.head = GuardrailsHead(self._turn, self._add, self._assign)
        self.below, self.trial = MorePart(lambda: None), GuardrailTrial(self.watch)
        self.policies, self.assignments = self._policies_part(), self._assignments_part()
        self._lay_out(self.head, self.head.search, self.policies, self.assignments, self.trial)
        self._connect()
        self.refresh()

    # Its parts

    def _policies_part(self) -> LinesPart:
        view = LinesView("Policies", words.COLUMNS, {0: 150, 3: 112, 4: 138}, {1: 620, 3: 520})
        return LinesPart(view, Empty(*words.EMPTY, self._add), words.WAYS, self._act, self.below, 0)

    def _assignments_part(self) -> LinesPart:
        view = LinesView("Assignments", words.ASSIGNED_COLUMNS, {2: 170, 3: 110}, {3: 520})
        return LinesPart(view, Empty(*words.ASSIGNED_EMPTY, self._assign), words.ASSIGNED_WAYS, self._act_assignment)

    def _connect(self) -> None:
        self.head.search.textChanged.connect(lambda _: self.refresh())
        self.policies.view.chosen.connect(self._show_chosen)
        self.policies.view.opened.connect(lambda: self._act("open"))
        self.policies.view.removed.connect(lambda: self._act("delete"))
        self.assignments.view.chosen.connect(self._show_chosen)
        self.assignments.view.opened.connect(lambda: self._act_assignment("open"))
        self.assignments.view.removed.connect(lambda: self._act_assignment("remove"))

    # What it shows

    def refresh(self) -> None:
        known = self.watch.guardrails
        if not self._is_there(told=known.told):
            return
        self.parts.setCurrentIndex(self.head.place)
        self.head.held.show_held(*words.held_words(known))
        self.head.show_counts(known.policies.count, known.assignments.count)
        self._show_lists(one_line(self.head.search.text(), 60))
        self.trial.offer_policies(words.tried_names(known))
        self._show_said()
        self._show_chosen()

    def _turn(self) -> None:
        self.refresh()
        if self.head.place == 2:  # policies may be others than when it was tried
            self.trial.ask()

    def _show_lists(self, sought: str) -> None:
        """The one that is seen: the other may have thousands of lines."""
        known, at = self.watch.guardrails, now()
        if self.head.place == 0:
            self.policies.show_lines([words.line(one, known, at) for one in known.found_policies(sought)], sought)
        elif self.head.place == 1:
            found = known.found_assignments(sought)
            self.assignments.show_lines([words.assigned_line(one, known, at) for one in found], sought)
        self.below.show_more("", has_more=False, is_asking=False)

    def _show_chosen(self) -> None:
        known = self.watch.guardrails
        policy = known.policies.get(self.policies.view.chosen_id)
        self.policies.show_chosen(words.actions(policy, known) if policy is not None else [], "")
        self.below.show_facts(words.facts(policy) if policy is not None else "")
        one = known.assignments.get(self.assignments.view.chosen_id)
        self.assignments.show_chosen(words.assigned_actions(one, known) if one is not None else [], "")

    # What it does

    def _act(self, verb: str) -> None:
        known = self.watch.guardrails
        one = known.policies.get(self.policies.view.chosen_id)
        if one is None or (why := words.why_not(verb, one, known)):
            self._say(why if one is not None else "")
        elif verb == "open":
            self._open_policy(one)
        elif verb == "copy":
            self._copy(one.name)
        elif verb == "assign":
            self._assign(one.name)
        elif verb == "delete":
            self._confirm(words.delete_question(one), "Delete", lambda: self.watch.delete_policy(one))

    def _add(self) -> None:
        self._new(forms.NEW, "")

    def _copy(self, name: str) -> None:
        known = self.watch.guardrails.policies
        one = known.get(name)
        if one is not None:
            self._new(forms.copy_of(one, [each.name for each in known.items]), one.name)

    def _new(self, draft: Json, source: str) -> None:
        self._say()
        dialog = PolicyDialog(self.watch, draft, self, source=source)
        dialog.saved.connect(self._made)
        self._open(dialog)

    def _made(self, name: str) -> None:
        self.policies.view.choose(name)
        self._say(done=f"“{name}” is made. It holds for nobody until you assign it.")

    def _open_policy(self, one: Policy) -> None:
        self._say()
        dialog = PolicyDialog(self.watch, one.policy, self, before=one, is_shown_only=one.is_shipped)
        dialog.saved.connect(self._saved)
        dialog.restored.connect(self._saved)
        dialog.copied.connect(self._copy)
        self._open(dialog)

    def _saved(self, name: str) -> None:
        one = self.watch.guardrails.policies.get(name)
        self._say(done=f"“{name}” is version {one.version} now." if one is not None else "")

    def _assign(self, policy: str = "") -> None:
        self._say()
        dialog = AssignmentDialog(self.watch, self, policy or self.policies.view.chosen_id)
        dialog.saved.connect(self.assignments.view.choose)
        self._open(dialog)

    def _act_assignment(self, verb: str) -> None:
        known = self.watch.guardrails
        one = known.assignments.get(self.assignments.view.chosen_id)
        if one is None or (why := words.assigned_why_not(verb, one, known)):
            self._say(why if one is not None else "")
        elif verb == "open":
            policy = known.policies.get(one.policy)
            assert policy is not None  # `why_not` says so
            self._open_policy(policy)
        elif verb == "remove":
            self._confirm(words.remove_question(one, known), "Remove", lambda: self.watch.remove(one))
