"""`gatehouse models load`, `unload` and `bench`: what is done by the running server."""

import asyncio
import json
import os
import time
from collections.abc import Sequence
from typing import Any, cast
from urllib.parse import quote

import click
import msgspec

from appliance.cli.control import RunningServer, running_server
from appliance.cli.main import in_columns, say_lines, terminal_width
from appliance.cli.models.here import Here, here, in_gb, model_of
from appliance.cli.models.progress import progress
from appliance.home import CannotStart
from appliance.settings_sources import load

LOOK_SECONDS = 0.3
SPARE_SECONDS = 30.0


@click.command("load")
@click.argument("model_id", metavar="ID")
def load_model(model_id: str) -> None:
    """Have the running server load a model before anybody asks for it. Waits until it is ready."""
    seconds = here().settings.local_load_seconds_max + SPARE_SECONDS
    shown = _server("loads models by itself when they are asked for").ask("POST", _path(model_id, "load"), seconds=seconds)
    used = shown.get("rss_bytes") or shown.get("memory_bytes") or 0
    click.echo(f"{shown['id']} is {shown['state']}: {in_gb(used)}, engine {shown.get('engine')}")


@click.command("unload")
@click.argument("model_id", metavar="ID")
def unload_model(model_id: str) -> None:
    """Have the running server unload a model. Requests that it is answering break off."""
    shown = _server("holds models").ask("POST", _path(model_id, "unload"))
    click.echo(f"{shown['id']} is {shown['state']}")


@click.command("bench")
@click.argument("model_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def bench_model(model_id: str, as_json: bool) -> None:
    """Measure a model's tokens a second with 1, 4 and 8 callers. On the running server, or here where none runs."""
    server = running_server()
    with progress(f"Measuring {model_id}", in_bytes=False) as on_progress:
        rows = _on_server(server, model_id, on_progress) if server else asyncio.run(_measured(model_id, on_progress))
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    else:
        _show(rows)


def _server(does: str) -> RunningServer:
    server = running_server()
    if server is None:
        raise CannotStart(f"no server runs, which {does}", "gatehouse serve starts one.")
    return server


def _path(model_id: str, verb: str) -> str:
    return f"models/{quote(model_id, safe='')}/{verb}"


def _on_server(server: RunningServer, model_id: str, on_progress: Any) -> list[dict[str, Any]]:
    """Start the job, and follow it. Ctrl-C cancels it."""
    job = server.ask("POST", _path(model_id, "bench"))
    try:
        while job["state"] == "running":
            on_progress(job["done"], job["total"] or 3)
            time.sleep(LOOK_SECONDS)
            job = server.ask("GET", f"jobs/{job['id']}")
    except KeyboardInterrupt:
        server.ask("DELETE", f"jobs/{job['id']}")
        raise
    if job["state"] != "done":
        raise CannotStart(job["message"] or f"the measurement was {job['state']}", job["fix"])
    return cast("list[dict[str, Any]]", job["result"]["rows"])


async def _measured(model_id: str, on_progress: Any) -> list[dict[str, Any]]:
    """The model in a worker of our own."""
    from appliance.clock import SystemClock
    from appliance.local.bench import measure
    from appliance.local.models import LocalModels

    place: Here = await asyncio.to_thread(here)
    model_of(place, model_id)
    models = LocalModels(load(place.home, os.environ).settings, place.home, SystemClock())
    try:
        rows = await measure(models, model_id, on_progress=on_progress)
    finally:
        await models.close()
    return cast("list[dict[str, Any]]", msgspec.to_builtins(rows))


def _show(rows: Sequence[dict[str, Any]]) -> None:
    import sys

    names = ("callers", "tokens_per_second", "first_token_seconds", "tokens", "seconds")
    lines = [tuple(str(row[name]) for name in names) for row in rows]
    if not sys.stdout.isatty():
        say_lines(lines)
        return
    head = ("CALLERS", "TOKENS/S", "FIRST TOKEN S", "TOKENS", "SECONDS")
    for line in in_columns([head, *lines], terminal_width()):
        click.echo(line)
