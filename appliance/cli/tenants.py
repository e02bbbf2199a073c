"""`gatehouse tenants`: organisations that share this appliance."""

import json
import sys
from typing import TYPE_CHECKING

import click
import msgspec

from appliance.cli.control import machine
from appliance.cli.invitations import HOURS_MAX, MadeInvitation, lan_option, open_lan, say_link
from appliance.cli.main import in_columns, printable, say_lines, terminal_width
from appliance.errors import NotFound

if TYPE_CHECKING:
    from appliance.api.admin.tenants import TenantShown
    from appliance.cli.organisation import Organisation

DAYS_MAX = HOURS_MAX // 24


@click.group()
def tenants() -> None:
    """Organisations that share this appliance. There is one from the beginning; most need no second."""


@tenants.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_tenants(as_json: bool) -> None:
    """List organisations."""
    with machine() as appliance:
        found = appliance.organisation.tenants()
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(found), indent=2, ensure_ascii=False))
    elif sys.stdout.isatty():
        for line in in_columns([("ID", "STATE", "USERS", "NAME"), *map(_row, found)], terminal_width()):
            click.echo(line)
    else:
        say_lines([_row(one) for one in found])


@tenants.command(short_help="Make an organisation, and a link for its first owner.")
@click.argument("name")
@click.option("--owner", "email", metavar="EMAIL", required=True, help="The address of its first owner.")
@click.option("--owner-name", metavar="TEXT", help="Their name, as the form suggests it.")
@click.option("--days", type=click.IntRange(1, DAYS_MAX), default=3, show_default=True, help="Until the link expires.")
@lan_option
def add(name: str, email: str, owner_name: str | None, days: int, lan: bool) -> None:
    """Make an organisation called NAME, and a link with which its first owner joins: both, or neither.

    The link works once, and alone goes to stdout, so that a script can take it.

    \b
        gatehouse tenants add Guests --owner ada@guests.example --days 7 --lan
    """
    with machine() as appliance:
        if lan:
            open_lan(appliance)
        made = appliance.organisation.begin_tenant(name, {"email": email, "name": owner_name, "expires_in_hours": days * 24})
    assert made.invitation is not None
    click.echo(f"{printable(made.name)} is there now ({made.id}).", err=True)
    say_link(email, MadeInvitation(made.invitation.link, made.invitation.invitation.expires_at))


@tenants.command(short_help="Make an organisation that nobody is in yet.")
@click.argument("name")
def create(name: str) -> None:
    """Make an organisation called NAME that nobody is in yet. (With its first owner: gatehouse tenants add.)

    Its first owner is made with `gatehouse users add EMAIL --role owner --tenant NAME`.
    """
    with machine() as appliance:
        made = appliance.organisation.create_tenant(name)
    click.echo(
        f"{made.name} is there now ({made.id}). Its first owner: gatehouse users add EMAIL --role owner --tenant {made.id}"
    )


@tenants.command()
@click.argument("name")
@click.argument("new_name")
def rename(name: str, new_name: str) -> None:
    """Call the organisation NAME otherwise."""
    with machine() as appliance:
        changed = appliance.organisation.change_tenant(tenant_id(appliance.organisation, name), {"name": new_name})
    click.echo(f"It is called {changed.name} now.")


@tenants.command()
@click.argument("name")
def suspend(name: str) -> None:
    """Stop an organisation's sign-ins and keys at once."""
    with machine() as appliance:
        changed = appliance.organisation.change_tenant(tenant_id(appliance.organisation, name), {"suspended": True})
    click.echo(f"{changed.name} is suspended: nobody of it signs in, and its keys have stopped.")


@tenants.command()
@click.argument("name")
def resume(name: str) -> None:
    """Let a suspended organisation in again."""
    with machine() as appliance:
        changed = appliance.organisation.change_tenant(tenant_id(appliance.organisation, name), {"suspended": False})
    click.echo(f"{changed.name} may use the appliance again.")


@tenants.command()
@click.argument("name")
@click.option("--forget", is_flag=True, help="Keep no names: what it used stays under ids alone.")
@click.confirmation_option(prompt="Delete it, with everybody and every key in it?")
def delete(name: str, forget: bool) -> None:
    """Delete a suspended organisation. What the ledger says of it stays."""
    with machine() as appliance:
        appliance.organisation.delete_tenant(tenant_id(appliance.organisation, name), forget=forget)
    click.echo(f"{name} is deleted.")


def tenant_id(organisation: "Organisation", name: str) -> str:
    """The id of the organisation with this name or id. Errors: NotFound."""
    found = organisation.tenants()
    for one in found:
        if one.id == name:
            return one.id
    for one in found:
        if one.name.casefold() == name.casefold():
            return one.id
    raise NotFound("there is no such tenant", fix="`gatehouse tenants list` shows them.")


def _row(one: "TenantShown") -> tuple[str, ...]:
    return (one.id, "active" if one.suspended_at is None else "suspended", str(one.users), one.name)
