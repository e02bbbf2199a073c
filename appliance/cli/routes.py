"""`gatehouse routes`: list and show them, and take them in and out as a TOML file."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from appliance.cli.control import machine, running_server
from appliance.cli.main import in_columns, printable, say_lines, terminal_width
from appliance.errors import NotFound, TooLarge
from appliance.home import CannotStart, write_private

if TYPE_CHECKING:
    from appliance.routing.route_import import Imported, Outcome
    from appliance.routing.route_shown import DeploymentShown, RouteShown

FILE_BYTES_MAX = 1024 * 1024


@click.group()
def routes() -> None:
    """Routes: model names of your own, and where they lead."""


@routes.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_routes(as_json: bool) -> None:
    """List routes."""
    with machine() as appliance:
        found = appliance.routing.routes()
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(found), indent=2, ensure_ascii=False))
    elif not found:
        click.echo("There are no routes yet. `gatehouse routes import FILE` takes them in; docs/deploy/routes.md shows how.")
    elif sys.stdout.isatty():
        for line in in_columns(
            [("NAME", "STRATEGY", "FALLBACKS", "PROBLEMS", "DEPLOYMENTS"), *map(_row, found)], terminal_width()
        ):
            click.echo(line)
    else:
        say_lines([_row(route) for route in found])


@routes.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def show(name: str, as_json: bool) -> int:
    """Show the route called NAME. Ends with 1 where something is wrong with it."""
    with machine() as appliance:
        found = [route for route in appliance.routing.routes() if route.name == name]
    if not found:
        raise NotFound("there is no such route", fix="`gatehouse routes list` shows them.")
    route = found[0]
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(route), indent=2, ensure_ascii=False))
    else:
        for line in lines_for_people(route, terminal_width()):
            click.echo(line)
    return 1 if route.problems else 0


@routes.command("import", short_help="Take in providers and routes from a TOML file.")
@click.argument("file")
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def import_routes(file: str, dry_run: bool, as_json: bool) -> None:
    """Take in providers and routes from FILE (`-`: standard input), all of it or nothing.

    What has the same name is replaced, everything else stays. It counts from the next request on.
    """
    data = _read(file)
    with machine() as appliance:
        told = appliance.routing.import_routes(data, dry_run=dry_run)
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(told), indent=2, ensure_ascii=False))
        return
    for line in _told(told):
        click.echo(line)


@routes.command("export", short_help="Write all providers and routes to a TOML file.")
@click.argument("file", default="-")
def export_routes(file: str) -> None:
    """Write all providers and routes to FILE (`-`: standard output), without credentials."""
    with machine() as appliance:
        text = appliance.routing.export_routes()
    if file == "-":
        click.echo(text, nl=False)
        return
    write_private(Path(file), text.encode())
    click.echo(f"Written to {printable(file)}, without credentials.")


@routes.command()
@click.argument("model")
@click.option("--tokens", type=click.IntRange(0), default=0, help="The prompt's length in tokens.")
@click.option("--local-only", is_flag=True, help="As if X-Gatehouse-Local-Only were sent.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def explain(model: str, tokens: int, local_only: bool, as_json: bool) -> None:
    """Say where a request for MODEL would go now, in which order, and why. Nothing is sent."""
    server = running_server()
    if server is None:
        raise CannotStart("no server runs in this home, so nothing is known of deployments", "`gatehouse serve` starts one.")
    told = server.ask("POST", "routes/explain", {"model": model, "tokens_in": tokens, "local_only": local_only})
    if as_json:
        click.echo(json.dumps(told, indent=2, ensure_ascii=False))
        return
    bound = ", only on this machine" if told["local_only"] else ""
    click.echo(printable(f"{model}: the route {told['route']} ({told['strategy']}{bound})"))
    for number, step in enumerate(told["tried"], start=1):
        click.echo(printable(f"  {number}. {_step(step, told)}"))
    if not told["tried"]:
        click.echo("  No deployment can be asked now.")
    for step in told["left_out"]:
        click.echo(printable(f"  -  {_step(step, told)}"))


def _step(step: dict[str, Any], told: dict[str, Any]) -> str:
    route = f" of the fallback {step['route']}" if step["route"] != told["route"] else ""
    lacks = f"; it can't do: {', '.join(step['lacks'])}" if step["lacks"] else ""
    return f"{step['deployment']}{route}: {step['why']}{lacks}"


def lines_for_people(route: "RouteShown", width: int) -> list[str]:
    """A route as a person reads it: its rules, then its deployments in columns, then what is wrong."""
    rules = [f"{route.name}  ({route.strategy}, {route.retries} retries)"]
    if route.fallbacks:
        rules.append(f"  falls back to {', '.join(route.fallbacks)}")
    if route.circuit_breaker is False:
        rules.append("  without a circuit breaker")
    rules += [f"  {name} = {value}" for name, value in msgspec.to_builtins(route.timeouts).items() if value is not None]
    flags = ("hedge", "drop_unsupported", "local_only", "fallback_on_refusal")
    rules += [f"  {name}" for name in flags if getattr(route, name)]
    rows = [("WEIGHT", "ORDER", "LIMITS", "DEPLOYMENT"), *map(_deployment_row, route.deployments)]
    columns = [f"  {line}" for line in in_columns(rows, width - 2)]
    return [*map(printable, rules), "", *columns, *(f"But: {printable(problem)}" for problem in route.problems)]


def _row(route: "RouteShown") -> tuple[str, ...]:
    deployments = ", ".join(f"{one.provider}/{one.model}" for one in route.deployments)
    return (route.name, route.strategy, ", ".join(route.fallbacks) or "-", str(len(route.problems)), deployments)


def _deployment_row(one: "DeploymentShown") -> tuple[str, ...]:
    limits = [f"{value} {name}" for name, value in msgspec.to_builtins(one.limits).items() if value is not None]
    return (f"{one.weight:g}", str(one.order), ", ".join(limits) or "none", f"{one.provider}/{one.model}")


def _told(told: "Imported") -> list[str]:
    verb = "would be" if told.dry_run else "is"
    lines = [*_outcome("provider", told.providers, verb), *_outcome("route", told.routes, verb)]
    return lines or ["Nothing changes: everything is there already, and the same."]


def _outcome(what: str, outcome: "Outcome", verb: str) -> list[str]:
    return [f"{what} {name} {verb} made" for name in outcome.created] + [
        f"{what} {name} {verb} changed" for name in outcome.changed
    ]


def _read(file: str) -> bytes:
    """Errors: OSError; TooLarge, since the server would not take it either."""
    if file == "-":
        data = sys.stdin.buffer.read(FILE_BYTES_MAX + 1)
    else:
        with Path(file).open("rb") as opened:
            data = opened.read(FILE_BYTES_MAX + 1)
    if len(data) > FILE_BYTES_MAX:
        raise TooLarge(f"the file is larger than {FILE_BYTES_MAX:,} bytes", fix="Split it up: what it doesn't name stays.")
    return data
