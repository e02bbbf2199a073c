"""Where texts stand in a piece of an answer: in its deltas, or in the provider's own JSON, whatever the format.

A text that comes in pieces is known by its line: `(choice, …)`. A text without a line stands whole where it is.
"""

from collections.abc import Callable, Iterator, Set
from functools import partial
from typing import Any

import msgspec

from appliance.chat import ARGUMENTS, LONG_NUMBER, ORDINARY_NAME, Chunk, Delta, FunctionCall, ToolCall, rename
from appliance.gateway.answer_event import AnswerEvent
from appliance.gateway.inspected_texts import FILES, SEALED, file_kind, is_seal

LineName = tuple[Any, ...]
ALL_CHOICES = -1
_STANDS_WHOLE = frozenset({"role", "type", "id", "name", "index", "object", "format", "finish_reason", "status"})
_WHOLE_BELOW = frozenset({"annotations", "citations", "citation"})
_ARGUMENTS = frozenset({"arguments", "partial_json", "input_json"})
_CHOICES, _LOGPROBS, _DELTA_AND_LOGPROBS = frozenset({"choices"}), frozenset({"logprobs"}), frozenset({"delta", "logprobs"})
NAMES_MAX = 4_096
_ordinary: set[str] = set()  # names of fields that were looked at before: formats have a few hundred
_NUMBERS = frozenset({int, float})
_REPEATS = ("created", "in_progress", "queued", "completed", "incomplete", "failed", "done", "added")
_TOLD_IN_DELTAS = frozenset({"message", "function_call", "custom_tool_call", "reasoning"})


class Place(msgspec.Struct):
    """One text.

    put:     writes another in its place.
    line:    which text of the answer it is a piece of; None: it is whole.
    in_json: it is JSON itself, or a piece of it.
    is_new:  False where it says again what was said elsewhere in the answer: that is counted once.
    """

    text: str
    put: Callable[[str], None]
    line: LineName | None = None
    in_json: bool = False
    is_new: bool = True


class Opened(msgspec.Struct):
    """`ends`: choices of which no text goes on behind this piece."""

    places: list[Place]
    ends: set[int]
    choices: set[int]


# Deltas: of answers that are translated


def of_deltas(chunk: Chunk) -> Opened:
    """Its texts, and what else in it a model or provider wrote."""
    places = [place for delta in chunk.deltas for place in _of_delta(chunk, delta)]
    if chunk.stop_sequence:
        places.append(Place(chunk.stop_sequence, partial(_put_field, chunk, chunk, "stop_sequence")))
    choices = {delta.index for delta in chunk.deltas}
    ends: set[int] = set()
    if chunk.finish is not None and chunk.raw != b"":
        ends = set(choices) or {ALL_CHOICES}
    for delta in chunk.deltas:
        if delta.signature is not None or (delta.tool_calls and not any(place.line is not None for place in places)):
            ends.add(delta.index)
    return Opened(places, ends, choices)


def _of_delta(chunk: Chunk, delta: Delta) -> Iterator[Place]:
    for name, text in texts(delta):
        yield Place(text, partial(_put_words, chunk, delta, name), (delta.index, *name), name[0] == "call")
    for call in delta.tool_calls or ():
        if call.id:
            yield Place(call.id, partial(_put_field, chunk, call, "id"))
        if call.function is not None and call.function.name:
            yield Place(call.function.name, partial(_put_field, chunk, call.function, "name"))
    if told := _told_by(delta.logprobs):
        yield Place(told, lambda _: _put_field(chunk, delta, "logprobs", None), (delta.index, "logprobs"), is_new=False)


def texts(delta: Delta) -> Iterator[tuple[tuple[str, int], str]]:
    """The words of a delta, and what they are: content, reasoning, refusal, or call; and of which call."""
    for kind, text in (("reasoning", delta.reasoning), ("content", delta.content), ("refusal", delta.refusal)):
        if text:
            yield (kind, 0), text
    for piece in delta.tool_calls or ():
        if piece.function is not None and piece.function.arguments:
            yield ("call", piece.index or 0), piece.function.arguments


def _put_words(chunk: Chunk, delta: Delta, name: tuple[str, int], text: str) -> None:
    chunk.raw = None
    delta.logprobs = None  # they hold the words as well
    kind, number = name
    if kind != "call":
        setattr(delta, kind, text or None)
        return
    for piece in delta.tool_calls or ():
        if piece.function is not None and (piece.index or 0) == number:
            piece.function.arguments = text
            return
    delta.tool_calls = [*(delta.tool_calls or []), ToolCall(index=number, function=FunctionCall(arguments=text))]


def _put_field(chunk: Chunk, holder: Any, name: str, value: Any) -> None:
    chunk.raw = None
    setattr(holder, name, value)


# The provider's own JSON


def of_event(event: AnswerEvent, clean: Set[str], shown: Callable[[str], str]) -> Opened:
    """The texts of a whole answer, or of an event. Names of fields are texts too, where a model made them: changed at once.

    Shapes:  `clean`: texts in which nothing is where they stand whole; `shown`: what is shown of any other.
    """
    body = event.body
    assert body is not None
    opened = Opened([], set(), set())
    kind = body.get("type")
    if isinstance(body.get("choices"), list):
        _chat(_Walk(event, clean, shown), body, opened)
    elif event.is_whole or not isinstance(kind, str):
        opened.places += _Walk(event, clean, shown).leaves(body)
    elif kind.startswith("response."):
        _response(_Walk(event, clean, shown), body, kind, opened)
    else:
        _message(_Walk(event, clean, shown), body, kind, opened)
    return opened


def _chat(walk: "_Walk", body: dict[str, Any], opened: Opened) -> None:
    opened.places += walk.leaves(body, without=_CHOICES)
    for choice in body["choices"]:
        if not isinstance(choice, dict):
            continue
        given = choice.get("index")
        index = given if isinstance(given, int) else 0
        opened.choices.add(index)
        opened.places += walk.leaves(choice, without=_LOGPROBS if walk.event.is_whole else _DELTA_AND_LOGPROBS)
        if not walk.event.is_whole:
            opened.places += walk.leaves(choice.get("delta"), line=(index, "delta"), beside=choice)
        if choice.get("logprobs"):
            opened.places += walk.logprobs(choice, (index, "logprobs"))
        if choice.get("finish_reason") is not None:
            opened.ends.add(index)


def _response(walk: "_Walk", body: dict[str, Any], kind: str, opened: Opened) -> None:
    """An event of OpenAI's Responses: deltas, and events that tell whole what the deltas told."""
    opened.choices.add(0)
    item, delta = body.get("item"), body.get("delta")
    tells_other = kind.endswith("output_item.done") and isinstance(item, dict) and item.get("type") not in _TOLD_IN_DELTAS
    walk.is_new = tells_other or kind.endswith("annotation.added") or kind.rpartition(".")[2] not in _REPEATS
    line = (0, kind, *(body.get(name) for name in ("output_index", "content_index", "summary_index")))
    is_piece = kind.endswith(".delta") and isinstance(delta, str)
    if is_piece and delta:
        opened.places.append(Place(delta, partial(_put, walk.event, body, "delta"), line, "arguments" in kind))
    if body.get("logprobs"):
        opened.places += walk.logprobs(body, (*line, "logprobs"))
    opened.places += walk.leaves(body, without=_DELTA_AND_LOGPROBS if is_piece else _LOGPROBS)
    ended = (".done", "output_item.added", "content_part.added", ".completed", ".incomplete", ".failed")
    if kind.endswith(ended):
        opened.ends.add(ALL_CHOICES)


def _message(walk: "_Walk", body: dict[str, Any], kind: str, opened: Opened) -> None:
    """An event of Anthropic's Messages."""
    opened.choices.add(0)
    name = "delta" if kind == "content_block_delta" else "content_block"
    piecewise = ("text", "thinking") if kind == "content_block_start" else None
    holder = body.get(name)
    pieces: set[str] = set()
    if isinstance(holder, dict):
        for inner, told in holder.items():
            may_be = isinstance(told, str) and inner not in _STANDS_WHOLE and not is_seal(inner, told)
            if may_be and (piecewise is None or inner in piecewise):
                pieces.add(inner)
                if told:
                    line = (0, body.get("index"), inner)
                    opened.places.append(Place(told, partial(_put, walk.event, holder, inner), line, inner in _ARGUMENTS))
        opened.places += walk.leaves(holder, without=pieces)
    begins = any(place.line is not None for place in opened.places)
    opened.places += walk.leaves(body, without={name} if isinstance(holder, dict) else frozenset())
    if kind in ("content_block_stop", "message_delta", "message_stop") or (kind == "content_block_start" and not begins):
        opened.ends.add(ALL_CHOICES)


class _Walk:
    """Through the JSON of one event. `is_new`: as in Place, for all that is found."""

    def __init__(self, event: AnswerEvent, clean: Set[str], shown: Callable[[str], str]) -> None:
        self.event = event
        self.is_new = True
        self._clean = clean
        self._shown = shown

    def leaves(
        self,
        node: Any,
        *,
        without: Set[str] = frozenset(),
        line: LineName | None = None,
        beside: dict[str, Any] | None = None,
    ) -> Iterator[Place]:
        """Every text below a node.

        Shapes:  `without`: fields of the node itself that are left out. `line`: they come in pieces. `beside`: the choice whose
                 log probabilities go with them.
        """
        stack: list[tuple[Any, LineName, bool]] = [(node, line or (), False)]
        while stack:
            holder, path, in_arguments = stack.pop()
            if isinstance(holder, list) and not in_arguments and _NUMBERS.issuperset(map(type, holder)):
                continue  # a vector, or the bytes of a token
            is_list = isinstance(holder, list)
            if not is_list and isinstance(holder, dict) and not holder.keys() <= _ordinary:
                self._rename(holder)
            for key, value in enumerate(holder) if is_list else holder.items() if isinstance(holder, dict) else ():
                if value is None or (holder is node and key in without):
                    continue
                if isinstance(value, str):
                    if value and (line is not None or value not in self._clean) and not _is_code(key, value):
                        yield self._leaf(holder, key, value, path if line is not None else None, beside)
                elif isinstance(value, dict | list):
                    number = value.get("index") if is_list and isinstance(value, dict) else None
                    below = in_arguments or key in ARGUMENTS
                    stack.append((value, (*path, number if isinstance(number, int) else key), below))
                elif in_arguments and isinstance(value, int) and abs(value) >= LONG_NUMBER:
                    yield Place(str(value), partial(_put, self.event, holder, key), is_new=self.is_new)

    def _rename(self, holder: dict[str, Any]) -> None:
        odd = [name for name in holder if not _is_ordinary(name)]
        changed = {name: told for name in odd if (told := self._shown(name)) != name}
        if changed:
            self.event.is_changed = True
            rename(holder, changed)

    def _leaf(self, holder: Any, key: Any, value: str, path: LineName | None, beside: dict[str, Any] | None) -> Place:
        stands_whole = path is None or key in _STANDS_WHOLE or not _WHOLE_BELOW.isdisjoint(path)
        put = partial(_put, self.event, holder, key) if beside is None else partial(_put_beside, self.event, holder, key, beside)
        is_new = self.is_new and (path is None or "reasoning_details" not in path)
        return Place(value, put, None if stands_whole or path is None else (*path, key), key in _ARGUMENTS, is_new)

    def logprobs(self, holder: dict[str, Any], line: LineName) -> Iterator[Place]:
        """What log probabilities tell is dropped with them where it was to be changed: the words chosen, and the others."""
        given = holder["logprobs"]

        def drop(_: str) -> None:
            holder["logprobs"] = [] if isinstance(given, list) else None
            self.event.is_changed = True

        if told := _told_by(given):
            yield Place(told, drop, line, is_new=False)
        for place in self.leaves(given):
            yield Place(place.text, drop, is_new=False)


def _is_code(key: Any, value: str) -> bool:
    if key == "embedding":  # in base64
        return file_kind("data", value) is not None
    return (key in SEALED and is_seal(key, value)) or (key in FILES and file_kind(key, value) is not None)


def _put(event: AnswerEvent, holder: Any, key: Any, text: str) -> None:
    holder[key] = text
    if key == "thinking" and holder.get("signature"):
        holder["signature"] = ""  # it proves other words
    event.is_changed = True


def _put_beside(event: AnswerEvent, holder: Any, key: Any, choice: dict[str, Any], text: str) -> None:
    _put(event, holder, key, text)
    if choice.get("logprobs"):
        choice["logprobs"] = None


def _told_by(logprobs: Any) -> str:
    """The words that were chosen, one behind the other."""
    lists = logprobs.values() if isinstance(logprobs, dict) else [logprobs]
    tokens = [
        entry.get("token") for entries in lists if isinstance(entries, list) for entry in entries if isinstance(entry, dict)
    ]
    return "".join(token for token in tokens if isinstance(token, str))


def _is_ordinary(name: str) -> bool:
    if ORDINARY_NAME.fullmatch(name) is None:
        return False
    if len(_ordinary) < NAMES_MAX:
        _ordinary.add(name)
    return True
