"""Where texts stand in a piece of an answer: in its deltas, or in the provider's own JSON, whatever the format.

A text that comes in pieces is known by its line: `(choice, …)`. A text without a line stands whole where it is.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import msgspec

from appliance.chat import ARGUMENTS, LONG_NUMBER, ORDINARY_NAME, Chunk, Delta, FunctionCall, ToolCall, rename
from appliance.gateway.answer_event import AnswerEvent
from appliance.gateway.inspected_texts import file_kind, is_seal

LineName = tuple[Any, ...]
ALL_CHOICES = -1
_STANDS_WHOLE = frozenset({"role", "type", "id", "name", "index", "object", "format", "finish_reason", "status"})
_WHOLE_BELOW = frozenset({"annotations", "citations", "citation"})
_ARGUMENTS = frozenset({"arguments", "partial_json", "input_json"})
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


def of_event(event: AnswerEvent) -> Opened:
    """The texts of a whole answer, or of an event."""
    body, is_whole = event.body, event.is_whole
    assert body is not None
    opened = Opened([], set(), set())
    kind = body.get("type")
    if isinstance(body.get("choices"), list):
        _chat(event, body, opened, is_whole=is_whole)
    elif is_whole or not isinstance(kind, str):
        opened.places += _leaves(event, body)
    elif kind.startswith("response."):
        _response(event, body, kind, opened)
    else:
        _message(event, body, kind, opened)
    return opened


def _chat(event: AnswerEvent, body: dict[str, Any], opened: Opened, *, is_whole: bool) -> None:
    for name, value in body.items():
        if name != "choices":
            opened.places += _leaves(event, {name: value}, body)
    for choice in body["choices"]:
        if not isinstance(choice, dict):
            continue
        given = choice.get("index")
        index = given if isinstance(given, int) else 0
        opened.choices.add(index)
        for name, value in choice.items():
            if name == "delta" and not is_whole:
                opened.places += _leaves(event, value, line=(index, "delta"), beside=choice)
            elif name == "logprobs":
                opened.places += _logprobs(event, choice, (index, "logprobs"))
            else:
                opened.places += _leaves(event, {name: value}, choice)
        if choice.get("finish_reason") is not None:
            opened.ends.add(index)


def _response(event: AnswerEvent, body: dict[str, Any], kind: str, opened: Opened) -> None:
    """An event of OpenAI's Responses: deltas, and events that tell whole what the deltas told."""
    opened.choices.add(0)
    is_delta = kind.endswith(".delta") and isinstance(body.get("delta"), str)
    line = (0, kind, *(body.get(name) for name in ("output_index", "content_index", "summary_index")))
    item = body.get("item")
    tells_other = kind.endswith("output_item.done") and isinstance(item, dict) and item.get("type") not in _TOLD_IN_DELTAS
    is_new = tells_other or (kind.endswith("annotation.added")) or kind.rpartition(".")[2] not in _REPEATS
    for name, value in body.items():
        if name == "delta" and is_delta:
            if value:
                opened.places.append(Place(value, partial(_put, event, body, name), line, "arguments" in kind))
        elif name == "logprobs":
            opened.places += _logprobs(event, body, (*line, "logprobs"))
        else:
            opened.places += _leaves(event, {name: value}, body, is_new=is_new)
    ended = (".done", "output_item.added", "content_part.added", ".completed", ".incomplete", ".failed")
    if kind.endswith(ended):
        opened.ends.add(ALL_CHOICES)


def _message(event: AnswerEvent, body: dict[str, Any], kind: str, opened: Opened) -> None:
    """An event of Anthropic's Messages."""
    opened.choices.add(0)
    holder = body.get("delta") if kind == "content_block_delta" else body.get("content_block")
    piecewise = ("text", "thinking") if kind == "content_block_start" else None
    begins = False
    for name, value in body.items():
        if value is not holder or not isinstance(holder, dict):
            opened.places += _leaves(event, {name: value}, body)
            continue
        for inner, told in holder.items():
            is_piece = isinstance(told, str) and inner not in _STANDS_WHOLE and not is_seal(inner, told)
            if is_piece and (piecewise is None or inner in piecewise):
                begins = begins or bool(told)
                if told:
                    line = (0, body.get("index"), inner)
                    opened.places.append(Place(told, partial(_put, event, holder, inner), line, inner in _ARGUMENTS))
            else:
                opened.places += _leaves(event, {inner: told}, holder)
    if kind in ("content_block_stop", "message_delta", "message_stop") or (kind == "content_block_start" and not begins):
        opened.ends.add(ALL_CHOICES)


def _leaves(
    event: AnswerEvent,
    node: Any,
    holder: Any = None,
    *,
    line: LineName | None = None,
    beside: dict[str, Any] | None = None,
    is_new: bool = True,
) -> Iterator[Place]:
    """Every text below a node.

    Shapes:  `holder`: what the topmost entries really stand in, where `node` was made to hold some of them. `line`: they come
             in pieces. `beside`: the choice whose log probabilities go with them.
    """
    stack: list[tuple[Any, Any, LineName, bool]] = [(node, node if holder is None else holder, line or (), False)]
    while stack:
        inner, held_in, path, in_arguments = stack.pop()
        entries = list(inner.items()) if isinstance(inner, dict) else list(enumerate(inner)) if isinstance(inner, list) else []
        if isinstance(inner, list) and not in_arguments and _NUMBERS.issuperset(map(type, inner)):
            continue  # a vector, or the bytes of a token
        for key, value in entries:
            if isinstance(value, dict | list):
                number = value.get("index") if isinstance(value, dict) and isinstance(inner, list) else None
                below = in_arguments or key in ARGUMENTS
                stack.append((value, value, (*path, number if isinstance(number, int) else key), below))
            elif isinstance(value, str):
                if value and not is_seal(key, value) and file_kind(key, value) is None:
                    yield _leaf(event, held_in, key, value, path if line is not None else None, beside, is_new=is_new)
            elif in_arguments and isinstance(value, int) and abs(value) >= LONG_NUMBER:
                yield Place(str(value), partial(_put, event, held_in, key), is_new=is_new)


def _leaf(
    event: AnswerEvent, holder: Any, key: Any, value: str, path: LineName | None, beside: dict[str, Any] | None, *, is_new: bool
) -> Place:
    stands_whole = path is None or key in _STANDS_WHOLE or not _WHOLE_BELOW.isdisjoint(path)
    put = partial(_put, event, holder, key) if beside is None else partial(_put_beside, event, holder, key, beside)
    is_new = is_new and (path is None or "reasoning_details" not in path)
    return Place(value, put, None if stands_whole or path is None else (*path, key), key in _ARGUMENTS, is_new)


def _put(event: AnswerEvent, holder: Any, key: Any, text: str) -> None:
    holder[key] = text
    if key == "thinking" and holder.get("signature"):
        holder["signature"] = ""  # it proves other words
    event.is_changed = True


def _put_beside(event: AnswerEvent, holder: Any, key: Any, choice: dict[str, Any], text: str) -> None:
    _put(event, holder, key, text)
    if choice.get("logprobs"):
        choice["logprobs"] = None


def _logprobs(event: AnswerEvent, holder: dict[str, Any], line: LineName) -> Iterator[Place]:
    """What log probabilities tell is dropped with them where it was to be changed: the words chosen, and the others."""
    given = holder["logprobs"]
    if not given:
        return

    def drop(_: str) -> None:
        holder["logprobs"] = [] if isinstance(given, list) else None
        event.is_changed = True

    if told := _told_by(given):
        yield Place(told, drop, line, is_new=False)
    for place in _leaves(event, given, is_new=False):
        yield Place(place.text, drop, is_new=False)


def _told_by(logprobs: Any) -> str:
    """The words that were chosen, one behind the other."""
    lists = logprobs.values() if isinstance(logprobs, dict) else [logprobs]
    tokens = [
        entry.get("token") for entries in lists if isinstance(entries, list) for entry in entries if isinstance(entry, dict)
    ]
    return "".join(token for token in tokens if isinstance(token, str))


def rename_keys(event: AnswerEvent, shown: Callable[[str], str]) -> None:
    """Names of fields are texts too, where a model made them: `shown` says what stands there instead."""
    stack: list[Any] = [event.body]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            odd = [name for name in node if ORDINARY_NAME.fullmatch(name) is None]
            changed = {name: told for name in odd if (told := shown(name)) != name}
            if changed:
                event.is_changed = True
                rename(node, changed)
        stack += [one for one in (node.values() if isinstance(node, dict) else node) if isinstance(one, dict | list)]
