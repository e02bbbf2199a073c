"""`gatehouse guard scan`: what guardrails find in files, on this machine and without a server, by the same confined readers."""

import asyncio
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click
import msgspec

from appliance.cli import guard_scan_words as words
from appliance.cli.main import printable, say_failure
from appliance.errors import GatehouseError

if TYPE_CHECKING:
    from rich.progress import Progress

    from appliance.gateway.file_redaction import Redaction
    from appliance.gateway.file_scan import FileScan
    from appliance.gateway.file_verdict import FileVerdict
    from appliance.guardrails.policy import Policy

CLEAN, FOUND, UNREADABLE = 0, 1, 2
STATUS = {"clean": CLEAN, "flagged": FOUND, "blocked": FOUND, "unreadable": UNREADABLE}
AT_ONCE = 2
OnPages = Callable[[int, int], None]


class NotScanned(click.ClickException):
    """Nothing was looked at: another status than that of findings."""

    exit_code = UNREADABLE


class Item(msgspec.Struct):
    """A file to look at; name: as it is told, and within OUT."""

    path: Path
    name: str


class Order(msgspec.Struct):
    items: list[Item]
    policy: str
    redact: Path | None
    password: str


@click.command("scan")
@click.argument("paths", nargs=-1, required=True, metavar="FILE|FOLDER...", type=click.Path(exists=True, path_type=Path))
@click.option("--policy", default="default", show_default=True, help="The policy's name; `gatehouse policies list` has them.")
@click.option("--redact", "redact", metavar="OUT", type=click.Path(path_type=Path), help="Write copies without what was found.")
@click.option("--password-file", type=click.File("r", encoding="utf-8"), help="Its first line opens files that are encrypted.")
@click.option("--json", "as_json", is_flag=True, help="As JSON: each finding with its place.")
def scan_files(paths: tuple[Path, ...], policy: str, redact: Path | None, password_file: TextIO | None, as_json: bool) -> int:
    """Look for what a policy hides or stops, in PDFs, DOCX, images (by OCR) and texts. It works without a server, and nothing
    leaves this machine.

    \b
    gatehouse guard scan letter.pdf
    gatehouse guard scan inbox/ --policy gdpr
    gatehouse guard scan inbox/ --redact inbox-redacted/

    OUT is a file for one FILE, and a folder for more. Nothing that is there is overwritten.

    \b
    It ends with
      0  nothing was found
      1  something was found
      2  a file could not be read or written, or nothing was looked at
    """
    password = password_file.readline().rstrip("\r\n") if password_file is not None else ""
    order = Order(list(_items(paths)), policy, redact, password)
    if not order.items:
        raise NotScanned("there are no files in there.")
    targets = _targets(order, paths)
    try:
        found = asyncio.run(_scanned(order, targets, is_quiet=as_json))
    except GatehouseError as error:
        say_failure(error.message, error.fix)
        return UNREADABLE
    told = [one.told for one in found]
    if as_json:
        click.echo(json.dumps({"files": msgspec.to_builtins(told), "policy": policy}, indent=2, ensure_ascii=False))
    else:
        _say(told)
    missing = [one.name for one in found if redact is not None and one.path is None]
    for name in missing:
        click.echo(f"Not written: {printable(name)}", err=True)
    return max(STATUS[one.verdict] for one in told) if not missing else UNREADABLE


def _items(paths: Sequence[Path]) -> Iterator[Item]:
    """Files as they are given, and all in folders; links in these are not followed."""
    for path in paths:
        if not path.is_dir():
            yield Item(path, str(path))
            continue
        for file in sorted(path.rglob("*")):
            if file.is_file() and not file.is_symlink():
                yield Item(file, str(file))


def _targets(order: Order, paths: Sequence[Path]) -> list[Path | None]:
    """Where each redacted file goes. Errors: NotScanned."""
    out = order.redact
    if out is None:
        return [None] * len(order.items)
    if len(paths) == 1 and not paths[0].is_dir() and not out.is_dir():
        found = [out]
    else:
        roots = [path if path.is_dir() else path.parent for path in paths]
        found = [out / _within(item.path, roots) for item in order.items]
    there = [path for path in found if path.exists()]
    if there or len(set(found)) < len(found):
        name = printable(str((there or found)[0]))
        raise NotScanned(f"{name} is there already, or would be written twice. Choose an empty folder for --redact.")
    return list(found)


def _within(path: Path, roots: Sequence[Path]) -> Path:
    return next(path.relative_to(root) for root in roots if path.is_relative_to(root))


async def _scanned(order: Order, targets: Sequence[Path | None], *, is_quiet: bool) -> "list[Redaction]":
    from appliance.clock import SystemClock
    from appliance.files.confined import how_of
    from appliance.files.pool import FilePool
    from appliance.gateway.file_scan import FileScan
    from appliance.guardrails.house import make_guard
    from appliance.guardrails.placeholders import Placeholders
    from appliance.guardrails.policy_examples import scanner_of
    from appliance.guardrails.policy_set import PolicySet
    from appliance.home import Home, home_folder
    from appliance.identity.key_format import well_formed
    from appliance.settings_sources import load

    settings = load(Home(home_folder(os.environ)), os.environ).settings
    guard = await asyncio.to_thread(make_guard, well_formed)
    wanted = guard.policies.get(order.policy)
    if wanted is None:
        wanted = await asyncio.to_thread(_own, order.policy)
    policy, custom = PolicySet([wanted]), scanner_of(wanted.form)
    pool = FilePool(how_of(settings), clock=SystemClock())
    places = asyncio.Semaphore(AT_ONCE)
    try:
        scan = FileScan(pool, guard, policy, custom, Placeholders() if policy.tokenises else None)
        with _progress(len(order.items), is_quiet=is_quiet) as bar:

            async def one(item: Item, target: Path | None) -> "Redaction":
                async with places:
                    return await _one(scan, item, target, order.password, bar)

            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one(*pair)) for pair in zip(order.items, targets, strict=True)]
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    finally:
        await pool.close()
    return [task.result() for task in tasks]


def _own(name: str) -> "Policy":
    from appliance.cli.guard import own

    try:
        return own(name)
    except click.ClickException as error:
        raise NotScanned(error.message) from None


async def _one(scan: "FileScan", item: Item, target: Path | None, password: str, bar: "Bar") -> "Redaction":
    from appliance.gateway.file_redaction import Redaction, redaction

    with bar.file(item) as on_progress:
        scanned = await scan.scan(item.path, item.name, password, on_progress)
        if target is None:
            return Redaction(item.name, scanned.told, None)
        target.parent.mkdir(parents=True, exist_ok=True)
        made = await redaction(scan, item.path, scanned, item.name, password, target)
        if made.path == item.path:  # nothing is to be hidden in it
            await asyncio.to_thread(shutil.copyfile, item.path, target)
        return made


class Bar:
    """How far it is; nothing where nobody looks. `shown`: rich's, with a task for all files."""

    def __init__(self, shown: "Progress | None", files: int) -> None:
        self._shown = shown
        self._all = shown.add_task("files", total=files) if shown is not None else None

    @contextmanager
    def file(self, item: Item) -> Iterator[OnPages]:
        """A function that is told of pages read, of pages."""
        shown = self._shown
        if shown is None or self._all is None:
            yield _nothing
            return
        task = shown.add_task(f"  {printable(item.path.name)[:40]}", total=None)
        try:
            yield lambda done, pages: shown.update(task, completed=done, total=pages or None)
        finally:
            shown.remove_task(task)
            shown.advance(self._all)


def _nothing(done: int, pages: int) -> None:
    pass


@contextmanager
def _progress(files: int, *, is_quiet: bool) -> Iterator[Bar]:
    if is_quiet or not sys.stderr.isatty():
        yield Bar(None, files)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        yield Bar(shown, files)


def _say(told: "Sequence[FileVerdict]") -> None:
    """A block a file for people, a line for programs; then how many of each verdict there are."""
    is_seen = sys.stdout.isatty()
    for one in told:
        for line in words.lines_for_people(one) if is_seen else (words.line_for_programs(one),):
            click.echo(line)
    if not is_seen or len(told) > 1:
        click.echo(words.summary(told), err=True)
