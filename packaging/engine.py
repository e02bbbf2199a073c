"""`make engine`: llama-cpp-python, built for this machine, tried, and put in place of the engine before it.

    make engine                        in the background; says where the log is
    make engine ARGS=--wait            here, with progress
    make engine ARGS=--status          what is installed, and how far a build is
    make engine ARGS=--any             whatever works and is installed already will do
    make engine ARGS='--wheel FILE'    install this wheel, built elsewhere

CMAKE_ARGS chooses the graphics processor: docs/deploy/engines.md. Until the new engine has proved itself the old one serves,
and it stays where anything fails. A running appliance notices the new one by itself.
"""

import argparse
import fcntl
import importlib.metadata
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

sys.path.append(str(Path(__file__).resolve().parent))

import engine_wheel
import system_packages
from engine_trial import DoesNotRun, tried
from engine_wheel import PACKAGE, ROOT, BuildFailed, Recipe

VENV = Path(sys.prefix)
STAMP = VENV / "made-from-engine"
STAMP_OF_A_FILE = "a wheel that was named"
LOOK_SECONDS = 1.0


class Job:
    """What is going on, for whoever follows: a log, and a state that another process reads. One at a time."""

    def __init__(self, *, aloud: bool) -> None:
        self.folder = engine_wheel.folder()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log = self.folder / "build.log"
        self._state = self.folder / "state.json"
        self._lock = (self.folder / "lock").open("a")
        self._aloud = aloud
        self._told = -1

    def take(self) -> bool:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def hand_to(self, command: list[str]) -> None:
        """To a process that outlives this one, with the lock in its hands: there is no moment without."""
        with self.log.open("w") as log:
            subprocess.Popen(
                [*command, "--lock", str(self._lock.fileno())], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                pass_fds=[self._lock.fileno()], start_new_session=True,
            )  # fmt: skip

    def inherit(self, descriptor: int) -> None:
        self._lock = os.fdopen(descriptor, "a")

    def tell(self, state: str, message: str, percent: int = 0, fix: str = "") -> None:
        facts = self.write(state, message, percent, fix)
        if self._aloud:
            self.show(facts)

    def write(self, state: str, message: str, percent: int = 0, fix: str = "") -> dict[str, Any]:
        facts = {"state": state, "message": message, "percent": percent, "fix": fix, "at": time.time()}
        beside = self._state.with_suffix(".new")
        beside.write_text(json.dumps(facts), encoding="utf-8")
        beside.replace(self._state)
        return facts

    def read(self) -> dict[str, Any]:
        try:
            facts: dict[str, Any] = json.loads(self._state.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return facts

    def show(self, facts: Mapping[str, Any]) -> None:
        """A line for each tenth; on a terminal one line that counts."""
        if facts["state"] == "building":
            percent = facts["percent"]
            if sys.stdout.isatty():
                print(f"\r{facts['message']} … {percent} %", end="\n" if percent == 100 else "", flush=True)
            elif percent // 10 != self._told // 10:
                print(f"{facts['message']} … {percent} %", flush=True)
            self._told = percent
        elif facts["state"] == "failed":
            print(f"Failed: {facts['message']}\n  Fix: {facts['fix']}", flush=True)
        else:
            print(facts["message"], flush=True)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make engine", description="Build llama-cpp-python, try it, switch to it.")
    parser.add_argument("--wait", action="store_true", help="stay here until it is done, with progress")
    parser.add_argument("--status", action="store_true", help="say what is installed, and how far a build is")
    parser.add_argument("--any", action="store_true", help="an engine that is installed and works will do, however it was built")
    parser.add_argument("--wheel", type=Path, metavar="FILE", help="install this wheel, built elsewhere")
    parser.add_argument("--lock", type=int, help=argparse.SUPPRESS)  # of the process that goes on in the background
    chosen = parser.parse_args(arguments)
    if chosen.wheel and not chosen.wheel.is_file():
        parser.error(f"{chosen.wheel} is no file")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the compilers end with us
    job = Job(aloud=chosen.lock is None)
    if chosen.status:
        return status(job)
    if chosen.lock is not None:
        job.inherit(chosen.lock)
    elif not job.take():
        return follow(job) if chosen.wait else told_to_follow(job, "A build is at work already.")
    how = engine_wheel.recipe()
    if (chosen.any or is_made_from(how)) and not chosen.wheel and (works := installed()):
        job.tell("done", f"{works} is installed, and works. Nothing to do.")
        return 0
    wheel = chosen.wheel or engine_wheel.kept(how)
    if wheel is None and chosen.lock is None:
        if system_packages.main("engine"):
            return 1
        if not chosen.wait:
            job.write("building", "Building the engine")
            job.hand_to([sys.executable, __file__])
            return told_to_follow(job, "The engine is being built in the background: some minutes.")
    return finished(job, how, wheel, STAMP_OF_A_FILE if chosen.wheel else how.key)


def told_to_follow(job: Job, what: str) -> int:
    print(f"{what} The one before serves until then.")
    print(f"  log:     tail -f {job.log}")
    print("  follow:  make engine ARGS=--wait     (or --status)")
    return 0


def follow(job: Job) -> int:
    """Show how another process is getting on, until it has ended."""
    while not job.take():
        if (facts := job.read()).get("state") == "building":
            job.show(facts)
        time.sleep(LOOK_SECONDS)
    facts = job.read()
    if facts.get("state") not in ("done", "failed"):
        facts = {"state": "failed", "message": "the build was cut off", "fix": "make engine ARGS=--wait"}
    job.show(facts)
    return 0 if facts["state"] == "done" else 1


def status(job: Job) -> int:
    print(f"Installed: {installed() or 'no llama-cpp-python that works; xllamacpp serves where it is installed'}")
    is_at_work = not job.take()
    facts = job.read()
    if is_at_work:
        print(f"At work: {facts.get('message', 'a build')}, {facts.get('percent', 0)} %. Log: {job.log}")
    elif facts.get("state") == "failed":
        print(f"The last build failed: {facts['message']}\n  Fix: {facts['fix']}\n  Log: {job.log}")
    elif facts.get("state") == "building":
        print(f"The last build was cut off. Log: {job.log}")
    return 0


def finished(job: Job, how: Recipe, wheel: Path | None, stamp: str) -> int:
    """Build it where need be, try it, install it. Whatever fails, the old engine stays."""
    began = time.monotonic()
    try:
        if wheel is None:
            wheel = built(job, how)
        on = switched(job, wheel)
    except (BuildFailed, DoesNotRun) as failure:
        fix = failure.fix if isinstance(failure, BuildFailed) else "make engine ARGS=--wait builds it anew."
        if isinstance(failure, DoesNotRun) and wheel is not None:
            engine_wheel.forget(wheel)
        job.tell("failed", f"{str(failure).rstrip('.')}. The engine before it stays.", fix=f"{fix}\n  Log: {job.log}")
        return 1
    except KeyboardInterrupt:
        job.tell("failed", "stopped. The engine before it stays.", fix="make engine")
        return 130
    STAMP.write_text(stamp, encoding="ascii")
    job.tell(
        "done",
        f"{installed()} is in place, and computes on {', '.join(on) or 'the processor'} ({time.monotonic() - began:.0f} s).",
    )
    return 0


def built(job: Job, how: Recipe) -> Path:
    asked = os.environ.get("CMAKE_ARGS", "")
    what = f"Building {PACKAGE} {how.version}{f' ({asked})' if asked else ''}"
    job.tell("building", what)
    with job.log.open("a") as log:
        print(f"{what}\n{how.key}\nCMAKE_ARGS={how.cmake_args}", file=log, flush=True)
        return engine_wheel.build(how, log, lambda percent: job.tell("building", what, percent))


def switched(job: Job, wheel: Path) -> list[str]:
    """The graphics processors that it uses. Tried beside the old one first, installed last: a server takes what it can import."""
    job.tell("trying", "Trying it out …")
    trial = VENV / "engine-trial"
    shutil.rmtree(trial, ignore_errors=True)
    with job.log.open("a") as log:
        try:
            needed = trial.with_name("engine-needs.txt")
            engine_wheel.write_needs(needed)
            _pip(log, "--no-deps", "--require-hashes", "--only-binary", ":all:", "--requirement", str(needed))
            needed.unlink()
            _pip(log, "--no-index", "--no-deps", "--target", str(trial), str(wheel))
            on = tried("llama_cpp", trial, model()).graphics
            _pip(log, "--no-index", "--no-deps", "--force-reinstall", str(wheel))
        finally:
            shutil.rmtree(trial, ignore_errors=True)
    return on


def _pip(log: IO[str], *words: str) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", *words]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        check=False,
    )  # fmt: skip
    log.write(done.stdout)
    if done.returncode:
        raise engine_wheel.explained(done.stdout.splitlines(keepends=True), done.returncode)


def model() -> Path | None:
    """The demonstration model, where it is here already."""
    from appliance.home import Home, home_folder
    from appliance.local.catalogue import catalogue

    files = [entry.file for entry in catalogue().values() if entry.demonstration]
    places = (Home(home_folder()).models, ROOT / "build/models")
    return next((place / file for place in places for file in files if (place / file).is_file()), None)


def is_made_from(how: Recipe) -> bool:
    return STAMP.is_file() and STAMP.read_text("ascii") == how.key


def installed() -> str:
    """Name and version of the engine in .venv, or "" where none works."""
    importlib.invalidate_caches()
    try:
        version = importlib.metadata.version(PACKAGE)
        tried("llama_cpp", None, model())
    except (importlib.metadata.PackageNotFoundError, DoesNotRun):
        return ""
    return f"{PACKAGE} {version}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
