"""What the app knows of policies and their assignments, and an admin's wishes on their way to the gateway."""

from typing import Any

from PySide6.QtCore import Signal

from gui.client import Failure
from gui.guardrails_state import Assignment, Guardrails, Policy, Subject, policy_of, versions_of
from gui.keys_watch import KEYS
from gui.listed_state import Listed, has
from gui.plain_text import one_line
from gui.providers_watch import ROUTES
from gui.records_watch import ADMIN, UNITS_MAX, USERS, WISH_MS, Query, RecordsWatch, at
from gui.service import Service
from gui.watch import UNREADABLE

POLICIES, ASSIGNMENTS = f"{ADMIN}/policies", f"{ADMIN}/policy-assignments"
DETECTORS, TEST = f"{ADMIN}/guardrails/detectors", f"{ADMIN}/guardrails/test"
WHOLE_POLICIES = {"limit": "15"}  # each may take 256 KiB, and an answer 4 MiB
VERSIONS_SHOWN_MAX = 90  # the newest
ASSIGNMENTS_MAX, MANY = 10_000, 2_000  # as many as the gateway keeps; from MANY on they aren't asked for by themselves
MADE_BY = {"machine": "this machine", "release": "Gatehouse itself"}


class GuardrailsWatch(RecordsWatch):
    """`tried` answers `try_text`, by its ticket. `sought` answers `seek`: the kind, the words, ids with names, or a Failure."""

    tried = Signal(str, object, object)
    sought = Signal(str, str, object)
    versioned = Signal(str, object, bool)

    def __init__(self, service: Service) -> None:
        super().__init__(service)
        self.guardrails = Guardrails()
        self.asked = self.guardrails.asked
        self._named: dict[str, str] = {}
        self._lists: dict[str, list[tuple[str, str]]] = {}

    def _knows_something(self) -> bool:
        return self.guardrails.told

    def _forget(self) -> None:
        self.guardrails = Guardrails()
        self.asked = self.guardrails.asked
        self._named.clear()
        self._lists.clear()
        self._begin_again()

    # The lists

    @property
    def listed(self) -> Listed[Policy]:
        return self.guardrails.policies

    @property
    def _list_path(self) -> str:
        return POLICIES

    @property
    def _query(self) -> Query:
        return WHOLE_POLICIES

    def _send_questions(self) -> None:
        known = self.guardrails

        def assignments() -> None:
            self.list_pages(ASSIGNMENTS, {}, ASSIGNMENTS_MAX, got_assignments)

        def got_assignments(items: list[Any], cursor: str | None) -> None:
            if not known.assignments.take(items, cursor):
                self._not_got(UNREADABLE)
            elif known.detectors:
                self._ask_organisation(known.organisation, default)
            else:
                self.list_pages(DETECTORS, {}, UNITS_MAX, got_detectors)

        def got_detectors(items: list[Any], _: str | None) -> None:
            if known.take_detectors(items):
                self._ask_organisation(known.organisation, default)
            else:
                self._not_got(UNREADABLE)

        def default() -> None:
            self._ask_default(known)

        self._ask_list(assignments)

    def _ask_default(self, known: Guardrails) -> None:
        """Without a policy's name a text is tried under what everyone is under: by the settings, where nothing is assigned."""

        def got(body: Any) -> None:
            known.default = str(body.get("policy") or "") if isinstance(body, dict) else ""
            ended()

        def ended() -> None:
            self.failure, known.is_whole = None, True
            self._asked()

        if known.assigned_to_everyone:
            ended()
        else:
            self.service.client.call("POST", TEST, got, self._not_got, {"text": ""})

    def _look_again(self) -> None:
        if len(self.guardrails.assignments.items) < MANY:
            self.ask()

    # Wishes

    def delete_policy(self, policy: Policy) -> None:
        self.wish(policy.id, "delete", "DELETE", at(POLICIES, policy.name))

    def remove(self, one: Assignment) -> None:
        self.wish(one.id, "remove", "DELETE", at(ASSIGNMENTS, one.id))

    def assign(self, ticket: str, subject: Subject, policy: str, mode: str) -> None:
        body = {"subject": {"kind": subject.kind, "id": subject.id}, "policy": policy, "mode": mode}
        self.send(ticket, "POST", ASSIGNMENTS, body)

    def _fulfilled(self, its_id: str, verb: str, answer: Any) -> None:
        known = self.guardrails
        (known.assignments if verb == "remove" else known.policies).drop(its_id)

    def take_policy(self, body: Any) -> Policy | None:
        """One as an answer tells it, in the list at once."""
        policy, listed = policy_of(body), self.guardrails.policies
        if policy is not None:
            if listed.get(policy.name) is None:
                listed.items = [policy, *listed.items]
            listed.put(body)
            self.changed.emit()
        return policy

    def take_assignment(self, body: Any) -> None:
        """One as an answer tells it, in the list at once: a new one, or one whose mode is another now."""
        listed = self.guardrails.assignments
        if listed.add([body], listed.cursor):
            listed.put(body)
            self.changed.emit()

    def try_text(self, ticket: str, body: dict[str, Any]) -> None:
        """`tried` tells what a policy would make of it. Nothing is kept, here or there."""
        self.service.client.call(
            "POST",
            TEST,
            lambda answer: self.tried.emit(ticket, answer, None),
            lambda failure: self.tried.emit(ticket, None, failure),
            body,
            deadline_ms=WISH_MS,
        )

    # Who and what there is

    def seek(self, kind: str, words: str) -> None:
        """Keys or routes with these words in them; asked for once, until `seek_anew`."""
        if kind in self._lists:
            self._tell_sought(kind, words)
            return

        def got(items: list[Any], _: str | None) -> None:
            named = _named_key if kind == "key" else _named_route
            self._lists[kind] = [named(one) for one in items if isinstance(one, dict)]
            self._tell_sought(kind, words)

        def failed(failure: Failure) -> None:
            self.sought.emit(kind, words, failure)

        if kind == "key":
            self.list_pages(KEYS, {"state": "active"}, UNITS_MAX, got, failed=failed)
        else:
            self.list_pages(ROUTES, {}, UNITS_MAX, got, failed=failed)

    def seek_anew(self) -> None:
        self._lists.clear()

    def _tell_sought(self, kind: str, words: str) -> None:
        self.sought.emit(kind, words, [one for one in self._lists[kind] if has(words, [one[1]])])

    def ask_versions(self, name: str) -> None:
        """`versioned` tells the newest, or a Failure, and whether there are older ones."""

        def got(items: list[Any], cursor: str | None) -> None:
            found = versions_of(items)
            self.versioned.emit(name, UNREADABLE if found is None else found, cursor is not None)

        def failed(failure: Failure) -> None:
            self.versioned.emit(name, failure, False)

        self.list_pages(at(POLICIES, name, "/versions"), WHOLE_POLICIES, VERSIONS_SHOWN_MAX, got, failed=failed)

    def name_of(self, made_by: str | None) -> str:
        """Who changed something. A name that isn't known yet comes with `changed`."""
        if not made_by or made_by in MADE_BY:
            return MADE_BY.get(made_by or "", "")
        if made_by in self._named or not made_by.startswith("user_"):
            return self._named.get(made_by, one_line(made_by, 80))
        self._named[made_by] = "…"

        def named(body: Any) -> None:
            name = body.get("name") if isinstance(body, dict) else None
            self._named[made_by] = one_line(name or made_by, 80)
            self.changed.emit()

        self.service.client.call("GET", at(USERS, made_by), named, lambda _: named(None))
        return "…"


def _named_key(one: dict[str, Any]) -> tuple[str, str]:
    name, prefix = one_line(one.get("name", ""), 80), one_line(one.get("key_prefix", ""), 40)
    return str(one.get("id", "")), f"{name}  ·  {prefix}…  ·  {one_line(one.get('environment', ''), 20)}"


def _named_route(one: dict[str, Any]) -> tuple[str, str]:
    return str(one.get("name", "")), one_line(one.get("name", ""), 120)
