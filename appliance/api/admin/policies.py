"""Policies of guardrails, in all their versions: `/api/v1/admin/policies`."""

from typing import Annotated, Any, Literal

import msgspec
from litestar import Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.openapi.spec import Example
from litestar.params import Body, FromPath, QueryParameter
from msgspec import UNSET, Meta, UnsetType

from appliance import errors
from appliance.api.admin.access import CALLER, requires
from appliance.api.admin.etags import IfMatch, etag, version_in
from appliance.api.admin.pages import LIST_MAX, page
from appliance.api.bodies import json_body
from appliance.api.error_answers import error_answers, success
from appliance.bodies import read_document
from appliance.clock import rfc3339
from appliance.errors import InvalidField
from appliance.guardrails.policies import Policies
from appliance.guardrails.policy import CustomExpression, FilesForm, PolicyForm, Rule
from appliance.guardrails.policy_book import Source, StoredPolicy
from appliance.identity.caller import Caller

_TAGS = ["Guardrails"]
_READ_ERRORS = (errors.TokenInvalid, errors.Forbidden)
_BODY_ERRORS = (
    errors.MalformedJson,
    errors.InvalidField,
    *_READ_ERRORS,
    errors.NotFound,
    errors.Conflict,
    errors.GuardrailFailed,
)


class PolicyShown(msgspec.Struct, frozen=True, kw_only=True):
    """`version` is its ETag. `in_force`: some requests are under it, or it is recorded what it would do with them."""

    name: str
    version: int
    source: Source
    in_force: bool
    created_at: str
    updated_at: str
    policy: PolicyForm


class PolicyPage(msgspec.Struct, frozen=True):
    """By name. `next_cursor` leads to the next page; null: there is none."""

    items: list[PolicyShown]
    next_cursor: str | None


class PolicyVersionShown(msgspec.Struct, frozen=True, kw_only=True):
    """A version as it was made. `made_by`: an id as the audit has it, or `release`: it came with this program."""

    version: int
    made_at: str
    made_by: str
    policy: PolicyForm


class PolicyVersions(msgspec.Struct, frozen=True):
    """The newest first."""

    items: list[PolicyVersionShown]
    next_cursor: str | None


class NewPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A policy; what is left out is as in the one that `copy_of` names, or empty."""

    name: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$", description="Requests and assignments name it by this.")]
    copy_of: Annotated[str | UnsetType, Meta(description="A policy to begin with.")] = UNSET
    title: Annotated[str, Meta(max_length=200)] | UnsetType = UNSET
    description: Annotated[str, Meta(max_length=4_000)] | UnsetType = UNSET
    fail: Literal["closed", "open"] | UnsetType = UNSET
    system_prompts: bool | UnsetType = UNSET
    not_found_here: list[str] | UnsetType = UNSET
    kept_days: int | UnsetType | None = UNSET
    custom: list[CustomExpression] | UnsetType = UNSET
    files: FilesForm | UnsetType | None = UNSET
    rules: list[Rule] | UnsetType = UNSET


class Restored(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`version`: the one whose text is to hold again."""

    version: Annotated[int, Meta(ge=1)]


_FORM: dict[str, Any] = {
    "name": "ours",
    "title": "As default, and project names stay in the house",
    "rules": [{"types": ["CUSTOM"], "input": "mask", "output": "mask"}],
    "custom": [{"name": "PROJECT", "regex": "\\bPRJ-[0-9]{4}\\b"}],
}
_EXAMPLE: dict[str, Any] = {
    "name": "ours",
    "version": 2,
    "source": "own",
    "in_force": False,
    "created_at": "2026-11-27T08:00:00.000Z",
    "updated_at": "2026-11-27T09:30:00.000Z",
    "policy": _FORM,
}
_VERSION: dict[str, Any] = {"version": 2, "made_at": "2026-11-27T09:30:00.000Z", "made_by": "user_…", "policy": _FORM}


@get(
    "/api/v1/admin/policies",
    guards=[requires("policies:read")],
    operation_id="listPolicies",
    summary="List policies",
    description="Those that come with the appliance (`source: shipped`, not to be changed), and its own.",
    tags=_TAGS,
    responses={
        200: success(PolicyPage, {"items": [_EXAMPLE], "next_cursor": None}, "One page."),
        **error_answers(errors.InvalidField, *_READ_ERRORS),
    },
    sync_to_thread=False,
)
def list_policies(
    policies: NamedDependency[Policies],
    limit: Annotated[int, QueryParameter(ge=1, le=LIST_MAX, description="Policies on a page.")] = 50,
    cursor: Annotated[str | None, QueryParameter(description="next_cursor of the page before.")] = None,
) -> PolicyPage:
    found, following = page(policies.book.policies.values(), lambda one: one.policy.name, limit, cursor)
    return PolicyPage([policy_shown(one, policies) for one in found], following)


@post(
    "/api/v1/admin/policies",
    guards=[requires("policies:change")],
    dependencies=CALLER,
    operation_id="createPolicy",
    summary="Make a policy",
    description="Its own examples (`must_catch`, `must_pass`) and expressions are tried first; nobody is under it yet.",
    tags=_TAGS,
    status_code=201,
    responses={201: success(PolicyShown, _EXAMPLE, "It is made."), **error_answers(*_BODY_ERRORS)},
    **json_body(NewPolicy),
)
async def create_policy(
    data: Annotated[
        NewPolicy, Body(examples=[Example(value=_FORM), Example(value={"name": "our-default", "copy_of": "default"})])
    ],
    caller: NamedDependency[Caller],
    policies: NamedDependency[Policies],
) -> Response[PolicyShown]:
    given: dict[str, Any] = msgspec.to_builtins(data)
    copied = given.pop("copy_of", None)
    before = msgspec.to_builtins(policies.named(copied).policy.form) if copied is not None else {}
    return _answer(await policies.make(caller.actor, read_document({**before, **given}, PolicyForm)), policies, 201)


@get(
    "/api/v1/admin/policies/{name:str}",
    guards=[requires("policies:read")],
    operation_id="getPolicy",
    summary="One policy",
    tags=_TAGS,
    responses={200: success(PolicyShown, _EXAMPLE, "The policy."), **error_answers(*_READ_ERRORS, errors.NotFound)},
    sync_to_thread=False,
)
def get_policy(name: FromPath[str], policies: NamedDependency[Policies]) -> Response[PolicyShown]:
    """As it is now."""
    return _answer(policies.named(name), policies)


@patch(
    "/api/v1/admin/policies/{name:str}",
    guards=[requires("policies:change")],
    dependencies=CALLER,
    operation_id="changePolicy",
    summary="Change a policy",
    description=(
        "The fields that are sent take the place of those that are there (`rules` and `custom` whole); null takes one back to "
        "its default. It becomes the next version, tried as a new one is, and counts from the next request on."
    ),
    tags=_TAGS,
    responses={
        200: success(PolicyShown, _EXAMPLE, "It is changed."),
        **error_answers(*_BODY_ERRORS, errors.PreconditionFailed),
    },
    **json_body(dict),
)
async def change_policy(
    name: FromPath[str],
    data: Annotated[dict[str, Any], Body(examples=[Example(value={"fail": "open"})])],
    caller: NamedDependency[Caller],
    policies: NamedDependency[Policies],
    if_match: IfMatch = None,
) -> Response[PolicyShown]:
    def decide(before: PolicyForm) -> PolicyForm:
        merged = {**msgspec.to_builtins(before), **data}
        return read_document({key: value for key, value in merged.items() if value is not None}, PolicyForm)

    return _answer(await policies.change(caller.actor, name, decide, version=version_in(if_match)), policies)


@delete(
    "/api/v1/admin/policies/{name:str}",
    guards=[requires("policies:change")],
    dependencies=CALLER,
    operation_id="removePolicy",
    summary="Remove a policy",
    description="One that nobody is under. Its versions stay in the database, since requests name them.",
    tags=_TAGS,
    responses=error_answers(*_READ_ERRORS, errors.InvalidField, errors.NotFound, errors.Conflict, errors.PreconditionFailed),
)
async def remove_policy(
    name: FromPath[str], caller: NamedDependency[Caller], policies: NamedDependency[Policies], if_match: IfMatch = None
) -> None:
    await policies.remove(caller.actor, name, version=version_in(if_match))


@get(
    "/api/v1/admin/policies/{name:str}/versions",
    guards=[requires("policies:read")],
    operation_id="listPolicyVersions",
    summary="A policy's versions",
    tags=_TAGS,
    responses={
        200: success(PolicyVersions, {"items": [_VERSION], "next_cursor": None}, "One page."),
        **error_answers(errors.InvalidField, *_READ_ERRORS, errors.NotFound),
    },
)
async def list_policy_versions(
    name: FromPath[str],
    policies: NamedDependency[Policies],
    limit: Annotated[int, QueryParameter(ge=1, le=LIST_MAX, description="Versions on a page.")] = 50,
    cursor: Annotated[str | None, QueryParameter(description="next_cursor of the page before.")] = None,
) -> PolicyVersions:
    """The newest first, each with its whole text."""
    found = await policies.versions(name, limit=limit + 1, before=_version_in(cursor))
    items = [
        PolicyVersionShown(version=one.version, made_at=rfc3339(one.made_at), made_by=one.made_by, policy=one.policy)
        for one in found[:limit]
    ]
    return PolicyVersions(items, str(items[-1].version) if len(found) > limit else None)


@post(
    "/api/v1/admin/policies/{name:str}/restore",
    guards=[requires("policies:change")],
    dependencies=CALLER,
    operation_id="restorePolicy",
    summary="An earlier version again",
    description="Its text becomes the next version.",
    tags=_TAGS,
    status_code=200,
    responses={200: success(PolicyShown, _EXAMPLE, "It holds again."), **error_answers(*_BODY_ERRORS)},
    **json_body(Restored),
)
async def restore_policy(
    name: FromPath[str],
    data: Annotated[Restored, Body(examples=[Example(value={"version": 1})])],
    caller: NamedDependency[Caller],
    policies: NamedDependency[Policies],
) -> Response[PolicyShown]:
    return _answer(await policies.restore(caller.actor, name, data.version), policies)


def _version_in(cursor: str | None) -> int | None:
    """Errors: InvalidField."""
    if cursor is None:
        return None
    if not cursor.isascii() or not cursor.isdigit() or len(cursor) > 9:
        raise InvalidField("this is not a cursor from next_cursor", param="cursor", fix="Begin without one.")
    return int(cursor)


def _answer(stored: StoredPolicy, policies: Policies, status: int = 200) -> Response[PolicyShown]:
    return Response(policy_shown(stored, policies), status_code=status, headers=etag(stored.policy.version))


def policy_shown(stored: StoredPolicy, policies: Policies) -> PolicyShown:
    return PolicyShown(
        name=stored.policy.name,
        version=stored.policy.version,
        source=stored.source,
        in_force=policies.is_in_force(stored.policy.name),
        created_at=rfc3339(stored.created_at),
        updated_at=rfc3339(stored.updated_at),
        policy=stored.policy.form,
    )


routes: list[Any] = [
    list_policies,
    create_policy,
    get_policy,
    change_policy,
    remove_policy,
    list_policy_versions,
    restore_policy,
]
