"""`gatehouse tail`: requests as they end, a line each; never what was said."""

import json
import sys
from typing import Any

import click

from appliance.cli.control import running_server
from appliance.cli.main import printable
from appliance.home import CannotStart

LAST_MAX = 200
_COLOURS = {"settled": "green", "failed": "red", "cancelled": "yellow", "interrupted": "red"}


@click.command(short_help="Show requests as they end: where each went, and what it used.")
@click.option("-n", "--last", type=click.IntRange(0, LAST_MAX), default=10, show_default=True, help="Past ones to begin with.")
@click.option("--no-follow", is_flag=True, help="End after those.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, a line each.")
def tail(last: int, no_follow: bool, as_json: bool) -> None:
    """Show requests as they end: where each went, why, and what it used; never what was said. Ctrl-C ends it."""
    server = running_server()
    if server is None:
        raise CannotStart("no server runs in this home, so nothing happens", "`gatehouse serve` starts one.")
    if last:
        page = server.ask("GET", f"requests?limit={last}")
        for request in reversed(page["items"]):
            _say(request, as_json)
    if no_follow:
        return
    if not as_json and sys.stderr.isatty():
        click.echo("Waiting for requests. Ctrl-C ends this.", err=True)
    try:
        for name, data in server.follow("requests/live"):
            if name == "request":
                _say(data, as_json)
            elif name == "dropped":
                click.echo(f"… {data['count']} more were too fast to be shown", err=True)
    except KeyboardInterrupt:
        return
    click.echo("The server has stopped.", err=True)


def _say(request: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(request, ensure_ascii=False))
        return
    for line in lines(request):
        click.echo(line)
    sys.stdout.flush()


def lines(request: dict[str, Any]) -> list[str]:
    """One for the request; where it took several attempts, one for each of them as well."""
    attempts = request["attempts"]
    tokens_in, tokens_out = (sum(attempt[name] for attempt in attempts) for name in ("tokens_in", "tokens_out"))
    state = click.style(request["state"].ljust(11), fg=_COLOURS.get(request["state"]))
    where = attempts[-1]["deployment"] if attempts else "nowhere"
    named = request["model"] if request["model"] == where else f"{request['model']} → {where}"
    told = [_time(request["started_at"]), state, f"{request['duration_ms']:>6} ms", f"{tokens_in:>6} in {tokens_out:>6} out"]
    more = f"  {request['error']}" if request["error"] else ""
    found = [f"{'  '.join(told)}  {printable(named)}{more}  {request['id']}"]
    if len(attempts) > 1:
        found += [_attempt(attempt) for attempt in attempts]
    return found


def _attempt(attempt: dict[str, Any]) -> str:
    ended = attempt["error"] or attempt["outcome"]
    why = f" ({attempt['why']})" if attempt["why"] else ""
    return printable(f"    {attempt['deployment']}{why}: {ended} after {attempt['duration_ms']} ms")


def _time(started_at: str) -> str:
    """The time of day in UTC, as the log has it."""
    return started_at[11:23]
