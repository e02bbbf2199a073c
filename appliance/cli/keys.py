"""`gatehouse keys`: make, list and revoke API keys on the appliance's own machine."""

import json
import sys
import textwrap
import time

import click
import msgspec

from appliance.cli.control import machine
from appliance.cli.main import in_columns, printable, say_lines, terminal_width
from appliance.cli.service_accounts import account_named
from appliance.cli.views import KeyOrder, KeysWanted, ListedKey
from appliance.clock import rfc3339
from appliance.errors import InvalidField

ENVIRONMENTS = ("production", "staging", "development", "test")
STATES = ("active", "revoked", "expired")
MODELS_TOLD = 10
SCOPES_HELP = "What it may do; left out: all but metrics and file_values."
SCOPES = ("chat", "embeddings", "models", "files", "metrics", "file_values")
DAYS_MAX = 3650
_DAY_MS = 86_400_000


@click.group()
def keys() -> None:
    """Make, list and revoke API keys."""


@keys.command()
@click.argument("name")
@click.option("--environment", type=click.Choice(ENVIRONMENTS), default="development", show_default=True)
@click.option("--days", type=click.IntRange(1, DAYS_MAX), help="Days until it expires; left out: never.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(SCOPES),
    help="What it may do; left out: all but metrics and file_values.",
)
@click.option("--email", help="The user it is for; left out: a service that belongs to nobody.")
@click.option("--service-account", help="The service account it is for, by name or id.")
@click.option("--model", "models", multiple=True, help="A model or route that it may ask for, such as openai/*; left out: all.")
def create(name: str, days: int | None, scopes: tuple[str, ...], models: tuple[str, ...], **who: str | None) -> None:
    """Make a key called NAME. The key alone goes to stdout, so that a script can take it."""
    expires_at = None if days is None else time.time_ns() // 1_000_000 + days * _DAY_MS
    order = KeyOrder(
        name=name,
        environment=who["environment"] or "development",
        expires_at=expires_at,
        scopes=list(scopes),
        email=who["email"],
        service_account_id=who["service_account"],
        models=list(models) or None,
    )
    with machine() as appliance:
        made = appliance.create_key(order)
    until = "does not expire" if made.expires_at is None else f"expires {made.expires_at}"
    click.echo(f"{made.id} works from now on and {until}. It is shown this once:", err=True)
    click.echo(made.key)


@keys.command("list", short_help="List keys: whose they are, and their use.")
@click.option("--state", type=click.Choice(STATES), help="Only those that are in this state.")
@click.option("--user", "email", metavar="EMAIL", help="Only those of the user with this e-mail address.")
@click.option("--service-account", "account", metavar="NAME", help="Only those of this service account, by name or id.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_keys(state: str | None, email: str | None, account: str | None, as_json: bool) -> None:
    """List keys, the newest first: whose they are, what they may ask for, and how much they are used.

    \b
        gatehouse keys list --state active --user asha@example.com
        gatehouse keys list --service-account Wiki --json
    """
    if email is not None and account is not None:
        raise click.UsageError("A key is a user's or a service account's: give --user or --service-account.")
    wanted = KeysWanted(state=state)
    with machine() as appliance:
        if email is not None:
            wanted.user_id = appliance.organisation.user_id(email)
        if account is not None:
            wanted.service_account_id = account_named(appliance.service_accounts, account).id
        found = appliance.keys(wanted)
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(found), indent=2, ensure_ascii=False))
        return
    if not found:
        none = "There are no such API keys." if wanted.given() else "There are no API keys yet."
        click.echo(f"{none} `gatehouse keys create NAME` makes one.")
        return
    now = rfc3339(time.time_ns() // 1_000_000)
    if not sys.stdout.isatty():
        say_lines([_row(key, now) for key in found])
        return
    for line in lines_for_people(found, now, terminal_width()):
        click.echo(line)


@keys.command()
@click.argument("key_id", metavar="ID")
@click.option("--grace-hours", type=click.IntRange(0, 720), default=24, show_default=True, help="How long the old value works.")
def rotate(key_id: str, grace_hours: int) -> None:
    """Give the key ID (key_…) a new value. It alone goes to stdout; the old one works until the grace ends."""
    with machine() as appliance:
        made = appliance.rotate_key(key_id, grace_hours * 3600)
    click.echo(f"{made.id} has a new value; the old one works for {grace_hours} hours. It is shown this once:", err=True)
    click.echo(made.key)


@keys.command(short_help="Revoke keys by their ids, or one by its value.")
@click.argument("key_ids", nargs=-1, metavar="ID...")
@click.option("--value", is_flag=True, help="Ask for a leaked key itself (or read it from stdin), and revoke that.")
def revoke(key_ids: tuple[str, ...], value: bool) -> None:
    """Revoke keys by their ids (key_…), or one by its value. They stop working with the next request, for good."""
    if any(key_id.startswith("gh-") for key_id in key_ids):
        raise InvalidField("give the id (key_…), not the key", param="key_id", fix="`gatehouse keys list` shows the ids.")
    if bool(key_ids) == value:
        raise click.UsageError("Give ids, or --value alone.")
    leaked = _asked_value() if value else ""
    with machine() as appliance:
        if value:
            click.echo(f"{appliance.revoke_value(leaked)}: this value works no more.")
        for key_id in key_ids:
            appliance.revoke_key(key_id)
            click.echo(f"{key_id} is revoked.")


def _asked_value() -> str:
    """Never an argument: those stand in the shell's history and in the list of processes."""
    return str(click.prompt("Key", hide_input=True)).strip() if sys.stdin.isatty() else sys.stdin.readline().strip()


def lines_for_people(found: list[ListedKey], now: str, width: int) -> list[str]:
    """A key's first line says what to call it by; further ones what it may do, whose it is, and how much it is used."""
    rows = [("ID", "PREFIX", "STATE", "NAME"), *((key.id, key.key_prefix, _state(key, now), key.name) for key in found)]
    heading, *lines = in_columns(rows, width)
    told = [heading]
    for key, line in zip(found, lines, strict=True):
        told.append(line)
        for detail in (
            f"{key.environment}, made {key.created_at[:10]}; may use: {_scopes(key)}; {_where(key)}",
            f"{_whose(key)}; models: {_models(key)}",
            _used(key),
        ):
            told += textwrap.wrap(printable(detail), width, initial_indent="    ", subsequent_indent="      ")
    return told


def _row(key: ListedKey, now: str) -> tuple[str, ...]:
    created = key.created_at[:10]
    rate = "" if key.success_rate is None else f"{key.success_rate:.4f}"
    use = (key.last_used_at or "", str(key.requests), rate)
    models = "all" if key.models is None else ", ".join(key.models)
    first = (key.id, key.key_prefix, key.environment, _state(key, now), created, _scopes(key), _where(key), key.name)
    return (*first, _whose(key), models, *use)  # what came later stands last: scripts count columns


def _whose(key: ListedKey) -> str:
    if key.holder is None:
        return "nobody's in particular"
    return f"of the service account {key.holder}" if key.service_account_id is not None else f"of {key.holder}"


def _models(key: ListedKey) -> str:
    if key.models is None:
        return "all"
    more = f" and {len(key.models) - MODELS_TOLD} more" if len(key.models) > MODELS_TOLD else ""
    return ", ".join(key.models[:MODELS_TOLD]) + more


def _used(key: ListedKey) -> str:
    """Rounded down: 99.99 % is not all of them."""
    if key.last_used_at is None or key.success_rate is None:
        return "never used"
    requests = f"{key.requests:,} request{'' if key.requests == 1 else 's'}"
    return f"last used {key.last_used_at[:16].replace('T', ' ')} UTC; {requests}, {int(key.success_rate * 1000) / 10} % answered"


def _scopes(key: ListedKey) -> str:
    return ", ".join(key.scopes) or "all but metrics"


def _where(key: ListedKey) -> str:
    return "this machine only" if key.loopback_only else "from anywhere"


def _state(key: ListedKey, now: str) -> str:
    """RFC 3339 in UTC sorts as time does."""
    if key.revoked_at is not None:
        return "revoked"
    if key.expires_at is None:
        return "works"
    return f"until {key.expires_at[:10]}" if key.expires_at > now else "expired"
