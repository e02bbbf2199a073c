"""Commands of `gatehouse users` for who looks after people: list, add, change, import."""

import csv
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from appliance.cli.control import machine
from appliance.cli.main import in_columns, say_lines, terminal_width
from appliance.cli.passwords import asked_password, password_option
from appliance.cli.tenants import tenant_id
from appliance.errors import InvalidField

if TYPE_CHECKING:
    from appliance.api.admin.users import PersonShown

ROLES = ("owner", "admin", "billing", "auditor", "developer", "member")
COLUMNS = ("name", "email", "role", "department", "team")
FILE_CHARACTERS_MAX = 8 * 1024 * 1024

_tenant = click.option("--tenant", metavar="NAME", help="Of which organisation; left out: the appliance's own.")


@click.command("list")
@click.option("--role", type=click.Choice(ROLES), help="Only those of this role.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_users(role: str | None, as_json: bool) -> None:
    """List accounts."""
    with machine() as appliance:
        found = appliance.organisation.users(role)
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(found), indent=2, ensure_ascii=False))
    elif not found:
        click.echo("There is no account. The first to register becomes the owner; or: gatehouse owner create")
    elif sys.stdout.isatty():
        for line in in_columns([("ROLE", "STATE", "TENANT", "E-MAIL", "NAME"), *map(_row, found)], terminal_width()):
            click.echo(line)
    else:
        say_lines([_row(one) for one in found])


@click.command()
@click.argument("email")
@click.option("--name", help="As others will see it; left out: the address.")
@click.option("--role", type=click.Choice(ROLES), default="member", show_default=True, help="What they may do.")
@_tenant
@password_option
def add(email: str, name: str | None, role: str, tenant: str | None, password_stdin: bool) -> None:
    """Make an account for EMAIL, with a password. (Without one: gatehouse users invite EMAIL.)"""
    password = asked_password(from_stdin=password_stdin)
    wanted: dict[str, Any] = {"email": email, "name": name or email, "role": role, "password": password}
    with machine() as appliance:
        if tenant is not None:
            wanted["tenant_id"] = tenant_id(appliance.organisation, tenant)
        made = appliance.organisation.create_user(wanted)
    click.echo(f"{made.email} has an account now: {made.role} ({made.id}).")


@click.command("set-role")
@click.argument("email")
@click.argument("role", type=click.Choice(ROLES))
def set_role(email: str, role: str) -> None:
    """Change what the account with this e-mail address may do."""
    _change(email, {"role": role}, f"is {role} now")


@click.command(short_help="Keep somebody out, at once.")
@click.argument("email")
def suspend(email: str) -> None:
    """Keep somebody out: they don't sign in, and their keys stop at once."""
    _change(email, {"suspended": True}, "is suspended: no sign-in, and every key of theirs has stopped")


@click.command()
@click.argument("email")
def resume(email: str) -> None:
    """Let somebody in again who was suspended."""
    _change(email, {"suspended": False}, "may use the appliance again")


@click.command()
@click.argument("email")
@click.option("--forget", is_flag=True, help="Keep no name: what they used stays under an id alone.")
@click.confirmation_option(prompt="Delete the account, with its keys?")
def delete(email: str, forget: bool) -> None:
    """Delete an account and its keys. What the ledger says of them stays."""
    with machine() as appliance:
        appliance.organisation.delete_user(email, forget=forget)
    click.echo(f"{email} is deleted.")


@click.command("import", short_help="Make an account for every line of a CSV file.")
@click.argument("file", metavar="FILE.csv")
@click.option("--dry-run", is_flag=True, help="Say what would become of it, and change nothing.")
@click.option("--invite", is_flag=True, help="Print a link for each, with which they set their password.")
@_tenant
def import_users(file: str, dry_run: bool, invite: bool, tenant: str | None) -> None:
    """Make an account for every line of a CSV file, whole or not at all.

    Its first line names the columns: name, email, and if wanted role, department, team. Departments and teams are made where they
    are missing; who has an account already is left alone. `-` reads from standard input.
    """
    wanted: dict[str, Any] = {"users": _rows(_text(file)), "invite": invite}
    with machine() as appliance:
        if tenant is not None:
            wanted["tenant_id"] = tenant_id(appliance.organisation, tenant)
        told = appliance.organisation.import_users(wanted, dry_run=dry_run)
    verb = "would be made" if told.dry_run else "made"
    units = [f"department {name}" for name in told.departments_created] + [f"team {name}" for name in told.teams_created]
    for line in units:
        click.echo(f"{line}: {verb}", err=True)
    click.echo(f"{len(told.created):,} accounts {verb}; {told.unchanged:,} are there already.", err=True)
    for one in told.links:
        click.echo(f"{one.email}\t{one.link}")


COMMANDS = (list_users, add, set_role, suspend, resume, delete, import_users)


def _change(email: str, change: dict[str, Any], outcome: str) -> None:
    with machine() as appliance:
        changed = appliance.organisation.change_user(email, change)
    click.echo(f"{changed.email} {outcome}.")


def _text(file: str) -> str:
    """Errors: OSError; InvalidField."""
    if file == "-":
        text = sys.stdin.read(FILE_CHARACTERS_MAX + 1)
    else:
        try:
            with Path(file).open(encoding="utf-8-sig", newline="") as opened:  # Excel writes a byte order mark
                text = opened.read(FILE_CHARACTERS_MAX + 1)
        except UnicodeDecodeError:
            raise InvalidField("the file is not UTF-8", fix="Save it as CSV UTF-8.") from None
    if len(text) > FILE_CHARACTERS_MAX:
        raise InvalidField("the file is too long", fix="Split it up: who is there already is left alone.")
    return text


def _rows(text: str) -> list[dict[str, Any]]:
    """The lines by column; empty cells are left out. Errors: InvalidField."""
    first = text.partition("\n")[0]
    reader = csv.DictReader(text.splitlines(), delimiter=";" if first.count(";") > first.count(",") else ",", strict=True)
    try:
        found = [name.strip().lower() for name in reader.fieldnames or ()]
        unknown = sorted(set(found) - set(COLUMNS))
        if unknown or not {"name", "email"} <= set(found):
            raise InvalidField(
                f"the first line names the columns {', '.join(found) or 'not at all'}",
                fix=f"It has to name some of: {', '.join(COLUMNS)}.",
            )
        reader.fieldnames = found
        rows = []
        for number, row in enumerate(reader, start=2):
            if None in row or None in row.values():
                raise InvalidField(
                    f"line {number} has another number of cells than the first", fix="Quote cells that hold commas."
                )
            rows.append({name: value.strip() for name, value in row.items() if value.strip() or name in ("name", "email")})
    except csv.Error as error:
        raise InvalidField(f"this is no CSV: {error}", fix="Save it as CSV UTF-8.") from None
    return rows


def _row(one: "PersonShown") -> tuple[str, ...]:
    return (one.role, "active" if one.suspended_at is None else "suspended", one.tenant_id, one.email, one.name)
