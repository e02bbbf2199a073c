"""Files on their way to the gateway and back: looked into a few at a time, drawn page by page, written without findings."""

import json
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from gui.client import UNREADABLE, Failure
from gui.files_state import Files, Item, Problem, told_of
from gui.service import Service
from gui.uploads import ITS_FILE, Sending, Upload

SCAN, PAGE = "/api/v1/files/scan", "/api/v1/files/page"
AT_ONCE = 2  # as many as the gateway reads at once, unless set otherwise
PAGES_KEPT = 12  # pictures of pages, of a few MB each
PAUSE_MS = 2_000  # after the gateway went: by then it is known whether it is gone
REFUSED = (401, 403, 404, 405)  # for one as for all


class FilesWatch(QObject):
    """`changed` follows every change. `drawn` tells a page's picture: the file's id, the page, the width asked for, a PNG or a
    Failure. It lives as long as the service: an answer may come after the page has gone."""

    changed = Signal()
    drawn = Signal(str, int, int, object)

    def __init__(self, service: Service) -> None:
        super().__init__(service)
        self.service = service
        self.files = Files()
        self._under_way: dict[str, Sending] = {}
        self._drawing: tuple[str, int, int] | None = None
        self._drawer: Sending | None = None
        self._wanted: tuple[str, int, int] | None = None
        self._kept: OrderedDict[tuple[str, int, int], bytes] = OrderedDict()
        self._pause = QTimer(self, singleShot=True, interval=PAUSE_MS)
        self._pause.timeout.connect(self._go_on)
        service.changed.connect(self._go_on)

    @property
    def is_there(self) -> bool:
        return self.service.phase == "running"

    # Which files

    def add(self, paths: Iterable[Path]) -> tuple[list[Item], int]:
        """Those that are new, and how many there is no room for."""
        added = self.files.add(paths)
        self._go_on()
        return added

    def remove(self, item_id: str) -> None:
        self._drop(item_id)
        self.files.remove(item_id)
        self._go_on()

    def clear(self) -> None:
        for item in list(self.files.items):
            self._drop(item.id)
            self.files.remove(item.id)
        self.changed.emit()

    def _drop(self, item_id: str) -> None:
        sending = self._under_way.pop(item_id, None)
        if sending is not None:
            sending.drop()
        for key in [key for key in self._kept if key[0] == item_id]:
            del self._kept[key]

    # Looking into them

    def again(self) -> None:
        """Those that the gateway didn't look into."""
        for item in self.files.items:
            if item.step == "failed":
                item.begin_again()
        self._go_on()

    def look_again(self, item: Item, *, password: str = "", with_values: bool = False) -> None:
        item.password, item.with_values = password or item.password, with_values
        self._drop(item.id)
        item.begin_again()
        self._go_on()

    def forget_values(self, item: Item) -> None:
        """They are in no list any more, and nothing is asked for that."""
        item.forget_values()
        self.changed.emit()

    def _go_on(self) -> None:
        while self.is_there and not self._pause.isActive() and len(self._under_way) < AT_ONCE:
            item = self.files.next_waiting()
            if item is None:
                break
            self._send(item)
        self.changed.emit()

    def _send(self, item: Item) -> None:
        def sent(share: float) -> None:
            item.sent, item.step = share, "sending" if share < 1 else "reading"
            self.changed.emit()

        def done(answer: bytes) -> None:
            self._under_way.pop(item.id, None)
            told = told_of(_json(answer))
            if told is None:
                item.fail(Problem(UNREADABLE.message, UNREADABLE.fix))
            else:
                item.take(*told)
            self._go_on()

        def failed(failure: Failure) -> None:
            self._under_way.pop(item.id, None)
            self._failed(item, failure)
            self._go_on()

        query = "?include_values=true" if item.with_values else ""
        item.step = "sending"
        sending = Sending(self.service.client, self._upload(item, SCAN + query), done, failed, sent)
        self._under_way[item.id] = sending
        sending.begin(self.service.client)

    def _failed(self, item: Item, failure: Failure) -> None:
        is_gone = not failure.status and not failure.is_late and failure.param != ITS_FILE
        if is_gone and item.lose():
            self._pause.start()
            return
        problem = Problem(failure.message, failure.fix, status=failure.status)
        if item.with_values and failure.status == 403 and item.told is not None:
            item.take(item.told, item.policy)
            item.problem, item.with_values = problem, False
            return
        item.fail(problem)
        if failure.status in REFUSED:
            for other in self.files.items:
                if other.step == "waiting":
                    other.fail(problem)

    def _upload(self, item: Item, where: str, to: Path | None = None) -> Upload:
        return Upload(where, item.path, item.name, item.password, to)

    # Pages

    def ask_page(self, item: Item, page: int, width: int) -> None:
        """One at a time is drawn; of those that are asked for meanwhile, the last one is next."""
        key = (item.id, page, width)
        if key in self._kept:
            self._kept.move_to_end(key)
            self.drawn.emit(*key, self._kept[key])
        elif key != self._drawing:
            self._wanted = key
            self._draw()

    def _draw(self) -> None:
        if self._drawing is not None or self._wanted is None:
            return
        key, self._wanted = self._wanted, None
        item = self.files.get(key[0])
        if item is None:
            return
        self._drawing = key

        def over(answer: bytes | Failure) -> None:
            self._drawing = self._drawer = None
            if isinstance(answer, bytes) and self.files.get(key[0]) is not None:
                self._kept[key] = answer
                while len(self._kept) > PAGES_KEPT:
                    self._kept.popitem(last=False)
            self.drawn.emit(*key, answer)
            self._draw()

        upload = self._upload(item, f"{PAGE}?page={key[1]}&width={key[2]}")
        self._drawer = Sending(self.service.client, upload, over, over)
        self._drawer.begin(self.service.client)

    # Without what was found

    def save(self, item: Item, to: Path, done: "Any", failed: "Any") -> Sending:
        """Its redacted version, into a file that isn't there yet."""
        sending = Sending(self.service.client, self._upload(item, f"{SCAN}?redact=true", to), done, failed)
        sending.begin(self.service.client)
        return sending


def _json(answer: bytes) -> Any:
    try:
        return json.loads(answer)
    except ValueError:
        return None
