"""A whole file of providers and routes, taken in at once: what is new, what is different, what stays. Pure."""

from collections.abc import Container
from typing import Any, TypeVar

import msgspec

from appliance import bodies
from appliance.errors import InvalidField
from appliance.routing.route_book import Book, Edit, ProviderEdit, RouteEdit, StoredProvider
from appliance.routing.route_changes import Changes, credential_led_away
from appliance.routing.route_checks import PROBLEMS_TOLD_MAX, Place, refusal
from appliance.routing.route_forms import PROVIDER_SECRETS, PROVIDERS_MAX, ROUTES_MAX, ProviderForm, RouteForm
from appliance.settings_rules import Problem

T = TypeVar("T", ProviderForm, RouteForm)

TABLES = ("providers", "routes")


class Outcome(msgspec.Struct, frozen=True):
    """Names, by what became of them."""

    created: list[str]
    changed: list[str]
    unchanged: list[str]


class Imported(msgspec.Struct, frozen=True):
    """What an import did, or with `dry_run` would do."""

    dry_run: bool
    providers: Outcome
    routes: Outcome


class Import(msgspec.Struct, frozen=True):
    """What is to be written, and what is to be told."""

    edit: Edit
    told: Imported


def planned(document: dict[str, Any], book: Book, changes: Changes, *, dry_run: bool = False) -> Import:
    """Errors: InvalidField with everything that is wrong."""
    mend = "Write [[providers]] and [[routes]], nothing else."
    unknown = [key for key in document if key not in TABLES]
    problems = [Problem(_quoted(key), "there is no such table", mend) for key in unknown[: PROBLEMS_TOLD_MAX + 1]]
    providers = _forms(document.get("providers", []), "providers", ProviderForm, problems)
    routes = _forms(document.get("routes", []), "routes", RouteForm, problems)
    if problems:
        raise refusal(problems)
    if not providers and not routes:
        raise InvalidField("the file has no providers and no routes", fix="Write [[providers]] or [[routes]] tables.")
    wanted = [_with_kept(form, book.providers.get(form.name), problems) for form in providers]
    edit = Edit(
        tuple(
            ProviderEdit(before, form)
            for form in wanted
            if (before := book.providers.get(form.name)) is None or before.form != form
        ),
        tuple(RouteEdit(old, form) for form in routes if (old := book.routes.get(form.name)) is None or old.form != form),
    )
    told = Imported(
        dry_run,
        _outcome([form.name for form in wanted], [one.after.name for one in edit.providers if one.after], book.providers),
        _outcome([form.name for form in routes], [one.after.name for one in edit.routes if one.after], book.routes),
    )
    return Import(changes.checked(book, edit, _place_of, problems), told)


def _forms(rows: Any, table: str, kind: type[T], problems: list[Problem]) -> list[T]:
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        problems.append(Problem(table, "these must be tables", f"Write [[{table}]] above the lines of each."))
        return []
    most = PROVIDERS_MAX if table == "providers" else ROUTES_MAX
    if len(rows) > most:  # to find everything that is wrong with more of them takes everybody's time
        problems.append(Problem(table, f"there are more than {most:,} of them", "Remove those that nobody needs."))
        return []
    found: dict[str, T] = {}
    for number, row in enumerate(rows, start=1):
        name = row.get("name")
        place = f"{table[:-1]} {_quoted(name)}" if isinstance(name, str) else f"[[{table}]] number {number}"
        try:
            form = msgspec.convert(row, kind)
        except msgspec.ValidationError as error:
            refused = bodies.refusal(error, b"")
            problems.append(Problem(place, refused.message, "Correct it; docs/deploy/routes.md shows what there is."))
            continue
        if form.name in found:
            problems.append(Problem(place, "one of this name stands above already", "Give one of the two another name."))
        found[form.name] = form
    return list(found.values())


def _with_kept(form: ProviderForm, before: StoredProvider | None, problems: list[Problem]) -> ProviderForm:
    """A provider that is there already and comes without a credential keeps the one that it has."""
    given = any(getattr(form, name) for name in (*PROVIDER_SECRETS, "api_key_env"))
    if given or before is None:
        return form
    names = (*PROVIDER_SECRETS, "api_key_env")
    kept = msgspec.structs.replace(form, **{name: getattr(before.form, name) for name in names})
    wrong = credential_led_away(before.form, kept, set(), _place_of("provider", form.name))
    if wrong is not None:
        problems.append(wrong)
    return kept


def _outcome(names: list[str], edited: list[str], known: Container[str]) -> Outcome:
    touched = set(edited)
    return Outcome(
        [name for name in names if name in touched and name not in known],
        [name for name in names if name in touched and name in known],
        [name for name in names if name not in touched],
    )


def _place_of(what: str, name: str) -> Place:
    def place(field: str) -> str:
        return f"{what} {name}: {field}"

    return place


def _quoted(text: object) -> str:
    return "".join(character if character.isprintable() else "?" for character in str(text)[:100])
