"""Policies and whom they are assigned to, as the app knows them, without Qt: the last lists, and what holds for everyone."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import msgspec

from gui.listed_state import Listed, has
from gui.people_state import Organisation
from gui.plain_text import one_line

Json = dict[str, Any]
# From the widest circle to the narrowest: how each is called, before its name.
KINDS = {
    "everyone": "everyone", "tenant": "organisation", "department": "department", "team": "team", "user": "person",
    "key": "key", "route": "route",
}  # fmt: skip
SHADOW = "shadow"
SEARCHED_MAX = 200  # names of those who have a policy, in a search for policies


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """What this app reads of a rule; more may stand there."""

    types: list[str] = []
    input: str = "allow"
    output: str = "allow"
    form: str = "label"
    min_score: float = 0.5
    regulated: bool = False
    stays_here: bool = False
    files: str | None = None
    answers_to: str = ""
    must_catch: list[str] = []
    must_pass: list[str] = []

    @property
    def does_something(self) -> bool:
        return (self.input, self.output) != ("allow", "allow")


class Custom(msgspec.Struct, frozen=True, kw_only=True):
    """An administrator's own expression; it finds the type CUSTOM_ and its name."""

    name: str = ""
    regex: str = ""
    description: str = ""
    ignore_case: bool = False


class FilesPart(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of files on their way to a model."""

    found: str = "redact"
    unreadable: str = "block"
    require_full_sandbox: bool = False


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in a policy, or in one version of it."""

    title: str = ""
    description: str = ""
    fail: str = "closed"
    system_prompts: bool = True
    not_found_here: list[str] = []
    rules: list[Rule] = []
    custom: list[Custom] = []
    kept_days: int | None = None
    files: FilesPart | None = None

    @property
    def does_something(self) -> bool:
        return any(rule.does_something for rule in self.rules)


class Written(msgspec.Struct, frozen=True, dict=True):
    """`policy`: as the gateway wrote it, so that a change keeps what this app doesn't know."""

    policy: Json

    def __post_init__(self) -> None:
        _ = self.content  # one that can't be read is no policy

    @cached_property
    def content(self) -> Content:
        return msgspec.convert(self.policy, Content)


class Policy(Written, frozen=True, dict=True, kw_only=True):
    """`source`: shipped or own. `in_force`: requests of somebody are under it."""

    name: str
    version: int = 1
    source: str = "own"
    in_force: bool = False
    created_at: str | None = None
    updated_at: str | None = None

    @property
    def id(self) -> str:
        return self.name

    @property
    def is_shipped(self) -> bool:
        return self.source == "shipped"


class Version(Written, frozen=True, dict=True, kw_only=True):
    version: int
    made_at: str | None = None
    made_by: str | None = None

    @property
    def id(self) -> str:
        return str(self.version)


class Subject(msgspec.Struct, frozen=True):
    kind: str
    id: str = ""
    name: str = ""

    @property
    def words(self) -> str:
        """`everyone`, `department Sales`."""
        if self.kind == "everyone":
            return "everyone"
        return f"{KINDS.get(self.kind, one_line(self.kind, 30))} {one_line(self.name or self.id, 80)}"


class Assignment(msgspec.Struct, frozen=True):
    """`mode`: enforce, shadow or replace."""

    id: str
    subject: Subject
    policy: str
    mode: str = "enforce"
    created_at: str | None = None

    @property
    def is_shadow(self) -> bool:
        return self.mode == SHADOW


class Detector(msgspec.Struct, frozen=True):
    """A type that can be found here. `on_streams`: how, in an answer that comes in pieces."""

    type: str
    group: str = "PII"
    on_streams: str = "exact"


class Held(msgspec.Struct, frozen=True):
    """What holds for everyone. names: of policies that are enforced; those that do nothing are left out beside others.
    is_default: nobody assigned it, the setting says so."""

    names: list[str]
    is_default: bool
    on_trial: list[str]
    inspects: bool
    others: int


class Guardrails:
    """`default`: the policy where nothing is assigned, by the gateway's settings. It is told as long as nothing is assigned to
    everyone; before, it is empty. `asked`: what is under way. `is_whole`: all lists have come once."""

    def __init__(self) -> None:
        self.policies = Listed(Policy)
        self.assignments = Listed(Assignment)
        self.detectors: list[Detector] = []
        self.organisation = Organisation()
        self.default, self.is_whole = "", False
        self.asked: dict[str, str] = {}
        self._assigned: dict[str, list[Assignment]] = {}
        self._indexed: list[Assignment] | None = None
        self._held: tuple[tuple[Any, ...], Held] | None = None

    @property
    def told(self) -> bool:
        return self.is_whole

    def take_detectors(self, items: Sequence[Any]) -> bool:
        try:
            self.detectors = msgspec.convert(list(items), list[Detector])
        except msgspec.ValidationError:
            return False
        return True

    def assigned(self, policy: str) -> list[Assignment]:
        """Those of a policy, the widest circles first."""
        if self._indexed is not self.assignments.items:  # never changed in place
            self._indexed, self._assigned = self.assignments.items, {}
            for one in sorted(self._indexed, key=_order):
                self._assigned.setdefault(one.policy, []).append(one)
        return self._assigned.get(policy, [])

    @property
    def assigned_to_everyone(self) -> list[Assignment]:
        """Trials apart."""
        return [one for one in self.assignments.items if one.subject.kind == "everyone" and not one.is_shadow]

    @property
    def held(self) -> Held:
        """Worked out once for each list that came."""
        key = (self.assignments.items, self.policies.items, self.default)
        if self._held is None or not all(a is b for a, b in zip(self._held[0], key, strict=True)):
            self._held = (key, self._holds())
        return self._held[1]

    def _holds(self) -> Held:
        everyone = [one for one in self.assignments.items if one.subject.kind == "everyone"]
        names = sorted({one.policy for one in self.assigned_to_everyone})
        is_default = not names
        names = names or ([self.default] if self.default else [])
        inspecting = [name for name in names if self._inspects(name)]
        others = [one for one in self.assignments.items if one.subject.kind != "everyone" and not one.is_shadow]
        return Held(
            names=inspecting or names[:1],
            is_default=is_default,
            on_trial=list(dict.fromkeys(one.policy for one in everyone if one.is_shadow)),
            inspects=bool(inspecting),
            others=sum(self._inspects(one.policy) for one in others),
        )

    def _inspects(self, name: str) -> bool:
        policy = self.policies.get(name)
        return policy is not None and policy.content.does_something

    def found_policies(self, words: str = "") -> list[Policy]:
        """What holds for everyone first, then what is in force for some."""
        held = self.held.names
        found = [one for one in self.policies.items if not words or has(words, self._texts(one))]
        return sorted(
            found,
            key=lambda one: (
                one.name not in held, not self.is_enforced(one), not self.assigned(one.name), not one.in_force, one.name
            ),
        )  # fmt: skip

    def is_enforced(self, one: Policy) -> bool:
        """Assigned to somebody, and not for a trial."""
        return any(not each.is_shadow for each in self.assigned(one.name))

    def _texts(self, one: Policy) -> list[str]:
        return [one.name, one.content.title, *(each.subject.words for each in self.assigned(one.name)[:SEARCHED_MAX])]

    def found_assignments(self, words: str = "") -> list[Assignment]:
        found = [one for one in self.assignments.items if not words or has(words, [one.subject.words, one.policy, one.mode])]
        return sorted(found, key=_order)


def policy_of(body: Any) -> Policy | None:
    """None where it can't be read."""
    try:
        return msgspec.convert(body, Policy)
    except msgspec.ValidationError:
        return None


def versions_of(items: Sequence[Any]) -> list[Version] | None:
    try:
        return msgspec.convert(list(items), list[Version])
    except msgspec.ValidationError:
        return None


def _order(one: Assignment) -> tuple[int, str, str]:
    kinds = list(KINDS)
    place = kinds.index(one.subject.kind) if one.subject.kind in KINDS else len(kinds)
    return place, one.subject.name.casefold(), one.id
