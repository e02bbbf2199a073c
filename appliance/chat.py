"""The one shape of a chat that everything is translated to and from: request, answer, chunk, usage.

It follows OpenAI's Chat Completions, the format that most callers speak; other dialects and providers translate.
Fields that nobody here has heard of live on in `Call.raw`, the caller's own body, so that pass-through keeps them.
"""

import re
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any, Literal, Protocol, Self

import msgspec
from msgspec import Meta

FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "function_call"]

# Bounds on what one request may hold: far above honest use, far below what hurts.
MESSAGES_MAX = 10_000
TOOLS_MAX = 1_024


class FunctionCall(msgspec.Struct, omit_defaults=True):
    """A call of a tool: arguments are JSON text, as the model wrote it."""

    name: str = ""
    arguments: str = ""


class ToolCall(msgspec.Struct, omit_defaults=True):
    """In an answer or in history. `index` counts within a stream.

    extra_content: what a vendor wants back with the call, by vendor: {"google": {"thought_signature": …}}.
    """

    id: str = ""
    type: str = ""
    function: FunctionCall | None = None
    index: int | None = None
    extra_content: dict[str, Any] | None = None


class Part(msgspec.Struct, omit_defaults=True):
    """One part of a message: text, or an image, or a kind not known here (kept in raw)."""

    type: str
    text: str | None = None
    image_url: dict[str, Any] | None = None


class Message(msgspec.Struct, omit_defaults=True):
    """One message.

    thinking_blocks: what a model thought before an assistant's turn, signed by its vendor, in Anthropic's form:
                     {"type": "thinking", "thinking": text, "signature": text} or {"type": "redacted_thinking", "data": text}.
                     They go back to the vendor unchanged, or not at all.
    is_error:        a tool's result that tells of a failure.
    """

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = None
    name: str | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    thinking_blocks: list[dict[str, Any]] | None = None
    is_error: bool | None = None


class ToolFunction(msgspec.Struct, omit_defaults=True):
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class Tool(msgspec.Struct, omit_defaults=True):
    type: str
    function: ToolFunction | None = None


class StreamOptions(msgspec.Struct, omit_defaults=True):
    include_usage: bool | None = None


class ChatRequest(msgspec.Struct, omit_defaults=True):
    """What a caller asks. `None` means left out: the model's own default holds."""

    model: Annotated[str, Meta(min_length=1, max_length=256)]
    messages: Annotated[list[Message], Meta(min_length=1, max_length=MESSAGES_MAX)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: Annotated[int, Meta(ge=0)] | None = None
    max_completion_tokens: Annotated[int, Meta(ge=0)] | None = None
    temperature: Annotated[float, Meta(ge=0)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    n: Annotated[int, Meta(ge=1, le=128)] | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logit_bias: dict[str, float] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0)] | None = None
    tools: Annotated[list[Tool], Meta(max_length=TOOLS_MAX)] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    response_format: dict[str, Any] | None = None
    top_k: int | None = None
    min_p: float | None = None
    reasoning_effort: str | None = None
    thinking: dict[str, Any] | None = None  # Anthropic's: {"type": "enabled", "budget_tokens": …} | {"type": "disabled"} | …

    @property
    def tokens_out_max(self) -> int | None:
        """The caller's own bound on the answer, by either of its names."""
        return self.max_completion_tokens if self.max_completion_tokens is not None else self.max_tokens


class Usage(msgspec.Struct, omit_defaults=True):
    """Tokens of one attempt. `cached_in` and `written_in` (read from and written to the vendor's prompt cache) are parts of
    `tokens_in`, `reasoning_out` of `tokens_out`."""

    tokens_in: int = 0
    tokens_out: int = 0
    cached_in: int = 0
    reasoning_out: int = 0
    estimated: bool = False
    written_in: int = 0


class Delta(msgspec.Struct, omit_defaults=True):
    """What one chunk adds to one choice.

    signature: ends the piece of thinking that `reasoning` has told so far: the vendor's proof, wanted back with it.
    redacted:  thinking that only its vendor can read, whole.
    """

    role: str | None = None
    content: str | None = None
    reasoning: str | None = None
    tool_calls: list[ToolCall] | None = None
    logprobs: dict[str, Any] | None = None
    refusal: str | None = None
    index: int = 0
    signature: str | None = None
    redacted: str | None = None


class Chunk(msgspec.Struct):
    """A piece of an answer; a whole answer is one Chunk.

    raw:     the upstream's own bytes for it, sent as they came while no stage changed the chunk (then: None).
    finish:  set on the last chunk of a choice. Held back until the ledger has committed.
    more:    others from the same network read follow at once, so a sender may gather before it writes.
    comment: nothing was added; a sign of life for a caller that waits.
    stop_sequence: the one of the caller's stop texts that ended the answer, where the provider tells.
    """

    deltas: list[Delta] = []
    usage: Usage | None = None
    finish: str | None = None
    raw: bytes | None = None
    more: bool = False
    comment: str | None = None
    stop_sequence: str | None = None


class Chunks(Protocol):
    """An answer's chunks, as they come. Whoever iterates closes it."""

    def __aiter__(self) -> AsyncIterator[Chunk]: ...

    async def __anext__(self) -> Chunk: ...

    async def aclose(self) -> None: ...


class OneChunk:
    """A whole answer. No generator: of those the event loop keeps a book, which takes 3 µs a request."""

    def __init__(self, chunk: Chunk) -> None:
        self._chunk: Chunk | None = chunk

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Chunk:
        chunk, self._chunk = self._chunk, None
        if chunk is None:
            raise StopAsyncIteration
        return chunk

    async def aclose(self) -> None:
        self._chunk = None


class Text(msgspec.Struct):
    """One string in a request, and where it stands: a path such as ('messages', 0, 'content').

    `replace` writes a new value to the caller's raw body, so that pass-through and masking agree.
    """

    path: tuple[str | int, ...]
    role: str
    value: str
    holder: Any

    def replace(self, value: str) -> None:
        self.holder[self.path[-1]] = value
        self.value = value


class Key(Text):
    """A field's name that a person may have made: it holds a digit, a space, or what no name of a format has."""

    def replace(self, value: str) -> None:
        rename(self.holder, {self.value: value})
        self.value = value


def rename(holder: dict[str, Any], names: dict[str, str]) -> None:
    """Other names for fields of an object, in their places; two of them never become one."""
    entries = list(holder.items())
    holder.clear()
    for name, value in entries:
        wanted = shown = names.get(name, name)
        number = 2
        while shown in holder:
            shown, number = f"{wanted} {number}", number + 1
        holder[shown] = value


ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
ORDINARY_NAME = re.compile(r"[A-Za-z_-]{1,40}")
# Below these stand a tool's arguments as they are; there a long number may be somebody's.
ARGUMENTS = frozenset({"input", "args", "arguments"})
LONG_NUMBER = 10**8


def texts(raw: dict[str, Any]) -> Iterator[Text]:
    """Every string in a request's body, in the order it stands there: known places and unknown leaves alike, and names of fields,
    behind what the fields hold.

    Shapes:  `raw` is the decoded body; a Text's role is that of the message around it, else "".
             Only the model's name and the roles themselves are left out.
    Errors:  none; nesting was bounded when the body was read.
    """
    stack: list[tuple[tuple[str | int, ...], Any, Any, str]] = [((), raw, None, "")]
    while stack:
        path, node, holder, role = stack.pop()
        if isinstance(node, Key):
            yield node
            continue
        if isinstance(node, str):
            if path != ("model",) and not (path[-1] == "role" and node in ROLES):
                yield Text(path, role, node, holder)
            continue
        if isinstance(node, int):
            if not ARGUMENTS.isdisjoint(path[1:-1]):
                yield Text(path, role, str(node), holder)
            continue
        entries: list[tuple[Any, Any]]
        if isinstance(node, dict):
            if len(path) <= 2 and node.get("role") in ROLES:  # of a message, not of anything in it
                role = node["role"]
            entries = list(node.items())
            keys = [name for name in node if ORDINARY_NAME.fullmatch(name) is None]
            stack.extend(((*path, name), Key((*path, name), role, name, node), node, role) for name in reversed(keys))
        else:
            entries = list(enumerate(node))
        stack.extend(
            ((*path, key), value, node, role)
            for key, value in reversed(entries)
            if isinstance(value, str | dict | list) or (type(value) is int and abs(value) >= LONG_NUMBER)
        )
