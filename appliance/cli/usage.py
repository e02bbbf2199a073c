"""`gatehouse usage`: what was used, beside what providers say."""

import json
import sys
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from appliance.cli.control import machine
from appliance.cli.main import in_columns, printable, say_failure, say_lines, terminal_width
from appliance.errors import GatehouseError, TooLarge
from appliance.home import CannotStart

if TYPE_CHECKING:
    from appliance.metering.reconcile.comparison import Compared, Figure
    from appliance.metering.reconcile.reconciliation import Reconciliation

MATCHED, DIFFERS, NOT_COMPARED = 0, 1, 2
MICRO = 1_000_000
_STATES = {
    "matched": "matched",
    "drift": "drift",
    "missing_in_file": "not in the file",
    "missing_in_ledger": "not in the ledger",
    "not_compared": "not compared",
}
_DAY = click.DateTime(formats=["%Y-%m-%d"])


@click.group()
def usage() -> None:
    """What was used, beside what providers say."""


@usage.command(short_help="Compare the ledger with a provider's usage file.")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True))
@click.option("--provider", "providers", multiple=True, metavar="NAME", help="Whose requests it bills; left out: its vendor's.")
@click.option("--model", "models", multiple=True, metavar="THEIRS=OURS", help="A name in FILE, and the ledger's for that model.")
@click.option("--from", "begin", type=_DAY, metavar="DAY", help="2026-11-01, say; left out: the file's first.")
@click.option("--to", "end", type=_DAY, metavar="DAY", help="Itself excluded; left out: after the file's last.")
@click.option("--tolerance", type=click.FloatRange(0, 100), default=1.0, show_default=True, help="Percent that are no drift yet.")
@click.option("--all", "is_all", is_flag=True, help="Show what matches as well.")
@click.option("--json", "as_json", is_flag=True, help="As JSON: every model and day.")
def reconcile(
    file: Path,
    providers: tuple[str, ...],
    models: tuple[str, ...],
    begin: datetime | None,
    end: datetime | None,
    tolerance: float,
    is_all: bool,
    as_json: bool,
) -> int:
    """Compare the ledger with FILE (`-`: standard input): OpenAI's usage or costs export, Anthropic's usage or cost export, or a
    cost and usage report of AWS; as CSV, as it was downloaded. It is recognised by its columns. Days are those of UTC.

    \b
    gatehouse usage reconcile completions_usage_2026-11-01_2026-11-30.csv
    gatehouse usage reconcile report.csv --model Claude3.5SonnetV2=anthropic.claude-3-5-sonnet-20241022-v2:0

    \b
    It ends with
      0  all of it matches
      1  something is missing or drifts, or could not be compared
      2  the file could not be read, or nothing was compared
    """
    from appliance.metering.reconcile.reconciliation import Wanted

    wanted = Wanted(providers=providers, models=_pairs(models), begin=_date(begin), end=_date(end), tolerance_percent=tolerance)
    try:
        data = _read(file)
        with machine() as appliance:
            found = appliance.reconciling.reconcile(data, wanted)
    except (GatehouseError, CannotStart) as error:
        say_failure(error.message, error.fix)
        return NOT_COMPARED
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(found), indent=2, ensure_ascii=False))
    else:
        _say(found, is_all=is_all)
    return MATCHED if found.is_matched else DIFFERS


def _say(found: "Reconciliation", *, is_all: bool) -> None:
    rows = [tuple(_row(one)) for one in found.items if is_all or one.state != "matched"]
    if sys.stdout.isatty():
        head = ("DAY", "STATE", "TOKENS IN", "TOKENS OUT", found.currency, "MODEL")
        for line in in_columns([head, *rows], terminal_width()) if rows else ():
            click.echo(line)
    else:
        say_lines(rows)
    for line in summary(found):
        click.echo(printable(line), err=True)


def summary(found: "Reconciliation") -> Iterator[str]:
    """What it comes to, in sentences."""
    last = date.fromordinal(found.end.toordinal() - 1)
    yield (
        f"{found.vendor}'s {found.form}, {found.begin} to {last} (UTC), beside "
        f"{', '.join(found.providers)}: figures are the ledger's, and by how much the file's are apart."
    )
    told = [f"{count} {_STATES[name]}" for name, count in msgspec.to_builtins(found.counts).items() if count]
    yield f"Days of models: {', '.join(told) or 'none'}."
    totals = found.totals
    yield (
        f"In all: {_figure(totals.tokens_in)} tokens in, {_figure(totals.tokens_out)} out, "
        f"{_money(totals.cost_micro)} {found.currency}."
    )
    if found.other_micro:
        yield f"Beside that the file has {found.other_micro / MICRO:.6f} {found.currency} of no model (tools, storage)."
    if any(one.unpriced for one in found.items):
        yield "Where a price is not known costs are not compared."
    if any(one.estimated for one in found.items):
        yield "Some tokens in the ledger are estimates: answers that were cut, or whose provider told no count."


def _row(one: "Compared") -> Iterator[str]:
    yield one.day.isoformat()
    yield _STATES[one.state]
    yield _figure(one.tokens_in)
    yield _figure(one.tokens_out)
    yield _money(one.cost_micro)
    elsewhere = [name for name in one.names_in_file if name != one.model]
    yield one.model if not elsewhere else f"{one.model} (there: {', '.join(elsewhere)})"


def _figure(figure: "Figure") -> str:
    """The ledger's, and the drift: `1,180 +20`; `-` where one of them isn't told."""
    ours = "-" if figure.in_ledger is None else f"{figure.in_ledger:,}"
    return f"{ours} {_drift(figure.drift)}" if figure.drift is not None else ours


def _drift(drift: int) -> str:
    return f"{drift:+,}" if drift else "="


def _money(figure: "Figure") -> str:
    ours = "-" if figure.in_ledger is None else f"{figure.in_ledger / MICRO:.6f}"
    if figure.drift is None:
        return ours
    return f"{ours} {figure.drift / MICRO:+.6f}" if figure.drift else f"{ours} ="


def _read(file: Path) -> bytes:
    """Errors: TooLarge."""
    from appliance.metering.reconcile.table import FILE_BYTES_MAX

    with click.open_file(str(file), "rb") as stream:
        data: bytes = stream.read(FILE_BYTES_MAX + 1)
    if len(data) > FILE_BYTES_MAX:
        raise TooLarge(f"the file has more than {FILE_BYTES_MAX // 2**20} MiB", fix="Export a shorter time, or by day.")
    return data


def _pairs(models: tuple[str, ...]) -> dict[str, str]:
    """Errors: click.BadParameter."""
    found = {}
    for one in models:
        theirs, _, ours = one.rpartition("=")
        if not theirs or not ours:
            raise click.BadParameter("is no pair: write NAME_IN_FILE=NAME_IN_LEDGER", param_hint="--model")
        found[theirs] = ours
    return found


def _date(moment: datetime | None) -> date | None:
    return None if moment is None else moment.date()
