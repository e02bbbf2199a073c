"""`/api/v1/admin/guardrails/test` and `/policies`: what a policy would make of a text, and which policies there are."""

import asyncio
import time
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.openapi.spec import Example
from litestar.params import Body, FromPath
from msgspec import UNSET, Meta, UnsetType

from appliance import errors
from appliance.api.admin.access import requires
from appliance.api.bodies import json_body
from appliance.api.error_answers import error_answers, success
from appliance.errors import InvalidField, NotFound
from appliance.gateway.guarding import Guarding
from appliance.guardrails.finding import LONG
from appliance.guardrails.policy import Policy, PolicyForm
from appliance.guardrails.verdict import Judged

if TYPE_CHECKING:
    from appliance.guardrails.guard import Guard

TEXTS_MAX = 100
CHARACTERS_MAX = 1_000_000
TestedText = Annotated[str, Meta(max_length=CHARACTERS_MAX)]


class GuardrailTest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`text`, or `texts` for several at once."""

    text: Annotated[TestedText | UnsetType, Meta(description="What is to be looked at.")] = UNSET
    texts: Annotated[
        Annotated[list[TestedText], Meta(min_length=1, max_length=TEXTS_MAX)] | UnsetType,
        Meta(description="Several, each by itself; the answer has `items`."),
    ] = UNSET
    policy: Annotated[
        Annotated[str, Meta(max_length=64)] | None, Meta(description="Its name; null: the one that requests are under.")
    ] = None
    is_input: Annotated[bool, Meta(description="On its way to a model; else in what one answers.")] = True


class GuardrailVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """`text`: as the model (or the caller) would see it. Places are Unicode code points of the text that was given."""

    allowed: bool
    action: Literal["allow", "flag", "tokenise", "mask", "block"]
    text: str
    findings: list[Judged]
    policy: str
    version: int
    elapsed_us: int


class GuardrailVerdicts(msgspec.Struct, frozen=True):
    items: list[GuardrailVerdict]


class PolicyShown(msgspec.Struct, frozen=True):
    """A policy with its version, and where it comes from."""

    name: str
    version: int
    source: Literal["shipped"]
    in_force: Annotated[bool, Meta(description="Requests are under it.")]
    policy: PolicyForm


class PolicyPage(msgspec.Struct, frozen=True):
    items: list[PolicyShown]
    next_cursor: str | None


_EXAMPLE: dict[str, Any] = {
    "allowed": True,
    "action": "mask",
    "text": "Test content with PII: [US_SSN]",
    "findings": [{"type": "US_SSN", "start": 23, "end": 34, "score": 0.9, "detector": "us_ssn", "action": "mask"}],
    "policy": "default",
    "version": 1,
    "elapsed_us": 85,
}

_POLICY: dict[str, Any] = {"name": "off", "version": 1, "source": "shipped", "in_force": False, "policy": {"name": "off"}}


@post(
    "/api/v1/admin/guardrails/test",
    guards=[requires("guardrails:read")],
    operation_id="testGuardrails",
    summary="What a policy makes of a text",
    description="Nothing is sent, booked or kept.",
    tags=["Guardrails"],
    status_code=200,
    responses={
        200: success(GuardrailVerdict, _EXAMPLE, "The verdict; of `texts`, `items` with one for each."),
        **error_answers(errors.MalformedJson, errors.InvalidField, errors.TokenInvalid, errors.Forbidden, errors.NotFound),
    },
    **json_body(GuardrailTest),
)
async def test_guardrails(
    data: Annotated[GuardrailTest, Body(examples=[Example(value={"text": "Test content with PII: 123-45-6789"})])],
    guarding: NamedDependency[Guarding],
) -> GuardrailVerdict | GuardrailVerdicts:
    if (data.text is UNSET) == (data.texts is UNSET):
        raise InvalidField("send either text or texts", param="text", fix='Send {"text": "…"}, or {"texts": ["…", "…"]}.')
    guard = await guarding.guard()
    policy = _named(guard, data.policy or guarding.policy_name)
    texts = [data.text] if data.text is not UNSET else data.texts
    assert texts is not UNSET
    if sum(map(len, texts)) > CHARACTERS_MAX:
        raise InvalidField(f"texts has more than {CHARACTERS_MAX:,} characters together", param="texts", fix="Send fewer.")
    verdicts = [await _verdict(guard, policy, text, is_input=data.is_input) for text in texts]
    return verdicts[0] if data.text is not UNSET else GuardrailVerdicts(verdicts)


async def _verdict(guard: "Guard", policy: Policy, text: str, *, is_input: bool) -> GuardrailVerdict:
    began = time.perf_counter_ns()
    direction: Literal["input", "output"] = "input" if is_input else "output"
    if len(text) > LONG:
        found = await asyncio.to_thread(guard.judged, text, policy, direction)
    else:
        found = guard.judged(text, policy, direction)
    return GuardrailVerdict(
        allowed=found.allowed,
        action=found.action,
        text=found.text,
        findings=found.findings,
        policy=policy.name,
        version=policy.version,
        elapsed_us=(time.perf_counter_ns() - began) // 1000,
    )


@get(
    "/api/v1/admin/policies",
    guards=[requires("policies:read")],
    operation_id="listPolicies",
    summary="Policies",
    tags=["Guardrails"],
    responses={
        200: success(PolicyPage, {"items": [], "next_cursor": None}, "All of them."),
        **error_answers(errors.TokenInvalid, errors.Forbidden),
    },
)
async def list_policies(guarding: NamedDependency[Guarding]) -> PolicyPage:
    guard = await guarding.guard()
    return PolicyPage([_shown(guard.policies[name], guarding) for name in sorted(guard.policies)], None)


@get(
    "/api/v1/admin/policies/{name:str}",
    guards=[requires("policies:read")],
    operation_id="getPolicy",
    summary="A policy",
    tags=["Guardrails"],
    responses={
        200: success(
            PolicyShown, {"name": "off", "version": 1, "source": "shipped", "in_force": False, "policy": {"name": "off"}}, "It."
        ),
        **error_answers(errors.TokenInvalid, errors.Forbidden, errors.NotFound),
    },
)
async def get_policy(name: FromPath[str], guarding: NamedDependency[Guarding]) -> PolicyShown:
    return _shown(_named(await guarding.guard(), name), guarding)


def _named(guard: "Guard", name: str) -> Policy:
    policy = guard.policies.get(name)
    if policy is None:
        raise NotFound("there is no such policy", param="policy", fix=f"There are {', '.join(sorted(guard.policies))}.")
    return policy


def _shown(policy: Policy, guarding: Guarding) -> PolicyShown:
    return PolicyShown(policy.name, policy.version, "shipped", policy.name == guarding.policy_name, policy.form)


routes: list[Any] = [test_guardrails, list_policies, get_policy]
