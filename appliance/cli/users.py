"""`gatehouse users`: accounts, and help for people who can't sign in."""

import click

from appliance.cli import people
from appliance.cli.control import machine
from appliance.cli.invitations import invite
from appliance.cli.passwords import asked_password, password_option


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
        account = appliance.reset_password(email, password, drop_second_factor=drop_second_factor)
    click.echo(f"{account.email} has a new password; every earlier sign-in has ended.")
    if drop_second_factor:
        click.echo("Signing in asks for the password alone; a new second factor can be begun then.")


users.add_command(invite)
