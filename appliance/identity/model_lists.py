"""Lists of model names that a key or a tenant may ask for: a name as callers write it, or a beginning with `*` behind it."""

from collections.abc import Sequence

from appliance.errors import InvalidField
from appliance.identity.caller import Caller

NAME_CHARACTERS_MAX = 256
NAMES_MAX = 200
_NAMED_MAX = 20


def clean_models(names: Sequence[str], param: str = "models") -> list[str]:
    """As it is kept: each once, in the order given. Errors: InvalidField."""
    found = list(dict.fromkeys(name.strip() for name in names[: NAMES_MAX + 1]))
    if not found:
        raise InvalidField(f"{param} is empty, so no model could be used", param=param, fix="Name one, or send null for all.")
    if len(found) > NAMES_MAX:
        raise InvalidField(f"{param} has more than {NAMES_MAX} names", param=param, fix="Use `*`, such as `openai/*`.")
    for place, name in enumerate(found):
        _check(name, f"{param}[{place}]")
    return found


def _check(name: str, param: str) -> None:
    if not 0 < len(name) <= NAME_CHARACTERS_MAX or not name.isprintable():
        raise InvalidField(
            f"{param} is no name of a model", param=param, fix=f"Send 1 to {NAME_CHARACTERS_MAX} characters that can be seen."
        )
    if "*" in name[:-1]:
        raise InvalidField(
            f"{param} has a `*` that isn't at its end", param=param, fix="Send a whole name, or one such as openai/*."
        )


def is_bound(caller: Caller) -> bool:
    """Does any list hold for this caller at all? Asked at each request."""
    return caller.models is not None or caller.tenant_models is not None


def may_ask(caller: Caller, *names: str) -> bool:
    """Does each list that holds for this caller have one of these names, which all mean the same model?"""
    lists = (caller.models, caller.tenant_models)
    return all(any(_has(listed, name) for name in names if name) for listed in lists if listed is not None)


def _has(listed: tuple[str, ...], name: str) -> bool:
    return any(name.startswith(entry[:-1]) if entry.endswith("*") else name == entry for entry in listed)


def what_it_may(caller: Caller) -> str:
    """For a message: the key's own list, and its tenant's where that is the one that binds."""
    parts = []
    if caller.models is not None:
        parts.append(f"This key may use: {_listed(caller.models)}.")
    if caller.tenant_models is not None:
        parts.append(f"Its organisation may use: {_listed(caller.tenant_models)}.")
    return " ".join(parts)


def _listed(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _NAMED_MAX} more" if len(names) > _NAMED_MAX else ""
    return (", ".join(names[:_NAMED_MAX]) + more) or "none"
