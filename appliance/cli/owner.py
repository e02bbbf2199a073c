"""`gatehouse owner create`: the owner's account, for a machine without a screen."""

import click

from appliance.cli.control import machine
from appliance.cli.passwords import asked_password, password_option


@click.group()
def owner() -> None:
    """Create the owner's account."""


@owner.command()
@click.option("--email", prompt="E-mail", help="The address to sign in with.")
@click.option("--name", prompt="Name", help="As others will see it.")
@password_option
def create(email: str, name: str, password_stdin: bool) -> None:
    """Make an account that may do everything.

    Whoever may read the home folder may do this, so it needs neither a setup code nor a sign-in.
    """
    password = asked_password(from_stdin=password_stdin)
    with machine() as appliance:
        account = appliance.create_owner(name, email, password)
    click.echo(f"{account.email} is an {account.role} now ({account.id}).")
