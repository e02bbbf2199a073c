"""The form of one person, without Qt: invited, added with a password, or changed."""

import secrets
from typing import Any

import msgspec

from gui.people_state import Invitation, User

NAME_CHARACTERS_MAX, EMAIL_CHARACTERS_MAX = 200, 254
PASSWORD_CHARACTERS_MIN = 8
ROWS = ("email", "name", "role", "department_id", "team_id", "password", "expires_in_hours")
DAYS = {"1": "a day", "3": "three days", "7": "a week", "30": "30 days"}
HOURS_A_DAY = 24
# Nothing that looks like another letter, in four groups that can be read aloud.
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


class PersonForm(msgspec.Struct, frozen=True):
    """`email` empty: an invitation for whoever holds the link. A team without a department is one of none."""

    email: str = ""
    name: str = ""
    role: str = "member"
    department_id: str | None = None
    team_id: str | None = None
    password: str = ""
    days: str = "3"

    def __repr__(self) -> str:
        return "PersonForm()"


def form_of(user: User) -> PersonForm:
    return PersonForm(user.email, user.name, user.role, user.department_id, user.team_id)


def form_again(one: Invitation) -> PersonForm:
    """As somebody was invited before."""
    return PersonForm(one.email or "", one.name or "", one.role, one.department_id, one.team_id)


def made_password() -> str:
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(5)) for _ in range(4))


def wrong(form: PersonForm, *, is_invitation: bool, has_password: bool) -> dict[str, str]:
    """By row, in plain words. The gateway knows more; this is what needs no question."""
    found: dict[str, str] = {}
    if not form.email and not is_invitation:
        found["email"] = "Give their address: with it they sign in."
    elif form.email and not _looks_like_an_address(form.email):
        found["email"] = "That is no e-mail address."
    if not form.name and not is_invitation:
        found["name"] = "Give their name."
    if has_password and len(form.password) < PASSWORD_CHARACTERS_MIN:
        found["password"] = f"At least {PASSWORD_CHARACTERS_MIN} characters."
    return found


def _looks_like_an_address(text: str) -> bool:
    name, at, host = text.rpartition("@")
    return bool(at and name and "." in host.strip(".")) and not any(character.isspace() for character in text)


def invitation(form: PersonForm) -> dict[str, Any]:
    sent: dict[str, Any] = {"role": form.role, "expires_in_hours": int(form.days) * HOURS_A_DAY, **_place(form)}
    return sent | {name: value for name, value in (("email", form.email), ("name", form.name)) if value}


def account(form: PersonForm) -> dict[str, Any]:
    return {"email": form.email, "name": form.name, "role": form.role, "password": form.password, **_place(form)}


def _place(form: PersonForm) -> dict[str, str | None]:
    """A team brings its department along; a department is taken without a team."""
    if form.team_id:
        return {"team_id": form.team_id}
    return {"department_id": form.department_id} if form.department_id else {}


def changes(form: PersonForm, before: User) -> dict[str, Any]:
    """What differs from how it was."""
    sent: dict[str, Any] = {
        name: getattr(form, name) for name in ("email", "name", "role") if getattr(form, name) != getattr(before, name)
    }
    if form.team_id != before.team_id and (form.team_id or form.department_id == before.department_id):
        sent["team_id"] = form.team_id
    elif form.department_id != before.department_id:
        sent["department_id"] = form.department_id
    return sent


def row_of(param: str) -> str:
    name = param.removeprefix("$.")
    return name if name in ROWS else ""
