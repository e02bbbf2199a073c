"""Whom a policy may have been assigned to, for one request."""

from collections.abc import Iterable

from appliance.guardrails.policy_book import EVERYONE, Subject, SubjectKind
from appliance.identity.caller import Caller
from appliance.routing.route import Route


def subjects_of(caller: Caller, routes: Iterable[Route]) -> list[Subject]:
    """The widest first, routes last."""
    held: tuple[tuple[SubjectKind, str | None], ...] = (
        ("tenant", caller.tenant_id),
        ("department", caller.department_id),
        ("team", caller.team_id),
        ("user", caller.user_id),
        ("key", caller.key_id),
    )
    found = [Subject(kind, its_id) for kind, its_id in held if its_id]
    return [EVERYONE, *found, *(Subject("route", route.name) for route in routes)]
