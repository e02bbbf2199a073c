"""Programs and libraries that come from the operating system: what is missing, and how to get it.

    python packaging/system_packages.py run|tray|develop|test|engine|bench

As root on Debian and its kin they are installed; elsewhere the command that does it is printed. What only tests need may
be missing: those tests say so and are skipped.
"""

import ctypes
import os
import shutil
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple


class Package(NamedTuple):
    name: str  # Debian's
    is_here: Callable[[], bool]
    reason: str


def program(name: str) -> Callable[[], bool]:
    return lambda: shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is not None


def library(name: str) -> Callable[[], bool]:
    def is_here() -> bool:
        try:
            ctypes.CDLL(name)
        except OSError:
            return False
        return True

    return is_here


def font(name: str) -> Callable[[], bool]:
    folders = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path.home() / ".local/share/fonts")
    return lambda: any(name in path.name.lower() for folder in folders if folder.is_dir() for path in folder.rglob("*.[to]tf"))


def compiler() -> bool:
    names = [os.environ.get("CXX", ""), "c++", "g++", "clang++"]
    return any(shutil.which(name.split()[0]) is not None for name in names if name.strip())


def certificates() -> bool:
    paths = ssl.get_default_verify_paths()
    return bool(paths.cafile) or bool(paths.capath and any(Path(paths.capath).iterdir()))


def debian_venv() -> bool:
    """Can the system's own Python, where it has one, make a venv?"""
    python = shutil.which("python3", path="/usr/bin")
    if python is None:
        return True
    return subprocess.run([python, "-c", "import venv, ensurepip"], capture_output=True, check=False).returncode == 0


RUN = [
    Package("ca-certificates", certificates, "to trust providers on the internet"),
    Package("curl", program("curl"), "for the first calls"),
    Package("libseccomp2", library("libseccomp.so.2"), "keeps the processes that read files from all else"),
    Package("libgomp1", library("libgomp.so.1"), "the local model's engine computes with it"),
]
TRAY = [
    *RUN,
    Package("libglib2.0-0", library("libglib-2.0.so.0"), "Qt's own base"),
    Package("libegl1", library("libEGL.so.1"), "Qt draws with it"),
    Package("libgl1", library("libGL.so.1"), "Qt draws with it"),
    Package("libfontconfig1", library("libfontconfig.so.1"), "finds fonts"),
    Package("libdbus-1-3", library("libdbus-1.so.3"), "speaks to the desktop"),
    Package("libxkbcommon-x11-0", library("libxkbcommon-x11.so.0"), "the keyboard, under X11"),
    Package("libxcb-cursor0", library("libxcb-cursor.so.0"), "the pointer, under X11"),
    Package("libxcb-icccm4", library("libxcb-icccm.so.4"), "windows, under X11"),
    Package("libxcb-keysyms1", library("libxcb-keysyms.so.1"), "the keyboard, under X11"),
    Package("libxcb-shape0", library("libxcb-shape.so.0"), "windows, under X11"),
    Package("fonts-dejavu-core", font("dejavu"), "a font with the rupee sign"),
]
TEST = [
    *TRAY,
    Package("chromium", program("chromium"), "draws /docs and /redoc with the network shut"),
    Package("dbus-daemon", program("dbus-run-session"), "a desktop session's bus, for the keyring"),
    Package("gnome-keyring", program("gnome-keyring-daemon"), "a real SecretService"),
    Package("iproute2", program("ip"), "makes a second machine on this one, to call from"),
    Package("nodejs", program("node"), "runs OpenAI's SDK for Node"),
    Package("npm", program("npm"), "installs OpenAI's SDK for Node"),
    Package("openssl", program("openssl"), "checks the bundle's signature a second way"),
    Package("openbox", program("openbox"), "a window manager, for the desktop app"),
    Package("python3-venv", debian_venv, "what installs a bundle, as on a site's own machine"),
    Package("trayer", program("trayer"), "a tray, for the desktop app"),
    Package("x11-utils", program("xwininfo"), "looks at windows"),
    Package("xvfb", program("Xvfb"), "a screen for the desktop app"),
]
BENCH = [
    *TRAY,
    Package("nginx-light", program("nginx"), "answers like a provider"),
    Package("libnginx-mod-http-echo", Path("/usr/lib/nginx/modules/ngx_http_echo_module.so").exists, "streams piece by piece"),
    Package("wrk", program("wrk"), "makes the load"),
    Package("util-linux", program("taskset"), "keeps load and gateway on cores of their own"),
]
ENGINE = [Package("g++", compiler, "builds the local model's engine; CMake and Ninja come with it")]
PEERS = [Package("nodejs", program("node"), "runs Portkey's gateway"), Package("npm", program("npm"), "installs it")]
NEEDED = {"run": RUN, "tray": TRAY, "develop": [], "test": TEST, "engine": ENGINE, "bench": BENCH, "peers": [*BENCH, *PEERS]}


def apt(*words: str) -> bool:
    command = ["apt-get", *words, "--quiet", "-o", "DPkg::Lock::Timeout=300"]
    done = subprocess.run(
        command,
        env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.stderr.write(done.stdout)
    return done.returncode == 0


def install(packages: list[Package]) -> None:
    """All at once; where that fails, one by one, so that one which this release lacks doesn't cost the others."""
    names = [package.name for package in packages]
    began = time.monotonic()
    print(f"Installing system packages: {', '.join(names)} …", end=" ", flush=True)
    flags = ("install", "--yes", "--no-install-recommends")
    if not (apt("update") and apt(*flags, *names)):
        for name in names:
            apt(*flags, name)
    print(f"{time.monotonic() - began:.0f} s", flush=True)


def main(purpose: str) -> int:
    missing = [package for package in NEEDED[purpose] if not package.is_here()]
    if not missing or not sys.platform.startswith("linux"):
        return 0
    if os.geteuid() == 0 and shutil.which("apt-get"):
        install(missing)
        missing = [package for package in missing if not package.is_here()]
    if missing:
        print("System packages that are missing:")
        for package in missing:
            print(f"  {package.name:24} {package.reason}")
        print(f"  Debian, Ubuntu: sudo apt-get install {' '.join(package.name for package in missing)}")
        if purpose == "test":
            print("  Without them some tests are skipped, and say so.")
    return 1 if missing and purpose in ("engine", "bench", "peers") else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
