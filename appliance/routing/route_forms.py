"""Providers, deployments and routes as people write them: in the admin API, and in TOML.

A form is what was written, its defaults filled in. What a form can't say alone (a provider that isn't there, a route that
leads back to itself) is looked for in `route_checks.py`; `building.py` makes the routes that requests take. Fields that nobody
knows are refused: a typing error that is passed over is found weeks later, by its damage.
"""

from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta

from appliance.routing.route import Strategy

ProviderKind = Literal["openai", "azure", "anthropic", "google", "bedrock", "vllm", "llamacpp", "openai-compatible"]
KINDS: tuple[str, ...] = get_args(ProviderKind)

FALLBACKS_MAX = 20
DEPLOYMENTS_MAX = 100
ROUTES_MAX = 1_000
PROVIDERS_MAX = 500

# `$(?!\n)`: Python's `$` alone lets a line end pass; this form means the same to readers of the OpenAPI document.
ProviderName = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$(?!\n)")]
RouteName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$(?!\n)")]
ModelName = Annotated[str, Meta(min_length=1, max_length=256)]
Credential = Annotated[str, Meta(max_length=4096)]
Seconds = Annotated[float, Meta(gt=0, le=86_400)]
Count = Annotated[int, Meta(ge=1, le=1_000_000_000)]


class ProviderForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A vendor, or another server, with one credential."""

    name: Annotated[ProviderName, Meta(description="What stands before the slash: `name/model`. Small letters, digits, `._-`.")]
    kind: Annotated[ProviderKind, Meta(description="Whose wire format it speaks.")]
    base_url: Annotated[str, Meta(max_length=2048, description="Where it is; left out where the vendor has one address.")] = ""
    api_key: Annotated[Credential, Meta(description="Its credential. Taken in, never given out.")] = ""
    api_key_env: Annotated[
        str,
        Meta(
            pattern=r"^([A-Z][A-Z0-9_]{0,99})?$(?!\n)",
            description="The server's environment variable that has it, instead of api_key.",
        ),
    ] = ""
    api_version: Annotated[
        str, Meta(pattern=r"^[A-Za-z0-9._-]{0,40}$(?!\n)", description="Azure's api-version; left out: its v1 surface.")
    ] = ""
    region: Annotated[str, Meta(pattern=r"^[a-z0-9-]{0,40}$(?!\n)", description="Bedrock's region.")] = ""
    access_key_id: Annotated[Credential, Meta(description="Bedrock's, with secret_access_key, instead of api_key.")] = ""
    secret_access_key: Annotated[Credential, Meta(description="Taken in, never given out.")] = ""
    models: Annotated[
        list[ModelName], Meta(max_length=5_000, description="The models that it offers; left out: it is asked where it can be.")
    ] = []

    def __repr__(self) -> str:  # a credential must not reach a log through a repr
        return f"ProviderForm({self.name!r})"


class LimitsForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a deployment takes at its provider. Beyond it the next one is asked."""

    requests_per_minute: Count | None = None
    tokens_per_minute: Count | None = None
    concurrent: Count | None = None


class DeploymentForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One model at one provider, as part of a route."""

    provider: Annotated[str, Meta(min_length=1, max_length=64, description="A provider's name; `local`, `vllm`: this machine's.")]
    model: Annotated[ModelName, Meta(description="The model, as the provider calls it.")]
    weight: Annotated[float, Meta(ge=0, le=1_000_000, description="Its share; 0: drained, nothing new goes there.")] = 1.0
    order: Annotated[int, Meta(ge=0, le=1_000, description="Lower ones are tried first, whatever the strategy.")] = 0
    limits: LimitsForm = LimitsForm()
    context_tokens: Annotated[Count, Meta(description="The model's window, prompt and answer together.")] | None = None
    local: Annotated[
        bool, Meta(description="It counts as local: for `local-first`, and where requests must stay in the house.")
    ] = False


class BreakerForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a deployment is left alone for a while."""

    failure_rate: Annotated[float, Meta(gt=0, le=1, description="Of the requests in the window.")] = 0.5
    requests_min: Annotated[int, Meta(ge=1, le=10_000, description="Fewer tell nothing.")] = 5
    window_seconds: Annotated[float, Meta(gt=0, le=3_600)] = 30.0
    open_seconds: Annotated[float, Meta(gt=0, le=3_600, description="Then one request tries whether it answers again.")] = 15.0


class TimeoutsForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Left out: the appliance's own bounds hold."""

    first_token_seconds: Annotated[Seconds, Meta(description="After that the next deployment is asked.")] | None = None
    request_seconds: Annotated[Seconds, Meta(description="For the whole request.")] | None = None


class RouteForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A model name offered to callers, the deployments behind it, and how one is chosen."""

    name: Annotated[RouteName, Meta(description="What callers write as `model`.")]
    deployments: Annotated[list[DeploymentForm], Meta(description="At least one.")] = []
    strategy: Annotated[Strategy, Meta(description="How one of several is chosen.")] = "weighted"
    retries: Annotated[int, Meta(ge=0, le=10, description="How often a request may be sent again after a failure.")] = 2
    circuit_breaker: Annotated[BreakerForm | Literal[False], Meta(description="false: none.")] = BreakerForm()
    fallbacks: Annotated[list[str], Meta(description="Other routes, tried in this order when all deployments failed.")] = []
    timeouts: TimeoutsForm = TimeoutsForm()
    hedge: Annotated[bool, Meta(description="Ask a second deployment where the first is slower than usual.")] = False
    drop_unsupported: Annotated[bool, Meta(description="Leave out what a provider can't do, and say so in a header.")] = False
    local_only: Annotated[bool, Meta(description="Nothing leaves the house: deployments that aren't local are not asked.")] = (
        False
    )
    fallback_on_refusal: Annotated[bool, Meta(description="Try the fallbacks where the model refuses to answer.")] = False
    local_queue_max: Annotated[int, Meta(ge=0, le=10_000, description="How many may wait, with `local-first`.")] = 2
    cache: Annotated[bool | None, Meta(description="Kept for the cache, which comes later; nothing reads it yet.")] = None
    policy: Annotated[
        str, Meta(max_length=128, description="A guardrail policy that holds for it beside its callers' own; empty: none.")
    ] = ""


PROVIDER_SECRETS = ("api_key", "access_key_id", "secret_access_key")


def without_credentials(form: ProviderForm) -> ProviderForm:
    return msgspec.structs.replace(form, **dict.fromkeys(PROVIDER_SECRETS, ""))


def merged(form: Any, patch: dict[str, Any]) -> dict[str, Any]:
    """A form's document with a JSON merge patch (RFC 7396) laid over it: null takes back to the default. Forms are two deep."""
    document: dict[str, Any] = msgspec.to_builtins(form)
    for key, value in patch.items():
        if isinstance(value, dict):
            before = document.get(key)
            both = {**(before if isinstance(before, dict) else {}), **value}
            document[key] = {name: inner for name, inner in both.items() if inner is not None}
        else:
            document[key] = value
    return {key: value for key, value in document.items() if value is not None}
