"""`gatehouse guard`: what a policy makes of a text, on this machine and without a server."""

import json
import sys
from typing import TYPE_CHECKING, TextIO

import click
import msgspec

from appliance.cli.control import machine
from appliance.cli.guard_scan import scan_files
from appliance.cli.main import printable

if TYPE_CHECKING:
    from appliance.guardrails.policy import Policy
    from appliance.guardrails.verdict import Verdict

CHARACTERS_MAX = 10_000_000


@click.group()
def guard() -> None:
    """Guardrails: what is found in texts, and what is done about it."""


@guard.command("test")
@click.argument("file", type=click.File("r", encoding="utf-8", errors="surrogateescape"))
@click.option("--policy", default="default", show_default=True, help="The policy's name.")
@click.option("--output", "is_output", is_flag=True, help="As what a model answers, not as what it is sent.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def test_file(file: TextIO, policy: str, is_output: bool, as_json: bool) -> int:
    """Show what the policy makes of FILE (- for standard input). Ends with 1 where it stops it.

    \b
    echo "Test content with PII: 123-45-6789" | gatehouse guard test -
    """
    from appliance.guardrails.house import make_guard  # a second's work, and no other command's
    from appliance.guardrails.policy_examples import scanner_of
    from appliance.identity.key_format import well_formed

    text = file.read(CHARACTERS_MAX + 1)
    if len(text) > CHARACTERS_MAX:
        raise click.ClickException(f"the text has more than {CHARACTERS_MAX:,} characters. Give it in parts.")
    made = make_guard(well_formed)
    wanted = made.policies.get(policy) or own(policy)
    custom = scanner_of(wanted.form)
    found = made.judged(text, wanted, "output" if is_output else "input", custom)
    if as_json:
        told = {"allowed": found.allowed, **msgspec.to_builtins(found), "policy": policy}
        click.echo(json.dumps(told, indent=2, ensure_ascii=False))
    else:
        _say(found, policy)
    return 0 if found.allowed else 1


guard.add_command(scan_files)


def own(name: str) -> "Policy":
    """One of this home's own. Errors: click.ClickException."""
    from appliance.guardrails.policy import Policy

    with machine() as appliance:
        known = {one.name: one for one in appliance.policing.policies()}
    if name not in known:
        raise click.ClickException(f"there is no policy {name!r}. There are {', '.join(sorted(known))}.")
    return Policy(known[name].policy, known[name].version)


def _on_terminal(text: str) -> str:
    return "".join(printable(line) + "\n" for line in text.splitlines())


def _say(found: "Verdict", policy: str) -> None:
    """The text on standard output, as it would go on; what was found beside it, on standard error."""
    if found.allowed:
        sys.stdout.write(_on_terminal(found.text) if sys.stdout.isatty() else found.text)
        sys.stdout.flush()
    for one in found.findings:
        click.echo(f"{one.action:>8}  {one.type}  at {one.start} to {one.end}, {one.score:.2f} ({one.detector})", err=True)
    word = {"allow": "finds nothing", "block": "stops it"}.get(found.action, "lets it go on as shown")
    click.echo(f"The policy {policy} {word}.", err=True)
