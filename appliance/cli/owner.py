"""`gatehouse owner create`: the owner's account, for a machine without a screen."""

import sys

import click

from appliance.cli.control import machine
from appliance.cli.passwords import asked_password, password_option
from appliance.errors import Conflict, GatehouseError, InvalidField

TAKEN = "an account has this e-mail address already"  # a running server's refusal comes without its class


@click.group()
def owner() -> None:
    """Create the owner's account."""


@owner.command()
@click.option("--email", help="The address to sign in with.")
@click.option("--name", help="As others will see it.")
@password_option
def create(email: str | None, name: str | None, password_stdin: bool) -> None:
    """Make an account that may do everything.

    Whoever may read the home folder may do this, so it needs neither a setup code nor a sign-in.
    """
    email, name = _asked(email, name)
    password = asked_password(from_stdin=password_stdin)
    try:
        with machine() as appliance:
            account = appliance.create_owner(name, email, password)
    except GatehouseError as error:
        if error.message != TAKEN:
            raise
        # Who is at this machine can't sign in here: what they lack is the password.
        raise Conflict(TAKEN, param="email", fix=f"`gatehouse users reset-password {email}` sets its password.") from error
    click.echo(f"{account.email} is an {account.role} now ({account.id}).")


def _asked(email: str | None, name: str | None) -> tuple[str, str]:
    """Both, asked for where there is somebody to ask."""
    missing = [option for option, value in (("--email", email), ("--name", name)) if value is None]
    if missing and (sys.stdin is None or not sys.stdin.isatty()):
        raise InvalidField(
            f"gatehouse owner create needs {' and '.join(missing)}: there is no terminal to ask at",
            fix='gatehouse owner create --email YOU@EXAMPLE.ORG --name "YOUR NAME" --password-stdin',
        )
    return (
        click.prompt("E-mail") if email is None else email,
        click.prompt("Name") if name is None else name,
    )
