"""`gatehouse doctor`: looks at this machine, and says how to mend what is wrong. Changes nothing."""

import json
import os
import sys
from collections.abc import Iterator

import click
import msgspec

from appliance.cli.checks import air_gap, engines, files, keeping, machine, models, network, vllm
from appliance.cli.checks.finding import Check, Finding, Patient, fail
from appliance.home import CannotStart, Home, home_folder
from appliance.settings import Settings
from appliance.settings_sources import load

CHECKS: list[Check] = [
    *machine.CHECKS,
    *keeping.CHECKS,
    *engines.CHECKS,
    *models.CHECKS,
    *vllm.CHECKS,
    *files.CHECKS,
    *network.CHECKS,
]

MARKS = {"ok": ("ok  ", "green"), "warn": ("warn", "yellow"), "fail": ("FAIL", "red")}


@click.command()
@click.option("--air-gap", "of_air_gap", is_flag=True, help="Check only that nothing leads out of air_gap_networks.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def doctor(of_air_gap: bool, as_json: bool) -> int:
    """Check this machine, and say how to mend what is wrong. Exits 1 where something must be mended."""
    findings = []
    for finding in examine(patient(Home(home_folder(os.environ))), air_gap.CHECKS if of_air_gap else CHECKS):
        findings.append(finding)
        if not as_json:
            _say(finding)
    failed = sum(finding.state == "fail" for finding in findings)
    warned = sum(finding.state == "warn" for finding in findings)
    if as_json:
        click.echo(json.dumps({"ok": not failed, "findings": msgspec.to_builtins(findings)}, indent=2, ensure_ascii=False))
    else:
        click.echo()
        click.echo(f"{failed} to mend, {warned} to look at." if failed or warned else "All is well.")
    return 1 if failed else 0


def patient(home: Home) -> Patient:
    """This machine with its settings, or the default ones where they can't be read."""
    try:
        settings = load(home, os.environ).settings
    except CannotStart:
        settings = Settings()
    return Patient(home, os.environ, settings)


def examine(whom: Patient, checks: list[Check] = CHECKS) -> Iterator[Finding]:
    """Every check in turn. One that breaks is a finding too, and the others go on."""
    for check in checks:
        try:
            yield from check(whom)
        except Exception as error:
            name = check.__name__.replace("_", " ")
            yield fail(name, f"could not be checked ({type(error).__name__})", "Please report this with `gatehouse version`.")


def _say(finding: Finding) -> None:
    mark, colour = MARKS[finding.state]
    click.echo(f"{click.style(mark, fg=colour) if sys.stdout.isatty() else mark}  {finding.name}: {finding.what}")
    if finding.mend:
        click.echo(f"      {finding.mend}")
