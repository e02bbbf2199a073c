"""One model in vLLM: started, watched, started again when it ends, with pauses that grow while it keeps ending young."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

import msgspec
import psutil

from appliance.clock import Clock
from appliance.errors import GatehouseError
from appliance.local import vllm_command, vllm_facts, vllm_sessions
from appliance.local.memory import MemoryNeed
from appliance.local.model_shown import ModelDetail, ModelShown, ModelState
from appliance.local.vllm_command import Command
from appliance.local.vllm_metrics import BYTES_MAX, Load
from appliance.local.vllm_process import VllmProcess
from appliance.local.vllm_record import Entry
from appliance.settings import VllmSettings
from appliance.telemetry.logs import get_logger
from appliance.upstream.client import HttpClient
from appliance.workers.supervisor import HEALTHY_SECONDS, PAUSES_SECONDS

KEEPS_FAILING = 3  # ends in a row after which callers are no longer told that it is starting
RETRY_SECONDS_AT_FIRST = 15.0
RETRY_SECONDS_MAX = 120.0
ASK_SECONDS_MAX = 15.0
TAIL_SHOWN = 12

_log = get_logger("local")


class Pace(msgspec.Struct, frozen=True):
    """How often it is looked at, in seconds."""

    ready_look: float = 0.5
    load_look: float = 5.0
    silent_seconds_max: float = 120.0
    problem_look: float = 60.0
    pauses: tuple[float, ...] = PAUSES_SECONDS


class Place(msgspec.Struct, frozen=True):
    """What every model is given. `gate`: two that start at the same time would each count the memory that the other takes."""

    clock: Clock
    client: HttpClient
    environ: Mapping[str, str]
    gate: asyncio.Lock
    pace: Pace
    changed: Callable[["VllmModel"], Awaitable[None]]


class Offered(msgspec.Struct, frozen=True):
    """A model's name and where requests go. Not ready: `why` says so to callers, and when they may come again."""

    name: str
    base_url: str = ""
    api_key: str = ""
    is_ready: bool = False
    is_starting: bool = False
    why: str = ""
    retry_after_seconds: float | None = None

    def __repr__(self) -> str:  # a credential must not reach a log through a repr
        return f"Offered({self.name!r}, is_ready={self.is_ready})"


class VllmModel:
    """One `[[vllm]]` table. Inside one event loop."""

    def __init__(self, table: VllmSettings, place: Place) -> None:
        self.table = table
        self.state: ModelState = "loading"  # before `start` too: it is about to be started, and nobody has stopped it
        self.last_failure: str | None = None
        self.load = Load()
        self._place = place
        self._process: VllmProcess | None = None
        self._tail: tuple[str, ...] = ()
        self._living: asyncio.Task[None] | None = None
        self._settled = asyncio.Event()  # ready, or failed: whoever waits for it to be loaded knows
        self._context_tokens = table.context_tokens
        self._bytes = 0
        self._rss_bytes: int | None = None
        self._retry_seconds = RETRY_SECONDS_AT_FIRST
        self._start_seconds = RETRY_SECONDS_AT_FIRST

    # What others see

    @property
    def tail(self) -> tuple[str, ...]:
        """The last lines that vLLM wrote, of this run or of the last one."""
        return self._process.tail if self._process is not None else self._tail

    def offered(self) -> Offered:
        name = self.table.name
        if self.state == "ready" and self._process is not None:
            command = self._process.command
            return Offered(name, f"{command.url}/v1", command.key, is_ready=True)
        if self.state == "loading":
            why = f"vLLM is starting the model {name}"
            return Offered(name, is_starting=True, why=why, retry_after_seconds=self._retry_seconds)
        if self.state == "failed":
            return Offered(name, why=f"vLLM can't serve the model {name}", retry_after_seconds=self._retry_seconds)
        return Offered(name, why=f"the model {name} was stopped by an administrator")

    def shown(self) -> ModelShown:
        table, is_folder = self.table, vllm_command.folder(self.table) is not None
        share = round(table.memory_share * psutil.virtual_memory().total) if table.device == "cpu" else self._bytes
        return ModelShown(
            id=table.name,
            title=table.model.rstrip("/").rpartition("/")[2],
            kind="chat",
            state=self.state,
            origin="folder" if is_folder else "added",
            licence="",
            bytes=self._bytes,
            sha256="",
            context_tokens=self._context_tokens,
            memory_bytes=share,
            fits=True,
            rss_bytes=self._rss_bytes,
            running=self.load.running,
            waiting=self.load.waiting,
            engine="vllm",
            last_failure=self.last_failure,
        )

    def detail(self) -> ModelDetail:
        shown, folder = self.shown(), vllm_command.folder(self.table)
        memory = MemoryNeed(shown.bytes, max(shown.memory_bytes - shown.bytes, 0), 0, shown.memory_bytes)
        known = {name: getattr(shown, name) for name in shown.__struct_fields__}
        return ModelDetail(**known, name=self.table.model, path=None if folder is None else str(folder), memory=memory)

    def entry(self) -> Entry:
        """For the record."""
        process = self._process
        tail = self.tail[-TAIL_SHOWN:] if self.state != "ready" else ()
        session, started_at = (process.session, process.started_at) if process is not None else (0, 0.0)
        return Entry(self.table.name, session, started_at, self.state, self.last_failure or "", tail)

    # Its life

    def start(self) -> None:
        if self._living is None:
            self._settled.clear()
            self._living = asyncio.ensure_future(self._live())
            self._living.add_done_callback(self._lived)

    def _lived(self, living: "asyncio.Task[None]") -> None:
        """It lives until it is cancelled. Anything else is a bug of ours, and nobody may wait for it any longer."""
        if living.cancelled() or (error := living.exception()) is None:
            return
        _log.error("vllm_no_longer_watched", model=self.table.name, exc_info=error)
        self.state, self.last_failure = "failed", f"is no longer watched ({type(error).__name__})"
        self._settled.set()

    async def stop(self) -> None:
        """End it, and start it no more until `start`. No process of it is left when this returns."""
        living, self._living = self._living, None
        if living is not None:
            living.cancel()
            await asyncio.gather(living, return_exceptions=True)
        self.last_failure = None
        await self._become("unloaded")
        self._settled.set()

    async def wait_settled(self) -> None:
        """Until it is ready, has failed, or was stopped."""
        await self._settled.wait()

    async def _live(self) -> None:
        failures = 0
        while True:
            await self._become("loading")
            problem = await asyncio.to_thread(vllm_command.problem, self.table)
            if problem is not None:
                await self._fail(". ".join(problem), self._place.pace.problem_look)
                continue
            self._bytes = await asyncio.to_thread(vllm_facts.weights_bytes, vllm_command.folder(self.table))
            ready_seconds, why = await self._run()
            if ready_seconds >= HEALTHY_SECONDS:
                failures = 0
            pauses = self._place.pace.pauses
            pause = pauses[min(failures, len(pauses) - 1)]
            failures += 1
            _log.error("vllm_ended", model=self.table.name, reason=why, again_in_seconds=pause, stderr=list(self.tail)[-8:])
            await self._fail(why, pause, keeps_failing=failures >= KEEPS_FAILING)

    async def _run(self) -> tuple[float, str]:
        """One run from start to end: for how long it was ready, and why it ended."""
        try:
            command = vllm_command.command(self.table, self._place.environ)
            process = VllmProcess(command, self._place.clock)
        except OSError as error:
            return 0.0, f"could not be started: {error.strerror}"
        ended: asyncio.Future[str] | None = None
        began = time.monotonic()
        try:
            async with self._place.gate:
                await process.start()
                ended = asyncio.ensure_future(process.wait_ended())
                self._process = process
                await self._place.changed(self)
                why = await self._until_ready(process, ended)
            if why:
                return 0.0, why
            return await self._serve(process, ended, began)
        except OSError as error:
            return 0.0, f"could not be started: {error.strerror}"
        finally:
            await self._let_go(process, ended)

    async def _until_ready(self, process: VllmProcess, ended: "asyncio.Future[str]") -> str:
        """Empty once it answers; else why it won't."""
        clock, seconds = self._place.clock, self.table.start_seconds_max
        end = clock.monotonic() + seconds
        while clock.monotonic() < end:
            if ended.done():
                return ended.result()
            is_there = await asyncio.to_thread(vllm_sessions.listens, process.session, process.command.port)
            if is_there and (answer := await self._get(process.command, "/v1/models")) is not None:
                self._context_tokens = vllm_facts.context_tokens(answer) or self._context_tokens
                return ""
            await asyncio.wait([ended], timeout=self._place.pace.ready_look)
        return f"was not ready within {seconds:g} s"

    async def _serve(self, process: VllmProcess, ended: "asyncio.Future[str]", began: float) -> tuple[float, str]:
        """Look at it until it ends, or says nothing for too long."""
        pace, ready_at = self._place.pace, time.monotonic()
        over, heard_at = asyncio.ensure_future(process.serves_no_more.wait()), ready_at
        self._start_seconds = min(max(5.0, ready_at - began), RETRY_SECONDS_MAX)
        self.last_failure, process.has_served = None, True
        await self._become("ready")
        _log.info("vllm_ready", model=self.table.name, seconds=round(ready_at - began, 1), pid=process.session)
        try:
            while not over.done():
                page = await self._get(process.command, "/metrics")
                if page is not None:
                    self.load, heard_at = vllm_facts.load(page), time.monotonic()
                elif (silent := time.monotonic() - heard_at) >= pace.silent_seconds_max:
                    return heard_at - ready_at, f"gave no answer for {silent:.0f} s"
                self._rss_bytes = await asyncio.to_thread(vllm_sessions.rss_bytes, process.session)
                await asyncio.wait([over], timeout=pace.load_look)
        finally:
            over.cancel()
        seconds = time.monotonic() - ready_at
        await self._become("loading")  # before its processes are waited for: callers are told at once
        return seconds, await ended

    async def _let_go(self, process: VllmProcess, ended: "asyncio.Future[str] | None") -> None:
        self.load, self._rss_bytes = Load(), None
        if self.state == "ready":
            await self._become("loading")  # before its processes are waited for: callers are told at once
        await process.stop()
        if ended is not None:
            await asyncio.gather(ended, return_exceptions=True)
        self._tail, self._process = process.tail, None

    async def _fail(self, why: str, pause: float, *, keeps_failing: bool = True) -> None:
        self.last_failure = why
        if keeps_failing:
            self._retry_seconds = max(1.0, min(pause + self._start_seconds, RETRY_SECONDS_MAX))
            await self._become("failed")
            self._settled.set()
        else:
            await self._place.changed(self)  # still starting, and the doctor knows why it takes so long
        await self._place.clock.sleep(pause)

    async def _become(self, state: ModelState) -> None:
        if state == self.state:
            return
        if state == "loading":
            self._retry_seconds = self._start_seconds
        self.state = state
        if state == "ready":
            self._settled.set()
        await self._place.changed(self)

    async def _get(self, command: Command, path: str) -> bytes | None:
        """A page of its own; None where it gives none."""
        try:
            async with asyncio.timeout(ASK_SECONDS_MAX):
                answer = await self._place.client.send("GET", command.url + path, command.authorization, b"", "vllm")
                body = await answer.read(BYTES_MAX)
        except (GatehouseError, TimeoutError):
            return None
        return body if answer.status == 200 else None
