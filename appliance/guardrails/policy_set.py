"""Policies that hold together for a request: of what they say about a finding, the strictest counts."""

from collections.abc import Iterable, Sequence
from typing import Literal

from appliance.guardrails.finding import Finding
from appliance.guardrails.policy import FILE_STRICTNESS, Action, CustomExpression, Direction, FileAction, Form, Policy, strictest

_FORMS: dict[Form, int] = {"label": 0, "initial": 1, "last4": 2, "first6last4": 3}  # by how much remains of the value


class PolicySet:
    """In the order of their names.

    label:   as headers, the ledger and reports tell it: `default@1`, `dpdp@2+ours@5`.
    shadow:  policies that are only recorded: what they would have done; None: there are none.
    custom:  expressions of all of them, the shadow's as well.
    unreadable: what becomes of files that can't be read.
    full_sandbox: files are read only where their readers are fully confined.
    is_idle: whatever is found, nothing is done about it and nothing recorded.
    """

    def __init__(self, policies: Iterable[Policy], shadow: "PolicySet | None" = None) -> None:
        self.policies = tuple(sorted(policies, key=lambda policy: policy.name))
        self.shadow = shadow
        self.name = "+".join(policy.name for policy in self.policies)
        self.label = "+".join(policy.label for policy in self.policies)
        self.fails_open = bool(self.policies) and all(policy.form.fail == "open" for policy in self.policies)
        self.system_prompts = any(policy.form.system_prompts for policy in self._all())
        self.tokenises = any(policy.tokenises for policy in self.policies)
        self.custom: tuple[CustomExpression, ...] = tuple(
            dict.fromkeys(one for policy in self._all() for one in policy.form.custom)
        )
        self.is_idle = not any(rule.input != "allow" or rule.output != "allow" for one in self._all() for rule in one.form.rules)
        stops = any(policy.files.unreadable == "block" for policy in self.policies if policy.form.rules)
        self.unreadable: Literal["block", "pass"] = "block" if stops else "pass"
        self.full_sandbox = any(policy.files.require_full_sandbox for policy in self.policies)

    def _all(self) -> Sequence[Policy]:
        return self.policies if self.shadow is None else (*self.policies, *self.shadow.policies)

    def action(self, finding: Finding, direction: Direction) -> Action:
        if len(self.policies) == 1:
            return self.policies[0].action(finding, direction)
        return strictest(policy.action(finding, direction) for policy in self.policies)

    def file_action(self, finding: Finding) -> FileAction:
        """What becomes of a file with it."""
        actions = [policy.file_action(finding) for policy in self.policies]
        return max(actions, key=FILE_STRICTNESS.__getitem__, default="pass")

    def names(self, type_name: str) -> bool:
        """A rule says what is done about findings of this type."""
        return any(policy.rule(type_name) is not None for policy in self.policies)

    def shown_as(self, type_name: str, direction: Direction) -> Form:
        """The least that any of those shows which hide it."""
        forms = [
            policy.shown_as(type_name, direction)
            for policy in self.policies
            if (rule := policy.rule(type_name)) is not None
            and (rule.input if direction == "input" else rule.output) in ("mask", "tokenise")
        ]
        return min(forms, key=_FORMS.__getitem__, default="label")

    def acts_on(self, types: Iterable[str], direction: Direction | None = None) -> bool:
        """Whether findings of any of these would come to anything, recorded ones as well."""
        wanted = tuple(types)
        return any(policy.acts_on(wanted, direction) for policy in self._all())

    def kept_here(self, findings: Iterable[Finding]) -> list[str]:
        """Types for which a request may not leave this machine."""
        return sorted({one.type for one in findings if any(_keeps(policy, one) for policy in self.policies)})


def _keeps(policy: Policy, finding: Finding) -> bool:
    rule = policy.rule(finding.type)
    return rule is not None and rule.stays_here and finding.score >= rule.min_score


def shown_policy(policy: PolicySet | None) -> str:
    """As headers and the ledger tell it."""
    return policy.label if policy is not None else "off"
