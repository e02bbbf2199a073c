"""One text of an answer on its way, in pieces: each waits until all of its words are decided, and stays as it came where nothing
was to be changed. Only what is changed is written anew."""

from collections.abc import Callable

import msgspec

from appliance.gateway.answer_places import Place
from appliance.guardrails.placeholders import Restoring
from appliance.guardrails.window import Window


class _Waiting(msgspec.Struct):
    """A piece of this text; how many characters of it aren't decided; whether others were told already, with a piece before."""

    place: Place
    length: int
    decided: Callable[[], None]
    is_begun: bool = False


class Line:
    """`feed` and `last` take a piece, and whom to tell once all of it is decided and stands in its place.

    was_changed: something of it is told in other words than it came.
    """

    def __init__(self, window: Window, restoring: Restoring | None) -> None:
        self.was_changed = False
        self._window = window
        self._restoring = restoring
        self._queue: list[_Waiting] = []
        self._text = ""  # decided, and in no place yet
        self._decided = 0  # how many characters of the queue that was
        self._is_changed = False  # somewhere in it

    def feed(self, place: Place, decided: Callable[[], None]) -> None:
        self._queue.append(_Waiting(place, len(place.text), decided))
        self._gone_on(self._window.feed(place.text), is_last=False)

    def last(self, place: Place | None = None, decided: Callable[[], None] = lambda: None) -> None:
        """The text ends here, with this piece or with what came before."""
        if place is not None:
            self._queue.append(_Waiting(place, len(place.text), decided))
        self._gone_on(self._window.last(place.text if place is not None else ""), is_last=True)

    def _gone_on(self, shown: str, *, is_last: bool) -> None:
        self._decided += self._window.let_go
        given_back = shown
        if self._restoring is not None:
            given_back = self._restoring.feed(shown) + (self._restoring.end() if is_last else "")
        self._text += given_back
        self._is_changed = self._is_changed or self._window.is_changed or given_back != shown
        ready: list[_Waiting] = []
        while self._queue and self._queue[0].length <= self._decided:
            ready.append(self._queue.pop(0))
            self._decided -= ready[-1].length
        if ready:
            (self._rewritten if self._is_changed else self._as_they_came)(ready)
        for one in ready:
            one.decided()

    def _as_they_came(self, ready: list[_Waiting]) -> None:
        for one in ready:
            told, self._text = self._text[: one.length], self._text[one.length :]
            if one.is_begun:
                one.place.put(told)

    def _rewritten(self, ready: list[_Waiting]) -> None:
        """All that is decided, in new words: pieces at both ends of which nothing was changed stay, the last one between them has
        it all, also what begins the piece behind it."""
        self.was_changed = True
        text, start, end = self._text, 0, len(ready)
        while start < end - 1 and not ready[start].is_begun and text.startswith(ready[start].place.text):
            text, start = text[ready[start].length :], start + 1
        while end - 1 > start and not self._decided and text.endswith(ready[end - 1].place.text):
            text, end = text[: -ready[end - 1].length], end - 1
        for one in ready[start : end - 1]:
            one.place.put("")
        if text != ready[end - 1].place.text:
            ready[end - 1].place.put(text)
        self._text = ""
        self._is_changed = self._restoring is not None and self._restoring.is_waiting
        if self._queue and self._decided:
            first = self._queue[0]
            first.length -= self._decided
            first.is_begun = True
            self._decided = 0
