"""The home folder: private, held by one appliance at a time."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.home import Control, Home, HomeBusy, HomeError, HomeLock, home_folder, sweep_private, write_private
from tests.running import eventually

posix = pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")
not_root = pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write everywhere")


def test_the_environment_says_where_the_home_is(tmp_path: Path) -> None:
    assert home_folder({"GATEHOUSE_HOME": str(tmp_path / "here")}) == tmp_path / "here"
    assert home_folder({}).name == "gatehouse"
    assert home_folder({"GATEHOUSE_HOME": "relative"}).is_absolute()


@posix
def test_only_the_owner_can_enter_a_home_that_was_made(tmp_path: Path) -> None:
    home = Home(tmp_path / "a" / "home").make()
    for folder in (home.root, home.models, home.logs, home.run):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_making_a_home_twice_changes_nothing(tmp_path: Path) -> None:
    home = Home(tmp_path / "home").make()
    (home.models / "a.gguf").write_bytes(b"x")
    home.make()
    assert (home.models / "a.gguf").read_bytes() == b"x"


@posix
@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
def test_a_home_that_others_can_write_to_is_refused(tmp_path: Path, mode: int) -> None:
    home = Home(tmp_path / "home").make()
    home.root.chmod(mode)
    with pytest.raises(HomeError) as refused:
        home.make()
    assert "other users can write" in refused.value.message
    assert refused.value.fix == f"chmod go-w {home.root}"


def test_a_home_where_a_file_stands_is_refused_with_the_mend(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("I am a file")
    with pytest.raises(HomeError) as refused:
        Home(tmp_path / "home").make()
    assert "GATEHOUSE_HOME" in refused.value.fix


@posix
@not_root
def test_a_home_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    home = Home(tmp_path / "home").make()
    home.root.chmod(0o500)
    try:
        with pytest.raises(HomeError, match="can't be written"):
            home.make()
    finally:
        home.root.chmod(0o700)


def test_a_second_appliance_is_told_who_holds_the_home(tmp_path: Path) -> None:
    home = Home(tmp_path).make()
    home.write_control(Control(4711, "http://127.0.0.1:8000", "token"))
    with HomeLock.take(home):
        assert HomeLock.acquire(home) is None
        with pytest.raises(HomeBusy, match=r"process 4711 at http://127\.0\.0\.1:8000"):
            HomeLock.take(home)
    HomeLock.take(home).release()


HOLD = """
import pathlib, sys
from appliance.home import Home, HomeLock
lock = HomeLock.take(Home(pathlib.Path(sys.argv[1])))
print("held", flush=True)
sys.stdin.read()
"""


def test_a_killed_appliance_frees_its_home_at_once(tmp_path: Path) -> None:
    home = Home(tmp_path).make()
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == b"held"
        assert HomeLock.acquire(home) is None
        holder.kill()
        holder.wait(10)
        HomeLock.take(home).release()


@posix
def test_a_child_that_outlives_the_appliance_does_not_keep_the_lock(tmp_path: Path) -> None:
    home = Home(tmp_path).make()
    lock = HomeLock.take(home)
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE, close_fds=False)
    try:
        lock.release()
        # A moment may pass: the kernel closes the child's files one by one as it starts.
        eventually(lambda: HomeLock.acquire(home), seconds=5).release()
    finally:
        assert child.stdin is not None
        child.stdin.close()
        child.wait(10)


def test_the_control_file_is_read_back_and_is_private(tmp_path: Path) -> None:
    home = Home(tmp_path).make()
    assert home.read_control() is None
    control = Control(1, "http://127.0.0.1:8000", "a-secret-token")
    home.write_control(control)
    assert home.read_control() == control
    if os.name == "posix":
        assert stat.S_IMODE(home.control.stat().st_mode) == 0o600
    assert "a-secret-token" not in repr(control)
    home.control.write_text('{"pid": "broken')
    assert home.read_control() is None
    home.remove_control()
    home.remove_control()
    assert home.read_control() is None


def test_a_write_that_fails_leaves_the_old_file_and_no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    write_private(path, b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_private(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_crash_left_of_half_written_files_is_swept_and_nothing_else(tmp_path: Path) -> None:
    home = Home(tmp_path / "home").make()
    home.lan.mkdir()
    cut = [home.root / ".gatehouse.toml.123.456", home.run / ".control.json.1.2", home.lan / ".leaf.key.77.88"]
    kept = [home.env_file, home.settings_file, home.root / ".hidden", home.lan / "leaf.key"]
    for file in (*cut, *kept):
        file.write_text("x")
    sweep_private(home)
    assert [file for file in cut if file.exists()] == []
    assert [file for file in kept if not file.exists()] == []
