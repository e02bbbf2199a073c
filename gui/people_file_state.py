"""A file of people, without Qt: its lines as the gateway takes them, and what would become of them in words."""

import csv
from typing import Any

import msgspec

from gui.plain_text import one_line

COLUMNS = ("name", "email", "role", "department", "team")
REQUIRED = ("name", "email")
LINES_MAX = 10_000
BYTES_MAX = 8 * 1024 * 1024
TOLD_MAX = 6
FORM = "name,email,role,department,team"


class UnreadableFile(ValueError):
    """The message says what is wrong, and where."""


class Imported(msgspec.Struct, frozen=True):
    """What the gateway says would be, or was, made."""

    created: list[str] = []
    unchanged: int = 0
    departments_created: list[str] = []
    teams_created: list[str] = []
    links: list[dict[str, str]] = []
    dry_run: bool = False


def read(data: bytes) -> list[dict[str, str]]:
    """The people of a CSV file: a line of column names, then a line each. Errors: UnreadableFile."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnreadableFile("It isn't UTF-8. Save it as “CSV UTF-8” and choose it again.") from None
    people: list[dict[str, str]] = []
    first = text.partition("\n")[0]
    reader = csv.DictReader(text.splitlines(), delimiter=";" if first.count(";") > first.count(",") else ",", strict=True)
    try:
        names = [(name or "").strip().casefold() for name in reader.fieldnames or ()]
        unknown = [name for name in names if name not in COLUMNS]
        missing = [name for name in REQUIRED if name not in names]
        if unknown or missing:
            raise UnreadableFile(f"Its first line must name the columns, such as {FORM}.")
        reader.fieldnames = names
        for row in reader:
            people.append(_person(row, len(people) + 2))
    except csv.Error as error:
        raise UnreadableFile(f"Line {len(people) + 2}: {error}.") from None
    return people


def _person(row: dict[str | None, Any], number: int) -> dict[str, str]:
    if number > LINES_MAX + 1:
        raise UnreadableFile(f"It has more than {LINES_MAX:,} people. Give them in several files.")
    if None in row:
        raise UnreadableFile(f"Line {number} has more columns than the first one.")
    return {str(name): (value or "").strip() for name, value in row.items() if (value or "").strip()}


def imported_of(body: Any) -> Imported | None:
    try:
        return msgspec.convert(body, Imported)
    except msgspec.ValidationError:
        return None


def question(told: Imported) -> str:
    """What would be made, one sentence."""
    parts = [_count(len(told.created), "account", "accounts")]
    parts += [_named(told.departments_created, "department"), _named(told.teams_created, "team")]
    would = "Makes " + ", ".join(part for part in parts if part) + "." if told.created else "Makes no account."
    left = {0: "", 1: " 1 person has an account already and is left alone."}.get(
        told.unchanged, f" {told.unchanged:,} people have an account already and are left alone."
    )
    return would + left


def done_words(told: Imported) -> str:
    return f"{_count(len(told.created), 'account is', 'accounts are')} made." if told.created else "Nothing was to be made."


def links_text(told: Imported) -> str:
    """The links as a table of two columns, for a file or a mail merge."""
    return "email,link\n" + "".join(f"{one['email']},{one['link']}\n" for one in told.links)


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def _named(names: list[str], what: str) -> str:
    if not names:
        return ""
    told = ", ".join(one_line(name, 60) for name in names[:TOLD_MAX])
    more = f" and {len(names) - TOLD_MAX} more" if len(names) > TOLD_MAX else ""
    return f"the {what}{'s' if len(names) > 1 else ''} {told}{more}"
