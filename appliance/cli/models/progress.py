"""How far a command is: a bar on a terminal, a line elsewhere."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from appliance.cli.main import printable
from appliance.local.files import OnProgress

MB = 1_000_000


@contextmanager
def progress(what: str, *, in_bytes: bool = True) -> Iterator[OnProgress]:
    """A function to tell how much is done of how much. Nothing is shown before it is called: what is here needs no bar."""
    what = printable(what)
    if not sys.stderr.isatty():
        yield _said_once(what, in_bytes)
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    amount = DownloadColumn() if in_bytes else MofNCompleteColumn()
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), amount, TimeRemainingColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    task = bar.add_task(what, total=None)

    def on_progress(done: int, total: int) -> None:
        bar.update(task, completed=done, total=total)
        bar.start()

    try:
        yield on_progress
    finally:
        bar.stop()


def _said_once(what: str, in_bytes: bool) -> OnProgress:
    said: list[str] = []

    def on_progress(done: int, total: int) -> None:
        if not said:
            said.append(what)
            click.echo(f"{what} ({total / MB:,.0f} MB) …" if in_bytes else f"{what} …", err=True)

    return on_progress
