"""`gatehouse settings`: each setting with its value, source and meaning. Credentials are masked."""

import json
import os
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

import click
import msgspec

from appliance.cli.main import printable, say_lines, terminal_width
from appliance.home import Home, home_folder
from appliance.settings import ProviderSettings, SettingInfo, describe
from appliance.settings_sources import Loaded, load

MASKED = "••••••"
_SECRETS = ("api_key", "secret_access_key")  # of a provider


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
    elif not rows:
        click.echo("Nothing differs from the defaults.")
    elif sys.stdout.isatty():
        if home.settings_file.exists():
            click.echo(f"# {home.settings_file}")
        for line in for_people(rows, terminal_width()):
            click.echo(line)
    else:
        say_lines([(row.name, _written(row.value), row.source, row.meaning) for row in rows])


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
    return {name: MASKED if value and name in _SECRETS else value for name, value in msgspec.structs.asdict(provider).items()}


def _written(value: Any) -> str:
    """A value as gatehouse.toml would have it."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return ", ".join(f"{row['name']} ({row['kind']}, {row['base_url']}, from {row['source']})" for row in value)
    return json.dumps(value, ensure_ascii=False)


def for_people(rows: list[Row], width: int) -> Iterator[str]:
    """Two paragraphs a setting, wrapped between words: what it is, then what it means. What was set is bold."""
    for row in rows:
        head = textwrap.wrap(
            printable(f"{row.name} = {_written(row.value)}  # {row.source}"),
            width,
            subsequent_indent="    ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        for line in head:
            yield line if row.source == "default" else click.style(line, bold=True)
        yield from textwrap.wrap(
            row.meaning, width, initial_indent="    ", subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
        )
