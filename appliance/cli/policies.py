"""`gatehouse policies`: guardrail policies, who is under them, and what auditors are told."""

import json
import sys
import time
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from appliance.cli.control import machine
from appliance.cli.main import in_columns, printable, say_lines, terminal_width
from appliance.clock import milliseconds_of
from appliance.errors import NotFound, TooLarge
from appliance.home import write_private

if TYPE_CHECKING:
    from appliance.api.admin.policies import PolicyShown
    from appliance.api.admin.policy_assignments import AssignmentShown

FILE_BYTES_MAX = 1024 * 1024
REPORT_DAYS = 30
_DAY_MS = 86_400_000
_KINDS = ("tenant", "department", "team", "user", "key", "route")
AS_JSON = click.option("--json", "as_json", is_flag=True, help="As JSON.")


@click.group()
def policies() -> None:
    """Guardrail policies: what is done about what is found, and for whom."""


@policies.command("list")
@AS_JSON
def list_policies(as_json: bool) -> None:
    """List policies."""
    with machine() as appliance:
        found = appliance.policing.policies()
    _say(found, as_json, ("NAME", "VERSION", "SOURCE", "IN FORCE", "TITLE"), [_row(one) for one in found])


@policies.command()
@click.argument("name")
@AS_JSON
def show(name: str, as_json: bool) -> None:
    """Show the policy called NAME: its rules, and what it can't find."""
    with machine() as appliance:
        found = [one for one in appliance.policing.policies() if one.name == name]
    if not found:
        raise NotFound("there is no such policy", fix="`gatehouse policies list` shows them.")
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(found[0].policy), indent=2, ensure_ascii=False))
        return
    for line in lines_for_people(found[0], terminal_width()):
        click.echo(line)


@policies.command("import", short_help="Take in a policy from a TOML or JSON file.")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True))
def import_policy(file: Path) -> None:
    """Take in the policy in FILE (TOML or JSON; `-`: standard input), as a new one or as the next version of its name.

    Its own examples are tried first. `gatehouse policies show NAME --json` writes such a file.
    """
    document = _read(file)
    with machine() as appliance:
        made = appliance.policing.write(document)
    click.echo(printable(f"{made.name} is version {made.version} now."))


@policies.command()
@click.argument("name")
def remove(name: str) -> None:
    """Remove the policy called NAME, which nobody is under. Its versions stay in the database."""
    with machine() as appliance:
        appliance.policing.remove(name)
    click.echo(printable(f"{name} is removed."))


@policies.command()
@AS_JSON
def assignments(as_json: bool) -> None:
    """List who is under which policy."""
    with machine() as appliance:
        found = appliance.policing.assignments()
    _say(found, as_json, ("ID", "POLICY", "MODE", "FOR"), [_assignment_row(one) for one in found])


@policies.command(short_help="Put somebody under a policy.")
@click.argument("name")
@click.option("--everyone", is_flag=True, help="Everyone.")
@click.option("--tenant", metavar="ID", help="An organisation.")
@click.option("--department", metavar="ID", help="A department.")
@click.option("--team", metavar="ID", help="A team.")
@click.option("--user", metavar="ID", help="A person.")
@click.option("--key", metavar="ID", help="An API key.")
@click.option("--route", metavar="NAME", help="Whoever asks for this model name.")
@click.option("--shadow", "mode", flag_value="shadow", help="Only record what it would have done.")
@click.option("--replace", "mode", flag_value="replace", help="Instead of the policies of wider subjects.")
def assign(name: str, everyone: bool, mode: str | None, **subjects: str | None) -> None:
    """Put somebody, or a route, under the policy called NAME. It counts from the next request on.

    \b
    gatehouse policies assign strict --everyone --shadow
    gatehouse policies assign gdpr --department dep_…
    """
    given = [(kind, its_id) for kind in _KINDS if (its_id := subjects[kind])] + [("everyone", "")] * everyone
    if len(given) != 1:
        raise click.UsageError("Say for whom: --everyone, --tenant, --department, --team, --user, --key or --route, one of them.")
    kind, its_id = given[0]
    with machine() as appliance:
        made = appliance.policing.assign({"subject": {"kind": kind, "id": its_id}, "policy": name, "mode": mode or "enforce"})
    click.echo(printable(f"{made.id}: {_who(made)} {_MODES[made.mode]} {made.policy}."))


@policies.command()
@click.argument("assignment_id")
def unassign(assignment_id: str) -> None:
    """Take an assignment back, named by its id (`gatehouse policies assignments`)."""
    with machine() as appliance:
        appliance.policing.unassign(assignment_id)
    click.echo("It is taken back.")


@policies.command(short_help="What an auditor is told of a compliance pack.")
@click.argument("pack")
@click.option("--from", "begin", metavar="DAY", help="2026-11-01, say; left out: 30 days before the end.")
@click.option("--to", "end", metavar="DAY", help="Itself excluded; left out: now.")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Into this file.")
@AS_JSON
def report(pack: str, begin: str | None, end: str | None, output: Path | None, as_json: bool) -> None:
    """Tell what PACK (dpdp, gdpr, hipaa, pci-dss, or one of your own) found over a time: types and counts, never a value.

    Findings and actions, what went past it, what was changed, and whether the audit's chain holds.
    """
    end_ms = _moment(end, "--to") if end is not None else int(time.time() * 1000)
    begin_ms = _moment(begin, "--from") if begin is not None else end_ms - REPORT_DAYS * _DAY_MS
    if begin_ms >= end_ms:
        raise click.BadParameter("is not before --to", param_hint="--from")
    with machine() as appliance:
        found = appliance.policing.report(pack, begin_ms, end_ms)
    if as_json:
        text = json.dumps(msgspec.to_builtins(found), indent=2, ensure_ascii=False) + "\n"
    else:
        from appliance.gateway.compliance_text import as_markdown

        text = as_markdown(found)
    if output is None:
        click.echo(text, nl=False)
    else:
        write_private(output, text.encode())
        click.echo(printable(f"Written to {output}."))


def lines_for_people(one: "PolicyShown", width: int) -> list[str]:
    """A policy as a person reads it: what it is, its rules in columns, its expressions, and what it can't find."""
    form = one.policy
    head = f"{one.name} (version {one.version}, {one.source}{', in force' if one.in_force else ''})"
    rows = [("INPUT", "OUTPUT", "TYPES", "ANSWERS TO")]
    rows += [(rule.input, rule.output, ", ".join(rule.types), rule.answers_to or "-") for rule in form.rules]
    lines = [printable(head), *(f"  {printable(line)}" for line in form.description.strip().splitlines()), ""]
    lines += in_columns(rows, width) if form.rules else ["No rules: nothing is inspected."]
    lines += [printable(f"CUSTOM_{own.name} is {own.regex}") for own in form.custom]
    lines += ["", *(printable(f"Not found here: {what}") for what in form.not_found_here)] if form.not_found_here else []
    return lines


_MODES = {"enforce": "is under", "shadow": "is only recorded under", "replace": "is, instead of wider policies, under"}


def _row(one: "PolicyShown") -> tuple[str, ...]:
    return one.name, str(one.version), one.source, "yes" if one.in_force else "-", one.policy.title or "-"


def _assignment_row(one: "AssignmentShown") -> tuple[str, ...]:
    return one.id, one.policy, one.mode, _who(one)


def _who(one: "AssignmentShown") -> str:
    subject = one.subject
    if subject.kind == "everyone":
        return "everyone"
    return f"{subject.kind} {subject.name or 'that is gone'} ({subject.id})" if subject.kind != "route" else f"route {subject.id}"


def _say(found: Any, as_json: bool, head: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(found), indent=2, ensure_ascii=False))
    elif not rows:
        click.echo("There are none.")
    elif sys.stdout.isatty():
        for line in in_columns([head, *rows], terminal_width()):
            click.echo(line)
    else:
        say_lines(rows)


def _read(file: Path) -> dict[str, Any]:
    """Errors: TooLarge, click.ClickException."""
    stream = click.open_file(str(file), "rb")
    with stream:
        data = stream.read(FILE_BYTES_MAX + 1)
    if len(data) > FILE_BYTES_MAX:
        raise TooLarge(f"the file has more than {FILE_BYTES_MAX:,} bytes", fix="A policy is smaller than that.")
    try:
        text = data.decode()
        found = json.loads(text) if text.lstrip()[:1] == "{" else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise click.ClickException(f"the file is neither TOML nor JSON: {str(error)[:200]}") from None
    if not isinstance(found, dict):
        raise click.ClickException("the file holds no policy: it is to be a table (TOML) or an object (JSON).")
    return found


def _moment(text: str, option: str) -> int:
    """Errors: click.BadParameter."""
    try:
        found = milliseconds_of(text)
    except (ValueError, OverflowError):
        found = -1
    if found < 0:
        raise click.BadParameter("is no day and no moment: write 2026-11-01, say", param_hint=option)
    return found
