"""Ends a worker that is stuck in native code: nothing else can stop that, and its heartbeat goes on all the while."""

import os
import sys
import threading
import time
from collections.abc import Callable

STUCK_STATUS = 87
LOOK_SECONDS = 1.0


class Watchdog:
    """Looks at when the present step began."""

    def __init__(self, step_began: Callable[[], float | None], seconds_max: float) -> None:
        self._step_began = step_began
        self._seconds_max = seconds_max

    def start(self) -> None:
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def _watch(self) -> None:
        while True:
            time.sleep(min(LOOK_SECONDS, self._seconds_max / 4))
            began = self._step_began()
            if began is not None and time.monotonic() - began > self._seconds_max:
                print(f"one step took longer than {self._seconds_max:g} s", file=sys.stderr, flush=True)
                os._exit(STUCK_STATUS)
