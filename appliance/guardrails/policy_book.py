"""The book of policies and of who is under which, as the database has it. Frozen: a change makes a new one."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from appliance.guardrails.policy import Policy
from appliance.guardrails.policy_set import PolicySet

SubjectKind = Literal["everyone", "tenant", "department", "team", "user", "key", "route"]
Mode = Literal["enforce", "shadow", "replace"]
Source = Literal["shipped", "own"]
WIDTH: dict[str, int] = {kind: place for place, kind in enumerate(("everyone", "tenant", "department", "team", "user", "key"))}
SETS_MAX = 10_000


class Subject(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom, or which route, an assignment is for. A route's id is its name; that of everyone is empty."""

    kind: SubjectKind
    id: Annotated[str, Meta(max_length=200)] = ""


EVERYONE = Subject("everyone")


class Assignment(msgspec.Struct, frozen=True, kw_only=True):
    """`policy`: its name. Modes: `enforce` counts with all others that apply; `shadow` is recorded only; `replace` holds instead
    of those of wider subjects."""

    number: int
    id: str
    subject: Subject
    policy: str
    mode: Mode
    created_at: int


class StoredPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """As it is now; its earlier versions stay in the database."""

    number: int
    policy: Policy
    source: Source
    created_at: int
    updated_at: int


class PolicyBook:
    """`base`: the policy of those whom no assignment puts under one."""

    def __init__(self, policies: Iterable[StoredPolicy] = (), assignments: Iterable[Assignment] = (), base: str = "off") -> None:
        self.policies: Mapping[str, StoredPolicy] = {one.policy.name: one for one in policies}
        self.assignments = tuple(sorted(assignments, key=lambda one: one.number))
        self.base = base
        self._by_subject: dict[Subject, tuple[Assignment, ...]] = {}
        for one in self.assignments:
            self._by_subject[one.subject] = (*self._by_subject.get(one.subject, ()), one)
        self._sets: dict[tuple[tuple[str, ...], tuple[str, ...]], PolicySet] = {}

    @property
    def is_idle(self) -> bool:
        """Nobody is under a policy that does anything, or that is recorded."""
        return self._is_idle(self.base) and all(self._is_idle(one.policy) for one in self.assignments)

    def assigned(self, policy: str) -> list[Assignment]:
        return [one for one in self.assignments if one.policy == policy]

    def in_force(self, subjects: Sequence[Subject], of_routes: Sequence[str] = ()) -> PolicySet:
        """For a request of these subjects, the widest first, and of routes that name one.

        Errors:  KeyError: a route names a policy that isn't there.
        """
        if not self._by_subject and not of_routes:
            return self._set([self.base], [])
        enforced: list[str] = []
        shadow: list[str] = []
        for subject in subjects:
            found = self._by_subject.get(subject, ())
            if subject.kind != "route" and any(one.mode == "replace" for one in found):
                enforced.clear()
            enforced += [one.policy for one in found if one.mode != "shadow"]
            shadow += [one.policy for one in found if one.mode == "shadow"]
        return self._set([*enforced, *of_routes] if enforced else [self.base, *of_routes], shadow)

    def _set(self, enforced: list[str], shadow: list[str]) -> PolicySet:
        """Those that do nothing are left out beside others."""
        names = tuple(sorted({name for name in enforced if not self._is_idle(name)})) or tuple(sorted(set(enforced))[:1])
        recorded = tuple(sorted(set(shadow) - set(names)))
        known = self._sets.get((names, recorded))
        if known is None:
            beside = PolicySet(map(self._policy, recorded)) if recorded else None
            known = PolicySet(map(self._policy, names), beside)
            if len(self._sets) < SETS_MAX:
                self._sets[names, recorded] = known
        return known

    def _policy(self, name: str) -> Policy:
        return self.policies[name].policy

    def _is_idle(self, name: str) -> bool:
        return not self._policy(name).form.rules
