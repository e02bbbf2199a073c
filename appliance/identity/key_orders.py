"""What people ask of a key: a new one, another one, a rotation. Checked here, before anything is written."""

from collections.abc import Collection
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from appliance.clock import rfc3339
from appliance.errors import InvalidField
from appliance.identity.caller import Caller
from appliance.identity.key_format import Environment
from appliance.identity.model_lists import clean_models
from appliance.identity.roles import insist
from appliance.identity.text_rules import clean_name

# `files` is the scanning of files, `file_values` that values found in them are told: like `metrics` it must be given by name.
# `chat` is every dialect's chat: chat completions, messages and the counting of their tokens, responses and those that are kept.
Scope = Literal["chat", "embeddings", "models", "files", "metrics", "file_values"]

GRACE_SECONDS = 86_400
GRACE_SECONDS_MAX = 30 * 86_400


class KeyWanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a new key is to be. `expires_at` in UTC milliseconds, None: it does not expire. `models`, None: all."""

    name: str
    environment: Environment = "development"
    expires_at: int | None = None
    scopes: frozenset[Scope] = frozenset()
    models: list[str] | None = None
    loopback_only: bool = False

    def checked(self, caller: Caller, now_ms: int) -> "KeyWanted":
        """Errors: InvalidField, Forbidden."""
        _check(caller, self.scopes, self.expires_at, now_ms)
        models = None if self.models is None else clean_models(self.models)
        return msgspec.structs.replace(self, name=clean_name(self.name), models=models)


class KeyChange(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be otherwise; UNSET: stays."""

    name: str | UnsetType = UNSET
    expires_at: int | UnsetType | None = UNSET
    scopes: frozenset[Scope] | UnsetType = UNSET
    models: list[str] | UnsetType | None = UNSET

    def columns(self, caller: Caller, row: Any, now_ms: int) -> dict[str, Any]:
        """What differs from the row, as it keeps it. Errors: InvalidField, Forbidden."""
        found: dict[str, Any] = {}
        if self.name is not UNSET:
            found["name"] = clean_name(self.name)
        if self.expires_at is not UNSET:
            found["expires_at"] = self.expires_at
        if self.scopes is not UNSET:
            found["scopes"] = sorted(self.scopes)
        if self.models is not UNSET:
            found["models"] = None if self.models is None else clean_models(self.models)
        changed = {column: value for column, value in found.items() if value != getattr(row, column)}
        _check(caller, changed.get("scopes", ()), changed.get("expires_at"), now_ms)
        return changed


def check_grace(seconds: int) -> None:
    """Errors: InvalidField."""
    if not 0 <= seconds <= GRACE_SECONDS_MAX:
        raise InvalidField(
            f"grace_seconds must be between 0 and {GRACE_SECONDS_MAX} (30 days)",
            param="grace_seconds",
            fix=f"Leave it out for {GRACE_SECONDS} (a day).",
        )


def told(columns: dict[str, Any]) -> dict[str, Any]:
    """As the audit tells it."""
    end = columns.get("expires_at")
    return {**columns, "expires_at": rfc3339(end)} if end is not None else columns


def _check(caller: Caller, scopes: Collection[str], expires_at: int | None, now_ms: int) -> None:
    if "metrics" in scopes:
        insist(caller, "api_keys:grant_metrics")
    if "file_values" in scopes:
        insist(caller, "api_keys:grant_file_values")
    if expires_at is not None and expires_at <= now_ms:
        raise InvalidField("expires_at lies in the past", param="expires_at", fix="Choose a later time, or leave it out.")
