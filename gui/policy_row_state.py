"""Policies and assignments in plain words, without Qt: their rows, what holds for everyone, what may be done and why not."""

from datetime import datetime

from gui.guardrails_state import Assignment, Guardrails, Policy
from gui.lines_state import Action, Cell, Line
from gui.moments_state import ago, exactly
from gui.plain_text import one_line
from gui.rule_words_state import begun, does, does_cell, listed

COLUMNS = ("Policy", "What it does", "For whom", "Version", "State")
WAYS = {"open": "&Open…", "copy": "&Copy…", "assign": "Assi&gn…", "delete": "&Delete…"}
EMPTY = ("No policy", "A policy says what is done about personal data, secrets and attacks in what is sent and answered.", "Add…")
ASSIGNED_COLUMNS = ("Who", "Policy", "How", "Since")
ASSIGNED_WAYS = {"open": "&Open policy…", "remove": "Remo&ve…"}
ASSIGNED_EMPTY = (
    "Nothing is assigned",
    (
        "As long as nothing is assigned, one policy holds for everyone: the one that the gateway's settings name. Assign others "
        "to everyone, or to a department, a team, a person, a key or a route."
    ),
    "Assign…",
)
MODES = {
    "enforce": (
        "Enforced",
        "With all others that are assigned: the strictest action on a finding wins. What only the settings say steps back.",
    ),
    "shadow": ("On trial", "Nothing changes for anybody: only what it would have done is recorded."),
    "replace": (
        "Alone",
        "What is assigned to wider circles (everyone, the department, …) doesn't count here, even if it is stricter.",
    ),
}
WHOM_NAMED_MAX = 30


# What holds for everyone


def held_words(known: Guardrails) -> tuple[str, str, str]:
    """A marker, what holds for everyone, and more about it."""
    held = known.held
    trial = f"On trial for everyone: {listed(held.on_trial)}; it changes nothing." if held.on_trial else ""
    whence = "The gateway's settings say so, since nothing else is assigned to everyone." if held.is_default else ""
    if not held.names:
        return "warned", "What holds for everyone isn't known", trial
    names = " and ".join(f"“{one_line(name, 64)}”" for name in held.names)
    if not held.inspects:
        others = {0: "", 1: "One assignment to somebody alone does inspect."}.get(
            held.others, f"{held.others:,} assignments to some people, keys or routes do inspect."
        )
        return "warned", f"Nothing is inspected: {names} holds for everyone", _together(others, whence, trial)
    found = [one for one in map(known.policies.get, held.names) if one is not None]
    what = f"{does(found[0].content)}." if len(found) == 1 else "Of their actions on a finding, the strictest counts."
    title = f"{names} {'hold' if len(held.names) > 1 else 'holds'} for everyone"
    return "ready", title, _together(what, whence, trial)


def _together(*parts: str) -> str:
    return " ".join(part for part in parts if part)


def tried_names(known: Guardrails) -> list[tuple[str, str]]:
    """Policies to try, with what each is called: first, without a name, what holds for everyone."""
    held = ", ".join(one_line(name, 64) for name in known.held.names)
    named = sorted(one.name for one in known.policies.items)
    return [(f"What holds for everyone{f': {held}' if held else ''}", ""), *((one_line(name, 64), name) for name in named)]


# Policies


def line(one: Policy, known: Guardrails, at: datetime) -> Line:
    name, content = one_line(one.name, 64), one.content
    whose = "shipped" if one.is_shipped else " · ".join(part for part in ("own", ago(one.updated_at, at)) if part)
    return Line(
        one.name,
        (
            Cell(name, one_line(content.title), hint=_together(name, one_line(content.title))),
            does_cell(content),
            _whom(one, known),
            Cell(f"{one.version}", whose, hint=exactly(one.updated_at)),
            _state(one, known),
        ),
    )


def _whom(one: Policy, known: Guardrails) -> Cell:
    """Shadow is said in each case."""
    assigned = known.assigned(one.name)
    told = [begun(each.subject.words) + (" (on trial)" if each.is_shadow else "") for each in assigned[:WHOM_NAMED_MAX]]
    held = known.held
    if held.is_default and one.name in held.names:
        told.insert(0, "Everyone, by the settings")
    if not told:
        return Cell("Nobody", tone="dim")
    more = len(assigned) - WHOM_NAMED_MAX
    rest = listed(told[1:], 1) if more <= 0 else f"and {len(assigned) - 1:,} more"
    return Cell(told[0], rest, hint=", ".join(told) + (f" and {more:,} more" if more > 0 else ""))


def _state(one: Policy, known: Guardrails) -> Cell:
    if one.id in known.asked:
        return Cell("Deleting…", marker="working", tone="accent")
    if one.name in known.held.names:
        if not one.content.does_something:
            return Cell("In force", "for everyone", marker="warned", tone="warn", hint="It inspects nothing.")
        return Cell("In force", "for everyone", marker="ready", tone="ok")
    if known.is_enforced(one):
        return Cell("In force", "for some", marker="ready", tone="ok")
    if known.assigned(one.name):
        return Cell("On trial", "only recorded", marker="working", tone="accent")
    if one.in_force and not known.held.is_default:  # the gateway doesn't tell which of both
        return Cell("Named", "settings or route", marker="unloaded", hint="The gateway's settings or a route name it.")
    if one.in_force:
        return Cell("In force", "by a route", marker="ready", tone="ok", hint="A route names it as its policy.")
    return Cell("Not in use", marker="unloaded", tone="dim")


def facts(one: Policy) -> str:
    content = one.content
    told = [
        f"{one_line(content.title)}." if content.title else "",
        f"{does(content)}." if content.does_something or not content.title else "",
        "" if content.fail == "closed" else "When an inspection fails, the request goes on uninspected.",
        "" if content.system_prompts else "System prompts are not inspected.",
        "What its law names and nothing here finds stands in its settings." if content.not_found_here else "",
    ]
    return " ".join(part for part in told if part)


def actions(one: Policy, known: Guardrails) -> list[Action]:
    return [Action(verb, WAYS[verb], why_not(verb, one, known)) for verb in WAYS]


def why_not(verb: str, one: Policy, known: Guardrails) -> str:
    """Why this can't be done now; empty where it can."""
    if one.id in known.asked:
        return "The gateway hasn't answered the last wish for this policy yet."
    if verb != "delete":
        return ""
    if one.is_shipped:
        return "It came with the gateway, and stays."
    if assigned := known.assigned(one.name):
        return f"It is assigned to {listed(each.subject.words for each in assigned[:WHOM_NAMED_MAX])}. Take that back first."
    return "The gateway's settings name it as the policy for everyone." if known.default == one.name else ""


def delete_question(one: Policy) -> tuple[str, str]:
    return f"Delete “{one_line(one.name, 64)}”?", "Its versions go with it. What it did until now stays on record."


# Assignments


def assigned_line(one: Assignment, known: Guardrails, at: datetime) -> Line:
    policy = known.policies.get(one.policy)
    title = one_line(policy.content.title) if policy is not None else ""
    mode = MODES.get(one.mode, (one_line(one.mode, 40), ""))
    how = Cell(mode[0], _mode_note(one), marker="working" if one.is_shadow else "ready", hint=mode[1],
               tone="accent" if one.is_shadow else "ok")  # fmt: skip
    if one.id in known.asked:
        how = Cell("Removing…", marker="working", tone="accent")
    whom = begun(one.subject.words)
    return Line(
        one.id,
        (
            Cell(whom, hint=whom),
            Cell(one_line(one.policy, 64), title, hint=title),
            how,
            Cell(ago(one.created_at, at) or "—", hint=exactly(one.created_at)),
        ),
    )


def _mode_note(one: Assignment) -> str:
    return {"enforce": "with all others", "shadow": "only recorded", "replace": "wider ones don't count"}.get(one.mode, "")


def assigned_actions(one: Assignment, known: Guardrails) -> list[Action]:
    return [Action(verb, ASSIGNED_WAYS[verb], assigned_why_not(verb, one, known)) for verb in ASSIGNED_WAYS]


def assigned_why_not(verb: str, one: Assignment, known: Guardrails) -> str:
    if one.id in known.asked:
        return "The gateway hasn't answered the last wish for this assignment yet."
    return "This policy isn't in the list." if verb == "open" and known.policies.get(one.policy) is None else ""


def remove_question(one: Assignment, known: Guardrails) -> tuple[str, str]:
    policy, whom = f"“{one_line(one.policy, 64)}”", one.subject.words
    if one.is_shadow:
        return f"End the trial of {policy} for {whom}?", "Nothing changes for anybody; no more of what it would do is recorded."
    if one.subject.kind == "everyone":
        left = [each for each in known.assigned_to_everyone if each.id != one.id]
        names = listed(f"“{one_line(each.policy, 64)}”" for each in left)
        default = f": “{one_line(known.default, 64)}”" if known.default else ""
        then = (
            f"{names} goes on holding for everyone."
            if left
            else f"What the gateway's settings say holds for everyone then{default}."
        )
        return f"Take {policy} back from everyone?", then
    return f"Take {policy} back from {whom}?", "From the next request on, only what else applies there holds."
