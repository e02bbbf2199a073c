"""One text of an answer on its way: the chunks that brought it wait until all of their words are decided, and go on as they came
where nothing was to be changed. Only what is changed is written anew."""

from collections.abc import Iterator

import msgspec

from appliance.chat import Chunk, Delta, FunctionCall, ToolCall
from appliance.guardrails.placeholders import Restoring
from appliance.guardrails.window import Window

Name = tuple[str, int]  # content, reasoning, refusal, or call; and of which call


class _Waiting(msgspec.Struct):
    """A chunk with words of this text, and how many characters of them."""

    chunk: Chunk
    length: int


class Line:
    """`feed` and `last` give the chunks that may go on. Each chunk that comes in has one delta, and one text in it."""

    def __init__(self, name: Name, window: Window, restoring: Restoring | None) -> None:
        self.name = name
        self._window = window
        self._restoring = restoring
        self._queue: list[_Waiting] = []
        self._text = ""  # decided, and not gone on
        self._decided = 0  # how many characters of the queue that was
        self._is_changed = False  # somewhere in it

    def feed(self, chunk: Chunk, text: str) -> list[Chunk]:
        self._queue.append(_Waiting(chunk, len(text)))
        return self._gone_on(self._window.feed(text), is_last=False)

    def last(self, chunk: Chunk | None = None, text: str = "") -> list[Chunk]:
        """The text ends here, with this chunk or with what came before."""
        if chunk is not None:
            self._queue.append(_Waiting(chunk, len(text)))
        return self._gone_on(self._window.last(text), is_last=True)

    def _gone_on(self, shown: str, *, is_last: bool) -> list[Chunk]:
        self._decided += self._window.let_go
        given_back = shown
        if self._restoring is not None:
            given_back = self._restoring.feed(shown) + (self._restoring.end() if is_last else "")
        self._text += given_back
        self._is_changed = self._is_changed or self._window.is_changed or given_back != shown
        return self._rewritten() if self._is_changed else self._as_they_came()

    def _as_they_came(self) -> list[Chunk]:
        ready: list[Chunk] = []
        while self._queue and self._queue[0].length <= self._decided:
            one = self._queue.pop(0)
            self._decided -= one.length
            self._text = self._text[one.length :]
            ready.append(one.chunk)
        return ready

    def _rewritten(self) -> list[Chunk]:
        """What is decided, in new words; the chunk in which the decided part ends is cut in two."""
        ready: list[Chunk] = []
        while self._queue and (self._queue[0].length <= self._decided):
            one = self._queue.pop(0)
            self._decided -= one.length
            ready.append(one.chunk)
        if self._queue and self._decided:
            ready.append(self._head_of_first())
        if not ready:
            return []
        text, self._text = self._text, ""
        self._is_changed = self._restoring is not None and self._restoring.is_waiting
        for chunk in ready:
            put(chunk, self.name, "")
        put(ready[-1], self.name, text)
        return [chunk for chunk in ready if chunk is ready[-1] or _says_more(chunk)]

    def _head_of_first(self) -> Chunk:
        """The rest of it waits on, with how the chunk ends."""
        first = self._queue[0]
        whole, words = first.chunk, dict(texts(first.chunk.deltas[0]))[self.name]
        tail = Chunk([Delta(index=whole.deltas[0].index)], whole.usage, whole.finish, None, whole.more)
        put(tail, self.name, words[len(words) - first.length + self._decided :])
        whole.usage = whole.finish = None
        first.chunk, first.length = tail, first.length - self._decided
        self._decided = 0
        return whole


def texts(delta: Delta) -> Iterator[tuple[Name, str]]:
    """The words of a delta, and what they are."""
    for kind, text in (("reasoning", delta.reasoning), ("content", delta.content), ("refusal", delta.refusal)):
        if text:
            yield (kind, 0), text
    for piece in delta.tool_calls or ():
        if piece.function is not None and piece.function.arguments:
            yield ("call", piece.index or 0), piece.function.arguments


def put(chunk: Chunk, name: Name, text: str) -> None:
    """Other words for those of its one delta: it is no longer as it came."""
    chunk.raw = None
    put_into(chunk.deltas[0], name, text)


def put_into(delta: Delta, name: Name, text: str) -> None:
    delta.logprobs = None  # they hold the words as well
    kind, number = name
    if kind != "call":
        setattr(delta, kind, text or None)
        return
    for piece in delta.tool_calls or ():
        if piece.function is not None and (piece.index or 0) == number:
            piece.function.arguments = text
            return
    if text:
        delta.tool_calls = [*(delta.tool_calls or []), ToolCall(index=number, function=FunctionCall(arguments=text))]


def _says_more(chunk: Chunk) -> bool:
    """Something besides the words that were taken out of it."""
    delta = chunk.deltas[0]
    named = any(piece.id or (piece.function is not None and piece.function.name) for piece in delta.tool_calls or ())
    return named or bool(delta.role or delta.signature or delta.redacted or chunk.usage or chunk.finish)
