"""What a change of policies may not do: checked on the book, before anything is written. Pure."""

import msgspec

from appliance.errors import Conflict, InvalidField, NotFound, PreconditionFailed
from appliance.guardrails.policy import PolicyForm
from appliance.guardrails.policy_book import Mode, PolicyBook, StoredPolicy, Subject
from appliance.home import CannotStart

POLICIES_MAX = 200
ASSIGNMENTS_MAX = 10_000
BYTES_MAX = 256 * 1024  # lists give whole policies
NAMES_TOLD_MAX = 10


def named(book: PolicyBook, name: str, param: str = "name") -> StoredPolicy:
    """Errors: NotFound."""
    found = book.policies.get(name)
    if found is None:
        raise NotFound("there is no such policy", param=param, fix=f"There are {_listed(sorted(book.policies))}.")
    return found


def own(book: PolicyBook, name: str, version: int | None) -> StoredPolicy:
    """One that can be changed. Errors: NotFound, Conflict, PreconditionFailed."""
    found = named(book, name)
    if found.source == "shipped":
        raise Conflict(
            f"the policy {name} comes with Gatehouse and stays as it is",
            fix=f'Make one of your own from it: POST /api/v1/admin/policies {{"name": "our-{name}", "copy_of": "{name}"}}.',
            param="name",
        )
    if version is not None and version != found.policy.version:
        raise PreconditionFailed(
            f"it was changed meanwhile: you saw version {version}, it is version {found.policy.version} now",
            fix="Read it again, look at what is new, and send your change with its new ETag as If-Match.",
        )
    return found


def is_the_same(stored: StoredPolicy, form: PolicyForm) -> bool:
    return bool(msgspec.to_builtins(stored.policy.form) == msgspec.to_builtins(form))


def refuse_taken(book: PolicyBook, name: str) -> None:
    """Errors: Conflict."""
    if name in book.policies:
        raise Conflict(f"a policy called {name} is there already", fix="Choose another name, or change that one.", param="name")


def refuse_beyond(book: PolicyBook) -> None:
    """Errors: Conflict."""
    if len(book.policies) >= POLICIES_MAX:
        raise Conflict(
            f"there are {POLICIES_MAX} policies, and no more fit", fix="Remove one that nobody is under.", param="name"
        )


def refuse_large(form: PolicyForm) -> None:
    """Errors: InvalidField."""
    if len(msgspec.json.encode(form)) > BYTES_MAX:
        raise InvalidField(
            f"the policy takes more than {BYTES_MAX:,} bytes",
            param="rules",
            fix="Use fewer or shorter examples, or two policies.",
        )


def refuse_in_use(book: PolicyBook, name: str, routes: list[str]) -> None:
    """Errors: Conflict, saying who is under it."""
    if name == book.base:
        raise Conflict(
            f"the policy {name} is the setting guardrail_policy, so it can't be removed",
            fix="Set guardrail_policy to another one, and start the appliance again.",
            param="name",
        )
    users = [f"{one.subject.kind} {one.subject.id}".strip() for one in book.assigned(name)] + [f"route {one}" for one in routes]
    if users:
        message = f"the policy {name} can't be removed: it is assigned ({_listed(users)})"
        raise Conflict(message, fix="Take these assignments back first.", param="name")


def assignment(book: PolicyBook, subject: Subject, mode: Mode) -> Subject:
    """Errors: InvalidField, Conflict."""
    if (subject.kind == "everyone") != (subject.id == ""):
        raise InvalidField(
            "everyone has no id, and every other subject has one",
            param="subject.id",
            fix='Such as {"kind": "everyone", "id": ""} or {"kind": "department", "id": "dep_…"}.',
        )
    if subject.kind == "route" and mode == "replace":
        raise InvalidField(
            "a route's policy counts beside its callers' own and can't replace them", param="mode", fix="Use enforce or shadow."
        )
    if len(book.assignments) >= ASSIGNMENTS_MAX:
        raise Conflict(f"there are {ASSIGNMENTS_MAX:,} assignments, and no more fit", fix="Assign to departments or teams.")
    return subject


def base_checked(book: PolicyBook) -> PolicyBook:
    """Errors: CannotStart."""
    if book.base not in book.policies:
        raise CannotStart(
            f"guardrail_policy is {book.base!r}, and there is no such policy.", f"Choose one of {_listed(sorted(book.policies))}."
        )
    return book


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - NAMES_TOLD_MAX} more" if len(names) > NAMES_TOLD_MAX else ""
    return ", ".join(names[:NAMES_TOLD_MAX]) + more
