"""What a page knows of the gateway, kept true: asked for when the page opens and after events. HTTP goes through client.py."""

from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from gui.client import Failure
from gui.service import Service

SETTLE_MS = 400  # events come in bursts: one question after them
LOOK_MS = 5_000  # some things change without an event
UNREADABLE = Failure("the gateway that runs is of another version than this app", "update both, and start them again")


class Watch(QObject):
    """`changed` follows every change; `failed` tells why a wish wasn't fulfilled.

    Asks only while it `is_watched`. It lives as long as the service: an answer may come after the page has gone.
    What is known, and how it is asked for, is each page's own: the methods that say NotImplementedError.
    """

    changed = Signal()
    failed = Signal(object)

    def __init__(self, service: Service) -> None:
        super().__init__(service)
        self.service = service
        self.failure: Failure | None = None
        self.is_watched = False
        self._is_asking = self._ask_again = False
        self._home = ""
        self._settle = QTimer(self, singleShot=True, interval=SETTLE_MS)
        self._settle.timeout.connect(self.ask)
        self._look = QTimer(self, interval=LOOK_MS)
        self._look.timeout.connect(self._look_again)
        service.events.arrived.connect(self._event)
        service.events.lost.connect(self._settle.start)
        service.changed.connect(self._service_changed)

    def watch(self, *, on: bool) -> None:
        """A page that nobody sees asks nothing."""
        self.is_watched = on
        if on:
            self._look.start()
            self.ask()
        else:
            self._look.stop()

    def ask(self) -> None:
        """Ask for everything; once more where something happened meanwhile."""
        if not self.is_watched or self.service.phase != "running":
            return
        if self._is_asking:
            self._ask_again = True
            return
        self._is_asking = True
        self._send_questions()

    def _service_changed(self) -> None:
        if self.service.phase in ("stopped", "starting") and self._knows_something():
            self._forget()
            self.failure, self._home = None, ""
        elif self.service.phase == "running" and self._home != self.service.client.url:
            self._home = self.service.client.url
            self.ask()
        self.changed.emit()

    def _not_got(self, failure: Failure) -> None:
        self.failure = failure
        self._asked()

    def _asked(self) -> None:
        """The questions are answered, or can't be."""
        self._is_asking = False
        if self._ask_again:
            self._ask_again = False
            self._settle.start()
        self.changed.emit()

    def _heard(self, *, is_news: bool) -> None:
        """An event was taken in. `is_news`: it says that more has changed than it tells."""
        if is_news:
            self._ask_again = self._is_asking
            self._settle.start()
        self.changed.emit()

    def _look_again(self) -> None:
        """Now and then, for what changes without an event."""
        self.ask()

    def _knows_something(self) -> bool:
        raise NotImplementedError

    def _forget(self) -> None:
        raise NotImplementedError

    def _send_questions(self) -> None:
        """Ends in `_asked` or `_not_got`."""
        raise NotImplementedError

    def _event(self, name: str, body: Any) -> None:
        raise NotImplementedError
