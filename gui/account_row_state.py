"""One service account in plain words, without Qt."""

from gui.key_row_state import NAME_TOLD_MAX
from gui.keys_state import Keys, ServiceAccount
from gui.lines_state import Action, Cell, Line
from gui.plain_text import one_line

COLUMNS = ("Account", "Department", "Keys", "State")
WAYS = {"key": "&New key…", "edit": "&Edit…", "suspend": "&Suspend…", "resume": "&Resume", "delete": "&Delete…"}
_WHAT_FOR = (
    "A service account holds keys for a program that is nobody's own: a wiki, a build server. Its keys stay when people leave, "
    "and all of them stop at once when it is suspended."
)
EMPTY = ("No service account yet", _WHAT_FOR, "Add a service account…")
_ASKED = {"suspend": "Suspending…", "resume": "Resuming…", "delete": "Deleting…"}


def line(account: ServiceAccount, keys: Keys) -> Line:
    name, place = one_line(account.name), keys.organisation.place(account)
    count = f"{account.keys:,}" if account.keys else "none"
    return Line(
        account.id,
        (
            Cell(name, hint=name),
            Cell(place or "—", tone="text" if place else "dim", hint=place),
            Cell(count, tone="text" if account.keys else "dim"),
            state(account, keys),
        ),
    )


def state(account: ServiceAccount, keys: Keys) -> Cell:
    if account.id in keys.asked:
        return Cell(_ASKED.get(keys.asked[account.id], "Changing…"), marker="working", tone="accent")
    if account.suspended_at is not None:
        return Cell("Suspended", marker="warned", tone="warn", hint=problem(account, keys))
    if keys.suspended_by(account):
        return Cell("Stopped", marker="warned", tone="warn", hint=problem(account, keys))
    return Cell("Active", marker="ready", tone="ok")


def problem(account: ServiceAccount, keys: Keys) -> str:
    if account.suspended_at is not None:
        return "Requests with its keys are refused as long as it is suspended."
    above = keys.suspended_by(account)
    return f"Requests with its keys are refused as long as {above} is suspended." if above else ""


def actions(account: ServiceAccount, keys: Keys) -> list[Action]:
    return [Action(verb, WAYS[verb], why_not(verb, account, keys)) for verb in WAYS]


def why_not(verb: str, account: ServiceAccount, keys: Keys) -> str:
    if account.id in keys.asked:
        return "The gateway hasn't answered the last wish for this service account yet."
    if verb == "suspend" and account.suspended_at is not None:
        return "It is suspended already."
    if verb == "resume" and account.suspended_at is None:
        return "It isn't suspended."
    return ""


def _its_keys(account: ServiceAccount) -> str:
    return {0: "It has no keys.", 1: "Its key"}.get(account.keys, f"Its {account.keys:,} keys")


def suspend_question(account: ServiceAccount) -> tuple[str, str]:
    what, s = _its_keys(account), "s" if account.keys == 1 else ""
    consequence = f"{what} stop{s} with the next request, and work{s} again once it is resumed." if account.keys else what
    return f"Suspend {one_line(account.name, NAME_TOLD_MAX)}?", consequence


def delete_question(account: ServiceAccount) -> tuple[str, str]:
    if not account.keys:
        return f"Delete {one_line(account.name, NAME_TOLD_MAX)}?", "It has no keys. It can't be brought back."
    are, them = ("is", "it") if account.keys == 1 else ("are", "them")
    consequence = (
        f"{_its_keys(account)} {are} deleted with it: programs that use {them} are refused with their next request. It can't be "
        "brought back; what was used stays on record. To stop it for a while, suspend it."
    )
    return f"Delete {one_line(account.name, NAME_TOLD_MAX)}?", consequence
