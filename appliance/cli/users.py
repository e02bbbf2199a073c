"""`gatehouse users`: accounts, and help for people who can't sign in."""

import json
import sys

import click
import msgspec

from appliance.cli import people
from appliance.cli.control import machine
from appliance.cli.invitations import invite
from appliance.cli.main import in_columns, say_lines, terminal_width
from appliance.cli.passwords import asked_password, password_option
from appliance.cli.sign_ins import ListedSession


@click.group()
def users() -> None:
    """Accounts: list, add, change, import; and help for who can't sign in."""


for command in people.COMMANDS:
    users.add_command(command)


@users.command("reset-password", short_help="Set a new password for an account.")
@click.argument("email")
@click.option("--drop-second-factor", is_flag=True, help="For who has lost both phone and recovery codes.")
@password_option
def reset_password(email: str, drop_second_factor: bool, password_stdin: bool) -> None:
    """Set a new password for the account with this e-mail address. Every sign-in of theirs ends."""
    password = asked_password(from_stdin=password_stdin)
    with machine() as appliance:
        done = appliance.sign_ins.reset_password(email, password, drop_second_factor=drop_second_factor)
    click.echo(f"{done.user.email} has a new password. {_ended(done.sessions_ended)}")
    if done.second_factor == "dropped":
        click.echo("The second factor and its recovery codes are gone: signing in asks for the password alone.")
    elif done.second_factor == "kept":
        click.echo("Signing in still asks for the second factor; --drop-second-factor ends that.")
    elif drop_second_factor:
        click.echo("There was no second factor: signing in asks for the password alone.")


@users.command("sessions", short_help="List where somebody is signed in.")
@click.argument("email")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_sessions(email: str, as_json: bool) -> None:
    """List where the account with this e-mail address is signed in, the last seen first."""
    with machine() as appliance:
        found = appliance.sign_ins.sessions(email)
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(found), indent=2, ensure_ascii=False))
    elif not found:
        click.echo(f"{email} isn't signed in anywhere.")
    elif sys.stdout.isatty():
        for line in in_columns([("LAST SEEN", "SINCE", "BY", "FROM", "PROGRAM"), *map(_row, found)], terminal_width()):
            click.echo(line)
    else:
        say_lines([_row(one) for one in found])


@users.command("sign-out", short_help="End every sign-in of somebody.")
@click.argument("email")
def sign_out(email: str) -> None:
    """End every sign-in of the account with this e-mail address, at once. Its API keys go on working."""
    with machine() as appliance:
        ended = appliance.sign_ins.sign_out(email)
    click.echo(_ended(ended))


def _ended(count: int) -> str:
    return {0: "Nobody was signed in.", 1: "One sign-in has ended."}.get(count, f"{count} sign-ins have ended.")


def _row(one: ListedSession) -> tuple[str, ...]:
    return (one.last_seen_at, one.created_at, one.method, one.address, one.agent)


users.add_command(invite)
