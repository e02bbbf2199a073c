"""`gatehouse users invite`: a link for a colleague, made on the appliance's own machine."""

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

import click
import msgspec

from appliance.cli.rooms import Rooms

if TYPE_CHECKING:
    from appliance.cli.control import Machine

ROLES = ("owner", "admin", "billing", "auditor", "developer", "member")
HOURS_DEFAULT = 72
HOURS_MAX = 720
lan_option = click.option("--lan", is_flag=True, help="Open the appliance to the local network first, if it isn't open yet.")


class InvitationOrder(msgspec.Struct):
    """Who is to come, and as what; as `POST /api/v1/admin/invitations` takes it."""

    email: str
    name: str | None = None
    role: str = "member"
    tenant_id: str | None = None
    department_id: str | None = None
    team_id: str | None = None
    expires_in_hours: int = HOURS_DEFAULT


class MadeInvitation(msgspec.Struct):
    """`link` is shown this once."""

    link: str
    expires_at: str


@click.command(short_help="Make a link with which a colleague joins.")
@click.argument("email")
@click.option("--name", help="Their name, as the form suggests it.")
@click.option("--role", type=click.Choice(ROLES), default="member", show_default=True)
@click.option("--team", "team_id", metavar="ID", help="The team (team_…) that they join.")
@click.option("--department", "department_id", metavar="ID", help="The department (dpt_…) that they join.")
@click.option("--tenant", "tenant_id", metavar="ID", help="The organisation (tenant_…); left out: the appliance's own.")
@click.option("--hours", type=click.IntRange(1, HOURS_MAX), default=HOURS_DEFAULT, show_default=True, help="Until it expires.")
@lan_option
def invite(
    email: str,
    name: str | None,
    role: str,
    team_id: str | None,
    department_id: str | None,
    tenant_id: str | None,
    hours: int,
    lan: bool,
) -> None:
    """Make a link with which the colleague with this e-mail address joins: they choose a password, and get an API key.

    It works once. The link alone goes to stdout, so that a script can take it.
    """
    from appliance.cli.control import machine

    order = InvitationOrder(email, name, role, tenant_id, department_id, team_id, hours)
    with machine() as appliance:
        if lan:
            open_lan(appliance)
        made = appliance.invite(order)
    say_link(email, made)


def open_lan(appliance: "Machine") -> None:
    """Where it isn't open yet: what a link leads to is to be reached by whoever gets it."""
    if appliance.lan().on:
        return
    click.echo("Opening the appliance to the local network …", err=True)
    for problem in appliance.lan_on(new_ca=False).problems:
        click.echo(f"But: {problem.message}\n  Fix: {problem.fix}", err=True)


def say_link(email: str, made: MadeInvitation) -> None:
    """The link alone goes to stdout."""
    click.echo(f"Send this link to {email}. It works once, until {made.expires_at}, and is shown this once:", err=True)
    click.echo(made.link)


def asked(ask: Callable[[str, str, Any], Any], order: InvitationOrder) -> MadeInvitation:
    """Of the running server."""
    answer = ask("POST", "invitations", msgspec.to_builtins(order))
    return MadeInvitation(answer["link"], answer["invitation"]["expires_at"])


def made_here(order: InvitationOrder) -> Callable[[Rooms], Coroutine[Any, Any, MadeInvitation]]:
    """In the database itself, while no server runs."""

    async def change(rooms: Rooms) -> MadeInvitation:
        from appliance.api.admin.invitations import invitation_created
        from appliance.identity.invitation_places import InvitationWanted

        wanted = msgspec.convert(msgspec.to_builtins(order), InvitationWanted)
        new = await rooms.people.invitations.create(rooms.caller, wanted)
        made = invitation_created(new, base_url_here(rooms))
        return MadeInvitation(made.link, made.invitation.expires_at)

    return change


def base_url_here(rooms: Rooms) -> str:
    """Where links lead while no server runs."""
    settings = rooms.stored.settings
    urls = [*(rooms.lan.urls() if settings.lan else []), f"http://localhost:{settings.port}/v1"]
    return urls[0].removesuffix("/v1")
