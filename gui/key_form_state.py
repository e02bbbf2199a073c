"""The form of one API key, without Qt: what is wrong with it, what is sent, and what a program's writer pastes."""

import json
import shlex
from datetime import date, datetime, time
from typing import Any

import msgspec

from gui.key_row_state import SCOPES, USUAL, scopes
from gui.keys_state import ApiKey, Made
from gui.moments_state import after_days, exactly, moment
from gui.plain_text import one_line

NAME_CHARACTERS_MAX = 200
MODEL_CHARACTERS_MAX = 256
MODELS_MAX = 200
HOLDERS = {
    "user": ("A person", "It stops when they leave, or are suspended."),
    "account": ("A service account", "For a program that is nobody's own: a wiki, a build server."),
    "nobody": ("Nobody", "For a program on its own; no department or person answers for what it uses."),
}
ENVIRONMENTS = ("production", "staging", "development", "test")
ENDS = {"never": "Never", "7": "In 7 days", "30": "In 30 days", "90": "In 90 days", "365": "In a year", "day": "On a day…"}
GRACES = {0: "At once", 3_600: "After 1 hour", 86_400: "After a day", 7 * 86_400: "After 7 days"}
GRACE_SECONDS = 86_400
ROWS = ("name", "holder", "environment", "expires_at", "scopes", "models")
ANY_MODEL = "YOUR_MODEL"


class KeyForm(msgspec.Struct, frozen=True):
    """What stands in the dialog. ends: of ENDS, or `stays`; day: for `day`, as 2027-01-31. models: separated by commas."""

    name: str = ""
    holder: str = "user"
    user_id: str = ""
    account_id: str = ""
    environment: str = "production"
    ends: str = "never"
    day: str = ""
    scopes: tuple[str, ...] = USUAL
    models: str = ""


def form_of(key: ApiKey) -> KeyForm:
    return KeyForm(
        name=key.name,
        environment=key.environment,
        ends="stays",
        scopes=tuple(scopes(key)),
        models=", ".join(key.models or ()),
    )


def ends_of(before: ApiKey | None) -> dict[str, str]:
    """What its end may be."""
    if before is None:
        return ENDS
    stays = f"As it is: {exactly(before.expires_at)}" if before.expires_at else "As it is: never"
    return {"stays": stays, **{name: text for name, text in ENDS.items() if name != "never" or before.expires_at}}


def scopes_of(before: ApiKey | None) -> list[str]:
    """Those to choose from, also what this app doesn't know yet."""
    return list(dict.fromkeys([*SCOPES, *(scopes(before) if before is not None else ())]))


def models_in(text: str) -> list[str]:
    pieces = (piece.strip() for line in text.splitlines() for piece in line.split(","))
    return list(dict.fromkeys(piece for piece in pieces if piece))


def wrong(form: KeyForm, before: ApiKey | None, at: datetime) -> dict[str, str]:
    """What can be seen from here, by row."""
    found: dict[str, str] = {}
    if not form.name:
        found["name"] = "Give it a name: what is it for?"
    elif len(form.name) > NAME_CHARACTERS_MAX:
        found["name"] = f"At most {NAME_CHARACTERS_MAX} characters."
    if before is None and form.holder == "user" and not form.user_id:
        found["holder"] = "Choose a person from the list."
    elif before is None and form.holder == "account" and not form.account_id:
        found["holder"] = "Choose a service account; the other list of this page makes them."
    end = _end(form, at)
    if form.ends == "day" and (end is None or (there := moment(end)) is None or there <= at):
        found["expires_at"] = "Choose a day that is still to come."
    if not form.scopes:
        found["scopes"] = "Choose at least one: a key that may do nothing is of no use."
    if why := _wrong_models(models_in(form.models)):
        found["models"] = why
    return found


def _wrong_models(named: list[str]) -> str:
    if len(named) > MODELS_MAX:
        return f"At most {MODELS_MAX} names: a * at the end stands for any end, such as openai/*."
    for name in named:
        if len(name) > MODEL_CHARACTERS_MAX:
            return f"A name has at most {MODEL_CHARACTERS_MAX} characters."
        if "*" in name[:-1]:
            return f"{one_line(name, 60)}: a * stands only at the end, such as openai/*."
    return ""


def _end(form: KeyForm, at: datetime) -> str | None:
    """As the gateway takes it: a day ends with its last second, here."""
    if form.ends.isdigit():
        return after_days(int(form.ends), at)
    if form.ends != "day":
        return None
    try:
        return datetime.combine(date.fromisoformat(form.day), time(23, 59, 59)).astimezone().isoformat()
    except (ValueError, OverflowError):
        return None


def _sent_scopes(form: KeyForm) -> list[str]:
    """Nothing for the usual ones: then what a later version adds to them counts too."""
    return [] if sorted(form.scopes) == sorted(USUAL) else list(form.scopes)


def body(form: KeyForm, at: datetime) -> dict[str, Any]:
    sent: dict[str, Any] = {"name": form.name, "environment": form.environment, "expires_at": _end(form, at)}
    if named := _sent_scopes(form):
        sent["scopes"] = named
    if models := models_in(form.models):
        sent["models"] = models
    if form.holder == "user":
        sent["user_id"] = form.user_id
    elif form.holder == "account":
        sent["service_account_id"] = form.account_id
    return sent


def changes(form: KeyForm, before: ApiKey, at: datetime) -> dict[str, Any]:
    """What differs from how it was."""
    sent: dict[str, Any] = {}
    if form.name != before.name:
        sent["name"] = form.name
    if form.ends != "stays":
        sent["expires_at"] = _end(form, at)
    if sorted(form.scopes) != sorted(scopes(before)):
        sent["scopes"] = _sent_scopes(form)
    models = models_in(form.models) or None
    if models != before.models:
        sent["models"] = models
    return sent


def row_of(param: str) -> str:
    """The row that the gateway complains of; empty where there is none."""
    name = param.removeprefix("$.").partition("[")[0]
    name = {"user_id": "holder", "service_account_id": "holder"}.get(name, name)
    return name if name in ROWS else ""


# What is shown with a new value


def rotate_words(key: ApiKey, *, has_two: bool) -> str:
    """What becomes of it. `has_two`: the value before the last rotation still works."""
    same = "Its name, its limits and what it used stay; the new value is shown once."
    if not has_two:
        return same
    return f"{same} The value from before its last rotation, which would work until {exactly(key.previous_until)}, ends at once."


def snippets(api: str, key: str, model: str) -> dict[str, str]:
    """Lines to paste, by where they go. `api`: base URL up to /v1."""
    asked = json.dumps({"model": model, "messages": [{"role": "user", "content": "Hello!"}]}, ensure_ascii=False)
    curl = [
        f"curl {shlex.quote(f'{api}/chat/completions')} \\",
        f"  -H {shlex.quote(f'Authorization: Bearer {key}')} \\",
        '  -H "Content-Type: application/json" \\',
        f"  -d {shlex.quote(asked)}",
    ]
    sdk = [
        "from openai import OpenAI",
        "",
        "client = OpenAI(",
        f"    base_url={json.dumps(api)},",
        f"    api_key={json.dumps(key)},",
        ")",
        "answer = client.chat.completions.create(",
        f"    model={json.dumps(model, ensure_ascii=False)},",
        '    messages=[{"role": "user", "content": "Hello!"}],',
        ")",
        "print(answer.choices[0].message.content)",
    ]
    return {"curl": "\n".join(curl), "OpenAI SDK (Python)": "\n".join(sdk)}


def model_for(offered: list[str], models: list[str] | None) -> str:
    """One that the key may ask for."""
    named = [name for name in models or () if not name.endswith("*")]
    may = [one for one in offered if models is None or any(_has(entry, one) for entry in models)]
    return next(iter([*(one for one in named if one in offered), *may, *named]), ANY_MODEL)


def _has(entry: str, name: str) -> bool:
    return name.startswith(entry[:-1]) if entry.endswith("*") else entry == name


def made_words(made: Made, *, is_rotated: bool) -> str:
    """What is to be done with it now."""
    told = "Copy it now: it is shown this once and can't be read again."
    if not is_rotated:
        return told
    until = moment(made.previous_until)
    if until is None or until <= datetime.now(until.tzinfo):
        return f"{told} The value before works no more."
    return f"{told} The value before works until {exactly(made.previous_until)}: give the program the new one by then."
