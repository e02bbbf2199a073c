"""One department or team in plain words, without Qt."""

from gui.lines_state import Action, Cell, Line
from gui.people_state import People, Unit
from gui.person_row_state import NAME_TOLD_MAX
from gui.plain_text import one_line

COLUMNS = ("Department or team", "People", "State")
WAYS = {"team": "Ne&w team…", "edit": "&Edit…", "suspend": "&Suspend…", "resume": "&Resume", "delete": "&Delete…"}
_WHAT_FOR = (
    "Departments and teams say who belongs together: what they use is counted together, and a whole department can be stopped "
    "at once."
)
EMPTY = ("No department yet", _WHAT_FOR, "Add a department…")
_ASKED = {"suspend": "Suspending…", "resume": "Resuming…", "delete": "Deleting…"}
INDENT = "\u2003"  # as wide as a letter is high


def line(unit: Unit, people: People) -> Line:
    name, organisation = one_line(unit.name), people.organisation.tenant_name(unit.tenant_id)
    what = "team" if unit.is_team else "department"
    below = unit.is_team and unit.department_id is not None
    return Line(
        unit.id,
        (
            Cell(
                f"{INDENT if below else ''}{name}",
                f"{INDENT if below else ''}{what}",
                hint=" · ".join(filter(None, (name, organisation))),
            ),
            Cell(f"{unit.users:,}" if unit.users else "nobody", tone="text" if unit.users else "dim"),
            state(unit, people),
        ),
    )


def state(unit: Unit, people: People) -> Cell:
    if unit.id in people.asked:
        return Cell(_ASKED.get(people.asked[unit.id], "Changing…"), marker="working", tone="accent")
    if unit.suspended_at is not None:
        return Cell("Suspended", marker="warned", tone="warn")
    above = people.organisation.unit(unit.department_id) if unit.is_team else None
    if above is not None and above.suspended_at is not None:
        return Cell("Stopped", marker="warned", tone="warn", hint=f"{one_line(above.name, NAME_TOLD_MAX)} is suspended.")
    return Cell("Active", marker="ready", tone="ok")


def problem(unit: Unit, people: People) -> str:
    found = state(unit, people)
    if found.text == "Suspended":
        return "Nobody in it can sign in, and their keys are refused, as long as it is suspended."
    return f"Nobody in it can sign in, and their keys are refused: {found.hint}" if found.text == "Stopped" else ""


def actions(unit: Unit, people: People) -> list[Action]:
    return [Action(verb, WAYS[verb], why_not(verb, unit, people)) for verb in WAYS]


def why_not(verb: str, unit: Unit, people: People) -> str:
    if unit.id in people.asked:
        return "The gateway hasn't answered the last wish for it yet."
    if verb == "team" and unit.is_team:
        return "A team has no teams of its own. Choose a department."
    if verb == "suspend" and unit.suspended_at is not None:
        return "It is suspended already."
    if verb == "resume" and unit.suspended_at is None:
        return "It isn't suspended."
    return ""


def suspend_question(unit: Unit) -> tuple[str, str]:
    who = {0: "Nobody is in it.", 1: "The one person in it"}.get(unit.users, f"The {unit.users:,} people in it")
    consequence = f"{who} can't sign in any more, and requests with their keys are refused, until it is resumed."
    return f"Suspend {one_line(unit.name, NAME_TOLD_MAX)}?", consequence if unit.users else who


def delete_question(unit: Unit) -> tuple[str, str]:
    who = {0: "Nobody is in it.", 1: "The one person in it stays, without it."}.get(
        unit.users, f"The {unit.users:,} people in it stay, without it."
    )
    teams = "" if unit.is_team else " Its teams are deleted with it."
    return (
        f"Delete {one_line(unit.name, NAME_TOLD_MAX)}?",
        f"{who}{teams} What was used stays on record. It can't be brought back.",
    )
