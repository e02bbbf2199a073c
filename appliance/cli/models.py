"""`gatehouse models`: the models on this machine. A running server sees what changes here within seconds."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from appliance.cli.main import in_columns, say_lines, terminal_width
from appliance.home import CannotStart, Home, home_folder
from appliance.local.catalogue import CatalogueEntry, catalogue
from appliance.local.files import OnProgress
from appliance.local.registry import LocalModel, Registry
from appliance.settings import Settings
from appliance.settings_sources import load

MB = 1_000_000


@click.group()
def models() -> None:
    """List, add, fetch and remove local models."""


@models.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_models(as_json: bool) -> None:
    """Show the models that are here, and those that can be fetched."""
    home = Home(home_folder())
    settings = load(home, os.environ).settings
    here = Registry(home, catalogue()).models()
    rows = [_row_here(model) for model in here.values()]
    rows += [_row_known(entry) for entry in catalogue().values() if entry.id not in here]
    for row in rows:
        row["is_local_model"] = settings.local_models and row["id"] == settings.local_model
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    if not sys.stdout.isatty():
        say_lines([_line(row) for row in rows])
    else:
        _show(rows, settings)
    if not here:  # said beside the lines, not among them, where a program reads those
        click.echo(f"None is here yet: gatehouse models fetch {next(iter(catalogue()))}", err=not sys.stdout.isatty())


def _row_here(model: LocalModel) -> dict[str, object]:
    entry = catalogue().get(model.id)
    return {
        "id": model.id,
        "state": "linked" if model.linked else "here",
        "kind": model.kind.value,
        "bytes": model.bytes,
        "licence": entry.licence if entry else "",
        "about": entry.title if entry else str(model.path),
    }


def _row_known(entry: CatalogueEntry) -> dict[str, object]:
    return {
        "id": entry.id,
        "state": "can be fetched",
        "kind": entry.kind.value,
        "bytes": entry.bytes,
        "licence": entry.licence,
        "about": entry.title,
    }


def _line(row: dict[str, object]) -> tuple[str, ...]:
    mark = "local_model" if row["is_local_model"] else ""
    return (*(str(row[name]) for name in ("id", "state", "kind", "bytes", "licence")), mark, str(row["about"]))


def _show(rows: list[dict[str, object]], settings: Settings) -> None:
    table: list[tuple[str, ...]] = [("", "MODEL", "STATE", "KIND", "MB", "LICENCE", "")]
    for row in rows:
        size = row["bytes"]
        assert isinstance(size, int)
        mark = "*" if row["is_local_model"] else ""
        about = str(row["about"]) if row["id"] in catalogue() else Path(str(row["about"])).name
        table.append(
            (mark, *(str(row[name]) for name in ("id", "state", "kind")), f"{size / MB:,.0f}", str(row["licence"]), about)
        )
    for line in in_columns(table, terminal_width()):
        click.echo(line)
    if any(row["is_local_model"] for row in rows):
        has_openai = any(provider.kind == "openai" and provider.api_key for provider in settings.providers)
        alias = "" if has_openai else settings.demonstration_alias
        click.echo(f"* local_model of the settings{f': {alias} stands for it' if alias else ''}")


@models.command("fetch", short_help="Fetch a model of the catalogue.")
@click.argument("model_id", metavar="[ID]", required=False)
def fetch_model(model_id: str | None) -> None:
    """Fetch a model of the catalogue, by default the one that settings choose. Does nothing where it is here and intact."""
    from appliance.local.fetch import fetch

    home = Home(home_folder())
    settings = load(home, os.environ).settings
    if model_id is None and not settings.local_models:
        click.echo("Local models are off (local_models = false): nothing to fetch.")
        return
    here = Registry(home, catalogue()).models()
    chosen = model_id or settings.local_model
    entry = catalogue().get(chosen)
    if entry is None:
        if model_id is None and chosen in here:
            return  # the settings choose a model that was added
        raise _nothing_to_fetch(chosen, [*catalogue(), *here] if model_id is None else None)
    home.make()
    was_there = (home.models / entry.file).exists()
    with _progress(f"Fetching {entry.id}") as on_progress:
        path = fetch(entry, home.models, on_progress)
    click.echo(f"{entry.id} is here: {path}")
    if entry.demonstration and not was_there:
        click.echo("It is a small demonstration model: fluent, and often wrong. `gatehouse models add PATH` adds a real one.")


def _nothing_to_fetch(chosen: str, would_do: list[str] | None) -> CannotStart:
    """`would_do`: what local_model may be, where it was the settings that chose."""
    if would_do is None:
        return CannotStart(f"the catalogue has no model {chosen[:80]!r}", f"It has: {', '.join(catalogue())}")
    return CannotStart(
        f"the setting local_model is {chosen[:80]!r}, which is neither in the catalogue nor added here",
        f"Set local_model to one of: {', '.join(dict.fromkeys(would_do))}",
    )


@models.command("add")
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--id", "model_id", help="What callers write as model; made from the file's name where left out.")
@click.option("--link", is_flag=True, help="Leave the file where it is instead of copying it.")
def add_model(path: Path, model_id: str | None, link: bool) -> None:
    """Add a GGUF file as a model."""
    from appliance.local.gguf import GgufError
    from appliance.local.registry import id_for

    home = Home(home_folder()).make()
    chosen = model_id or id_for(path)
    with _progress(f"{'Reading' if link else 'Copying'} {path.name}") as on_progress:
        try:
            model = Registry(home, catalogue()).add(path, chosen, link=link, on_progress=on_progress)
        except GgufError as error:
            raise CannotStart(f"{path} can't be added: {error}", "Get the file again, whole, and as GGUF.") from error
    click.echo(f'{model.id} is here ({model.kind}). Ask for it with "model": "{model.id}".')


@models.command("remove")
@click.argument("model_id", metavar="ID")
def remove_model(model_id: str) -> None:
    """Remove a model, and its file unless it was only linked."""
    model = Registry(Home(home_folder()), catalogue()).remove(model_id)
    kept = f"; the file stays: {model.path}" if model.linked else ""
    click.echo(f"{model.id} is removed{kept}")


@contextmanager
def _progress(what: str) -> Iterator[OnProgress]:
    """A bar on a terminal, a line elsewhere."""
    if not sys.stderr.isatty():
        yield _said_once(what)
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    task = bar.add_task(what, total=None)

    def on_progress(done: int, total: int) -> None:
        bar.update(task, completed=done, total=total)
        bar.start()  # not before there is something to show: a file that is here needs no bar

    try:
        yield on_progress
    finally:
        bar.stop()


def _said_once(what: str) -> Callable[[int, int], None]:
    said: list[str] = []

    def on_progress(done: int, total: int) -> None:
        if not said:
            said.append(what)
            click.echo(f"{what} ({total / MB:,.0f} MB) …", err=True)

    return on_progress
