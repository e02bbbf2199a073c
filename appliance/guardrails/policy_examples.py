"""A policy's own examples: what each rule must catch and must let pass, tried on the detectors before it may be in force."""

from collections.abc import Iterator

from appliance.errors import InvalidField
from appliance.guardrails.custom import BadExpression, CustomScanner, custom_scanner
from appliance.guardrails.finding import Finding, resolved
from appliance.guardrails.guard import Guard
from appliance.guardrails.policy import CUSTOM, Policy, PolicyForm, Rule


def refuse_unfit(guard: Guard, policy: Policy) -> None:
    """Errors: InvalidField that names the expression or the example."""
    custom = scanner_of(policy.form)
    for place, one in enumerate(policy.form.custom):
        if policy.rule(CUSTOM + one.name) is None:
            raise InvalidField(
                f"no rule says what is done about {CUSTOM}{one.name}",
                param=f"custom[{place}].name",
                fix=f'Add a rule with "types": ["{CUSTOM}{one.name}"], or ["CUSTOM"] for all of them.',
            )
    for param, message in _failures(guard, policy, custom):
        raise InvalidField(
            message, param=param, fix="Change the rule, or the example. POST …/guardrails/test shows what is found."
        )


def scanner_of(form: PolicyForm) -> CustomScanner | None:
    """Of its own expressions. Errors: InvalidField."""
    names = [one.name for one in form.custom]
    for place, name in enumerate(names):
        if name in names[:place]:
            raise InvalidField(f"two expressions are called {name}", param=f"custom[{place}].name", fix="Give one another name.")
    try:
        return custom_scanner(form.custom) if form.custom else None
    except BadExpression as error:
        at = f", at its character {error.position + 1}" if error.position is not None else ""
        raise InvalidField(
            f"the expression can't be used{at}: {error.reason}",
            param=f"custom[{error.place}].regex",
            fix="Expressions are RE2's: github.com/google/re2/wiki/Syntax. There is no look-around and no back reference.",
        ) from None


def _failures(guard: Guard, policy: Policy, custom: CustomScanner | None) -> Iterator[tuple[str, str]]:
    for number, rule in enumerate(policy.form.rules):
        for place, text in enumerate(rule.must_catch):
            if not caught(guard, policy, rule, text, custom):
                yield f"rules[{number}].must_catch[{place}]", "the rule finds nothing in a text that it must catch"
        for place, text in enumerate(rule.must_pass):
            if types := caught(guard, policy, rule, text, custom):
                found = ", ".join(sorted(set(types)))
                yield f"rules[{number}].must_pass[{place}]", f"the rule finds {found} in a text that it must let pass"


def caught(guard: Guard, policy: Policy, rule: Rule, text: str, custom: CustomScanner | None = None) -> list[str]:
    """The types found in it that this rule decides about."""
    return [one.type for one in found_in(guard, text, custom) if policy.rule(one.type) is rule and one.score >= rule.min_score]


def found_in(guard: Guard, text: str, custom: CustomScanner | None) -> list[Finding]:
    """All findings of a text, whatever a policy says of them."""
    (values,) = guard.found([text], custom)
    return resolved([*values, *guard.attacks(text)])
