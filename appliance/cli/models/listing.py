"""`gatehouse models list` and `show`."""

import json
import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from appliance.cli.main import in_columns, printable, say_lines, terminal_width
from appliance.cli.models.here import MB, Here, entry_of, here, in_gb
from appliance.home import CannotStart
from appliance.local import capacity, gguf, memory
from appliance.local.catalogue import CatalogueEntry, catalogue
from appliance.local.registry import LocalModel
from appliance.settings import Settings


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_models(as_json: bool) -> None:
    """Show the models that are here, and those that can be got."""
    place = here()
    rows = [_row_here(model) for model in place.models.values()]
    rows += [_row_known(entry) for entry in catalogue().values() if entry.id not in place.models]
    for row in rows:
        row["is_local_model"] = place.settings.local_models and row["id"] == place.settings.local_model
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    if sys.stdout.isatty():
        _show(rows, place.settings)
    else:
        say_lines([_line(row) for row in rows])
    if not place.models:  # said beside the lines, not among them, where a program reads those
        click.echo(f"None is here yet: gatehouse models get {next(iter(catalogue()))}", err=not sys.stdout.isatty())


def _row_here(model: LocalModel) -> dict[str, Any]:
    entry = catalogue().get(model.id)
    return {
        "id": model.id,
        "state": "linked" if model.linked else "here",
        "kind": model.kind.value,
        "bytes": model.bytes,
        "licence": model.licence,
        "about": entry.title if entry else str(model.path),
        "origin": model.origin,
        "sha256": model.sha256,
    }


def _row_known(entry: CatalogueEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "state": "not here",
        "kind": entry.kind.value,
        "bytes": entry.size,
        "licence": entry.licence,
        "about": entry.title,
        "origin": "catalogue",
        "sha256": entry.sha256,
    }


def _line(row: dict[str, Any]) -> tuple[str, ...]:
    mark = "local_model" if row["is_local_model"] else ""
    return (*(str(row[name]) for name in ("id", "state", "kind", "bytes", "licence")), mark, str(row["about"]))


def _show(rows: list[dict[str, Any]], settings: Settings) -> None:
    table: list[tuple[str, ...]] = [("", "MODEL", "STATE", "KIND", "MB", "LICENCE", "")]
    for row in rows:
        mark = "*" if row["is_local_model"] else ""
        about = row["about"] if row["id"] in catalogue() else Path(row["about"]).name
        licence = row["licence"].removeprefix("LicenseRef-")[:16]
        table.append((mark, row["id"], row["state"], row["kind"], f"{row['bytes'] / MB:,.0f}", licence, about))
    for line in in_columns(table, terminal_width()):
        click.echo(line)
    if any(row["is_local_model"] for row in rows):
        has_openai = any(provider.kind == "openai" and provider.api_key for provider in settings.providers)
        alias = "" if has_openai else settings.demonstration_alias
        click.echo(f"* local_model of the settings{f': {alias} stands for it' if alias else ''}")


@click.command("show", short_help="Show all that is known of a model.")
@click.argument("model_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def show_model(model_id: str, as_json: bool) -> None:
    """Show all that is known of a model: its licence, the memory it needs, its chat template."""
    place = here()
    model = place.models.get(model_id)
    facts = _facts_known(entry_of(model_id)) if model is None else _facts_here(place, model)
    facts["memory_available_bytes"] = memory.available(place.settings)
    if as_json:
        click.echo(json.dumps(facts, indent=2))
        return
    for name, value in _sentences(facts):
        click.echo(f"{name:<14}{printable(value)}")
    if facts["chat_template"]:
        click.echo("chat template")
        for line in facts["chat_template"].splitlines():
            click.echo(f"    {printable(line.expandtabs(4))}")


def _facts_here(place: Here, model: LocalModel) -> dict[str, Any]:
    try:
        info = gguf.read(model.path)
    except gguf.GgufError as error:
        raise CannotStart(f"{model.path} can't be run: {error}", f"gatehouse models remove {model.id}") from error
    entry = catalogue().get(model.id)
    context = capacity.context_tokens(place.settings, info, model.context)
    parallel = place.settings.local_parallel
    need = memory.need(info, context_tokens=context, parallel=parallel)
    return {
        **_row_here(model),
        "title": model.title,
        "good_for": entry.good_for if entry else "",
        "path": str(model.path),
        "architecture": info.architecture,
        "name": info.name,
        "licence": model.licence or info.licence,
        "context_tokens": context,
        "context_tokens_of_the_model": info.context_tokens,
        "parallel": parallel,
        "tools": info.tools_in_template,
        "memory": msgspec.to_builtins(need),
        "chat_template": info.chat_template,
    }


def _facts_known(entry: CatalogueEntry) -> dict[str, Any]:
    return {
        **_row_known(entry),
        "title": entry.title,
        "good_for": entry.good_for,
        "source": entry.huggingface or (entry.source.package if entry.source else ""),
        "context_tokens": entry.context,
        "memory": {"total": entry.memory},
        "chat_template": "",
    }


def _sentences(facts: dict[str, Any]) -> list[tuple[str, str]]:
    need, budget = facts["memory"], facts["memory_available_bytes"]
    fits = "fits" if need["total"] <= budget else "does not fit"
    parts = (
        ""
        if "weights" not in need
        else (
            f": {in_gb(need['weights'])} weights, {in_gb(need['cache'])} for {facts['parallel']} requests of "
            f"{facts['context_tokens']:,} tokens, {in_gb(need['compute'])} to compute"
        )
    )
    rows = [
        ("model", f"{facts['id']}, {facts['title']}" if facts["title"] != facts["id"] else facts["id"]),
        ("state", facts["state"] if facts["state"] != "not here" else f"not here: gatehouse models get {facts['id']}"),
        ("kind", facts["kind"] + (", its template knows tools" if facts.get("tools") else "")),
        ("licence", facts["licence"] or "its file names none: ask whoever made it"),
        ("good for", facts["good_for"]),
        ("size", f"{facts['bytes']:,} bytes"),
        ("memory", f"about {in_gb(need['total'])}{parts}"),
        ("", f"{fits} into the {in_gb(budget)} that local models may use here"),
        ("architecture", " ".join(filter(None, (facts.get("architecture", ""), facts.get("name", ""))))),
        ("origin", facts["origin"] + (f", {facts['source']}" if facts.get("source") else "")),
        ("file", facts.get("path", "")),
        ("sha256", facts["sha256"]),
    ]
    return [(name, value) for name, value in rows if value]
