"""`gatehouse …`: the list of commands, and how a failure and a list of things are shown.

A command's file is imported when it is used, so that `gatehouse version` and the workers load nothing of the server.
"""

import difflib
import importlib
import os
import shutil
import sys
import traceback
from collections.abc import Sequence
from typing import Any

import click

from appliance import __version__
from appliance.errors import GatehouseError
from appliance.home import CannotStart

# Command → where it is, its line in the help, and whether it is hidden. The object is named as the command is, with _ for -.
COMMANDS: dict[str, tuple[str, str, bool]] = {
    "serve": ("appliance.cli.serve", "Start the appliance.", False),
    "doctor": ("appliance.cli.doctor", "Check this machine, and say how to mend what is wrong.", False),
    "settings": ("appliance.cli.settings", "Show each setting with its value, source and meaning.", False),
    "models": ("appliance.cli.models", "Local models: get them, look after them, run them.", False),
    "providers": ("appliance.cli.providers", "Providers: list, add, remove and test them.", False),
    "routes": ("appliance.cli.routes", "Routes: model names of your own, and where they lead.", False),
    "policies": ("appliance.cli.policies", "Guardrail policies: who is under which, and reports.", False),
    "guard": ("appliance.cli.guard", "Guardrails: see what a policy makes of texts and files.", False),
    "usage": ("appliance.cli.usage", "What was used, beside what providers say.", False),
    "tail": ("appliance.cli.tail", "Show requests as they end: where each went, what it used.", False),
    "owner": ("appliance.cli.owner", "Create the owner's account.", False),
    "tenants": ("appliance.cli.tenants", "Organisations that share this appliance.", False),
    "users": ("appliance.cli.users", "Accounts: list, add, change, import; help with signing in.", False),
    "service-accounts": ("appliance.cli.service_accounts", "Holders of keys that are no person, such as a wiki.", False),
    "keys": ("appliance.cli.keys", "Make, list and revoke API keys.", False),
    "lan": ("appliance.cli.lan", "Open the appliance to the local network, over HTTPS.", False),
    "version": ("appliance.cli.version", "Show the version, and those of Python and the engines.", False),
    "worker": ("appliance.cli.worker", "Run one room as a child of the server.", True),
}

FAILED = 1
USAGE = 2
CUT_CELL_MIN = 8


class LazyGroup(click.Group):
    """A group that imports a command when somebody asks for it, by name or by its own help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = getattr(importlib.import_module(COMMANDS[cmd_name][0]), cmd_name.replace("-", "_"))
        if not isinstance(command, click.Command):
            raise TypeError(f"{COMMANDS[cmd_name][0]}.{cmd_name} is no click command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, line) for name, (_, line, hidden) in COMMANDS.items() if not hidden]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean `gatehouse {near[0]}`?" if near else " `gatehouse --help` lists them."
            raise click.UsageError(f"There is no command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--debug", is_flag=True, help="Show where a failure arose.")
@click.version_option(__version__, message="%(prog)s %(version)s", prog_name="gatehouse")
def gatehouse(debug: bool) -> None:
    """Gatehouse, an AI gateway on your own machine."""


def main(arguments: list[str] | None = None) -> None:
    """The program's entry. Ends the process: 0 done, 1 failed, 2 used wrongly or set up wrongly."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if hasattr(os, "umask"):
        os.umask(0o077)  # whatever the appliance writes is its owner's alone
    sys.exit(_run(arguments))


def _run(arguments: list[str]) -> int:
    debug = "--debug" in arguments[:1]
    try:
        result: Any = gatehouse.main(arguments, prog_name="gatehouse", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        click.echo("Stopped.", err=True)
        return 130
    except (CannotStart, GatehouseError) as error:
        if debug:
            traceback.print_exc()
        say_failure(error.message, error.fix)
        return USAGE if isinstance(error, CannotStart) else FAILED
    except BrokenPipeError:  # `gatehouse settings | head`
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - or Python complains once more at its end
        return FAILED
    except OSError as error:
        if debug:
            traceback.print_exc()
        where = f": {error.filename}" if error.filename else ""
        say_failure(f"{error.strerror or type(error).__name__}{where}", "`gatehouse doctor` checks this machine.")
        return FAILED
    except Exception as error:
        if debug:
            traceback.print_exc()
        say_failure(
            f"a fault in Gatehouse itself ({type(error).__name__})",
            "`gatehouse --debug …` shows where; please report it with those lines.",
        )
        return FAILED
    return result if isinstance(result, int) else 0


def say_failure(message: str, fix: str) -> None:
    """What is wrong and how to mend it, a line each, on stderr."""
    colour = sys.stderr is not None and sys.stderr.isatty()
    click.echo(f"{click.style('Error:', fg='red', bold=True) if colour else 'Error:'} {message}", err=True)
    if fix:
        click.echo(f"  Fix: {fix}", err=True)


def say_lines(rows: Sequence[Sequence[str]]) -> None:
    """A line a row, tabs between the cells: what other programs read."""
    for row in rows:
        click.echo("\t".join(map(printable, row)))


def in_columns(rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """The rows as columns on a terminal of this width. Only the last column is cut: ids must stay whole to be copied."""
    cells = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)][:-1]
    room = max(width - sum(widths) - 2 * len(widths), CUT_CELL_MIN)
    lines = []
    for row in cells:
        last = row[-1] if len(row[-1]) <= room else f"{row[-1][: room - 1]}…"
        lines.append("  ".join([*(cell.ljust(size) for cell, size in zip(row, widths, strict=False)), last]).rstrip())
    return lines


def terminal_width() -> int:
    return shutil.get_terminal_size().columns


def printable(text: str) -> str:
    """On one line, and with nothing that a terminal would obey: names of files may hold anything."""
    return "".join(character if character.isprintable() else "?" for character in text)
