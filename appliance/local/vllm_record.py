"""What is written down of the vLLMs that run (`run/vllm.json` in the home): so that the next appliance ends those which a
dead one left behind, and the doctor knows how they are."""

import threading
from pathlib import Path

import msgspec
import psutil

from appliance.home import write_private
from appliance.local import vllm_sessions
from appliance.telemetry.logs import get_logger

START_TOLERANCE_SECONDS = 2.0  # the system derives it from the wall clock, which may have been set meanwhile
_BOOT = Path("/proc/sys/kernel/random/boot_id")

_log = get_logger("local")


class Entry(msgspec.Struct, frozen=True):
    """One model's vLLM. `session` is the launcher's process id, 0 where none runs; `started_at` the system's word for when."""

    name: str
    session: int = 0
    started_at: float = 0.0
    state: str = "unloaded"
    last_failure: str = ""
    tail: tuple[str, ...] = ()


class _File(msgspec.Struct):
    boot: str
    entries: list[Entry]


class Record:
    """The file. One appliance a home writes it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._entries: dict[str, Entry] = {}
        self._writing = threading.Lock()
        self._is_closed = False

    def write(self, entry: Entry) -> None:
        """Blocks for a moment. A full disk costs the record, not the model."""
        with self._writing:
            if self._is_closed:
                return  # a thread that was late
            self._entries[entry.name] = entry
            try:
                write_private(self._path, msgspec.json.encode(_File(_boot(), list(self._entries.values()))))
            except OSError as error:
                _log.warning("vllm_record_not_written", kind=type(error).__name__)

    def close(self) -> None:
        """Nothing runs any more."""
        with self._writing:
            self._is_closed = True
            self._path.unlink(missing_ok=True)

    def end_leftovers(self) -> int:
        """End what an appliance that was killed left behind; how many processes. Blocks. For whoever holds the home's lock."""
        ended = sum(vllm_sessions.end(entry.session) for entry in read(self._path) if is_alive(entry))
        if ended:
            _log.warning("vllm_leftovers_ended", processes=ended)
        self._path.unlink(missing_ok=True)
        return ended


def read(path: Path) -> list[Entry]:
    """What the file says of this start of the machine; nothing where there is none, or where it can't be read."""
    try:
        file = msgspec.json.decode(path.read_bytes(), type=_File)
    except (OSError, msgspec.MsgspecError):
        return []
    return file.entries if file.boot == _boot() else []


def is_alive(entry: Entry) -> bool:
    """Whether a session is the one that was written down, and not one that got its number since."""
    if not entry.session:
        return False
    try:
        leader = psutil.Process(entry.session)
        return abs(leader.create_time() - entry.started_at) <= START_TOLERANCE_SECONDS
    except psutil.NoSuchProcess:
        # The number stays taken while the session lives. One that began later under the same number has other programs in it.
        return any(_is_vllm(process) for process in vllm_sessions.members(entry.session))
    except psutil.Error:
        return False


def _is_vllm(process: psutil.Process) -> bool:
    try:
        return "vllm" in " ".join([process.name(), *process.cmdline()]).lower()
    except psutil.Error:
        return False


def _boot() -> str:
    """Which start of the machine this is: process ids mean nothing after the next."""
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return str(round(psutil.boot_time() / 60))
