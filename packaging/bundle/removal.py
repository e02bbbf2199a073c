"""`install.sh --uninstall`: away goes what the record names. Data stays, unless --purge."""

import shutil
import sys
from pathlib import Path

import services
from places import RECORD, Installed, installed_at, process_from, running_process
from verify import Refused


def uninstall(prefix: Path, purge: bool, sure: bool) -> None:
    """Errors: Refused; nothing has been removed then."""
    installed = installed_at(prefix)
    if installed is None:
        raise Refused(f"no Gatehouse is installed at {prefix}", "Name the folder: --prefix DIR. (--system: the system's own.)")
    home = Path(installed.home)
    if purge:
        _refuse_odd_home(home, prefix)
        _make_sure(home, sure)
    _stop(installed, home, prefix)
    _remove_program(prefix, installed)
    print(f"Gatehouse {installed.version} is removed from {prefix}.")
    if purge:
        _remove_home(home)
        print(f"Its data in {home} is removed.")
    elif home.exists():
        print(f"Its data is still in {home}; a new installation finds it there.")


def _stop(installed: Installed, home: Path, prefix: Path) -> None:
    if installed.unit:
        services.stop_for_good(installed.is_system)
    if (pid := running_process(home) or process_from(prefix / "versions")) is not None:
        raise Refused(f"Gatehouse runs (process {pid})", f"Stop it first: kill {pid}")


def _remove_program(prefix: Path, installed: Installed) -> None:
    if installed.unit:
        Path(installed.unit).unlink(missing_ok=True)
        services.forget(installed.is_system)
    for link in map(Path, installed.links):
        if link.is_symlink() and link.readlink().is_relative_to(prefix):
            link.unlink()
    if installed.desktop_entry:
        Path(installed.desktop_entry).unlink(missing_ok=True)
    for folder in ("versions", "bin"):
        shutil.rmtree(prefix / folder, ignore_errors=True)
    for file in ("current", RECORD, "lock"):
        (prefix / file).unlink(missing_ok=True)
    try:
        prefix.rmdir()
    except OSError:
        print(f"{prefix} holds files that Gatehouse did not make; they stay.")


def _refuse_odd_home(home: Path, prefix: Path) -> None:
    """A home that holds more than Gatehouse's data must not be emptied."""
    if not home.exists():
        return
    real = home.resolve()
    kept = (Path.home().resolve(), prefix.resolve(), Path("/etc"), Path("/usr"), Path("/var/lib"))
    ours = any((real / name).exists() for name in ("gatehouse.db", "models"))
    if len(real.parts) < 3 or any(place.is_relative_to(real) for place in kept) or not ours:
        raise Refused(
            f"{home} does not look like a folder that holds Gatehouse's data alone",
            "Look into it and remove by hand what you don't need. Without --purge the rest is uninstalled.",
        )


def _make_sure(home: Path, sure: bool) -> None:
    if sure or not home.exists():
        return
    if not sys.stdin.isatty():
        raise Refused(f"--purge deletes the ledger, keys and models in {home}", "Say that you mean it: --purge --yes")
    print(f"This deletes the ledger, keys and models in {home} for good.")
    if input("Type yes to go on: ").strip() != "yes":
        raise Refused("nothing was removed", "Without --purge the program goes and the data stays.")


def _remove_home(home: Path) -> None:
    real = home.resolve()  # a service's home is a link to where systemd keeps it
    shutil.rmtree(real, ignore_errors=True)
    if home.is_symlink():
        home.unlink()
    if real.exists():
        print(f"Not everything in {real} could be removed: remove the rest by hand.")
