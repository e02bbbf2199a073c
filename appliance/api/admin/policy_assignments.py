"""Who is under which policy: `/api/v1/admin/policy-assignments`."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Annotated, Any

import msgspec
from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.openapi.spec import Example
from litestar.params import Body, FromPath, QueryParameter
from msgspec import Meta

from appliance import errors
from appliance.api.admin.access import CALLER, requires
from appliance.api.admin.pages import LIST_MAX, page
from appliance.api.bodies import json_body
from appliance.api.error_answers import error_answers, success
from appliance.clock import rfc3339
from appliance.errors import InvalidField
from appliance.guardrails.policies import Policies
from appliance.guardrails.policy_book import Assignment, Mode, Subject, SubjectKind
from appliance.identity.caller import Caller

Names = Callable[[Iterable[tuple[str, str]]], Awaitable[dict[tuple[str, str], str]]]
_TAGS = ["Guardrails"]
_READ_ERRORS = (errors.TokenInvalid, errors.Forbidden)
_NAMELESS = ("everyone", "route")


class SubjectShown(msgspec.Struct, frozen=True):
    """`name`: as people know it; empty: it isn't there any more."""

    kind: SubjectKind
    id: str
    name: str


class AssignmentShown(msgspec.Struct, frozen=True, kw_only=True):
    """Modes: `enforce` counts with all others that apply (the strictest action wins), `shadow` only records what the policy would
    have done, `replace` holds instead of those of wider subjects (everyone, tenant, department, team, user, key)."""

    id: str
    subject: SubjectShown
    policy: str
    mode: Mode
    created_at: str


class AssignmentPage(msgspec.Struct, frozen=True):
    """`next_cursor` leads to the next page; null: there is none."""

    items: list[AssignmentShown]
    next_cursor: str | None


class NewAssignment(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Of the same subject and policy there is one: made anew, it takes the new mode."""

    subject: Subject
    policy: Annotated[str, Meta(max_length=64, description="The policy's name.")]
    mode: Mode = "enforce"


_EXAMPLE: dict[str, Any] = {
    "id": "asg_trcsuj7puruldahodtkjrhgf",
    "subject": {"kind": "department", "id": "dep_trcsuj7puruldahodtkjrhgf", "name": "Sales"},
    "policy": "gdpr",
    "mode": "enforce",
    "created_at": "2026-11-27T08:00:00.000Z",
}


@get(
    "/api/v1/admin/policy-assignments",
    guards=[requires("policies:read")],
    operation_id="listPolicyAssignments",
    summary="Who is under which policy",
    description="Everybody else is under the policy of the setting guardrail_policy.",
    tags=_TAGS,
    responses={
        200: success(AssignmentPage, {"items": [_EXAMPLE], "next_cursor": None}, "One page."),
        **error_answers(errors.InvalidField, *_READ_ERRORS),
    },
)
async def list_policy_assignments(
    policies: NamedDependency[Policies],
    subject_names: NamedDependency[Names],
    policy: Annotated[str | None, QueryParameter(description="Only those of this policy.")] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=LIST_MAX, description="Assignments on a page.")] = LIST_MAX,
    cursor: Annotated[str | None, QueryParameter(description="next_cursor of the page before.")] = None,
) -> AssignmentPage:
    """The oldest first."""
    wanted = policies.book.assignments if policy is None else policies.book.assigned(policy)
    found, following = page(wanted, lambda one: f"{one.number:012d}", limit, cursor)
    return AssignmentPage(await assignments_shown(found, subject_names), following)


@post(
    "/api/v1/admin/policy-assignments",
    guards=[requires("policies:change")],
    dependencies=CALLER,
    operation_id="createPolicyAssignment",
    summary="Put somebody under a policy",
    description="Everyone, a tenant, a department, a team, a user, a key or a route. It counts from the next request on.",
    tags=_TAGS,
    status_code=201,
    responses={
        201: success(AssignmentShown, _EXAMPLE, "It is made."),
        **error_answers(errors.MalformedJson, errors.InvalidField, *_READ_ERRORS, errors.NotFound, errors.Conflict),
    },
    **json_body(NewAssignment),
)
async def create_policy_assignment(
    data: Annotated[
        NewAssignment,
        Body(
            examples=[
                Example(value={"subject": {"kind": "everyone", "id": ""}, "policy": "strict", "mode": "shadow"}),
                Example(value={"subject": {"kind": "route", "id": "fast"}, "policy": "pci-dss"}),
            ]
        ),
    ],
    caller: NamedDependency[Caller],
    policies: NamedDependency[Policies],
    subject_names: NamedDependency[Names],
) -> AssignmentShown:
    return await assigned(caller.actor, data, policies, subject_names)


@delete(
    "/api/v1/admin/policy-assignments/{assignment_id:str}",
    guards=[requires("policies:change")],
    dependencies=CALLER,
    operation_id="removePolicyAssignment",
    summary="Take an assignment back",
    description="It counts from the next request on.",
    tags=_TAGS,
    responses=error_answers(*_READ_ERRORS, errors.NotFound),
)
async def remove_policy_assignment(
    assignment_id: FromPath[str], caller: NamedDependency[Caller], policies: NamedDependency[Policies]
) -> None:
    await policies.unassign(caller.actor, assignment_id)


async def assigned(actor: str, wanted: NewAssignment, policies: Policies, subject_names: Names) -> AssignmentShown:
    """To a subject that is there. Errors: InvalidField, NotFound, Conflict."""
    subject = wanted.subject
    if subject.kind not in _NAMELESS and subject.id and not await subject_names([(subject.kind, subject.id)]):
        raise InvalidField(f"there is no such {subject.kind}", param="subject.id", fix="Send its id, as its list shows it.")
    made = await policies.assign(actor, subject, wanted.policy, wanted.mode)
    return (await assignments_shown([made], subject_names))[0]


async def assignments_shown(found: Sequence[Assignment], subject_names: Names) -> list[AssignmentShown]:
    names = await subject_names([(one.subject.kind, one.subject.id) for one in found])
    return [
        AssignmentShown(
            id=one.id,
            subject=SubjectShown(one.subject.kind, one.subject.id, _name(one.subject, names)),
            policy=one.policy,
            mode=one.mode,
            created_at=rfc3339(one.created_at),
        )
        for one in found
    ]


def _name(subject: Subject, names: dict[tuple[str, str], str]) -> str:
    return subject.id if subject.kind == "route" else names.get((subject.kind, subject.id), "")


routes: list[Any] = [list_policy_assignments, create_policy_assignment, remove_policy_assignment]
