"""Lines leave on a thread of their own; nothing that happens to the disk reaches the caller."""

import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from appliance.telemetry.log_writer import LogWriter, RotatingFile
from tests.running import eventually


class Stalling:
    """A sink whose disk answers when the test lets it."""

    def __init__(self) -> None:
        self.may_write = threading.Event()
        self.is_writing = threading.Event()
        self.written = b""

    def write(self, lines: bytes) -> None:
        self.is_writing.set()
        assert self.may_write.wait(20)
        self.written += lines

    def close(self) -> None:
        pass


class Failing:
    """A sink on a disk that is full until the test makes room."""

    def __init__(self) -> None:
        self.is_full = True
        self.written = b""
        self.tries = 0

    def write(self, lines: bytes) -> None:
        self.tries += 1
        if self.is_full:
            raise OSError(28, "No space left on device")
        self.written += lines

    def close(self) -> None:
        pass


def lines_in(folder: Path) -> list[bytes]:
    """All lines that were kept, the oldest first."""
    number: Callable[[Path], int] = lambda path: int(path.suffix[1:]) if path.suffix != ".log" else 0  # noqa: E731
    files = sorted(folder.iterdir(), key=number, reverse=True)
    return [line for file in files for line in file.read_bytes().splitlines()]


def test_what_was_put_is_written_when_the_writer_closes(tmp_path: Path) -> None:
    writer = LogWriter(RotatingFile(tmp_path / "a.log", 1_000_000, 3))
    expected = [b"line %d" % number for number in range(1000)]
    for line in expected:
        writer.put(line)
    writer.close()
    assert lines_in(tmp_path) == expected


def test_threads_may_write_at_the_same_time(tmp_path: Path) -> None:
    writer = LogWriter(RotatingFile(tmp_path / "a.log", 1_000_000, 3))
    threads = [threading.Thread(target=lambda n=n: [writer.put(b"%d" % n) for _ in range(200)]) for n in range(8)]  # type: ignore[misc]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.close()
    assert sorted(lines_in(tmp_path)) == sorted(b"%d" % n for n in range(8) for _ in range(200))


def test_a_stalled_disk_drops_the_oldest_lines_and_the_log_says_how_many() -> None:
    sink = Stalling()
    writer = LogWriter(sink, lines_waiting_max=10)
    writer.put(b'"first"')
    assert sink.is_writing.wait(10)
    for number in range(25):
        writer.put(b"%d" % number)
    assert writer.lines_lost == 15
    sink.may_write.set()
    writer.close()
    lines = [msgspec.json.decode(line) for line in sink.written.splitlines()]
    assert lines[0] == "first"
    assert (lines[1]["event"], lines[1]["count"]) == ("log lines lost", 15)
    assert lines[2:] == list(range(15, 25))


def test_a_full_disk_costs_lines_and_nothing_else() -> None:
    sink = Failing()
    writer = LogWriter(sink)
    writer.put(b"1")
    eventually(lambda: sink.tries)
    sink.is_full = False
    writer.put(b"2")
    writer.close()
    lost, kept = sink.written.splitlines()
    assert msgspec.json.decode(lost)["count"] == 1
    assert kept == b"2"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_file_on_a_full_disk_does_not_stop_the_writer(tmp_path: Path) -> None:
    (tmp_path / "a.log").symlink_to("/dev/full")
    writer = LogWriter(RotatingFile(tmp_path / "a.log", 1000, 2))
    writer.put(b"x")
    writer.close()
    assert writer.lines_lost == 1


def test_a_sink_that_never_answers_does_not_hold_up_the_end() -> None:
    sink = Stalling()
    writer = LogWriter(sink)
    writer.put(b"x")
    writer.close(timeout_seconds=0.1)
    sink.may_write.set()


def test_the_file_is_set_aside_when_full_and_only_so_many_are_kept(tmp_path: Path) -> None:
    file = RotatingFile(tmp_path / "gatehouse.log", bytes_max=100, files_max=3)
    for number in range(100):
        file.write(b"line %04d\n" % number)
    file.close()
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["gatehouse.log", "gatehouse.log.1", "gatehouse.log.2", "gatehouse.log.3"]
    assert all(path.stat().st_size <= 100 for path in tmp_path.iterdir())
    assert lines_in(tmp_path) == [b"line %04d" % number for number in range(60, 100)]


def test_a_burst_larger_than_the_file_keeps_its_bound(tmp_path: Path) -> None:
    file = RotatingFile(tmp_path / "gatehouse.log", bytes_max=100, files_max=2)
    file.write(b"".join(b"line %04d\n" % number for number in range(1000)))
    file.close()
    assert all(path.stat().st_size <= 100 for path in tmp_path.iterdir())
    assert lines_in(tmp_path)[-1] == b"line 0999"


def test_a_log_goes_on_where_the_last_start_left_off(tmp_path: Path) -> None:
    for text in (b"one\n", b"two\n"):
        file = RotatingFile(tmp_path / "logs" / "gatehouse.log", 1000, 2)
        file.write(text)
        file.close()
    assert lines_in(tmp_path / "logs") == [b"one", b"two"]


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")
def test_only_the_owner_may_read_a_log(tmp_path: Path) -> None:
    file = RotatingFile(tmp_path / "logs" / "gatehouse.log", 10, 2)
    file.write(b"0123456\n0123456\n")
    file.close()
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "logs").iterdir()}
    assert modes == {0o600}
    assert stat.S_IMODE((tmp_path / "logs").stat().st_mode) == 0o700
