"""One invitation in plain words, without Qt."""

from datetime import datetime

from gui.lines_state import Action, Cell, Line
from gui.moments_state import ago, ahead, exactly, moment
from gui.people_state import Invitation, People
from gui.person_row_state import role_name
from gui.plain_text import one_line

COLUMNS = ("For", "As", "Department", "State")
WAYS = {"again": "Invite a&gain…", "revoke": "Re&voke…"}
EMPTY = (
    "No invitation is open",
    (
        "A link lets one person in, once. It can be for one address alone, and ends after some days. Links are shown when "
        "they are made, and kept nowhere."
    ),
    "Invite somebody…",
)


def line(one: Invitation, people: People, at: datetime) -> Line:
    whom, place = one_line(one.email or "Whoever holds the link"), people.organisation.place(one)
    return Line(
        one.id,
        (
            Cell(whom, one_line(one.name or "", 120), hint=whom),
            Cell(role_name(one.role)),
            Cell(place or "—", tone="text" if place else "dim", hint=place),
            state(one, people, at),
        ),
    )


def has_ended(one: Invitation, at: datetime) -> bool:
    """Also one that was open when the list came."""
    end = moment(one.expires_at)
    return one.state == "expired" or (end is not None and end <= at)


def state(one: Invitation, people: People, at: datetime) -> Cell:
    if one.id in people.asked:
        return Cell("Revoking…", marker="working", tone="accent")
    if one.state in ("used", "revoked"):
        return Cell(one.state.title(), marker="cancelled", tone="dim")
    if has_ended(one, at):
        return Cell("Expired", ago(one.expires_at, at), marker="unloaded", tone="dim", hint=exactly(one.expires_at))
    return Cell("Open", f"ends {ahead(one.expires_at, at)}", marker="ready", tone="ok", hint=exactly(one.expires_at))


def actions(one: Invitation, people: People, at: datetime) -> list[Action]:
    return [Action(verb, WAYS[verb], why_not(verb, one, people, at)) for verb in WAYS]


def why_not(verb: str, one: Invitation, people: People, at: datetime) -> str:
    if one.id in people.asked:
        return "The gateway hasn't answered the last wish for this invitation yet."
    if verb == "revoke" and (one.state in ("used", "revoked") or has_ended(one, at)):
        return "It lets nobody in any more."
    return ""


def revoke_question(one: Invitation) -> tuple[str, str]:
    whom = f" of {one_line(one.email, 80)}" if one.email else ""
    return f"Revoke the invitation{whom}?", "Its link lets nobody in any more."
