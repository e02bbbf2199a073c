"""The program's files: a virtual environment a version, and `current`, which points to the one that is used.

A new version is made whole beside the old one before `current` moves, so that a failure at any moment leaves the old one as
it was.
"""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from verify import Refused, sha256_of

LOG_LINES = 12
COMPILING = "Compiling them"


@contextmanager
def all_or_nothing(*folders: Path, mode: int = 0o777) -> Iterator[None]:
    """The folders, made where they were missing, and taken away again (where empty) should what follows fail."""
    made: list[Path] = []
    try:
        for folder in folders:
            missing = [place for place in (folder, *folder.parents) if not place.exists()]
            for place in reversed(missing):
                place.mkdir(mode=mode)
                made.append(place)
        yield
    except BaseException:
        for place in reversed(made):
            try:
                place.rmdir()
            except OSError:
                break
        raise


def new_folder(prefix: Path, version: str) -> Path:
    """A name that no version has yet, not made."""
    number = 1
    while (folder := prefix / "versions" / f"{version}-{number}").exists():
        number += 1
    return folder


def make(folder: Path, bundle: Path, left_out: str = "") -> None:
    """The virtual environment with everything of the bundle in it, but for the package that is left out; tried.

    Errors:  Refused; nothing is left then.
    """
    temporary = folder / "tmp"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON", "VIRTUAL_ENV"))}
    # Whatever these programs keep for themselves (pip calls others, to tell an index about them) ends with the folder.
    environment |= {"TMPDIR": str(temporary), "HOME": str(temporary), "PIP_CONFIG_FILE": os.devnull, "LC_ALL": "C.UTF-8"}
    python = folder / "bin/python"
    commands: list[tuple[str, list[str | Path]]] = [
        ("Making the virtual environment", [sys.executable, "-I", "-m", "venv", folder]),
        (
            "Installing the packages",
            [
                *(python, "-I", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--no-cache-dir"),
                *("--no-index", "--find-links", bundle / "wheels", "--only-binary", ":all:", "--no-deps", "--no-compile"),
                *("--require-hashes", "--requirement", temporary / "requirements.txt"),
            ],
        ),
        # Here, and on every core: who runs the program later may not be allowed to write beside it.
        (COMPILING, [python, "-I", "-m", "compileall", "-q", "-j", "0", folder / "lib"]),
        ("Trying it out", [folder / "bin/gatehouse", "version"]),
    ]
    try:
        temporary.mkdir(parents=True)
        lines = (bundle / "requirements.txt").read_text("ascii").splitlines(keepends=True)
        kept = [line for line in lines if line.partition("==")[0] != left_out]
        (temporary / "requirements.txt").write_text("".join(kept), encoding="ascii")
        for what, command in commands:
            _run(what, command, environment)
        shutil.rmtree(temporary)
        shutil.copytree(bundle / "installer", folder / "installer")
        shutil.copy2(bundle / "MANIFEST", folder / "installer/MANIFEST")
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, OSError):
            raise Refused(
                f"{folder} can't be written: {error.strerror}", "Free some space, or mend that, then run it again."
            ) from error
        raise


def _run(what: str, command: list[str | Path], environment: dict[str, str]) -> None:
    print(f"{what} …", flush=True)
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        errors="replace", check=False,
    )  # fmt: skip
    full = "No space left" in done.stdout or "Errno 28" in done.stdout
    if done.returncode == 0 or (what == COMPILING and not full):  # packages carry templates that are no Python yet
        return
    said = "\n    ".join(done.stdout.splitlines()[-LOG_LINES:])
    raise Refused(
        "the disk is full" if full else f"{what.lower()} failed; it said:\n    {said}",
        "Free some space, then run it again."
        if full
        else "Mend that, then run it again. What was installed before is as it was.",
    )


def engine_problem(folder: Path, distribution: str) -> str:
    """Why the engine in a version's folder doesn't run on this machine; "" where it does."""
    module = distribution.removesuffix("-python").replace("-", "_")
    done = subprocess.run(
        [folder / "bin/python", "-I", "-B", "-c", f"import {module}"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False,
    )  # fmt: skip
    if done.returncode == 0:
        return ""
    said = done.stderr.strip().splitlines()
    return said[-1] if said else f"it ended with status {done.returncode}"


def switch(prefix: Path, folder: Path) -> None:
    """From here on `current` is this version."""
    beside = prefix / ".current"
    beside.unlink(missing_ok=True)
    beside.symlink_to(folder.relative_to(prefix))
    beside.replace(prefix / "current")


def write_executable(path: Path, text: str) -> None:
    write_text(path, text, path.parent.stat().st_mode & 0o755)


def write_text(path: Path, text: str, mode: int = 0o644) -> None:
    """Old or new, never half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(text, encoding="utf-8")
    beside.chmod(mode)
    beside.replace(path)


def link(at: Path, target: Path, prefix: Path) -> bool:
    """Make `at` a link to `target`. False where something that isn't ours is there already."""
    if at.is_symlink() and at.readlink().is_relative_to(prefix):
        at.unlink()
    elif at.is_symlink() or at.exists():
        return False
    at.parent.mkdir(parents=True, exist_ok=True)
    at.symlink_to(target)
    return True


def shell_words(path: Path) -> str:
    return shlex.quote(str(path))


def remove_folder(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def remove_versions_but(prefix: Path, *kept: str) -> None:
    for folder in (prefix / "versions").iterdir():
        if folder.name not in kept:
            shutil.rmtree(folder, ignore_errors=True)


def models_missing(bundle: Path, home: Path, sums: dict[str, str]) -> list[Path]:
    """The bundle's models that the home lacks, or holds otherwise."""
    lacking = []
    for model in sorted((bundle / "models").iterdir()):
        there = home / "models" / model.name
        same = there.is_file() and there.stat().st_size == model.stat().st_size
        if not (same and sha256_of(there) == sums[f"models/{model.name}"]):
            lacking.append(model)
    return lacking


def place_models(models: list[Path], home: Path) -> None:
    """Copy them into the home, readable by its owner alone. Errors: Refused; a model is there whole or not at all."""
    folder = home / "models"
    if folder.is_symlink():
        raise Refused(f"{folder} is a link", "Put a folder there, then run it again.")
    with all_or_nothing(home, folder, mode=0o700):
        _give_to_owner(folder, home)
        for model in models:
            _place(model, folder / model.name, home)


def _give_to_owner(path: Path, home: Path) -> None:
    """A service's home belongs to the service, whoever installs."""
    facts = home.stat()
    if os.geteuid() == 0 and facts.st_uid != 0:
        os.chown(path, facts.st_uid, facts.st_gid)


def _place(model: Path, target: Path, home: Path) -> None:
    beside = target.with_name(f".{target.name}.new")
    try:
        beside.unlink(missing_ok=True)  # of an installation that was cut off
        with model.open("rb") as source, open(beside, "xb", opener=_private) as file:
            shutil.copyfileobj(source, file, 1 << 20)
            file.flush()
            os.fsync(file.fileno())
        _give_to_owner(beside, home)
        beside.replace(target)
    except BaseException as error:
        beside.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise Refused(
                f"the model can't be stored as {target}: {error.strerror}", "Free some space, then run it again."
            ) from error
        raise


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
