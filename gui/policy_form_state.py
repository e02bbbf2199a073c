"""The draft of a policy, without Qt: what is wrong with it, what is sent, and where the gateway's complaint belongs.

A draft is what the gateway wrote, as JSON, with changes laid over it: what this app doesn't know stays as it was.
"""

import re
from collections.abc import Collection
from datetime import datetime
from typing import Any

import msgspec

from gui.guardrails_state import Assignment, Content, Custom, FilesPart, Json, Policy, Rule, Version
from gui.lines_state import Action, Cell, Line
from gui.moments_state import ago, exactly
from gui.plain_text import many_lines, one_line
from gui.provider_form_state import complaint
from gui.rule_words_state import does, fate, file_deed

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}\Z")
TYPE = re.compile(r"(\*|[A-Z][A-Z0-9_]{0,63}\*?)\Z")
CUSTOM_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,40}\Z")
WHOM_TOLD_MAX = 3
RULES_MAX, EXAMPLES_MAX, EXAMPLE_CHARACTERS_MAX, KEPT_DAYS_MAX = 200, 50, 4_000, 36_500
BREAK = "⏎"  # a line break inside an example: each example is one line
NEW: Json = {"name": "", "rules": []}
KEPT_BY_RULE = "As the organisation's rule says"
FAILS = {
    "closed": ("The request is refused", "Nothing goes on uninspected."),
    "open": ("The request goes on uninspected", "Requests go on when a detector breaks; what they hold is not looked at then."),
}
UNREADABLE = {
    "block": ("Stopped", "Nobody knows what is in it."),
    "pass": ("Goes on as it is", "What is in it may reach a model, and nobody looked."),
}
OPEN_QUESTION = (
    "Let requests go on uninspected when an inspection fails?",
    "Personal data and secrets may reach a model then, and nobody is told in the answer. This choice stands in the audit.",
)
UNREAD_QUESTION = (
    "Let files go on that can't be read?",
    "Encrypted and damaged files, and those that nobody can read, may reach a model. This choice stands in the audit.",
)
LEAVE_QUESTION = ("Leave without saving?", "Your changes to this policy are lost.")


class Place(msgspec.Struct, frozen=True):
    """Where a complaint belongs. part: rules, custom or about; row: of the table, -1 where it is about none; field: its name."""

    part: str
    row: int = -1
    field: str = ""
    item: int = -1


def copy_of(policy: Policy, taken: Collection[str]) -> Json:
    """A draft of a new one. `taken`: names that there are."""
    base = f"{policy.name[:50]}-copy"
    names = (base, *(f"{base}-{n}" for n in range(2, 1_000)))
    return {**policy.policy, "name": next(name for name in names if name not in taken)}


def laid_over(raw: Json, now: Rule | Custom) -> Json:
    """What differs from what stood there, over it."""
    before = msgspec.convert(raw, type(now))
    changed = {name: getattr(now, name) for name in now.__struct_fields__ if getattr(now, name) != getattr(before, name)}
    return {**raw, **changed}


def rule_of(raw: Json) -> Rule:
    return msgspec.convert(raw, Rule)


def custom_of(raw: Json) -> Custom:
    return msgspec.convert(raw, Custom)


def changes(draft: Json, before: Json) -> Json:
    """What differs, by field: the gateway merges it."""
    return {name: value for name, value in draft.items() if name not in before or value != before[name]}


def wrong(draft: Json, taken: Collection[str], *, is_new: bool) -> tuple[str, str] | None:
    """The first field that is wrong as far as can be seen from here, and why."""
    name = str(draft.get("name", ""))
    if is_new and not NAME.match(name):
        return "name", (
            "Begin with a small letter or a digit, then small letters, digits, points and dashes." if name else "Give it a name."
        )
    if is_new and name in taken:
        return "name", "There is a policy of this name already."
    return None


def opens(draft: Json, before: Json) -> bool:
    """Whether requests are to go on uninspected that didn't before."""
    return bool(draft.get("fail", "closed") == "open" and before.get("fail", "closed") != "open")


def questions(draft: Json, before: Json) -> list[tuple[str, str]]:
    """What is asked once more before it is saved."""
    opened = [OPEN_QUESTION] if opens(draft, before) else []
    return [*opened, *([UNREAD_QUESTION] if lets_unread_pass(draft, before) else [])]


def lets_unread_pass(draft: Json, before: Json) -> bool:
    """Whether files are to go on unread that didn't before."""
    now, then = ((one.get("files") or {}).get("unreadable", "block") for one in (draft, before))
    return bool(now == "pass" and then != "pass")


# Rules


def rule_wrong(rule: Rule) -> dict[str, str]:
    found: dict[str, str] = {}
    if not rule.types:
        found["types"] = "Tick what it looks for."
    elif bad := [name for name in rule.types if not TYPE.match(name)]:
        found["types"] = f"“{one_line(bad[0], 40)}” is no type: capitals, digits and _, at the end perhaps *."
    for field in ("must_catch", "must_pass"):
        lines: list[str] = getattr(rule, field)
        if len(lines) > EXAMPLES_MAX:
            found[field] = f"At most {EXAMPLES_MAX} examples."
        elif long := [n for n, text in enumerate(lines, 1) if len(text) > EXAMPLE_CHARACTERS_MAX]:
            found[field] = f"Line {long[0]} is longer than {EXAMPLE_CHARACTERS_MAX:,} characters."
    return found


def custom_wrong(custom: Custom, others: Collection[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    if not CUSTOM_NAME.match(custom.name):
        found["name"] = "Capitals, digits and _, a capital first: PROJECT_NUMBER."
    elif custom.name in others:
        found["name"] = "Another expression has this name."
    if not custom.regex:
        found["regex"] = "Write what it looks for, for example PRJ-[0-9]{4}."
    return found


def lines_of(examples: list[str]) -> str:
    return "\n".join(text.replace("\n", BREAK) for text in examples)


def examples_in(text: str) -> list[str]:
    """One a line; empty lines are none."""
    return [line.replace(BREAK, "\n") for line in text.split("\n") if line.strip()]


def types_offered(types: list[str], chosen: list[str], customs: Collection[str]) -> list[str]:
    """Groups first, then each type that can be found here, and what the rule names besides."""
    groups = ["PII", "SECRETS", "ATTACKS", "CUSTOM", "FILES", "*"]
    known = [*groups, *(f"CUSTOM_{name}" for name in customs), *sorted(types)]
    return list(dict.fromkeys([*(name for name in chosen if name not in known), *known]))


# Complaints


def place_of(param: str) -> Place:
    """Such as `rules[2].must_pass[0]`, `custom[0].regex`, `title`."""
    found = re.match(r"(?:\$\.)?(rules|custom)(?:\[(\d{1,4})\])?(?:\.([a-z_]+)(?:\[(\d{1,4})\])?)?", param)
    if found is not None:
        part, row, field, item = found.groups()
        return Place(part, int(row) if row else -1, field or "", int(item) if item else -1)
    whole = param.removeprefix("$.")
    name = whole if whole in ABOUT else re.split(r"[.\[]", whole)[0]
    return Place("about", field=name if name in ABOUT else "")


ABOUT = ("name", "title", "description", "fail", "system_prompts", "kept_days", "files", "files.unreadable",
         "files.require_full_sandbox")  # fmt: skip


def said(message: str, fix: str, param: str, place: Place) -> tuple[str, str]:
    """Message and fix, where they stand at the field: which line of the examples is told instead of a number in brackets."""
    told = complaint(message, param).removeprefix(param).lstrip(": ")
    if place.item >= 0 and place.field in ("must_catch", "must_pass", "types"):
        told = f"Line {place.item + 1}: {told}" if place.field != "types" else told
    return told, fix


def body(draft: Json, source: str | None) -> dict[str, Any]:
    """A new policy as it is sent. `source`: the policy that it is a copy of."""
    return {**draft, **({"copy_of": source} if source else {})}


# What it says of itself, to be read


def shown_rows(content: Content) -> list[tuple[str, str]]:
    """Titles and texts; what a law's pack can't find here among them."""
    kept = KEPT_BY_RULE if content.kept_days is None else _days(content.kept_days)
    rows = [
        ("Title", one_line(content.title)),
        ("Description", " ".join(content.description.split())),
        ("When an inspection fails", FAILS.get(content.fail, (content.fail, ""))[0]),
        ("System prompts", "Inspected too" if content.system_prompts else "Not inspected"),
        ("Requests are kept", kept),
        ("Files", files_words(content.files)),
        ("Not found here", "\n".join(f"• {one_line(each)}" for each in content.not_found_here)),
    ]
    return [(title, many_lines(text, 6_000)) for title, text in rows if text]


def files_words(files: FilesPart | None) -> str:
    """What becomes of files, in sentences."""
    part = files or FilesPart()
    found = f"A file with something to hide {file_deed(part.found)}"
    unread = "one that can't be read is stopped" if part.unreadable == "block" else "one that can't be read goes on as it is"
    walls = " Files are read only where their readers can be confined fully." if part.require_full_sandbox else ""
    return f"{found}; {unread}.{walls}"


def files_over(raw: Json, part: FilesPart) -> Json:
    """A policy's draft with `part` laid over what stood there; what only says the default again isn't written."""
    before = msgspec.convert(raw.get("files") or {}, FilesPart)
    if part == before:
        return raw
    changed = {name: getattr(part, name) for name in part.__struct_fields__ if getattr(part, name) != getattr(before, name)}
    return {**raw, "files": {**(raw.get("files") or {}), **changed}}


def _days(days: int) -> str:
    return "For a day at least" if days == 1 else f"For {days:,} days at least"


# Its versions

VERSION_COLUMNS = ("Version", "When", "Who", "What it did")
VERSION_WAYS = {"show": "Sh&ow…", "restore": "R&estore…"}


def version_line(one: Version, who: str, at: datetime) -> Line:
    whole = does(one.content)
    return Line(
        one.id,
        (
            Cell(f"{one.version}"),
            Cell(ago(one.made_at, at) or "—", hint=exactly(one.made_at)),
            Cell(who or "—", hint=who),
            Cell(whole, hint=whole),
        ),
    )


def version_actions(one: Version, before: Policy, *, is_changed: bool) -> list[Action]:
    """`is_changed`: the draft differs from what is kept."""
    why = "It came with the gateway, and stays as it is." if before.is_shipped else ""
    why = why or ("This is how it is now." if one.version == before.version else "")
    why = why or ("Save or leave your changes first." if is_changed else "")
    return [Action("show", VERSION_WAYS["show"]), Action("restore", VERSION_WAYS["restore"], why)]


def restore_question(one: Version, before: Policy) -> tuple[str, str]:
    name = one_line(before.name, 64)
    return (
        f"Make “{name}” again what it was in version {one.version}?",
        f"It becomes version {before.version + 1}; nothing of its history is lost. {does(one.content)}.",
    )


def standing(policy: Policy, assigned: list[Assignment], *, is_for_everyone: bool = False) -> str:
    """Version, whence, for whom: one line below its name. `is_for_everyone`: without an assignment, by the settings."""
    more = f" and {len(assigned) - WHOM_TOLD_MAX:,} more" if len(assigned) > WHOM_TOLD_MAX else ""
    told = [f"{one.subject.words}{' (on trial)' if one.is_shadow else ''}" for one in assigned[:WHOM_TOLD_MAX]]
    whom = ["everyone, by the settings"] if is_for_everyone else []
    whom += [", ".join(told) + more] if told else []
    whose = "came with the gateway" if policy.is_shipped else "your own"
    where = f"for {', '.join(whom)}" if whom else "assigned to nobody"
    return f"Version {policy.version} · {whose} · {where}"


def about_over(raw: Json, now: Json) -> Json:
    """What differs, over what stood there. A description's line breaks at its ends are no difference."""
    before = msgspec.convert(raw, Content)
    told = {name: getattr(before, name, raw.get(name, "")) for name in now}
    told |= {"title": before.title.strip(), "description": before.description.strip()}
    return {**raw, **{name: value for name, value in now.items() if value != told[name]}}


def custom_fate(custom: Custom, rules: list[Rule]) -> str:
    """What becomes of an expression's findings. Of rules that mean it, the most exact one holds; of equals the first."""
    best, exactness = None, 0
    for rule in rules:
        for named in rule.types:
            exact = _exactness(named, f"CUSTOM_{custom.name}")
            if exact > exactness:
                best, exactness = rule, exact
    if best is None:
        return f"No rule says what becomes of it, and without one the gateway takes no policy. Add one for CUSTOM_{custom.name}."
    return f"By the rules: {fate(best)}."


def _exactness(named: str, type_name: str) -> int:
    if named == type_name:
        return 1_000
    if named.endswith("*") and named != "*" and type_name.startswith(named[:-1]):
        return 100 + len(named)
    return {"CUSTOM": 2, "*": 1}.get(named, 0)
