"""Install, upgrade or remove Gatehouse, from a bundle, without internet. `install.sh` starts this.

The way of an installation, from `install()` down: look at every file of the bundle, then at the machine, make the new version
beside the old one, switch, register a service.
"""

import argparse
import fcntl
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE))  # last: nothing here can stand in for a module of Python's own

import checks  # noqa: E402
import places  # noqa: E402
import program  # noqa: E402
import removal  # noqa: E402
import services  # noqa: E402
import verify  # noqa: E402
from places import Installed  # noqa: E402
from verify import Refused  # noqa: E402

BUNDLE = HERE.parent
PROGRAMS = ("gatehouse", "gatehouse-tray")


def options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="install.sh",
        description="Install Gatehouse from this folder, without internet. Run again it upgrades; your data stays.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    who = parser.add_mutually_exclusive_group()
    who.add_argument("--system", action="store_true", default=None, help="for the whole machine (needs root; root's default)")
    who.add_argument("--user", action="store_false", dest="system", help="for this user (anybody else's default)")
    add("--prefix", type=Path, metavar="DIR", help="the program's folder (else /opt/gatehouse, ~/.local/share/gatehouse-app)")
    add("--home", type=Path, metavar="DIR", help="the data's folder (else /var/lib/gatehouse, ~/.local/share/gatehouse)")
    add("--python", metavar="PATH", help="the Python to use")
    add("--no-service", action="store_true", help="register nothing with systemd; say how to start it")
    add("--key", metavar="KEY", help="install only what this key signed: its fingerprint, or a file that holds it")
    add("--accept-new-key", action="store_true", help="upgrade although another key signed the installed version")
    add("--uninstall", action="store_true", help="remove the program; the data stays")
    add("--purge", action="store_true", help="with --uninstall: remove the data too")
    add("--yes", action="store_true", help="with --purge: don't ask")
    chosen = parser.parse_args(arguments)
    if chosen.purge and not chosen.uninstall:
        parser.error("--purge goes with --uninstall")
    if chosen.system and os.geteuid() != 0:
        raise Refused("installing for the whole machine needs root", "sudo sh install.sh --system, or: sh install.sh --user")
    return chosen


def main(arguments: list[str]) -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # cleaned up after as Ctrl-C is
    try:
        chosen = options(arguments)
        is_system = os.geteuid() == 0 if chosen.system is None else chosen.system
        prefix = (chosen.prefix or places.default_prefix(is_system)).expanduser().absolute()
        if chosen.uninstall:
            removal.uninstall(prefix, chosen.purge, chosen.yes)
        else:
            install(chosen, prefix, is_system)
    except Refused as refused:
        print(f"Refused: {refused.message}\n  Fix: {refused.fix}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped. What was installed before is as it was.", file=sys.stderr)
        return 130
    except OSError as error:
        print(
            f"Failed: {error.filename or prefix}: {error.strerror or error}\n  Fix: Mend that, then run it again.",
            file=sys.stderr,
        )
        return 1
    return 0


def install(chosen: argparse.Namespace, prefix: Path, is_system: bool) -> None:
    print("Looking at the bundle …", flush=True)
    key = verify.verified_key(BUNDLE)
    told = checks.manifest(BUNDLE)
    checks.refuse_another_platform(told)
    before = places.installed_at(prefix)
    checks.refuse_strange_key(key, chosen.key, chosen.accept_new_key, before)
    _refuse_foreign_folder(prefix, before)
    home = _home(chosen, is_system, before)
    with_unit = not chosen.no_service and services.runs(is_system)
    if with_unit:
        services.refuse_what_it_cannot_run(is_system, prefix, home)
    models = program.models_missing(BUNDLE, home, verify.parsed((BUNDLE / verify.LISTED).read_text("ascii")))
    checks.refuse_full_disk(told, prefix, home, sum(model.stat().st_size for model in models))
    print(f"Gatehouse {told['version']}, signed by {verify.fingerprint(key)}")
    if chosen.key is None and before is None:
        print("  Compare that with what the publisher told you: only that shows who made this bundle (--key checks it).")
    for warning in checks.warnings(told):
        warn(warning)
    left_out = _engine_left_out(told)

    os.umask(0o022 if is_system else 0o077)
    installed = Installed(told["version"], "", is_system, str(home), key.hex())
    with program.all_or_nothing(prefix), _alone(prefix), program.all_or_nothing(prefix / "versions"):
        folder = program.new_folder(prefix, told["version"])
        installed.folder = folder.name
        program.make(folder, BUNDLE, left_out)
        with _removed_on_failure(folder):
            program.place_models(models, home)
            _record(installed, prefix, folder, with_unit, chosen.prefix is None)
            program.switch(prefix, folder)
        _arrange(installed, prefix, before)
    if not left_out and (problem := program.engine_problem(folder, told["engine"])):
        warn(f"the local engine ({told['engine']}) does not run here: {problem}. No local model will run until that is mended.")
    _tell(installed, prefix, before)


def _engine_left_out(told: Mapping[str, str]) -> str:
    """The engine's name where this processor can't run it, which is told; "" where it can."""
    lacking = checks.processor_lacks(told)
    if not lacking:
        return ""
    warn(
        f"this processor lacks {', '.join(lacking)}, which the local engine ({told['engine']}) was compiled to use: it is left"
        " out. No local model will run here; providers work. Processors of 2015 and later have what it needs."
    )
    return told["engine"]


def warn(what: str) -> None:
    print(f"Warning: {what}", file=sys.stderr)


def _home(chosen: argparse.Namespace, is_system: bool, before: Installed | None) -> Path:
    if chosen.home:
        return Path(chosen.home).expanduser().absolute()
    return Path(before.home) if before else places.default_home(is_system)


def _refuse_foreign_folder(prefix: Path, before: Installed | None) -> None:
    known = {"lock", "versions", "bin", ".installed.json", ".current"}  # what an installation that was cut off may leave
    if before is None and prefix.exists() and not (prefix.is_dir() and {path.name for path in prefix.iterdir()} <= known):
        raise Refused(f"{prefix} is there already, and is no installation of Gatehouse", "Choose an empty folder: --prefix DIR")


@contextmanager
def _alone(prefix: Path) -> Iterator[None]:
    """One installation at a time."""
    file = prefix / "lock"
    with file.open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Refused(f"another installation is at work in {prefix}", "Wait until it has ended.") from None
        try:
            yield
        finally:
            file.unlink(missing_ok=True)


@contextmanager
def _removed_on_failure(folder: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        program.remove_folder(folder)
        raise


def _record(installed: Installed, prefix: Path, folder: Path, with_unit: bool, with_links: bool) -> None:
    """Written before anything outside the prefix is: whatever happens next, removal finds it."""
    names = [name for name in PROGRAMS if (folder / "bin" / name).exists() and (name == "gatehouse" or _has_tray(folder))]
    if with_unit:
        installed.unit = str(services.unit_file(installed.is_system))
    if with_links:
        installed.links = [str(places.programs_folder(installed.is_system) / name) for name in names]
        if "gatehouse-tray" in names:
            installed.desktop_entry = str(places.desktop_folder(installed.is_system) / "gatehouse.desktop")
    bin_folder = prefix / "bin"
    bin_folder.mkdir(exist_ok=True)
    for name in names:
        text = places.launcher(prefix / "current/bin" / name, Path(installed.home), installed.is_system)
        program.write_executable(bin_folder / name, text)
    program.write_executable(bin_folder / "gatehouse-uninstall", places.uninstaller(prefix))
    installed.write(prefix)


def _has_tray(folder: Path) -> bool:
    return any(folder.glob("lib/python*/site-packages/PySide6"))


def _arrange(installed: Installed, prefix: Path, before: Installed | None) -> None:
    """What lies outside the prefix. A failure here leaves a program that works, and is told."""
    for link in map(Path, installed.links):
        if not program.link(link, prefix / "bin" / link.name, prefix):
            print(f"Warning: {link} is there already and not ours; it stays. Gatehouse is at {prefix / 'bin' / link.name}")
    if installed.desktop_entry:
        entry = (HERE / "gatehouse.desktop").read_text(encoding="utf-8")
        entry = entry.replace("{program}", services.quoted(str(prefix / "bin/gatehouse-tray")))
        program.write_text(Path(installed.desktop_entry), entry)
    restarted = False
    if installed.unit:
        program.write_text(Path(installed.unit), services.unit(installed.is_system, prefix, Path(installed.home)), 0o644)
        restarted = services.start(installed.is_system)
        if not restarted:
            print("Warning: systemd did not start it. `systemctl status gatehouse` says why.", file=sys.stderr)
    still_used = before is not None and (
        (not restarted and places.running_process(Path(before.home)) is not None)
        or places.process_from(prefix / "versions" / before.folder) is not None
    )
    program.remove_versions_but(prefix, installed.folder, before.folder if before and still_used else "")


def _tell(installed: Installed, prefix: Path, before: Installed | None) -> None:
    home = Path(installed.home)
    done = "upgraded" if before else "installed"
    print(f"\nGatehouse {installed.version} is {done} in {prefix}; its data is in {home}.")
    running = places.running_process(home)
    if installed.unit:
        scope = "" if installed.is_system else "--user "
        print(f"It runs as a service: systemctl {scope}status gatehouse")
        if not installed.is_system:
            print("  It ends when you sign out, unless you say once: loginctl enable-linger")
    elif running is not None:
        print(f"Process {running} still runs the version before: stop it and start it again.")
    else:
        print(f"Start it:\n  {program.shell_words(prefix / 'bin/gatehouse')} serve")
    print("Then, on this machine, http://localhost:8000 answers.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
