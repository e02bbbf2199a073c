"""What a person at the terminal needs once the appliance is ready: lines to paste, each of which works as it stands."""

import json
import secrets
import shlex
import sys
from typing import Any

import click

from appliance import __version__
from appliance.lan.addresses import is_loopback
from appliance.settings import Settings


async def welcome(appliance: Any, settings: Settings) -> None:
    """Print it. The development key and the suggested password are shown here and never again."""
    address = f"http://localhost:{settings.port}"
    click.echo(f"\nGatehouse {__version__} is ready at {address}   (documents: {address}/docs)\n")
    lan = not is_loopback(settings.host)
    if lan:
        click.echo(
            f"It listens on {settings.host} for other machines, without encryption: `gatehouse lan on` is the better way.\n"
        )
    if appliance.lan.is_on:
        await _say_lan(appliance)
    if not await appliance.identity.users.owner_exists():
        click.echo("Register the owner (change the name and e-mail; the password was made up for you just now):\n")
        click.echo(_register_line(address))
        if lan or appliance.lan.is_on:
            click.echo(f"From another machine, registering needs the setup code {appliance.identity.setup_code.value}\n")
    key = await appliance.identity.api_keys.first_run_key() if settings.first_run_key else None
    model = appliance.model_to_try()
    if model is None:
        click.echo("No model yet: `gatehouse models get` brings a small one, [[providers]] in gatehouse.toml a large one.\n")
    if key is not None:
        click.echo("Ask the model something, with a development key (shown once; this machine only; 7 days):\n")
    else:
        click.echo("Ask the model something, with a key of yours (`gatehouse keys create NAME` makes one):\n")
    click.echo(_chat_line(address, key or "YOUR_API_KEY", model or settings.local_model))
    click.echo("Ctrl-C stops the appliance.")
    sys.stdout.flush()


def _register_line(address: str) -> str:
    person = {"name": "Your Name", "email": "you@example.com", "password": secrets.token_urlsafe(12)}
    header = '-H "Content-Type: application/json"'
    return f"curl -X POST {address}/api/v1/admin/auth/register {header} -d {shlex.quote(json.dumps(person))}\n"


def _chat_line(address: str, key: str, model: str) -> str:
    chat = {"model": model, "messages": [{"role": "user", "content": "Hello!"}]}
    return f'curl {address}/v1/chat/completions -H "Authorization: Bearer {key}" -d {shlex.quote(json.dumps(chat))}\n'


async def _say_lan(appliance: Any) -> None:
    """Where others find it, and what stands in their way as far as is known already."""
    status = await appliance.lan.status(checked=False)
    click.echo(f"The local network reaches it at {', '.join(status.urls[:2])}; how: {', '.join(status.join_urls[:2])}\n")
    for problem in status.problems:
        click.echo(f"But: {problem.message}\n  Fix: {problem.fix}\n")
