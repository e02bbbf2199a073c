"""`gatehouse lan`: open the appliance to the local network, close it, and look at how it stands."""

import json
import sys

import click
import msgspec

from appliance.cli.control import machine
from appliance.cli.views import LanView
from appliance.lan import lines


@click.group()
def lan() -> None:
    """Open the appliance to the local network, over HTTPS."""


@lan.command(short_help="Open it: HTTPS with a certificate authority of its own.")
@click.option("--new-ca", is_flag=True, help="Make another certificate authority; colleagues then have to trust that one.")
def on(new_ca: bool) -> int:
    """Open the appliance to the local network, now and at every start.

    Makes a certificate authority (once) and a certificate for every address and name of this machine, opens HTTPS on port
    8443, checks that it answers there, and prints what colleagues need. Asked again, it looks at everything again.
    """
    with machine() as appliance:
        view = appliance.lan_on(new_ca=new_ca)
    _say(view)
    return 1 if view.reachable is False else 0


@lan.command(short_help="Close it.")
def off() -> None:
    """Close the appliance to the local network. The certificate authority is kept for the next time."""
    with machine() as appliance:
        appliance.lan_off()
    click.echo("Closed. The appliance answers this machine only.")


@lan.command(short_help="Say whether others can reach it, and how.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def status(as_json: bool) -> int:
    """Say whether others can reach the appliance, and how. Exits 1 where it is on and something is in the way."""
    with machine() as appliance:
        view = appliance.lan()
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(view), indent=2, ensure_ascii=False))
    elif view.on:
        _say(view)
    else:
        click.echo("The local network is closed: the appliance answers this machine only. `gatehouse lan on` opens it.")
    return 1 if view.problems or view.reachable is False else 0


def _say(view: LanView) -> None:
    """For a person: what is open, what is in the way, and the lines to hand on."""
    if view.reachable is None:
        click.echo("The local network is open from the next start of the appliance on (`gatehouse serve`).")
    elif view.reachable:
        click.echo("The local network is open. The appliance answered itself over verified TLS at every address:")
    else:
        click.echo("The local network is open, but the appliance can't be reached as it should:")
    for url in view.urls:
        click.echo(f"  {url}")
    for problem in view.problems:
        mark = click.style("But:", fg="yellow", bold=True) if sys.stdout.isatty() else "But:"
        click.echo(f"\n{mark} {problem.message}\n  Fix: {problem.fix}")
    click.echo(
        f"\nFingerprint (SHA-256) of the certificate authority; read it to colleagues, who compare it:\n  {view.fingerprint}"
    )
    if not view.join_urls:
        return
    join, api = view.join_urls[0], view.urls[0]
    click.echo(f"\nFor a colleague: open {join}, or paste\n")
    for line in lines.certificate(join).lines:
        click.echo(f"  {line}")
    click.echo(f'  curl --cacert {lines.CA_FILE} {api}/models -H "Authorization: Bearer {lines.KEY}"')
    click.echo("\nOpenAI's SDK for Python, on Linux (macOS, Windows, Node and browsers: see the page above):\n")
    click.echo(f"  {lines.python(api, '').lines[0]}")
    click.echo("\nKeys for colleagues: `gatehouse keys create NAME`.")
