"""vLLM's server as a child: started, watched, started again, ended; against a stand-in that is a real process."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from appliance.clock import SystemClock
from appliance.errors import LocalModelFailed, UpstreamFailed
from appliance.home import CannotStart, Home
from appliance.local import vllm_record, vllm_sessions
from appliance.local.vllm import Vllm
from appliance.local.vllm_model import Offered, Pace
from appliance.settings import Settings, VllmSettings
from appliance.telemetry.events import Events
from appliance.upstream.client import HttpClient
from tests.fakes.vllm import ROOT, model_folder, python_with_vllm

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="vLLM does not run on Windows")

PACE = Pace(ready_look=0.05, load_look=0.1, silent_seconds_max=0.5, problem_look=0.2, pauses=(0.0, 0.1, 0.3))
SECRETS = {"OPENAI_API_KEY": "sk-ours", "DATABASE_URL": "sqlite:///x", "GATEHOUSE_X": "1", "HF_TOKEN": "hf_x"}
PYDANTIC = """pydantic_core._pydantic_core.ValidationError: 1 validation error for ModelConfig
  Value error, Model architectures ['X'] are not supported for now. [type=value_error]
    For further information visit …"""
Make = Callable[..., Awaitable["House"]]


class House:
    """What stands around vLLM in an appliance."""

    def __init__(self, home: Home, client: HttpClient, *tables: VllmSettings, **environ: str) -> None:
        self.home = home
        self.client = client
        self.events = Events()
        environ = {"PATH": os.environ["PATH"], **SECRETS, **environ}
        self.vllm = Vllm(Settings(vllm=list(tables)), home, SystemClock(), client, environ, self.events, PACE)
        self.names: list[tuple[str, bool]] = []
        self.vllm.on_change = lambda: self.names.extend((offer.name, offer.is_ready) for offer in self.vllm.offered())

    @property
    def offer(self) -> Offered:
        return self.vllm.offered()[0]

    @property
    def sessions(self) -> list[int]:
        return [entry.session for entry in vllm_record.read(self.home.run / "vllm.json") if entry.session]

    def processes(self) -> list[psutil.Process]:
        return [process for session in self.sessions for process in vllm_sessions.members(session)]

    def has(self, word: str) -> bool:
        """Whether a process with this word in its command line is there."""
        found = []
        for process in self.processes():
            with suppress(psutil.Error):  # it ends just now
                found += process.cmdline()
        return any(word in one for one in found)

    async def until(self, condition: Callable[[], Any], seconds: float = 15) -> Any:
        for _ in range(round(seconds / 0.02)):
            if found := condition():
                return found
            await asyncio.sleep(0.02)
        raise AssertionError(f"did not come true within {seconds} s; {self.vllm.status()}")

    async def ready(self) -> Offered:
        await self.until(lambda: self.offer.is_ready)
        return self.offer

    async def say(self, text: str) -> int:
        """Ask the server itself; the status of its answer."""
        offer = self.offer
        body = json.dumps({"model": offer.name, "messages": [{"role": "user", "content": text}]}).encode()
        answer = await self.client.send(
            "POST", f"{offer.base_url}/chat/completions", {"Authorization": f"Bearer {offer.api_key}"}, body, "vllm"
        )
        await answer.read()
        return answer.status


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return python_with_vllm(tmp_path_factory.mktemp("vllm") / "env")


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    client = HttpClient(Settings())
    await client.open()
    yield client
    await client.close()


@pytest.fixture
async def make(tmp_path: Path, client: HttpClient) -> AsyncIterator[Make]:
    """Makes houses whose vLLM has begun to start; at the end nothing may be left of any."""
    made: list[House] = []

    async def make(*tables: VllmSettings) -> House:
        house = House(Home(tmp_path / "home").make(), client, *tables)
        made.append(house)
        await house.vllm.start()
        return house

    yield make
    for house in made:
        sessions = house.sessions
        await house.vllm.close()
        assert [vllm_sessions.members(session) for session in sessions] == [[] for _ in sessions]
        assert not (house.home.run / "vllm.json").exists()


@pytest.fixture
def table(tmp_path: Path, python: Path) -> Callable[..., VllmSettings]:
    """A `[[vllm]]` table that leads to the stand-in."""

    def table(name: str = "tiny", **more: Any) -> VllmSettings:
        more = {"device": "cpu", "model": str(model_folder(tmp_path / "model")), "python": str(python), **more}
        return VllmSettings(name=name, **more)

    return table


Table = Callable[..., VllmSettings]


async def test_a_model_is_offered_once_it_answers_and_until_then_its_name_says_that_it_is_starting(
    make: Make, table: Table
) -> None:
    house = await make(table(arguments=["--fake-start-seconds", "0.5"]))
    await house.until(lambda: house.sessions)
    assert (house.offer.is_ready, house.offer.is_starting) == (False, True)
    assert "is starting" in house.offer.why
    assert house.offer.retry_after_seconds
    offer = await house.ready()
    assert offer.base_url.startswith("http://127.0.0.1:")
    assert await house.say("Hello!") == 200
    (shown,) = house.vllm.shown()
    assert (shown.id, shown.state, shown.engine, shown.context_tokens) == ("tiny", "ready", "vllm", 2048)
    assert (shown.title, shown.origin, shown.bytes) == ("model", "folder", 1039)
    told = [event for event in house.events.after(0)[1] if event.name == "model"]
    assert [json.loads(event.data)["state"] for event in told][-1] == "ready"
    assert house.names[-1] == ("tiny", True)


async def test_the_key_is_not_in_the_list_of_processes_and_nothing_answers_without_it(make: Make, table: Table) -> None:
    house = await make(table())
    offer = await house.ready()
    assert len(offer.api_key) >= 32
    for process in house.processes():
        assert offer.api_key not in " ".join(process.cmdline())
    base = offer.base_url.removesuffix("/v1")
    for path in ("/v1/models", "/health", "/metrics", "/invocations"):
        for headers in ({}, {"Authorization": "Bearer wrong"}):
            answer = await house.client.send("GET", base + path, headers, b"", "vllm")
            await answer.read()
            assert answer.status == 401, path
    assert offer.api_key not in repr(offer)


async def test_vllm_gets_none_of_our_secrets_and_is_told_to_stay_silent(make: Make, table: Table, tmp_path: Path) -> None:
    report = tmp_path / "report"
    house = await make(table(arguments=[f"--fake-report={report}"]))
    await house.ready()
    told = json.loads(report.read_text())
    assert not SECRETS.keys() & told["environment"].keys()
    for name in ("HF_HUB_OFFLINE", "VLLM_NO_USAGE_STATS", "DO_NOT_TRACK"):
        assert told["environment"][name] == "1"
    assert told["environment"]["VLLM_HOST_IP"] == "127.0.0.1"
    assert "--host=127.0.0.1" in told["argv"]


async def test_a_server_that_crashes_is_started_again_and_its_engine_does_not_outlive_it(make: Make, table: Table) -> None:
    house = await make(table())
    await house.ready()
    before = house.processes()
    assert len(before) == 4, "launcher, server, engine, and Python's resource tracker"
    asking = asyncio.ensure_future(house.say("crash"))
    await house.until(lambda: not house.offer.is_ready)
    # A kept connection that breaks without a byte may have been closed before the request: that is sent again, and refused.
    with pytest.raises(UpstreamFailed, match=r"vllm (gave no answer|could not be reached)"):
        await asking
    await house.ready()
    assert not any(process.is_running() for process in before)
    assert await house.say("Hello!") == 200


async def test_a_server_whose_engine_dies_is_started_again(make: Make, table: Table) -> None:
    house = await make(table())
    await house.ready()
    (first,) = house.sessions
    asking = asyncio.ensure_future(house.say("engine dies"))
    await house.until(lambda: house.sessions not in ([], [first]))
    await asyncio.gather(asking, return_exceptions=True)
    await house.ready()
    assert vllm_sessions.members(first) == []


@pytest.mark.parametrize("victim", ["vllm_launch.py", "VLLM::EngineCore"])
async def test_whichever_of_its_processes_is_killed_all_of_them_end_and_another_is_started(
    make: Make, table: Table, victim: str
) -> None:
    house = await make(table())
    await house.ready()
    before = house.processes()
    next(process for process in before if any(victim in word for word in process.cmdline())).kill()
    await house.until(lambda: not any(process.is_running() for process in before))
    await house.ready()


async def test_a_server_that_says_nothing_any_more_is_replaced(make: Make, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.local.vllm_model.ASK_SECONDS_MAX", 0.2)
    monkeypatch.setattr("appliance.local.vllm_command.STOP_SECONDS", 0.3)
    house = await make(table())
    await house.ready()
    (first,) = house.sessions
    asking = asyncio.ensure_future(house.say("hang"))
    await house.until(lambda: house.sessions not in ([], [first]))
    await asyncio.gather(asking, return_exceptions=True)
    await house.ready()


async def test_one_that_keeps_failing_says_why_and_is_tried_again_in_growing_pauses(
    make: Make, table: Table, tmp_path: Path
) -> None:
    report, record = tmp_path / "report", tmp_path / "home" / "run" / "vllm.json"
    house = await make(table(arguments=["--fake-fail=the memory is too small", f"--fake-report={report}"]))
    first = await house.until(lambda: next((one for one in vllm_record.read(record) if one.last_failure), None))
    assert first.state == "loading", "it is tried again, and the doctor knows why already"
    await house.until(lambda: house.vllm.status()[0].state == "failed")
    (status,) = house.vllm.status()
    assert status.last_failure == "ended with status 1: ValueError: the memory is too small"
    assert not any("leaked" in line or "nanobind" in line for line in status.tail)
    assert (house.offer.is_ready, house.offer.is_starting) == (False, False)
    assert "memory" not in house.offer.why, "callers are not told what stands in a log"
    assert house.offer.retry_after_seconds
    entry = await house.until(lambda: next((one for one in vllm_record.read(record) if one.state == "failed"), None))
    assert entry.last_failure == status.last_failure
    starts = await house.until(lambda: lines if len(lines := report.read_text().splitlines()) >= 5 else None)
    at = [json.loads(line)["at"] for line in starts]
    assert at[4] - at[3] > at[1] - at[0] + 0.1


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (PYDANTIC, "Value error, Model architectures ['X'] are not supported for now. [type=value_error]"),
        ("entry.py: error: unrecognized arguments: --x", "error: unrecognized arguments: --x"),
        ("\rloading 10 %\rMemoryError: no room" + " and no room" * 20_000, "MemoryError: no room and no room"),
        ("Loading: 1 %\rLoading: 2 %", "ValueError: at last"),
    ],
    ids=["pydantic", "argparse", "a line without end", "progress"],
)
async def test_the_reason_is_found_among_what_vllm_says(make: Make, table: Table, said: str, reason: str) -> None:
    house = await make(table(arguments=[f"--fake-say={said[:120_000]}", "--fake-fail=at last"]))
    await house.until(lambda: house.vllm.status()[0].last_failure)
    (status,) = house.vllm.status()
    assert (status.last_failure or "").startswith(f"ended with status 1: {reason}")
    assert len(status.last_failure or "") < 600
    assert not any("\r" in line or "1 %" in line for line in status.tail)


async def test_a_server_that_is_not_ready_in_time_is_ended(make: Make, table: Table) -> None:
    house = await make(table(start_seconds_max=0.5, arguments=["--fake-start-seconds", "60"]))
    await house.until(lambda: house.vllm.status()[0].last_failure)
    assert house.vllm.status()[0].last_failure == "was not ready within 0.5 s"


@pytest.mark.skipif(sys.platform != "linux", reason="looks at Linux's folder of shared memory")
@pytest.mark.parametrize(
    "how", ["stopped", "crash", "launcher killed", "all but it killed", "all ended as by the next appliance"]
)
async def test_neither_shared_memory_nor_sockets_of_it_are_left(make: Make, table: Table, tmp_path: Path, how: str) -> None:
    report = tmp_path / "report"
    house = await make(table(arguments=[f"--fake-report={report}"]))
    await house.ready()
    told = json.loads(report.read_text())
    places = Path("/dev/shm", told["shared_memory"]), Path(told["folder"], "a-socket-of-vllm"), Path(told["folder"])
    assert _there(*places) == 3
    assert _private(places[-1])
    if how == "stopped":
        await house.vllm.unload("tiny")
    elif how == "crash":
        await asyncio.gather(house.say("crash"), return_exceptions=True)
    elif how == "all ended as by the next appliance":
        await asyncio.to_thread(vllm_sessions.end, house.sessions[0])
    else:
        launcher, *others = house.processes()
        for process in [launcher] if how == "launcher killed" else others:
            with suppress(psutil.NoSuchProcess):
                if "resource_tracker" not in " ".join(process.cmdline()):
                    process.kill()
    await house.until(lambda: not _there(*places))


def _there(*places: Path) -> int:
    return sum(place.exists() for place in places)


def _private(folder: Path) -> bool:
    return not folder.stat().st_mode & 0o077


async def test_a_model_is_starting_from_the_beginning_and_stands_in_the_record_while_it_waits_for_its_turn(
    make: Make, table: Table, tmp_path: Path
) -> None:
    house = House(Home(tmp_path / "another").make(), HttpClient(Settings()), table("one"), table("two"))
    assert [(offer.is_starting, offer.is_ready) for offer in house.vllm.offered()] == [(True, False)] * 2
    house = await make(table("one", arguments=["--fake-start-seconds=60"]), table("two"))
    entries = vllm_record.read(house.home.run / "vllm.json")
    assert [(entry.name, entry.state) for entry in entries] == [("one", "loading"), ("two", "loading")]


async def test_a_start_that_hangs_ends_with_the_appliance(make: Make, table: Table) -> None:
    """A real one hears no SIGTERM for seconds while it starts."""
    house = await make(table("one", arguments=["--fake-start-seconds=60", "--fake-deaf"]), table("two"))
    (session,) = await house.until(lambda: house.sessions)
    await house.until(lambda: house.has("VLLM::EngineCore"))
    async with asyncio.timeout(5):
        await house.vllm.close()
    assert vllm_sessions.members(session) == []


async def test_secrets_that_vllm_says_are_in_no_tail(client: HttpClient, table: Table, tmp_path: Path) -> None:
    proxy = "http://user:canary-password@proxy.example.org:3128"
    words = f"hf_x and {proxy}"
    one = table(allow_download=True, arguments=[f"--fake-fail={words}"])
    house = House(Home(tmp_path / "home").make(), client, one, HTTPS_PROXY=proxy)
    await house.vllm.start()
    await house.until(lambda: house.vllm.status()[0].state == "failed")
    (status,) = house.vllm.status()
    await house.vllm.close()
    for text in (*status.tail, status.last_failure or ""):
        assert "hf_x" not in text
        assert "canary-password" not in text
    assert "[removed] and http://user:[removed]@proxy" in (status.last_failure or "")


async def test_a_bug_of_ours_leaves_nobody_waiting(make: Make, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(table: VllmSettings) -> None:
        raise AssertionError("a bug")

    monkeypatch.setattr("appliance.local.vllm_command.problem", broken)
    house = await make(table())
    with pytest.raises(LocalModelFailed, match=r"is no longer watched \(AssertionError\)"):
        await house.vllm.load("tiny")
    assert not house.offer.is_starting


async def test_one_that_ignores_sigterm_is_killed(make: Make, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.local.vllm_command.STOP_SECONDS", 0.3)
    house = await make(table(arguments=["--fake-deaf"]))
    await house.ready()
    before = house.processes()
    async with asyncio.timeout(5):
        await house.vllm.close()
    assert not any(process.is_running() for process in before)


async def test_two_models_start_one_after_the_other(make: Make, table: Table, tmp_path: Path) -> None:
    report = tmp_path / "report"
    arguments = ["--fake-start-seconds=0.4", f"--fake-report={report}"]
    house = await make(table("one", arguments=arguments), table("two", arguments=arguments))
    await house.until(lambda: all(offer.is_ready for offer in house.vllm.offered()))
    first, second = (json.loads(line)["at"] for line in report.read_text().splitlines())
    assert second - first > 0.4
    assert len({offer.base_url for offer in house.vllm.offered()} | {offer.api_key for offer in house.vllm.offered()}) == 4


async def test_the_queue_and_the_cache_are_read_while_it_runs(make: Make, table: Table) -> None:
    house = await make(table(arguments=["--fake-waiting=7"]))
    await house.ready()
    asking = asyncio.ensure_future(house.say("wait 1.5"))
    await house.until(lambda: house.vllm.status()[0].running == 1)
    (status,), (shown,) = house.vllm.status(), house.vllm.shown()
    assert (status.waiting, status.cache_share) == (7, 0.25)
    assert (shown.running, shown.waiting) == (1, 7)
    assert shown.rss_bytes is not None and shown.rss_bytes > 10_000_000
    assert await asking == 200


async def test_nothing_more_is_sent_to_a_server_that_has_ended_while_the_rest_of_it_still_ends(make: Make, table: Table) -> None:
    """Its engine is deaf here, so that ending it takes two seconds."""
    house = await make(table())
    await house.ready()
    asking = asyncio.ensure_future(house.say("crash"))
    await house.until(lambda: not house.offer.is_ready)
    assert house.offer.is_starting
    assert house.has("VLLM::EngineCore")
    await asyncio.gather(asking, return_exceptions=True)


async def test_an_administrator_does_not_wait_for_the_pause_after_a_failure(
    make: Make, table: Table, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(f"{__name__}.PACE", Pace(ready_look=0.05, load_look=0.1, problem_look=600.0))
    later = tmp_path / "later"
    house = await make(table(model=str(later)))
    await house.until(lambda: house.vllm.status()[0].state == "failed")
    model_folder(later)
    assert (await house.vllm.load("tiny")).state == "ready"
    detail = house.vllm.detail("tiny")
    assert (detail.path, detail.memory.weights) == (str(later), 1039)


async def test_an_administrator_stops_it_and_starts_it_again(make: Make, table: Table) -> None:
    house = await make(table())
    await house.ready()
    before = house.processes()
    assert (await house.vllm.unload("tiny")).state == "unloaded"
    assert not any(process.is_running() for process in before)
    assert "stopped by an administrator" in house.offer.why
    assert house.offer.retry_after_seconds is None
    assert (await house.vllm.load("tiny")).state == "ready"


async def test_loading_one_that_can_not_start_says_why(make: Make, table: Table) -> None:
    house = await make(table(arguments=["--fake-fail=no memory"]))
    with pytest.raises(LocalModelFailed, match="ValueError: no memory"):
        await house.vllm.load("tiny")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"python": "/nowhere/python"}, "there is no Python at /nowhere/python"),
        ({"model": "/nowhere/model"}, "/nowhere/model holds no model"),
        ({"model": "./model"}, "neither a folder's whole path nor an id"),
        ({"python": sys.executable}, "has no vLLM"),
        ({"python": str(Path(sys.executable).parent)}, "there is no Python at"),
        ({"python": "bin/python"}, "'bin/python' is not a whole path"),
        ({"python": "~nobody-is-called-so/python"}, "is not a whole path"),
        ({"model": "~nobody-is-called-so/model"}, "neither a folder's whole path nor an id"),
        ({"arguments": ["--no-such-flag"]}, "ended with status 2: error: unrecognized arguments: --no-such-flag"),
    ],
)
async def test_what_speaks_against_it_is_told(make: Make, table: Table, wrong: dict[str, Any], words: str) -> None:
    house = await make(table(**wrong))
    await house.until(lambda: house.vllm.status()[0].state == "failed")
    assert words in (house.vllm.status()[0].last_failure or "")


async def test_a_mended_problem_is_noticed(make: Make, table: Table, tmp_path: Path) -> None:
    later = tmp_path / "later"
    house = await make(table(model=str(later)))
    await house.until(lambda: house.vllm.status()[0].state == "failed")
    model_folder(later)
    await house.ready()


async def test_what_a_killed_appliance_left_behind_is_ended_at_the_next_start(make: Make, table: Table) -> None:
    """Here the launcher was killed along with its appliance, so that nothing was left to end the rest."""
    house = await make(table())
    await house.ready()
    record = (house.home.run / "vllm.json").read_bytes()
    left = subprocess.Popen(  # noqa: ASYNC220 it must not be a child that asyncio waits for
        [sys.executable, "-c", "import time; time.sleep(60)", "VLLM::EngineCore"], start_new_session=True, cwd=ROOT
    )
    try:
        (entry,) = json.loads(record)["entries"]
        begun = psutil.Process(left.pid).create_time()
        path = house.home.run / "left.json"
        for started_at, is_ended in ((begun - 100, False), (begun, True)):
            path.write_bytes(
                json.dumps({**json.loads(record), "entries": [{**entry, "session": left.pid, "started_at": started_at}]}).encode()
            )
            ended = await asyncio.to_thread(vllm_record.Record(path).end_leftovers)
            assert (ended == 1, left.poll() == -signal.SIGKILL) == (is_ended, is_ended), "another one's process has its number"
    finally:
        left.kill()
        left.wait()


async def test_a_record_that_can_not_be_read_ends_nothing(tmp_path: Path) -> None:
    for content in (b"", b"{}", b"[1]", b'{"boot":"another","entries":[]}', b"\xff" * 100):
        path = tmp_path / "vllm.json"
        path.write_bytes(content)
        assert vllm_record.Record(path).end_leftovers() == 0


async def test_a_name_that_another_engine_has_is_refused(make: Make, table: Table) -> None:
    house = House(Home(Path("/nowhere")), HttpClient(Settings()), table("smollm2"))
    with pytest.raises(CannotStart, match="two models are called 'smollm2'"):
        house.vllm.refuse_names(["tiny", "smollm2"])
    house.vllm.refuse_names(["tiny"])
