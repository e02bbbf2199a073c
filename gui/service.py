"""Finds, starts and stops the appliance. It runs on its own: quitting the tray app leaves it running."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from gui import home as homes
from gui.client import Client, Events, Failure
from gui.overview_state import is_readable

LOOK_MS = 500
START_MS_MAX = 90_000
STOP_MS_MAX = 60_000
SILENT_SECONDS_MAX = 15  # the event stream sends a comment every 10 s


class Service(QObject):
    """`phase` is stopped, starting, running or stopping. `changed` follows every change of the fields."""

    changed = Signal()

    def __init__(self, home: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.home = home
        self.phase = "stopped"
        self.overview: dict[str, Any] | None = None
        self.failure: Failure | None = None
        self.client = Client(self)
        self.events = Events(self.client)
        self.events.arrived.connect(self._event)
        self.events.lost.connect(self._lost)
        self._child: subprocess.Popen[bytes] | None = None
        self._waited_ms = 0
        self._is_asking = False
        self.is_silent = False
        self._stopping: homes.Control | None = None
        self._timer = QTimer(self, interval=LOOK_MS)
        self._timer.timeout.connect(self._tick)

    def begin(self, *, start: bool = True) -> None:
        """Find the running appliance; start one where none runs."""
        self._timer.start()
        if start and homes.control(self.home) is None:
            self.start()
        else:
            self._tick()

    def close(self) -> None:
        """Stop watching. The appliance goes on."""
        self._timer.stop()
        self.events.close()

    def start(self) -> None:
        if self.phase != "stopped":
            return
        try:
            self._child = self._launch()
        except OSError as problem:
            self.failure = Failure(f"the gateway can't be started: {problem}", "see whether the home folder can be written")
            self.changed.emit()
            return
        self._become("starting")

    def _launch(self) -> "subprocess.Popen[bytes]":
        logs = self.home / "logs"
        logs.mkdir(parents=True, exist_ok=True, mode=0o700)
        detached: dict[str, Any] = {"start_new_session": True}
        if sys.platform == "win32":
            detached = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
        environ = {**os.environ, "GATEHOUSE_HOME": str(self.home), "GATEHOUSE_FIRST_RUN_KEY": "false"}
        with open(self._report, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as report:
            return subprocess.Popen(
                [sys.executable, "-m", "appliance", "serve", "--service"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=report,
                env=environ,
                **detached,
            )

    @property
    def _report(self) -> Path:
        return self.home / "logs" / "tray-start.log"

    def stop(self) -> None:
        """Ask the appliance to drain and end. It is never killed."""
        found = homes.control(self.home)
        if self.phase != "running" or found is None:
            return
        self._stopping = found
        self._become("stopping")
        self.client.call("POST", "/api/v1/admin/machine/stop", lambda _: None, self._not_stopped)

    def _not_stopped(self, failure: Failure) -> None:
        if self.phase == "stopping" and failure.status:
            self._become("running", failure)

    def _become(self, phase: str, failure: Failure | None = None) -> None:
        self.phase, self.failure, self._waited_ms, self.is_silent = phase, failure, 0, False
        if phase in ("stopped", "starting"):
            self.overview = None
            self.events.close()
        self.changed.emit()

    def _tick(self) -> None:
        self._waited_ms += LOOK_MS
        if self.phase != "starting" and self._child is not None and self._child.poll() is not None:
            self._child = None  # it ended, and is let go of; of a start that ended `_start_failed` tells more
        found = homes.control(self.home)
        if self.phase == "starting" and self._start_failed():
            return
        if self.phase == "stopping":
            if self._stopping is None or not homes.is_alive(self._stopping.pid):
                self._become("stopped")
            elif self._waited_ms > STOP_MS_MAX:
                self._become("running", Failure("the gateway is still finishing requests", "wait, or stop it again"))
        elif found is None:
            if self.phase == "running":
                self._become("stopped")
        elif self.phase == "running":
            self._listen(found)
        elif not self._is_asking:
            self._ask(found)

    def _listen(self, found: homes.Control) -> None:
        """A gateway that lives and says nothing hangs: its last figures are no longer the truth."""
        is_silent = self.events.silent_seconds > SILENT_SECONDS_MAX
        if is_silent != self.is_silent:
            self.is_silent, self.failure = is_silent, unanswered(found) if is_silent else None
            self.changed.emit()

    def _start_failed(self) -> bool:
        if self._child is None or (self._child.poll() is None and self._waited_ms < START_MS_MAX):
            return False
        if self._child.poll() is None:
            self._become("stopped", Failure("the gateway didn't become ready in time", f"look at {self.home / 'logs'}"))
            return True
        self._child = None
        if homes.control(self.home) is not None:
            return False
        try:
            said = self._report.read_text(errors="replace")
        except OSError:
            said = ""
        self._become("stopped", Failure(*homes.start_report(said)))
        return True

    def _ask(self, found: homes.Control) -> None:
        self._is_asking = True
        self.client.url, self.client.token = found.url, found.token

        def done(_: Any) -> None:
            self._is_asking = False
            if self.phase != "running":
                self._become("running")
                self.events.open()

        def failed(failure: Failure) -> None:
            self._is_asking = False
            if self.phase == "stopped" and failure.is_late:
                self.failure = unanswered(found)
                self.changed.emit()

        self.client.call("GET", "/health", done, failed, deadline_ms=3_000)

    def _event(self, name: str, body: Any) -> None:
        if name != "overview":
            return
        if is_readable(body):
            self.overview = body
        else:
            self.failure = Failure(
                "the gateway that runs is of another version than this app", "update both, and start them again"
            )
        self.changed.emit()

    def _lost(self) -> None:
        found = homes.control(self.home)
        if self.phase == "running" and (found is None or found.token != self.client.token):
            self._become("stopped")


def unanswered(found: homes.Control) -> Failure:
    return Failure(
        f"the gateway (process {found.pid}) doesn't answer",
        "Wait a little. If it stays so, end that process and start the gateway",
    )
