"""What an organisation may set for itself; what it leaves out has the appliance's default."""

import zoneinfo
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from appliance.errors import InvalidField

MODELS_MAX = 1_000
ModelName = Annotated[str, Meta(min_length=1, max_length=256)]


class TenantRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Kept as JSON in tenants.rules, without what has its default."""

    models: Annotated[
        Annotated[list[ModelName], Meta(max_length=MODELS_MAX)] | None,
        Meta(description="Routes and models that its people may ask for; `openai/*`: all of a provider. null: all."),
    ] = None
    currency: Annotated[
        Annotated[str, Meta(pattern="^[A-Z]{3}$")] | None, Meta(description="In which its spend is shown (ISO 4217).")
    ] = None
    time_zone: Annotated[str, Meta(max_length=64, description="Where its days and months begin (IANA).")] = "UTC"
    retention_days: Annotated[
        Annotated[int, Meta(ge=1, le=36_500)] | None,
        Meta(description="How long its requests are kept; null: the appliance's own time."),
    ] = None
    sign_in_methods: Annotated[list[Literal["password"]], Meta(min_length=1, description="How its people sign in.")] = (
        msgspec.field(default_factory=lambda: ["password"])
    )


def kept(rules: TenantRules) -> dict[str, Any]:
    """What is stored: what has its default follows the default."""
    default = msgspec.to_builtins(TenantRules())
    return {name: value for name, value in msgspec.to_builtins(rules).items() if value != default[name]}


def check(rules: TenantRules, place: str = "rules") -> None:
    """What types can't say. Errors: InvalidField."""
    try:
        zoneinfo.ZoneInfo(rules.time_zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidField(
            f"{place}.time_zone: no such time zone is known here",
            param=f"{place}.time_zone",
            fix="Send one such as Asia/Kolkata.",
        ) from None
    for name in rules.models or ():
        if "*" in name.removesuffix("*"):
            raise InvalidField(
                f"{place}.models: a * stands at the end only", param=f"{place}.models", fix="Write openai/*, or the whole name."
            )
