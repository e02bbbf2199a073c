"""Can this bundle be installed on this machine? Each check says what is wrong and what to do."""

import ctypes
import datetime
import os
import platform
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from places import Installed
from verify import Refused, fingerprint, public_key_of

SPARE_BYTES = 50_000_000
# (library, Debian's package, what for, only with the desktop app)
LIBRARIES = (
    ("libgomp.so.1", "libgomp1", "the local model", False),
    ("libstdc++.so.6", "libstdc++6", "the local model", False),
    ("libEGL.so.1", "libegl1", "the desktop app", True),
    ("libGL.so.1", "libgl1", "the desktop app", True),
    ("libfontconfig.so.1", "libfontconfig1", "the desktop app", True),
    ("libdbus-1.so.3", "libdbus-1-3", "the desktop app", True),
    ("libxkbcommon-x11.so.0", "libxkbcommon-x11-0", "the desktop app", True),
    ("libxcb-cursor.so.0", "libxcb-cursor0", "the desktop app", True),
    ("libxcb-icccm.so.4", "libxcb-icccm4", "the desktop app", True),
    ("libxcb-keysyms.so.1", "libxcb-keysyms1", "the desktop app", True),
    ("libxcb-shape.so.0", "libxcb-shape0", "the desktop app", True),
)
CLOCK_AHEAD_YEARS_MAX = 10


def manifest(folder: Path) -> dict[str, str]:
    lines = (folder / "MANIFEST").read_text(encoding="ascii").splitlines()
    return dict(line.split("=", 1) for line in lines)


def refuse_another_platform(told: Mapping[str, str]) -> None:
    here = f"{platform.system().lower()}-{platform.machine()}"
    if here != told["platform"]:
        raise Refused(f"this bundle is for {told['platform']}, and this machine is {here}", f"Get the bundle for {here}.")
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    if python != told["python"] or sys.implementation.name != "cpython":
        raise Refused(
            f"this bundle needs Python {told['python']}, and this is {sys.implementation.name} {python}",
            f"Install Python {told['python']}, or get the bundle for Python {python}.",
        )
    if told["glibc"]:
        _refuse_older_glibc(told["glibc"])


def _refuse_older_glibc(needed: str) -> None:
    try:
        here = (os.confstr("CS_GNU_LIBC_VERSION") or "").removeprefix("glibc ")
    except (OSError, ValueError):
        here = ""
    if not re.fullmatch(r"\d+\.\d+.*", here):
        raise Refused(
            f"this bundle needs glibc {needed} or newer, and this system has another C library",
            "Use a system with glibc: Debian, Ubuntu, Fedora, RHEL, SUSE.",
        )
    if _numbers(here) < _numbers(needed):
        raise Refused(
            f"this bundle needs glibc {needed} or newer, and this system has {here}",
            "Use a newer release of the system: Debian 12, Ubuntu 22.04, RHEL 9 and later have it.",
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])


def refuse_strange_key(key: bytes, named: str | None, accept_new: bool, installed: Installed | None) -> None:
    """`named`: what the caller expects, a fingerprint or a file that holds the key."""
    if named is not None:
        file = Path(named)
        expected = fingerprint(public_key_of(file.read_text("ascii", "replace"))) if file.is_file() else named
        if _hexadecimal(expected) != _hexadecimal(fingerprint(key)):
            raise Refused(
                f"another key signed this bundle: {fingerprint(key)}",
                "Don't install it. Ask the publisher for the right bundle, or for the right fingerprint.",
            )
    elif installed is not None and installed.key != key.hex() and not accept_new:
        raise Refused(
            f"the version that is installed was signed by {fingerprint(bytes.fromhex(installed.key))}, this bundle by "
            f"{fingerprint(key)}",
            "Ask the publisher whether the key has changed. If so: --accept-new-key, or better --key FINGERPRINT.",
        )


def _hexadecimal(text: str) -> str:
    return text.lower().replace(":", "").replace(" ", "")


def refuse_full_disk(told: Mapping[str, str], prefix: Path, home: Path, models_bytes: int) -> None:
    needs: dict[int, tuple[Path, int]] = {}
    for place, needed in ((prefix, int(told["installed_bytes"]) + SPARE_BYTES), (home, models_bytes)):
        existing = next(folder for folder in (place, *place.parents) if folder.is_dir())
        device = existing.stat().st_dev
        needs[device] = (existing, needs.get(device, (existing, 0))[1] + needed)
    for folder, needed in needs.values():
        free = shutil.disk_usage(folder).free
        if free < needed:
            raise Refused(
                f"the disk is too full: {needed // 1_000_000} MB are needed at {folder}, {free // 1_000_000} MB are free",
                "Free some space, or choose another disk with --prefix DIR and --home DIR.",
            )


def processor_lacks(told: Mapping[str, str]) -> list[str]:
    """What the bundle's engine was compiled to use, and this processor doesn't have; where that can't be known, nothing."""
    try:
        found = re.search(r"^(?:flags|Features)\s*:(.*)$", Path("/proc/cpuinfo").read_text("utf-8", "replace"), re.MULTILINE)
    except OSError:
        return []
    return sorted(set(told.get("processor", "").split()) - set(found[1].split())) if found else []


def warnings(told: Mapping[str, str]) -> list[str]:
    """What need not stop an installation, but will be noticed later."""
    found = []
    now = datetime.datetime.now(datetime.UTC)
    built = datetime.datetime.fromisoformat(told["built"])
    if now < built - datetime.timedelta(days=1) or now.year > built.year + CLOCK_AHEAD_YEARS_MAX:
        found.append(
            f"this machine's clock says {now:%Y-%m-%d}, and the bundle was built on {built:%Y-%m-%d}. With a wrong clock,"
            " certificates and keys get wrong dates, and others refuse them. Set it: sudo date --set 'YYYY-MM-DD HH:MM'"
        )
    if sys.platform == "linux":
        for library, package, user, of_tray in LIBRARIES:
            if (told["tray"] == "yes" or not of_tray) and not _loads(library):
                found.append(f"{library} is missing, which {user} needs. Debian, Ubuntu: install {package}.")
    return found


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
