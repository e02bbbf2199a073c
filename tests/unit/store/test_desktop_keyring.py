import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from appliance.store import desktop_keyring
from appliance.store.refusals import MasterKeyUnavailable

needs_keyring = pytest.mark.skipif(
    not (shutil.which("dbus-run-session") and shutil.which("gnome-keyring-daemon")),
    reason="needs dbus-run-session and gnome-keyring-daemon (apt: dbus, gnome-keyring)",
)

UNLOCKED = "printf 'login password' | gnome-keyring-daemon --foreground --unlock --components=secrets >/dev/null 2>&1 &"
LOCKED = "gnome-keyring-daemon --foreground --components=secrets >/dev/null 2>&1 &"
SESSION = """
{daemon}
keyring=$!
for _ in $(seq 100); do
  dbus-send --session --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.GetNameOwner \\
    string:org.freedesktop.secrets >/dev/null 2>&1 && break
  sleep 0.05
done
"$@"
status=$?
kill $keyring
wait $keyring 2>/dev/null
exit $status
"""


class Desktop:
    """A user's desktop session with a real SecretService; their keyring lasts from one session to the next."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "gatehouse"
        runtime = folder / "runtime"
        runtime.mkdir(mode=0o700)
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(runtime),
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        }

    def opens(self, *sources: str, daemon: str = UNLOCKED) -> list[dict[str, Any]]:
        """Open the vault of one home, once for each source, in one session."""
        program = [sys.executable, "-m", "tests.unit.store.keyring_session", str(self.home), *sources]
        command = ["dbus-run-session", "--", "bash", "-c", SESSION.format(daemon=daemon), "session", *program]
        done = subprocess.run(command, env=self.environ, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def desktop(tmp_path: Path) -> Desktop:
    return Desktop(tmp_path)


@needs_keyring
def test_in_a_desktop_session_the_master_key_lives_in_the_keyring_and_lasts(desktop: Desktop) -> None:
    first, second = desktop.opens("auto", "auto")
    assert first["source"] == second["source"] == "keyring"
    assert first["derived"] == second["derived"]
    assert not (desktop.home / "master.key").exists()
    (next_day,) = desktop.opens("keyring")
    assert next_day == first


@needs_keyring
def test_a_locked_keyring_refuses_at_once_with_the_mend_and_asks_nobody(desktop: Desktop) -> None:
    desktop.opens("auto")
    started = time.monotonic()
    (locked,) = desktop.opens("auto", daemon=LOCKED)
    assert locked["kind"] == "MasterKeyUnavailable"
    assert "locked" in locked["refused"]
    assert "Unlock the keyring" in locked["fix"]
    assert time.monotonic() - started < desktop_keyring.SECONDS_MAX
    assert not (desktop.home / "master.key").exists()


@needs_keyring
def test_a_first_start_beside_a_locked_keyring_takes_a_file(desktop: Desktop) -> None:
    desktop.opens("auto")
    desktop.home = desktop.folder / "another"
    assert [outcome["source"] for outcome in desktop.opens("auto", "auto", daemon=LOCKED)] == ["file", "file"]
    # and stays with it when the keyring is open the next time
    assert desktop.opens("auto")[0]["source"] == "file"


@needs_keyring
def test_a_keyring_without_the_entry_is_told(desktop: Desktop) -> None:
    desktop.opens("auto")
    shutil.rmtree(desktop.folder / ".local")
    (lost,) = desktop.opens("auto")
    assert "the keyring has no entry for this vault" in lost["refused"]


def test_without_a_session_bus_there_is_no_keyring() -> None:
    assert not desktop_keyring.is_usable({})
    with pytest.raises(MasterKeyUnavailable, match="no desktop session"):
        desktop_keyring.read({}, "vault")
    with pytest.raises(MasterKeyUnavailable, match="no desktop session"):
        desktop_keyring.write({}, "vault", "text")


def test_a_bus_that_is_gone_is_no_keyring(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    address = f"unix:path={tmp_path}/nothing"
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)  # the library reads the process's own environment
    assert not desktop_keyring.is_usable({"DBUS_SESSION_BUS_ADDRESS": address})
    with pytest.raises(MasterKeyUnavailable, match="can't be used"):
        desktop_keyring.read({"DBUS_SESSION_BUS_ADDRESS": address}, "vault")


def test_a_bus_that_takes_the_call_and_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "bus"))
    listener.listen()
    address = f"unix:path={tmp_path}/bus"
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
    started = time.monotonic()
    assert not desktop_keyring.is_usable({"DBUS_SESSION_BUS_ADDRESS": address}, seconds_max=0.5)
    assert time.monotonic() - started < 5
    listener.close()
