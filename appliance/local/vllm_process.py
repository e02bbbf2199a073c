"""One run of vLLM's server: its processes from the start to the end of the last of them, and what they say."""

import asyncio
import re
import shutil
import signal
from collections import deque
from pathlib import Path

import psutil

from appliance.clock import Clock
from appliance.local import vllm_sessions
from appliance.local.vllm_command import STOP_SECONDS, Command
from appliance.local.vllm_launch import ENDED, NO_VLLM_STATUS
from appliance.workers import launch

TAIL_LINES_MAX = 200
LINE_CHARACTERS_MAX = 500
CAUSE_SECONDS = 30.0  # an error older than this is not what ended it
LAUNCHER_SECONDS = 10.0  # beyond vLLM's own time: the launcher kills what is left
STARTING_SECONDS = 2.0  # one that has not served yet has nothing to bring to an end, and hears no SIGTERM for long
_READ_BYTES = 64 * 1024
_CAUSE = re.compile(
    r"\b[A-Z]\w*(?:Error|Exception|Interrupt): (?!\d+ validation error)\S.*|\bValue error, \S.*|(?<=: )error: \S.*"
)
_HARMLESS = re.compile(r"\b(?:DEBUG|INFO|WARNING) \d\d-\d\d ")  # it warns of errors that there might be one day
# The native libraries' complaints at the end, hundreds of lines that would push out what happened.
_NOISE = re.compile(r"^( - (leaked|\.\.\.)|nanobind: |.*resource_tracker|\s*warnings\.warn)|See root cause above")


class VllmProcess:
    """Not reused: once ended it stays ended."""

    def __init__(self, command: Command, clock: Clock) -> None:
        self.command = command
        self._clock = clock
        self._folder: Path | None = None  # its sockets, and what else it leaves lying about
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._lines: deque[str] = deque(maxlen=TAIL_LINES_MAX)
        self._cause = (0.0, "")
        self.started_at = 0.0  # as the system says it, for the record
        self.has_served = False
        self.serves_no_more = asyncio.Event()  # what it left may still be about to end

    @property
    def session(self) -> int:
        """The number under which its processes are found."""
        assert self._process is not None, "start() comes first"
        return self._process.pid

    @property
    def tail(self) -> tuple[str, ...]:
        """The last lines that it wrote. vLLM writes no prompts, as we start it."""
        return tuple(self._lines)

    async def start(self) -> None:
        """Errors: OSError."""
        self._folder = launch.new_folder()
        self._process = await asyncio.create_subprocess_exec(
            *self.command.words,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=self._folder,
            env={**self.command.environment, "TMPDIR": str(self._folder)},
            start_new_session=True,
        )
        self._reading = asyncio.ensure_future(self._read())
        try:
            self.started_at = psutil.Process(self._process.pid).create_time()
        except psutil.Error:
            pass  # it has ended already; whoever waits for that will know

    async def _read(self) -> None:
        assert self._process is not None and self._process.stdout is not None
        rest = b""
        while data := await self._process.stdout.read(_READ_BYTES):
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                self._heard(line)
            rest = rest.rpartition(b"\r")[2][:_READ_BYTES]
        self._heard(rest)

    def _heard(self, line: bytes) -> None:
        # A progress bar writes over itself: what stood there last counts.
        text = line.rstrip().rpartition(b"\r")[2][:_READ_BYTES].decode("utf-8", "replace")
        for secret in self.command.secrets:
            text = text.replace(secret, "[removed]")
        text = text[:LINE_CHARACTERS_MAX]
        text = "".join(character if character.isprintable() else " " for character in text).rstrip()
        if text == ENDED:
            self.serves_no_more.set()
            return
        if not text or _NOISE.search(text):
            return
        self._lines.append(text)
        now = self._clock.monotonic()
        found = None if _HARMLESS.search(text) else _CAUSE.search(text)
        if found and (not self._cause[1] or now - self._cause[0] > CAUSE_SECONDS):
            self._cause = (now, found.group())  # the first of a row: those after it are its consequences

    async def wait_ended(self) -> str:
        """Wait until all its processes have ended, whoever ends them; how it came."""
        assert self._process is not None and self._reading is not None
        status = await self._process.wait()
        self.serves_no_more.set()
        await asyncio.to_thread(vllm_sessions.end, self.session)  # only where the launcher itself was killed is there anything
        try:
            async with asyncio.timeout(2):
                await asyncio.shield(self._reading)  # its last words
        except TimeoutError:
            self._reading.cancel()
        if status == NO_VLLM_STATUS:
            return f"{self.command.words[0]} has no vLLM"
        how = _how_it_ended(status)
        at, cause = self._cause
        return f"{how}: {cause}" if cause and self._clock.monotonic() - at <= CAUSE_SECONDS else how

    async def stop(self) -> None:
        """Let it go: it gets SIGTERM, then SIGKILL. When this returns neither process nor file of it is left."""
        if self._process is not None:
            await self._end()
        if self._folder is not None:
            await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    async def _end(self) -> None:
        assert self._process is not None and self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(STOP_SECONDS + LAUNCHER_SECONDS if self.has_served else STARTING_SECONDS):
                await self._process.wait()
        except TimeoutError:
            pass  # the launcher goes with the rest
        await asyncio.to_thread(vllm_sessions.end, self.session)
        await self._process.wait()
        if self._reading is not None:
            self._reading.cancel()


def _how_it_ended(status: int) -> str:
    """The launcher tells a signal as 128 and its number; one that hit the launcher itself comes as a negative number."""
    number = -status if status < 0 else status - 128 if status > 128 else 0
    if not number:
        return f"ended with status {status}"
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    return f"was ended by {name}{' (out of memory?)' if name == 'SIGKILL' else ''}"
