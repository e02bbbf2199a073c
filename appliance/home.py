"""The home folder: everything the appliance keeps, in one place, held by one appliance at a time.

`$GATEHOUSE_HOME`, else the platform's own place for a user's data. Only its owner may read it.
"""

import os
import stat
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Self

import msgspec
import platformdirs

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


class CannotStart(Exception):
    """The appliance, or a command, can't do its work on this machine as it is. `fix` says what to do."""

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix


class HomeError(CannotStart):
    """The home folder can't be used as it is."""


class HomeBusy(HomeError):
    """Another appliance holds this home."""


class Control(msgspec.Struct, frozen=True):
    """How the command line finds the running server. The token is renewed at each start."""

    pid: int
    url: str
    token: str

    def __repr__(self) -> str:  # the token must not reach a log through a repr
        return f"Control(pid={self.pid}, url={self.url!r})"


def home_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the home is. It need not exist yet."""
    chosen = environ.get("GATEHOUSE_HOME", "")
    if chosen:
        return Path(chosen).expanduser().absolute()
    return Path(platformdirs.user_data_dir("gatehouse", appauthor=False))


class Home:
    """Paths in the home folder. `make()` creates what is missing; nothing else here touches the disk."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.database = root / "gatehouse.db"
        self.models = root / "models"
        self.logs = root / "logs"
        self.uploads = root / "uploads"
        self.run = root / "run"
        self.control = self.run / "control.json"
        self.lock_file = root / "lock"
        self.settings_file = root / "gatehouse.toml"
        self.env_file = root / ".env"
        self.master_key = root / "master.key"
        self.lan = root / "lan"
        self.lan_certificate = self.lan / "leaf.pem"
        self.lan_key = self.lan / "leaf.key"

    def __repr__(self) -> str:
        return f"Home({str(self.root)!r})"

    def make(self) -> Self:
        """Create the folders that are missing, readable by their owner alone.

        Errors:  HomeError when the home can't be created or written, or when others can write to it.
        """
        try:
            for folder in (self.root, self.models, self.logs, self.uploads, self.run):
                folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        except OSError as error:
            raise HomeError(
                f"the home folder {self.root} can't be created: {error.strerror}",
                "Set GATEHOUSE_HOME to a folder that you may write to.",
            ) from None
        self.check()
        return self

    def check(self) -> None:
        """Errors: HomeError when an existing home is not safe or not usable."""
        self._refuse_strangers()
        if not os.access(self.root, os.W_OK | os.X_OK):
            raise HomeError(
                f"the home folder {self.root} can't be written",
                "Give it to the user that runs Gatehouse, or set GATEHOUSE_HOME to another folder.",
            )

    def _refuse_strangers(self) -> None:
        if sys.platform == "win32":  # access lists there; a user's data folder is private by default
            return
        for folder in (self.root, self.models, self.logs, self.uploads, self.run):
            if not folder.exists():
                continue
            facts = folder.stat()
            if facts.st_mode & OTHERS_WRITE:
                raise HomeError(
                    f"other users can write to {folder}, so they could change keys and settings",
                    f"chmod go-w {folder}",
                )
            if facts.st_uid != os.geteuid() and os.geteuid() != 0:
                raise HomeError(
                    f"{folder} belongs to another user (uid {facts.st_uid})",
                    "Run Gatehouse as that user, or set GATEHOUSE_HOME to a folder of your own.",
                )

    def read_control(self) -> Control | None:
        """How to reach the server that runs, or None when none says so. It may have died since."""
        try:
            return msgspec.json.decode(self.control.read_bytes(), type=Control)
        except (OSError, msgspec.MsgspecError):
            return None

    def write_control(self, control: Control) -> None:
        """Say how this server is reached."""
        write_private(self.control, msgspec.json.encode(control))

    def remove_control(self) -> None:
        """The server has ended."""
        self.control.unlink(missing_ok=True)


def sweep_private(home: Home) -> None:
    """Remove what a crash left of files that were being written: they may hold credentials. For whoever holds the lock."""
    for folder in (home.root, home.run, home.lan):
        for cut in folder.glob(".*.[0-9]*.[0-9]*"):
            cut.unlink(missing_ok=True)


def write_private(path: Path, data: bytes) -> None:
    """Write a file that only its owner can read. Whoever opens `path` sees the old file or the new one, whole."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


class HomeLock:
    """One appliance a home. Held until `release()` or the end of the process, kill -9 included; children don't inherit it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    @classmethod
    def acquire(cls, home: Home) -> "HomeLock | None":
        """The lock, or None when somebody holds it.

        Errors:  HomeError when the lock file can't be opened.
        """
        try:
            descriptor = os.open(home.lock_file, os.O_RDWR | os.O_CREAT, PRIVATE_FILE)
        except OSError as error:
            raise HomeError(
                f"{home.lock_file} can't be opened: {error.strerror}",
                "Give the home folder to the user that runs Gatehouse, or set GATEHOUSE_HOME to another one.",
            ) from None
        file = os.fdopen(descriptor, "r+b", buffering=0)
        try:
            _lock(file)
        except OSError:
            file.close()
            return None
        return cls(file)

    @classmethod
    def take(cls, home: Home) -> "HomeLock":
        """The lock.

        Errors:  HomeBusy, saying who holds it; HomeError when the lock file can't be opened.
        """
        lock = cls.acquire(home)
        if lock is None:
            control = home.read_control()
            who = f"process {control.pid} at {control.url}" if control else "another Gatehouse process"
            raise HomeBusy(
                f"the home folder {home.root} is in use by {who}",
                "Stop it first, or set GATEHOUSE_HOME to another folder for a second appliance.",
            )
        return lock

    def release(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


if sys.platform == "win32":

    def _lock(file: IO[bytes]) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:

    def _lock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
