"""The form of one route, without Qt: what is wrong with it, what is sent, and what a file of routes would change."""

import re
from typing import Any

import msgspec

from gui.plain_text import one_line
from gui.providers_state import Deployment, Imported, Providers, Route, Taken

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}\Z")
OWN = {"local": "This machine's own models", "vllm": "The vLLM that runs on this machine"}
NAMES_TOLD_MAX = 8


class TargetForm(msgspec.Struct, frozen=True):
    """One deployment, as it is typed."""

    provider: str = ""
    model: str = ""
    weight: float = 1.0


class RouteForm(msgspec.Struct, frozen=True):
    name: str = ""
    strategy: str = "weighted"
    targets: tuple[TargetForm, ...] = ()
    fallbacks: tuple[str, ...] = ()
    local_only: bool = False
    drop_unsupported: bool = False


def form_of(route: Route) -> RouteForm:
    targets = tuple(TargetForm(one.provider, one.model, one.weight) for one in route.deployments)
    return RouteForm(route.name, route.strategy, targets, tuple(route.fallbacks), route.local_only, route.drop_unsupported)


def provider_names(providers: Providers, form: RouteForm) -> list[str]:
    """Those to choose from: the providers, this machine's own, and what the route names already."""
    return list(dict.fromkeys([*(one.name for one in providers.providers()), *OWN, *(one.provider for one in form.targets)]))


def fallback_names(providers: Providers, route: Route | None) -> list[str]:
    """Other routes that don't lead back to this one."""
    routes = {one.name: one for one in providers.routes()}
    return [name for name in routes if route is None or not _leads_to(name, route.name, routes)]


def _leads_to(name: str, wanted: str, routes: dict[str, Route]) -> bool:
    seen: set[str] = set()
    ahead = [name]
    while ahead:
        one = ahead.pop()
        if one == wanted:
            return True
        if one not in seen and one in routes:
            seen.add(one)
            ahead += routes[one].fallbacks
    return False


def wrong(form: RouteForm) -> dict[str, str]:
    """What can be seen from here, by field: `name`, `targets`, or `targets[0]` and so on."""
    found: dict[str, str] = {}
    if not NAME.match(form.name):
        found["name"] = "Letters, digits, points, dashes, colons and slashes; a letter or a digit first." if form.name else (
            "Write the name that programs ask for as their model."
        )  # fmt: skip
    if not form.targets:
        found["targets"] = "Add a deployment: a provider and one of its models."
    elif not any(one.weight > 0 for one in form.targets):
        found["targets"] = "All weights are 0, so nothing would be sent anywhere. Give one of them a weight."
    for place, one in enumerate(form.targets):
        if not one.provider or not one.model:
            found[f"targets[{place}]"] = "Choose a model." if one.provider else "Choose a provider."
        elif any((one.provider, one.model) == (other.provider, other.model) for other in form.targets[:place]):
            found[f"targets[{place}]"] = "This stands above already. Keep one, with the weight that both should have."
    return found


def body(form: RouteForm, before: Route | None = None) -> dict[str, Any]:
    """What is sent. A deployment that stays keeps what this dialog doesn't show: its order, limits and window."""
    known = {(one.provider, one.model): one for one in before.deployments} if before is not None else {}
    return {
        "name": form.name,
        "strategy": form.strategy,
        "deployments": [_target(one, known.get((one.provider, one.model))) for one in form.targets],
        "fallbacks": list(form.fallbacks),
        "local_only": form.local_only,
        "drop_unsupported": form.drop_unsupported,
    }


def _target(one: TargetForm, before: Deployment | None) -> dict[str, Any]:
    sent = {"provider": one.provider, "model": one.model, "weight": one.weight}
    if before is None:
        return sent
    kept = {"order": before.order, "local": before.local, "limits": before.limits, "context_tokens": before.context_tokens}
    return sent | {name: value for name, value in kept.items() if value is not None}


def field_of(param: str) -> str:
    """The field of this dialog that the gateway complains of; empty where it has none for it."""
    place = re.match(r"deployments\[(\d{1,3})\]", param)
    if place is not None:
        return f"targets[{place[1]}]"
    return {"deployments": "targets"}.get(first := re.split(r"[.\[]", param)[0], first if first in FIELDS else "")


FIELDS = ("name", "strategy", "fallbacks", "local_only", "drop_unsupported")


def import_question(found: Imported) -> tuple[str, str]:
    """What a file would do. Both empty where it would change nothing."""
    told = [line for what, taken in (("provider", found.providers), ("route", found.routes)) for line in _taken(what, taken)]
    return ("Take this file in?", " ".join(told) + " Everything else stays as it is.") if told else ("", "")


def _taken(what: str, taken: Taken) -> list[str]:
    return [
        f"{done} {'1 ' + what if len(names) == 1 else f'{len(names)} {what}s'}: {_listed(names)}."
        for done, names in (("Adds", taken.created), ("Replaces", taken.changed))
        if names
    ]


def imported_words(found: Imported) -> str:
    made = len(found.providers.created) + len(found.routes.created)
    changed = len(found.providers.changed) + len(found.routes.changed)
    return f"The file was taken in: {made} added, {changed} replaced."


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - NAMES_TOLD_MAX} more" if len(names) > NAMES_TOLD_MAX else ""
    return ", ".join(one_line(name, 80) for name in names[:NAMES_TOLD_MAX]) + more
