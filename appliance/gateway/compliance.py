"""What an auditor is told of a compliance pack over a time: what it says, what was found and done, what went past it, and what
was changed. Out of the ledger and the audit; no value ever stood in either."""

from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from appliance import audit
from appliance.clock import Clock, rfc3339
from appliance.errors import NotFound
from appliance.guardrails.policies import Policies
from appliance.guardrails.policy import Action, Policy, PolicyForm
from appliance.metering.found import FoundCount, UnderPolicy, found_between
from appliance.store.engine import Database

CHANGES_MAX = 1_000
_CHANGES = ["policy.", "ledger.expire"]


class PackRule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule of the pack: which article it answers to, and what is done about which types."""

    answers_to: str
    types: list[str]
    input: Action
    output: Action
    regulated: bool
    stays_here: bool


class PackFinding(msgspec.Struct, frozen=True, kw_only=True):
    """What was found of a type that the pack regulates, whatever policy the request was under."""

    type: str
    answers_to: str
    direction: str
    action: str
    is_shadow: bool
    count: int
    requests: int


class PackException(msgspec.Struct, frozen=True, kw_only=True):
    """What went past the pack. `requests`: in how many; `count`: how often.

    kind:  `not_under_it` (requests under other policies, which `what` names), `let_pass` (a regulated type was flagged only),
           `uninspected` (content that no detector reads, of the kind `what`; `failed`: an inspection failed, and the policy let
           it pass).
    """

    kind: Literal["not_under_it", "let_pass", "uninspected"]
    what: str
    count: int
    requests: int


class ChainShown(msgspec.Struct, frozen=True):
    """The audit as it is now: whether its chain holds, over how many rows, and the hash it ends with, to be kept elsewhere."""

    holds: bool
    rows: int
    hash: str


class ComplianceReport(msgspec.Struct, frozen=True, kw_only=True):
    """`from` and `to` bound the time, the end excluded. `more_changes`: there were more than are listed."""

    pack: str
    title: str
    version: int
    begin: str = msgspec.field(name="from")
    end: str = msgspec.field(name="to")
    made_at: str
    kept_days: int | None
    fail: str
    rules: list[PackRule]
    not_found_here: list[str]
    requests: int
    requests_under_it: int
    findings: list[PackFinding]
    exceptions: list[PackException]
    changes: list[audit.AuditRecord]
    more_changes: bool
    audit: ChainShown


class Compliance:
    """Reports of one appliance."""

    def __init__(self, db: Database, clock: Clock, policies: Policies) -> None:
        self._db = db
        self._clock = clock
        self._policies = policies

    def now_ms(self) -> int:
        """Where a report ends that goes up to now."""
        return self._clock.now_ms()

    async def report(self, pack: str, begin_ms: int, end_ms: int, tenant_number: int | None = None) -> ComplianceReport:
        """`tenant_number`: of whose requests; None: of all. Errors: NotFound."""
        policy = self._policies.named(pack, param="pack").policy
        if not _is_pack(policy):
            packs = [name for name, one in self._policies.book.policies.items() if _is_pack(one.policy)]
            raise NotFound(f"the policy {pack} regulates nothing", param="pack", fix=f"Packs are {', '.join(sorted(packs))}.")
        found = await found_between(self._db, begin_ms, end_ms, tenant_number)
        async with self._db.read() as connection:
            changes = await audit.records_between(connection, begin_ms, end_ms, actions=_CHANGES, limit=CHANGES_MAX + 1)
            chain = await audit.verify(connection)
        return ComplianceReport(
            pack=pack,
            title=policy.form.title,
            version=policy.version,
            begin=rfc3339(begin_ms),
            end=rfc3339(end_ms),
            made_at=rfc3339(self._clock.now_ms()),
            kept_days=policy.form.kept_days,
            fail=policy.form.fail,
            rules=_rules(policy.form),
            not_found_here=policy.form.not_found_here,
            requests=sum(one.requests for one in found.requests),
            requests_under_it=sum(one.requests for one in found.requests if _is_under(one.policy, pack)),
            findings=_findings(policy, found.findings),
            exceptions=[*_elsewhere(found.requests, pack), *_past(policy, found.findings)],
            changes=changes[:CHANGES_MAX],
            more_changes=len(changes) > CHANGES_MAX,
            audit=ChainShown(chain.holds, chain.rows, chain.hash.hex()),
        )


def _is_pack(policy: Policy) -> bool:
    return any(rule.regulated for rule in policy.form.rules)


def _rules(form: PolicyForm) -> list[PackRule]:
    return [
        PackRule(
            answers_to=rule.answers_to,
            types=rule.types,
            input=rule.input,
            output=rule.output,
            regulated=rule.regulated,
            stays_here=rule.stays_here,
        )
        for rule in form.rules
    ]


def _is_under(label: str | None, pack: str) -> bool:
    return label is not None and any(part.partition("@")[0] == pack for part in label.split("+"))


def _regulated(policy: Policy, found: Iterable[FoundCount]) -> Iterable[tuple[FoundCount, str]]:
    for one in found:
        rule = policy.rule(one.type) if one.action != "uninspected" else None
        if rule is not None and rule.regulated:
            yield one, rule.answers_to


def _findings(policy: Policy, found: Iterable[FoundCount]) -> list[PackFinding]:
    return [PackFinding(answers_to=answers_to, **_fields(one)) for one, answers_to in _regulated(policy, found)]


def _fields(one: FoundCount) -> dict[str, Any]:
    return msgspec.structs.asdict(one)


def _elsewhere(under: Iterable[UnderPolicy], pack: str) -> list[PackException]:
    return [
        PackException(kind="not_under_it", what=one.policy or "none", count=one.requests, requests=one.requests)
        for one in under
        if not _is_under(one.policy, pack)
    ]


def _past(policy: Policy, found: list[FoundCount]) -> list[PackException]:
    let_pass = [
        PackException(kind="let_pass", what=f"{one.type}, {one.direction}", count=one.count, requests=one.requests)
        for one, _ in _regulated(policy, found)
        if one.action == "flag" and not one.is_shadow
    ]
    unread = [
        PackException(kind="uninspected", what=one.type, count=one.count, requests=one.requests)
        for one in found
        if one.action == "uninspected"
    ]
    return [*let_pass, *unread]
