"""One API key in plain words, without Qt: its row, what may be done with it, and why not."""

from datetime import datetime
from typing import Any

from gui.keys_state import ApiKey, Ended, Keys
from gui.lines_state import Action, Cell, Line
from gui.moments_state import ago, ahead, exactly, moment
from gui.plain_text import one_line

COLUMNS = ("Key", "Whose", "May use", "Used", "State")
WAYS = {"edit": "&Edit…", "rotate": "Ro&tate…", "revoke": "Re&voke…"}
SCOPES = {
    "chat": "Chat",
    "embeddings": "Embeddings",
    "models": "List of models",
    "files": "Files",
    "metrics": "Metrics",
    "file_values": "Values found in files",
}
USUAL = ("chat", "embeddings", "models", "files")  # what an empty list stands for
MODELS_TOLD_MAX = 12
NAME_TOLD_MAX = 80  # characters, in a sentence
SOON_DAYS = 7
_WHAT_FOR = (
    "A key lets one program send requests. Give each program its own: then you see what it uses, narrow it to the models it "
    "needs, and take it back without touching the others."
)
EMPTY = ("No API key", _WHAT_FOR, "Make a key…")


class KeyLines:
    """Lines of keys, kept as long as nothing about them changes: thousands of them are looked at again and again."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[Any, Line]] = {}

    def lines(self, found: list[ApiKey], keys: Keys, at: datetime) -> list[Line]:
        minute = at.replace(second=0, microsecond=0)
        return [self._line(one, keys, at, minute) for one in found]

    def _line(self, key: ApiKey, keys: Keys, at: datetime, minute: datetime) -> Line:
        seen = (key, keys.holder(key), keys.stopped_by(key), keys.asked.get(key.id), minute)
        told, made = self._kept.get(key.id, (None, None))
        if made is None or told != seen:
            made = line(key, keys, at)
            self._kept[key.id] = (seen, made)
        return made


def line(key: ApiKey, keys: Keys, at: datetime) -> Line:
    name, (whose, what) = one_line(key.name), keys.holder(key)
    return Line(
        key.id,
        (
            Cell(name, f"{one_line(key.key_prefix, 40)}… · {one_line(key.environment, 20)}", hint=name),
            Cell(whose, what, hint=" · ".join(part for part in (whose, what) if part)),
            may(key),
            used(key, at),
            state(key, keys, at),
        ),
    )


def scopes(key: ApiKey) -> list[str]:
    """What it may do, the default spelt out."""
    return [*(key.scopes or USUAL)]


def scope_words(key: ApiKey) -> str:
    """Nothing for what a key may do by default."""
    if sorted(scopes(key)) == sorted(USUAL):
        return ""
    return ", ".join(SCOPES.get(one, one_line(one, 40)).lower() for one in scopes(key))


def model_words(key: ApiKey, most: int = MODELS_TOLD_MAX) -> str:
    if key.models is None:
        return "all models"
    named = ", ".join(one_line(one, 80) for one in key.models[:most])
    return named + (f" and {len(key.models) - most} more" if len(key.models) > most else "")


def may(key: ApiKey) -> Cell:
    """Models first, where it can use any."""
    does, where = scope_words(key), "this machine only" if key.loopback_only else ""
    if not {"chat", "embeddings"} & set(scopes(key)):
        return Cell(_begun(does), where)
    models = "All models" if key.models is None else model_words(key, 3)
    return Cell(models, ", ".join(part for part in (does, where) if part), hint="" if key.models is None else model_words(key))


def used(key: ApiKey, at: datetime) -> Cell:
    if not key.requests:
        return Cell("Never", tone="dim") if not key.last_used_at else Cell(_begun(ago(key.last_used_at, at)), tone="dim")
    count = "1 request" if key.requests == 1 else f"{key.requests:,} requests"
    return Cell(_begun(ago(key.last_used_at, at)) or "—", f"{count}{_rate(key)}", hint=use_words(key))


def _begun(text: str) -> str:
    return text[:1].upper() + text[1:]


def _rate(key: ApiKey) -> str:
    return "" if key.success_rate is None else f" · {percent(key.success_rate)} ok"


def percent(rate: float) -> str:
    """Never rounded up to all."""
    return "100%" if rate >= 1 else f"{min(rate, 0.999) * 100:.1f}%" if rate > 0.99 else f"{int(rate * 100 + 1e-9)}%"


def use_words(key: ApiKey) -> str:
    if not key.requests:
        return ""
    whole = "" if key.success_rate is None else f", {percent(key.success_rate)} of them answered whole"
    return f"{'1 request' if key.requests == 1 else f'{key.requests:,} requests'}{whole}. Last on {exactly(key.last_used_at)}."


def is_rotating(key: ApiKey, at: datetime) -> bool:
    """The value before the last rotation still works."""
    until = moment(key.previous_until)
    return key.state == "active" and until is not None and until > at


def rotating(found: list[ApiKey], at: datetime) -> set[str]:
    return {one.id for one in found if one.previous_until and is_rotating(one, at)}


def has_expired(key: ApiKey, at: datetime) -> bool:
    """Also one that was active when the list came."""
    end = moment(key.expires_at)
    return key.state == "expired" or (key.state == "active" and end is not None and end <= at)


def state(key: ApiKey, keys: Keys, at: datetime) -> Cell:
    if key.id in keys.asked:
        return Cell("Revoking…", marker="working", tone="accent")
    if key.state == "revoked":
        return Cell("Revoked", ago(key.revoked_at, at), marker="cancelled", tone="dim", hint=exactly(key.revoked_at))
    if has_expired(key, at):
        return Cell("Expired", ago(key.expires_at, at), marker="unloaded", tone="dim", hint=exactly(key.expires_at))
    if by := keys.stopped_by(key):
        return Cell("Stopped", "holder suspended", marker="warned", tone="warn", hint=f"{by} is suspended.")
    if is_rotating(key, at):
        return Cell("Two values", f"old ends {ahead(key.previous_until, at)}", marker="working", tone="accent", hint=ends(key))
    end = moment(key.expires_at)
    if end is None:
        return Cell("Active", "doesn't expire", marker="ready", tone="ok")
    is_soon = (end - at).days < SOON_DAYS
    words = f"ends {ahead(key.expires_at, at)}"
    return Cell("Ends soon" if is_soon else "Active", words, marker="warned" if is_soon else "ready",
                tone="warn" if is_soon else "ok", hint=ends(key))  # fmt: skip


def ends(key: ApiKey) -> str:
    return f"It ends on {exactly(key.expires_at)}." if key.expires_at else "It doesn't expire."


def named(keys: Keys, key: ApiKey) -> str:
    """Its holder, in a sentence; empty where that isn't known."""
    if key.user_id is None and key.service_account_id is None:
        return "nobody"
    return ", ".join(one_line(part, NAME_TOLD_MAX) for part in (*keys.holder(key), keys.tenant(key)) if part not in ("", "…"))


def facts(key: ApiKey, keys: Keys, at: datetime) -> str:
    """All that its row has no room for."""
    whose = named(keys, key)
    does = ", ".join(SCOPES.get(one, one_line(one, 40)).lower() for one in scopes(key))
    where = "; from this machine only" if key.loopback_only else ""
    told = [
        f"{one_line(key.name, NAME_TOLD_MAX)} ({one_line(key.key_prefix, 40)}…, {one_line(key.environment, 40)})"
        + (f", of {whose}." if whose else "."),
        f"May use {does}; {model_words(key)}{where}.",
        f"Made {exactly(key.created_at)}." if key.created_at else "",
        use_words(key),
        f"Rotated {exactly(key.rotated_at)}." if key.rotated_at else "",
        f"The value before works until {exactly(key.previous_until)}." if is_rotating(key, at) else "",
        f"Revoked {exactly(key.revoked_at)}." if key.revoked_at else ends(key),
    ]
    return " ".join(part for part in told if part)


def problem(key: ApiKey, keys: Keys, at: datetime) -> str:
    """Why it doesn't work, where that can be mended."""
    if has_expired(key, at) and key.state != "revoked":
        return "It has expired. Edit it to give it another end, and it works again."
    if by := keys.stopped_by(key):
        return f"Its requests are refused as long as {by} is suspended."
    return ""


def actions(key: ApiKey, keys: Keys, at: datetime) -> list[Action]:
    return [Action(verb, WAYS[verb], why_not(verb, key, keys, at)) for verb in WAYS]


def why_not(verb: str, key: ApiKey, keys: Keys, at: datetime) -> str:
    """Why this can't be done now; empty where it can."""
    if key.id in keys.asked:
        return "The gateway hasn't answered the last wish for this key yet."
    if key.state == "revoked":
        return "It was revoked, for good. Make another one."
    if verb == "rotate" and has_expired(key, at):
        return "It has expired, and so would its new value. Edit it to give it another end first."
    return ""


def revoke_question(key: ApiKey, keys: Keys) -> tuple[str, str]:
    whose = one_line(keys.holder(key)[0], NAME_TOLD_MAX)
    of = "" if whose == "…" or (key.user_id is None and key.service_account_id is None) else f" of {whose}"
    consequence = (
        f"Programs that use {one_line(key.key_prefix, 40)}… are refused with their next request, for good. To replace its value "
        "without a break, rotate it instead."
    )
    return f"Revoke “{one_line(key.name, NAME_TOLD_MAX)}”{of}?", consequence


def ended_words(ended: Ended, keys: Keys, key: ApiKey | None) -> str:
    """Which key it was that somebody found the value of; `key` where it could be looked up."""
    value = f"{one_line(ended.key_prefix, 40)}…"
    which = f"{value} ({one_line(ended.id, 60)})"
    if key is not None:
        which = f"“{one_line(key.name, NAME_TOLD_MAX)}” ({', '.join(part for part in (value, named(keys, key)) if part)})"
    if ended.only_previous:
        return f"That was the value before the last rotation of {which}. It works no more; the newer value goes on working."
    return f"That was {which}. It is revoked, for good."
