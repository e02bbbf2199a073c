"""API keys as the admin API takes and shows them."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from appliance.clock import rfc3339, rfc3339_or_none
from appliance.errors import InvalidField
from appliance.identity.api_keys import ApiKey, For, KeyChange, KeyFilter, KeyWanted, NewKey, Revoked, Scope
from appliance.identity.key_format import Environment
from appliance.identity.key_orders import GRACE_SECONDS, GRACE_SECONDS_MAX

Name = Annotated[str, Meta(description="By which you will know it; up to 200 characters.")]
Moment = Annotated[datetime, Meta(tz=True)]
Scopes = Annotated[
    list[Scope],
    Meta(
        description=(
            "What it may do; empty: chat, embeddings, models and files. `chat` is chat completions, messages and the counting of "
            "their tokens, responses and reading or deleting those that are kept. `files` is the scanning of files. "
            "`metrics`, and `file_values` (what was found in them), must be named, by an administrator."
        )
    ),
]
Models = Annotated[
    list[str],
    Meta(
        description=(
            "Names of routes and models that it may ask for, such as `fast` or `openai/*` (a `*` at the end stands for any end). "
            "Null: all that its organisation may use. A route's fallbacks are the route's own, and stay allowed."
        )
    ),
]


class ApiKeyCreate(msgspec.Struct, forbid_unknown_fields=True):
    """What the new key is to be."""

    name: Name
    environment: Annotated[Environment, Meta(description="Where it will be used; stands in the key itself.")] = "development"
    expires_at: Moment | None = None
    scopes: Scopes = []
    models: Models | None = None
    user_id: Annotated[str | None, Meta(description="Whose it is to be; left out: the caller's own.")] = None
    service_account_id: Annotated[str | None, Meta(description="The service account whose it is to be.")] = None


class ApiKeyChange(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be otherwise; what is left out stays. `expires_at` null: it doesn't expire."""

    name: Name | UnsetType = UNSET
    expires_at: Moment | UnsetType | None = UNSET
    scopes: Scopes | UnsetType = UNSET
    models: Models | UnsetType | None = UNSET


class ApiKeyRotate(msgspec.Struct, forbid_unknown_fields=True):
    """How long the value before goes on working beside the new one."""

    grace_seconds: Annotated[int, Meta(ge=0, le=GRACE_SECONDS_MAX, description="0: it ends at once.")] = GRACE_SECONDS


class ApiKeyRevoke(msgspec.Struct, forbid_unknown_fields=True):
    """The key itself, whole."""

    key: Annotated[str, Meta(max_length=200)]

    def __repr__(self) -> str:  # it must not reach a log through a repr
        return "ApiKeyRevoke()"


class ApiKeyCreated(msgspec.Struct):
    """The key. `key` is in this answer and nowhere else: copy it now."""

    id: str
    name: str
    environment: str
    key: str
    key_prefix: str
    created_at: str
    expires_at: str | None


class ApiKeyRotated(ApiKeyCreated):
    """The new value of the key; the one before works until `previous_until`."""

    previous_until: str | None


class ApiKeyRevoked(msgspec.Struct):
    """The key that had this value. `only_previous`: the value before its last rotation; the key goes on with the new one."""

    id: str
    key_prefix: str
    revoked_at: str
    only_previous: bool


class ApiKeyShown(msgspec.Struct):
    """Everything but the key.

    holder:         the user's e-mail address or the service account's name; null: the key is nobody's.
    state:          active, revoked or expired; that its holder is suspended is told where the holder is.
    previous_until: until when the value before the last rotation works, or worked.
    requests:       those that were let in, as the ledger has them; refusals before that (no such model, no right) don't count.
    success_rate:   the part of them that was answered whole, 0 to 1; null: there was none. What failed, was broken off by its
                    caller or interrupted by a crash did not succeed.
    """

    id: str
    name: str
    environment: str
    key_prefix: str
    state: str
    scopes: list[str]
    models: list[str] | None
    loopback_only: bool
    user_id: str | None
    service_account_id: str | None
    holder: str | None
    created_by: str
    created_at: str
    updated_at: str | None
    expires_at: str | None
    revoked_at: str | None
    rotated_at: str | None
    previous_until: str | None
    requests: int
    success_rate: float | None
    last_used_at: str | None
    version: int


class ApiKeyList(msgspec.Struct):
    """One page, the newest first. `next_cursor` leads to the next one; null: there is none."""

    items: list[ApiKeyShown]
    next_cursor: str | None


CREATED_EXAMPLE: dict[str, Any] = {
    "id": "key_qw4hambglzmnu5i4fubob2da",
    "name": "My Key",
    "environment": "development",
    "key": "gh-dev-…",
    "key_prefix": "gh-dev-DPQt",
    "created_at": "2026-11-25T13:17:08.123Z",
    "expires_at": None,
}
ROTATED_EXAMPLE = {**CREATED_EXAMPLE, "previous_until": "2026-11-26T13:17:08.123Z"}
REVOKED_EXAMPLE = {
    "id": CREATED_EXAMPLE["id"],
    "key_prefix": "gh-dev-DPQt",
    "revoked_at": "2026-11-26T08:00:00.000Z",
    "only_previous": False,
}
SHOWN_EXAMPLE = {
    **{name: value for name, value in CREATED_EXAMPLE.items() if name != "key"},
    "state": "active",
    "scopes": [],
    "models": ["fast", "openai/*"],
    "loopback_only": False,
    "user_id": "user_trcsuj7puruldahodtkjrhgf",
    "service_account_id": None,
    "holder": "asha@example.com",
    "created_by": "user_trcsuj7puruldahodtkjrhgf",
    "updated_at": None,
    "revoked_at": None,
    "rotated_at": None,
    "previous_until": None,
    "requests": 1200,
    "success_rate": 0.9975,
    "last_used_at": "2026-11-26T07:59:58.000Z",
    "version": 1,
}


def key_filter(user_id: str | None, service_account_id: str | None, state: str | None) -> KeyFilter:
    """Errors: InvalidField."""
    try:
        return msgspec.convert({"user_id": user_id, "service_account_id": service_account_id, "state": state}, KeyFilter)
    except msgspec.ValidationError:
        raise InvalidField("state must be active, revoked or expired", param="state", fix="Leave it out for all.") from None


def key_wanted(data: ApiKeyCreate) -> KeyWanted:
    """Times come as people write them and are kept as integers."""
    return KeyWanted(
        name=data.name,
        environment=data.environment,
        expires_at=_ms(data.expires_at),
        scopes=frozenset(data.scopes),
        models=data.models,
    )


def key_holder(data: ApiKeyCreate, *, email: str | None = None) -> For:
    return For(email=email, user_id=data.user_id, service_account=data.service_account_id)


def key_change(data: ApiKeyChange) -> KeyChange:
    return KeyChange(
        name=data.name,
        expires_at=UNSET if data.expires_at is UNSET else _ms(data.expires_at),
        scopes=UNSET if data.scopes is UNSET else frozenset(data.scopes),
        models=data.models,
    )


def key_created(new: NewKey) -> ApiKeyCreated:
    return ApiKeyCreated(**_new(new))


def key_rotated(new: NewKey) -> ApiKeyRotated:
    return ApiKeyRotated(**_new(new), previous_until=rfc3339_or_none(new.key.previous_until))


def key_revoked(revoked: Revoked) -> ApiKeyRevoked:
    return ApiKeyRevoked(revoked.id, revoked.key_prefix, rfc3339(revoked.revoked_at), revoked.only_previous)


def key_shown(key: ApiKey) -> ApiKeyShown:
    return ApiKeyShown(
        id=key.id,
        name=key.name,
        environment=key.environment,
        key_prefix=key.key_prefix,
        state=key.state,
        scopes=key.scopes,
        models=key.models,
        loopback_only=key.loopback_only,
        user_id=key.user_id,
        service_account_id=key.service_account_id,
        holder=key.holder,
        created_by=key.created_by,
        created_at=rfc3339(key.created_at),
        updated_at=rfc3339_or_none(key.updated_at),
        expires_at=rfc3339_or_none(key.expires_at),
        revoked_at=rfc3339_or_none(key.revoked_at),
        rotated_at=rfc3339_or_none(key.rotated_at),
        previous_until=rfc3339_or_none(key.previous_until),
        requests=key.requests,
        success_rate=key.success_rate,
        last_used_at=rfc3339_or_none(key.last_used_at),
        version=key.version,
    )


def _new(new: NewKey) -> dict[str, Any]:
    key = new.key
    return {
        "id": key.id,
        "name": key.name,
        "environment": key.environment,
        "key": new.secret,
        "key_prefix": key.key_prefix,
        "created_at": rfc3339(key.created_at),
        "expires_at": rfc3339_or_none(key.expires_at),
    }


def _ms(moment: datetime | None) -> int | None:
    return None if moment is None else round(moment.timestamp() * 1000)
