"""`gatehouse service-accounts`: holders of keys that are no person, such as a wiki or a build server."""

import json
import sys
from typing import TYPE_CHECKING, Any

import click
import msgspec

from appliance.cli.control import machine
from appliance.cli.main import in_columns, printable, say_lines, terminal_width
from appliance.errors import Conflict, NotFound

if TYPE_CHECKING:
    from appliance.api.admin.service_accounts import ServiceAccountShown
    from appliance.cli.accounts import Accounts


@click.group("service-accounts")
def service_accounts() -> None:
    """Holders of keys that are no person, such as a wiki or a build server. Nobody signs in as one.

    \b
        gatehouse service-accounts add Wiki
        gatehouse keys create "Wiki in production" --service-account Wiki --environment production
        gatehouse service-accounts suspend Wiki
    """


@service_accounts.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_accounts(as_json: bool) -> None:
    """List service accounts, the newest first."""
    with machine() as appliance:
        found = appliance.service_accounts.all()
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(found), indent=2, ensure_ascii=False))
    elif not found:
        click.echo("There are no service accounts. `gatehouse service-accounts add NAME` makes one.")
    elif sys.stdout.isatty():
        for line in in_columns([("ID", "STATE", "KEYS", "NAME"), *map(_row, found)], terminal_width()):
            click.echo(line)
    else:
        say_lines([_row(one) for one in found])


@service_accounts.command(short_help="Make a service account.")
@click.argument("name")
@click.option("--department", "department_id", metavar="ID", help="The department (dpt_…) that it is part of.")
@click.option("--team", "team_id", metavar="ID", help="The team (team_…) that it is part of, with its department.")
def add(name: str, department_id: str | None, team_id: str | None) -> None:
    """Make a service account called NAME, in the appliance's own organisation. It has no key yet.

    \b
        gatehouse service-accounts add "Build server"
        gatehouse keys create CI --service-account "Build server"
    """
    with machine() as appliance:
        made = appliance.service_accounts.create({"name": name, "department_id": department_id, "team_id": team_id})
    click.echo(f"{printable(made.name)} is there now ({made.id}).")
    click.echo(f"A key for it: gatehouse keys create NAME --service-account {made.id}", err=True)


@service_accounts.command(short_help="Call a service account otherwise.")
@click.argument("account", metavar="NAME")
@click.argument("new_name")
def rename(account: str, new_name: str) -> None:
    """Call the service account NAME (or its id) otherwise. Its keys go on working.

    \b
        gatehouse service-accounts rename Wiki Handbook
    """
    _change(account, {"name": new_name}, "is what it is called now")


@service_accounts.command(short_help="Stop every key of a service account, at once.")
@click.argument("account", metavar="NAME")
def suspend(account: str) -> None:
    """Stop every key of the service account NAME (or its id), with the next request, until it is resumed.

    \b
        gatehouse service-accounts suspend Wiki
    """
    _change(account, {"suspended": True}, "is suspended: its keys have stopped")


@service_accounts.command(short_help="Let a suspended service account in again.")
@click.argument("account", metavar="NAME")
def resume(account: str) -> None:
    """Let the keys of a suspended service account work again.

    \b
        gatehouse service-accounts resume Wiki
    """
    _change(account, {"suspended": False}, "may use the appliance again")


@service_accounts.command(short_help="Delete a service account, with its keys.")
@click.argument("account", metavar="NAME")
@click.confirmation_option(prompt="Delete it, with its keys?")
def delete(account: str) -> None:
    """Delete the service account NAME (or its id) and its keys, for good. What they used stays in the ledger.

    \b
        gatehouse service-accounts delete Wiki --yes
    """
    with machine() as appliance:
        found = account_named(appliance.service_accounts, account)
        appliance.service_accounts.delete(found.id)
    click.echo(f"{printable(found.name)} is deleted, and {found.keys:,} key{'' if found.keys == 1 else 's'} with it.")


def account_named(accounts: "Accounts", named: str) -> "ServiceAccountShown":
    """The service account with this id or name. Errors: NotFound; Conflict where several organisations have one of this name."""
    listed = accounts.all()
    found = [one for one in listed if one.id == named] or [one for one in listed if one.name == named.strip()]
    if not found:
        raise NotFound("there is no such service account", fix="`gatehouse service-accounts list` shows them.")
    if len(found) > 1:
        raise Conflict("several organisations have a service account of this name", fix="Give its id (sa_…).")
    return found[0]


def _change(account: str, change: dict[str, Any], outcome: str) -> None:
    with machine() as appliance:
        found = account_named(appliance.service_accounts, account)
        changed = appliance.service_accounts.change(found.id, change)
    click.echo(f"{printable(changed.name)} {outcome}.")


def _row(one: "ServiceAccountShown") -> tuple[str, ...]:
    return (one.id, "active" if one.suspended_at is None else "suspended", str(one.keys), one.name)
