"""The pool with real, confined workers, whose rooms do what a file tells them to."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from appliance.clock import SystemClock
from appliance.errors import GuardrailFailed, Overloaded, ShuttingDown
from appliance.files.confined import FilesHow
from appliance.files.document import Change, Document, FileError
from appliance.files.orders import EngineHere
from appliance.files.pool import FilePool
from appliance.files.watching import Watch

ROOMS = {"files": "tests.unit.files.stand_ins:FILES", "ocr": "tests.unit.files.stand_ins:OCR"}
TEST = {"GATEHOUSE_TEST": "1"}
Made = Callable[..., Path]
Pools = Callable[..., FilePool]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    def make(**acts: Any) -> Path:
        path = tmp_path / f"file-{len(list(tmp_path.iterdir()))}"
        path.write_text(json.dumps(acts))
        return path

    return make


@pytest.fixture
async def pools() -> AsyncIterator[Pools]:
    """Makes pools; afterwards nothing of them runs."""
    here = psutil.Process()
    before = {child.pid for child in here.children()}
    pools: list[FilePool] = []

    def make(**how: Any) -> FilePool:
        pools.append(FilePool(FilesHow(**{"rooms": ROOMS, "environment": TEST, "workers": 1} | how), clock=SystemClock()))
        return pools[-1]

    yield make
    for pool in pools:
        await pool.close()
    assert {child.pid for child in here.children()} <= before


def texts(document: Document) -> list[str]:
    return [piece.text for piece in document.pieces]


async def refusal(pool: FilePool, path: Path) -> FileError:
    with pytest.raises(FileError) as caught:
        await pool.read(path)
    assert caught.value.fix
    return caught.value


async def test_a_file_is_read_in_a_confined_worker_and_nothing_of_it_stays_there(pools: Pools, made: Made) -> None:
    pool = pools()
    path = made(texts=["one", "two"], order=True)
    document = await pool.read(path, name="letter.pdf", password="p")
    assert texts(document) == ["one", "two", "name letter.pdf password p folder ['file']"]
    assert texts(await pool.read(path))[2] == "name  password  folder ['file']"  # the first copy is gone
    level = await pool.level()
    assert level.has, str(level)


async def test_pictures_are_drawn_looked_at_and_placed_on_their_page(pools: Pools, made: Made) -> None:
    told: list[tuple[int, int]] = []
    document = await pools(ocr_engine="rapidocr").read(
        made(texts=["own"], pictures=3), on_progress=lambda done, pages: told.append((done, pages))
    )
    own, *seen = document.pieces
    assert own.text == "own"
    assert [piece.where.page for piece in seen] == [1, 2, 3]
    assert {piece.text for piece in seen} == {"seen 100 by rapidocr\ntwo"}
    assert {piece.engine for piece in seen} == {"fake 1.0"}
    assert seen[0].score == pytest.approx((0.5 * 20 + 3) / 23, abs=1e-3)
    first, second = seen[0].spans
    assert (first.start, first.end, second.start, second.end) == (0, 4, 21, 24)
    assert (first.left, first.top, first.right, first.bottom) == (0.5, 0.25, 0.75, 0.5)
    assert (second.left, second.top, second.right, second.bottom) == (0.5, 0.5, 1.0, 0.75)
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]


async def test_a_picture_that_can_not_be_drawn_leaves_the_file_read_but_not_whole(pools: Pools, made: Made) -> None:
    document = await pools().read(made(pictures=3, drawn={"code": "TOO_LARGE"}))
    assert [piece.where.page for piece in document.pieces] == [1, 3]
    assert document.unread == ["page 2, a picture: too large a picture"]


@pytest.mark.parametrize(
    "drawn",
    [{"nothing": True}, {"width": 11}, {"width": 10**9}, {"width": -10}, {"channels": 2}, {"file": "../../etc/passwd"}],
    ids=str,
)
async def test_a_worker_that_lies_about_its_pictures_is_not_believed(pools: Pools, made: Made, drawn: dict[str, Any]) -> None:
    document = await pools().read(made(pictures=1, drawn=drawn))
    assert document.pieces == []
    assert document.unread == ["page 1, a picture: what was read in the file makes no sense"]


@pytest.mark.parametrize("answer", [None, 5, {"kind": "exe"}, {"kind": "pdf", "pieces": [{"text": 1}]}, [["x"] * 9]], ids=str)
async def test_a_worker_that_answers_nonsense_is_not_believed(pools: Pools, made: Made, answer: Any) -> None:
    assert (await refusal(pools(), made(answer=answer))).code == "MALFORMED"


@pytest.mark.parametrize(
    ("acts", "code"),
    [
        ({"code": "ENCRYPTED"}, "ENCRYPTED"),
        ({"bug": True}, "MALFORMED"),
        ({"crash": True}, "MALFORMED"),
        ({"nested": True}, "MALFORMED"),
        ({"memory": 2 * 1024**3}, "TOO_LARGE"),
        ({"sleep": 60}, "TIMEOUT"),
        ({"spin": True}, "TIMEOUT"),
    ],
    ids=str,
)
async def test_whatever_happens_to_a_file_the_next_one_is_read(pools: Pools, made: Made, acts: dict[str, Any], code: str) -> None:
    pool = pools(seconds_max=2)
    error = await refusal(pool, made(**acts))
    assert error.code == code
    assert "secret" not in error.message + error.fix
    assert texts(await pool.read(made(texts=["next"]))) == ["next"]


async def test_a_spinning_file_is_ended_by_its_processor_time_where_the_clock_is_patient(pools: Pools, made: Made) -> None:
    error = await refusal(pools(cpu_seconds_max=1, seconds_max=100), made(spin=True))
    assert (error.code, error.message) == ("TIMEOUT", "the file takes too much work to read")


async def test_a_worker_that_fills_the_disk_is_ended_however_small_its_files_are(pools: Pools, made: Made) -> None:
    pool = pools(folder_bytes_max=8 * 1024 * 1024)
    error = await refusal(pool, made(disk=16 * 1024 * 1024, stay=True))
    assert (error.code, error.message) == ("TOO_LARGE", "the file needs more disk to read than it may use")
    assert texts(await pool.read(made(texts=["next"]))) == ["next"]


@pytest.mark.parametrize(
    ("much", "what"), [({"empty": 3_000}, "disk"), ({"threads": 300}, "threads")], ids=["empty files", "threads"]
)
async def test_a_worker_that_takes_what_costs_others_is_ended(pools: Pools, made: Made, much: dict[str, int], what: str) -> None:
    pool = pools(folder_bytes_max=8 * 1024 * 1024, memory_bytes=4 * 1024**3)
    error = await refusal(pool, made(**much, stay=True))
    assert (error.code, error.message) == ("TOO_LARGE", f"the file needs more {what} to read than it may use")
    assert texts(await pool.read(made(texts=["next"]))) == ["next"]


async def test_memory_is_watched_where_the_kernel_does_not_keep_a_process_to_it(pools: Pools, made: Made) -> None:
    pool = pools(memory_bytes=1024**3)
    await pool.read(made())
    async with pool._reading.member() as member:
        member.watch = Watch(1024**3, memory_bytes=100 * 1024 * 1024)
    error = await refusal(pool, made(memory=200 * 1024 * 1024, stay=True))
    assert (error.code, error.message) == ("TOO_LARGE", "the file needs more memory to read than it may use")


async def test_a_worker_is_replaced_after_so_many_files_and_after_a_bug(pools: Pools, made: Made) -> None:
    pool = pools(files_per_worker=2)
    path = made(pid=True)
    pids = [texts(await pool.read(path))[0] for _ in range(4)]
    assert pids[0] == pids[1] != pids[2] == pids[3]
    same = pools()
    before = texts(await same.read(path))
    await refusal(same, made(bug=True))
    assert texts(await same.read(path)) != before


async def test_two_workers_read_two_files_at_once_and_five_hundred_are_all_answered(pools: Pools, made: Made) -> None:
    pool = pools(workers=2)
    path = made(pid=True)
    answers = await asyncio.gather(*(pool.read(path) for _ in range(500)))
    assert len(answers) == 500
    assert len({texts(answer)[0] for answer in answers}) >= 2


async def test_more_than_may_wait_are_refused_at_once(pools: Pools, made: Made) -> None:
    pool = pools(queue_max=2)
    slow = [asyncio.ensure_future(pool.read(made(sleep=1, texts=["slow"]))) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await pool.read(made())
    assert [texts(document) for document in await asyncio.gather(*slow)] == [["slow"], ["slow"]]


async def test_a_caller_that_leaves_takes_its_file_along(pools: Pools, made: Made) -> None:
    pool = pools()
    await pool.read(made())
    reading = asyncio.ensure_future(pool.read(made(sleep=600)))
    await asyncio.sleep(0.3)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert texts(await pool.read(made(texts=["next"]))) == ["next"]


async def test_a_file_with_all_its_pictures_has_an_end_that_waiting_for_a_worker_does_not_count_to(
    pools: Pools, made: Made
) -> None:
    pool = pools(file_seconds_max=3.0)
    patient = [asyncio.ensure_future(pool.read(made(sleep=1, texts=["read"]))) for _ in range(4)]
    assert [texts(document) for document in await asyncio.gather(*patient)] == [["read"]] * 4
    assert (await refusal(pool, made(sleep=600))).code == "TIMEOUT"
    assert (await refusal(pool, made(pictures=100, drawn={"sleep": 0.5}))).code == "TIMEOUT"


async def test_a_picture_outlives_the_worker_that_drew_it(pools: Pools, made: Made) -> None:
    document = await pools(files_per_worker=1).read(made(pictures=3))
    assert [piece.where.page for piece in document.pieces] == [1, 2, 3]
    assert document.unread == []


async def test_redacting_hands_over_the_changes_and_what_was_read_in_pictures(pools: Pools, made: Made, tmp_path: Path) -> None:
    pool = pools()
    path, result = made(texts=["own"], pictures=1), tmp_path / "result"
    document = await pool.read(path)
    changes = [Change(0, 0, 3, "x"), Change(1, 0, 4)]
    redacted = await pool.redact(path, changes, result, document=document)
    assert redacted.dropped == ["metadata"]
    said = json.loads(result.read_text())
    assert said == {"changes": [[0, 0, 3, "x"], [1, 0, 4, ""]], "pieces": ["own", "seen 100 by auto\ntwo"]}
    result.unlink()
    await pool.redact(path, changes, result)  # read again
    assert json.loads(result.read_text()) == said


@pytest.mark.parametrize("acts", [{"nothing": True}, {"late": True}, {"crash": True}], ids=str)
async def test_a_redaction_that_fails_leaves_nothing(pools: Pools, made: Made, tmp_path: Path, acts: dict[str, Any]) -> None:
    result = tmp_path / "result"
    with pytest.raises(FileError):
        await pools().redact(made(**acts), [], result, document=Document("pdf"))
    assert not result.exists()


async def test_warming_loads_the_engine_and_names_it(pools: Pools) -> None:
    pool = pools()
    await pool.warm()
    assert await pool.engines() == [EngineHere("fake 1.0", ["Latn"])]


async def test_workers_that_nobody_needs_end(pools: Pools, made: Made) -> None:
    pool = pools(idle_seconds=0.3)
    (pid,) = texts(await pool.read(made(pid=True)))
    async with asyncio.timeout(20):
        while psutil.pid_exists(int(pid.split()[1])):  # noqa: ASYNC110 - it lives elsewhere
            await asyncio.sleep(0.05)
    assert texts(await pool.read(made(texts=["next"]))) == ["next"]


async def test_a_pool_that_closes_ends_what_runs(pools: Pools, made: Made) -> None:
    pool = pools()
    await pool.read(made())
    reading = asyncio.ensure_future(pool.read(made(sleep=600)))
    waiting = asyncio.ensure_future(pool.read(made()))
    await asyncio.sleep(0.2)
    await pool.close()
    results = await asyncio.gather(reading, waiting, return_exceptions=True)
    assert isinstance(results[0], FileError)
    assert isinstance(results[1], ShuttingDown)


async def test_workers_that_can_not_be_started_are_not_the_files_fault(pools: Pools, made: Made) -> None:
    pool = pools(rooms={"files": "no.such.module:ROOM", "ocr": ROOMS["ocr"]})
    with pytest.raises(GuardrailFailed):
        await pool.read(made())
