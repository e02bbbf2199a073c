"""`/api/v1/admin/guardrails`: what a policy would make of a text, and what is looked for."""

import asyncio
import time
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.openapi.spec import Example
from litestar.params import Body
from msgspec import UNSET, Meta, UnsetType

from appliance import errors
from appliance.api.admin.access import requires
from appliance.api.bodies import json_body
from appliance.api.error_answers import error_answers, success
from appliance.errors import InvalidField
from appliance.gateway.guarding import Guarding
from appliance.guardrails.finding import LONG
from appliance.guardrails.policies import Policies
from appliance.guardrails.policy import CUSTOM, GPS_LOCATION, HIDDEN_TEXT, Group, Policy, PolicyForm, group_of
from appliance.guardrails.policy_book import EVERYONE
from appliance.guardrails.policy_set import PolicySet
from appliance.guardrails.verdict import Judged

if TYPE_CHECKING:
    from appliance.guardrails.custom import CustomScanner
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
    policy: Annotated[Annotated[str, Meta(max_length=64)] | None, Meta(description="Its name; null: what everyone is under.")] = (
        None
    )
    draft: Annotated[PolicyForm | UnsetType, Meta(description="A policy that is written nowhere yet, instead of a name.")] = UNSET
    is_input: Annotated[bool, Meta(description="On its way to a model; else in what one answers.")] = True


class GuardrailVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """`text`: as the model (or the caller) would see it. Places are Unicode code points of the text that was given."""

    allowed: bool
    action: Literal["allow", "flag", "tokenise", "mask", "block"]
    text: str
    findings: list[Judged]
    policy: str
    version: Annotated[int | None, Meta(description="0: a draft; null: several policies hold together.")]
    elapsed_us: int


class GuardrailVerdicts(msgspec.Struct, frozen=True):
    items: list[GuardrailVerdict]


class DetectorShown(msgspec.Struct, frozen=True, kw_only=True):
    """A type of findings. `on_streams`: how it is found in an answer that comes in pieces."""

    type: str
    group: Group
    detectors: Annotated[list[str], Meta(description="As findings name who found them.")]
    on_streams: Literal["exact", "by sentence", "by passage"]


class DetectorPage(msgspec.Struct, frozen=True):
    """By group and type. `next_cursor` is null: they are all here."""

    items: list[DetectorShown]
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

_DETECTOR: dict[str, Any] = {"type": "EMAIL", "group": "PII", "detectors": ["email"], "on_streams": "exact"}


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
    policies: NamedDependency[Policies],
) -> GuardrailVerdict | GuardrailVerdicts:
    if (data.text is UNSET) == (data.texts is UNSET):
        raise InvalidField("send either text or texts", param="text", fix='Send {"text": "…"}, or {"texts": ["…", "…"]}.')
    policy = await _ruling(data, guarding, policies)
    guard, custom = await guarding.guard(), await guarding.custom(policy.custom)
    texts = [data.text] if data.text is not UNSET else data.texts
    assert texts is not UNSET
    if sum(map(len, texts)) > CHARACTERS_MAX:
        raise InvalidField(f"texts has more than {CHARACTERS_MAX:,} characters together", param="texts", fix="Send fewer.")
    verdicts = [await _verdict(guard, policy, custom, text, is_input=data.is_input) for text in texts]
    return verdicts[0] if data.text is not UNSET else GuardrailVerdicts(verdicts)


async def _ruling(data: GuardrailTest, guarding: Guarding, policies: Policies) -> PolicySet:
    """Errors: NotFound, InvalidField."""
    if data.draft is not UNSET:
        if data.policy is not None:
            raise InvalidField("send either policy or draft", param="draft", fix="Leave one of them out.")
        await guarding.check_expressions(data.draft)
        return PolicySet([Policy(data.draft, version=0)])
    if data.policy is not None:
        return PolicySet([policies.named(data.policy, param="policy").policy])
    return policies.book.in_force([EVERYONE])


async def _verdict(
    guard: "Guard", policy: PolicySet, custom: "CustomScanner | None", text: str, *, is_input: bool
) -> GuardrailVerdict:
    began = time.perf_counter_ns()
    direction: Literal["input", "output"] = "input" if is_input else "output"
    if len(text) > LONG:
        found = await asyncio.to_thread(guard.judged, text, policy, direction, custom)
    else:
        found = guard.judged(text, policy, direction, custom)
    return GuardrailVerdict(
        allowed=found.allowed,
        action=found.action,
        text=found.text,
        findings=found.findings,
        policy=policy.name,
        version=policy.policies[0].version if len(policy.policies) == 1 else None,
        elapsed_us=(time.perf_counter_ns() - began) // 1000,
    )


@get(
    "/api/v1/admin/guardrails/detectors",
    guards=[requires("guardrails:read")],
    operation_id="listDetectors",
    summary="What guardrails look for",
    tags=["Guardrails"],
    responses={
        200: success(DetectorPage, {"items": [_DETECTOR], "next_cursor": None}, "All of it."),
        **error_answers(errors.TokenInvalid, errors.Forbidden, errors.GuardrailFailed),
    },
)
async def list_detectors(guarding: NamedDependency[Guarding], policies: NamedDependency[Policies]) -> DetectorPage:
    """The types that policies may name, those of own expressions included."""
    found = [(one.type, one.detectors, one.on_streams) for one in (await guarding.guard()).looked_for()]
    own = {CUSTOM + one.name for stored in policies.book.policies.values() for one in stored.policy.form.custom}
    found += [(kind, ["custom"], "exact") for kind in own]
    found += [(kind, ["files"], "by passage") for kind in (GPS_LOCATION, HIDDEN_TEXT)]  # in files alone, never in a stream
    shown = [DetectorShown(type=kind, group=group_of(kind), detectors=names, on_streams=how) for kind, names, how in found]
    return DetectorPage(sorted(shown, key=lambda one: (one.group, one.type)), None)


routes: list[Any] = [test_guardrails, list_detectors]
