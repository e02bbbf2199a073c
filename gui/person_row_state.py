"""One account in plain words, without Qt: its row, what may be done with it, and why not."""

from datetime import datetime

from gui.lines_state import Action, Cell, Line
from gui.moments_state import ago, exactly
from gui.people_state import ROLES, People, User
from gui.plain_text import one_line

COLUMNS = ("Person", "Role", "Department", "Last sign-in", "State")
WAYS = {
    "edit": "&Edit…",
    "link": "New &link…",
    "password": "Pass&word…",
    "out": "Si&gn out…",
    "suspend": "&Suspend…",
    "resume": "&Resume",
    "delete": "&Delete…",
}
NAME_TOLD_MAX = 80  # characters, in a sentence
_WHAT_FOR = (
    "Invite colleagues: each gets a link that works once, sets a password and gets an API key. What each of them uses is then "
    "counted apart."
)
EMPTY = ("Nobody here yet", _WHAT_FOR, "Invite somebody…")
_ASKED = {"suspend": "Suspending…", "resume": "Resuming…", "delete": "Deleting…", "out": "Signing out…"}


def role_name(role: str) -> str:
    return ROLES[role][0] if role in ROLES else one_line(role, 40)


def line(user: User, people: People, at: datetime) -> Line:
    name, email, place = one_line(user.name), one_line(user.email), people.organisation.place(user)
    factor = "second factor" if user.second_factor else ""
    return Line(
        user.id,
        (
            Cell(name, email, hint=f"{name} · {email}"),
            Cell(role_name(user.role), factor, hint=ROLES.get(user.role, ("", ""))[1]),
            Cell(place or "—", tone="text" if place else "dim", hint=place),
            _signed_in(user, at),
            state(user, people),
        ),
    )


def _signed_in(user: User, at: datetime) -> Cell:
    told = ago(user.last_sign_in_at, at)
    if not told:
        return Cell("Never", tone="dim")
    return Cell(told[:1].upper() + told[1:], hint=exactly(user.last_sign_in_at))


def state(user: User, people: People) -> Cell:
    if user.id in people.asked:
        return Cell(_ASKED.get(people.asked[user.id], "Changing…"), marker="working", tone="accent")
    if user.suspended_at is not None:
        return Cell("Suspended", marker="warned", tone="warn", hint=exactly(user.suspended_at))
    if above := people.organisation.suspended_above(user):
        return Cell("Stopped", marker="warned", tone="warn", hint=f"{above} is suspended.")
    if not user.has_password:
        return Cell("Hasn't joined", marker="unloaded", tone="dim", hint="No password is set yet.")
    return Cell("Active", marker="ready", tone="ok")


def problem(user: User, people: People) -> str:
    """Why they can't work, where that can be mended."""
    if user.suspended_at is not None:
        return "They can't sign in, and their keys are refused, as long as they are suspended."
    if above := people.organisation.suspended_above(user):
        return f"They can't sign in, and their keys are refused, as long as {above} is suspended."
    return (
        "" if user.has_password else "They haven't set a password yet. A new link lets them; the one before then works no more."
    )


def facts(user: User, people: People) -> str:
    """All that the row has no room for."""
    place = people.organisation.place(user)
    told = [
        f"{one_line(user.name, NAME_TOLD_MAX)}, {one_line(user.email, 120)}{f', {place}' if place else ''}.",
        f"{role_name(user.role)}: {ROLES.get(user.role, ('', ''))[1]}" if user.role in ROLES else "",
        f"Here since {exactly(user.created_at)}." if user.created_at else "",
        f"Signed in last on {exactly(user.last_sign_in_at)}." if user.last_sign_in_at else "",
        "Signing in asks for a second factor." if user.second_factor else "",
    ]
    return " ".join(part for part in told if part)


def actions(user: User, people: People) -> list[Action]:
    return [Action(verb, WAYS[verb], why_not(verb, user, people)) for verb in WAYS]


def why_not(verb: str, user: User, people: People) -> str:
    """Why this can't be done now; empty where it can."""
    if user.id in people.asked:
        return "The gateway hasn't answered the last wish for this account yet."
    if verb == "suspend" and user.suspended_at is not None:
        return "They are suspended already."
    if verb == "resume" and user.suspended_at is None:
        return "They aren't suspended."
    if verb == "link" and user.has_password:
        return "They have a password. Where it is forgotten, set a new one."
    if verb in ("password", "out") and not user.has_password:
        return "They have no password yet, and can't be signed in."
    return ""


def suspend_question(user: User) -> tuple[str, str]:
    return (
        f"Suspend {one_line(user.name, NAME_TOLD_MAX)}?",
        "They are signed out, and requests with their keys are refused from the next one on. Resume brings all of it back.",
    )


def sign_out_question(user: User) -> tuple[str, str]:
    return (
        f"Sign {one_line(user.name, NAME_TOLD_MAX)} out everywhere?",
        "Every browser and tool they signed in with has to sign in again. Their API keys go on working.",
    )


def delete_question(user: User) -> tuple[str, str]:
    return (
        f"Delete {one_line(user.name, NAME_TOLD_MAX)}?",
        (
            "Their keys stop with the next request and are gone for good. What they used stays on record. To stop them for a "
            "while, suspend them."
        ),
    )


FORGET = "Keep no name: what they used stays under a number alone"
