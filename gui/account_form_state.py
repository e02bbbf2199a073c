"""The form of one service account, without Qt: what is wrong with it, and what is sent."""

from typing import Any

import msgspec

from gui.keys_state import ServiceAccount

NAME_CHARACTERS_MAX = 200
ROWS = ("name", "department_id", "team_id")


class AccountForm(msgspec.Struct, frozen=True):
    """A team without a department is one of none."""

    name: str = ""
    department_id: str | None = None
    team_id: str | None = None


def form_of(account: ServiceAccount) -> AccountForm:
    return AccountForm(account.name, account.department_id, account.team_id)


def wrong(form: AccountForm) -> dict[str, str]:
    if not form.name:
        return {"name": "Give it a name: which program is it?"}
    return {"name": f"At most {NAME_CHARACTERS_MAX} characters."} if len(form.name) > NAME_CHARACTERS_MAX else {}


def body(form: AccountForm) -> dict[str, Any]:
    return {"name": form.name, **_place(form)}


def _place(form: AccountForm) -> dict[str, str | None]:
    """A team brings its department along; a department is taken without a team."""
    if form.team_id:
        return {"team_id": form.team_id}
    return {"department_id": form.department_id} if form.department_id else {}


def changes(form: AccountForm, before: ServiceAccount) -> dict[str, Any]:
    """What differs from how it was."""
    sent: dict[str, Any] = {} if form.name == before.name else {"name": form.name}
    if form.team_id != before.team_id and (form.team_id or form.department_id == before.department_id):
        sent["team_id"] = form.team_id
    elif form.department_id != before.department_id:
        sent["department_id"] = form.department_id
    return sent


def row_of(param: str) -> str:
    name = param.removeprefix("$.")
    return name if name in ROWS else ""
