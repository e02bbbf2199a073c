"""`gatehouse settings`: each setting with its value, source and meaning. Credentials are masked."""

import json
import os
import sys
from typing import Any

import click
import msgspec

from appliance.home import Home, home_folder
from appliance.settings import ProviderSettings, SettingInfo, describe
from appliance.settings_sources import Loaded, load

MASKED = "••••••"
TABLE_COLUMNS_MIN = 100  # on a narrower terminal a table breaks every word


class Row(msgspec.Struct):
    """One setting as it is shown."""

    name: str
    value: Any
    source: str
    default: Any
    meaning: str
    variables: tuple[str, ...]
    live: bool


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option("--set", "only_set", is_flag=True, help="Only those that differ from the default.")
def settings(as_json: bool, only_set: bool) -> None:
    """Show each setting with its value, source and meaning.

    This is what a start would use now. A server that runs uses what it read when it started.
    """
    home = Home(home_folder(os.environ))
    rows = rows_of(load(home, os.environ))
    if only_set:
        rows = [row for row in rows if row.source != "default"]
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins({"home": str(home.root), "settings": rows}), indent=2, ensure_ascii=False))
    elif sys.stdout.isatty() and os.get_terminal_size().columns >= TABLE_COLUMNS_MIN:
        _table(home, rows)
    else:
        _plain(home, rows)


def rows_of(loaded: Loaded) -> list[Row]:
    """Every setting, in the order of the reference page."""
    return [
        Row(
            name=info.name,
            value=_shown(info, getattr(loaded.settings, info.name)),
            source=loaded.sources[info.name],
            default=_shown(info, info.default),
            meaning=info.meaning,
            variables=info.env,
            live=info.live,
        )
        for info in describe()
    ]


def _shown(info: SettingInfo, value: Any) -> Any:
    if info.name == "providers":
        return [_provider(provider) for provider in value]
    return MASKED if info.secret and value else value


def _provider(provider: ProviderSettings) -> dict[str, Any]:
    return {**msgspec.structs.asdict(provider), "api_key": MASKED if provider.api_key else ""}


def _written(value: Any) -> str:
    """A value as gatehouse.toml would have it."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return ", ".join(f"{row['name']} ({row['kind']}, {row['base_url']}, from {row['source']})" for row in value)
    return json.dumps(value, ensure_ascii=False)


def _plain(home: Home, rows: list[Row]) -> None:
    click.echo(f"# {home.settings_file}")
    for row in rows:
        click.echo(f"{row.name} = {_written(row.value)}  # {row.source}: {row.meaning}")


def _table(home: Home, rows: list[Row]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=f"Settings of {home.root}", title_justify="left")
    for heading in ("setting", "value", "source", "meaning"):
        table.add_column(heading, no_wrap=heading in ("setting", "source"))
    for row in rows:
        style = "" if row.source == "default" else "bold"
        # Text, not str: rich would read square brackets in a value as its own markup.
        cells = (row.name, _written(row.value), row.source, row.meaning)
        table.add_row(*(Text(cell, style=style) for cell in cells))
    console = Console()
    console.print(table)
    console.print("A default changes in gatehouse.toml, in .env beside it, or as GATEHOUSE_<SETTING> in the environment.")
