"""One answer as any vendor writes it on the wire: so that what callers read of it can be compared, whoever was asked."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from tests.fakes import anthropic_faults, bedrock_wire

UNKNOWN = "a reason that nobody knows"


class Thought(msgspec.Struct):
    """What a model thought, in pieces; `signature` is its vendor's proof, where that gives one."""

    pieces: list[str]
    signature: str | None = None


class Words(msgspec.Struct):
    pieces: list[str]


class Redacted(msgspec.Struct):
    data: str


class Called(msgspec.Struct):
    id: str
    name: str
    pieces: list[str]

    @property
    def arguments(self) -> str:
        return "".join(self.pieces)


class Calls(msgspec.Struct):
    """Calls in parallel. `turns`: whose piece comes next, by number; what is left over follows in order."""

    calls: list[Called]
    turns: list[int] = []

    def pieces(self) -> Iterator[tuple[int, str]]:
        left = [list(call.pieces) for call in self.calls]
        for turn in self.turns:
            number = turn % len(left)
            if left[number]:
                yield number, left[number].pop(0)
        for number, pieces in enumerate(left):
            for piece in pieces:
                yield number, piece


Part = Thought | Words | Redacted | Calls


class Told(msgspec.Struct):
    """An answer. `usages`: how often usage is told; `ascii`: whether texts are escaped."""

    parts: list[Part]
    reason: str = "stop"
    usages: int = 1
    ascii: bool = False
    line_end: bytes = b"\n"

    @property
    def words(self) -> str:
        return "".join(readable(piece) for part in self.parts if isinstance(part, Words) for piece in part.pieces)

    @property
    def thoughts(self) -> str:
        return "".join(readable(piece) for part in self.parts if isinstance(part, Thought) for piece in part.pieces)

    @property
    def calls(self) -> list[Called]:
        return [call for part in self.parts if isinstance(part, Calls) for call in part.calls]

    def json(self, body: Any) -> bytes:
        try:
            return json.dumps(body, ensure_ascii=self.ascii).encode()
        except UnicodeEncodeError:  # half of a character can be written as an escape only
            return json.dumps(body).encode()


def readable(piece: str) -> str:
    """The text with U+FFFD in place of each half of a character."""
    return piece.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def openai(told: Told) -> list[bytes]:
    """Chat Completions, as OpenAI, Azure, vLLM and their like stream it."""
    reason = {"odd": UNKNOWN}.get(told.reason, told.reason)
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    begun = 0
    for part in told.parts:
        if isinstance(part, Words):
            deltas += [{"content": piece} for piece in part.pieces]
        elif isinstance(part, Thought):
            deltas += [{"reasoning_content": piece} for piece in part.pieces]
        elif isinstance(part, Calls):
            for number, call in enumerate(part.calls, begun):
                opening = {"index": number, "id": call.id, "type": "function", "function": {"name": call.name, "arguments": ""}}
                deltas.append({"tool_calls": [opening]})
            for number, piece in part.pieces():
                deltas.append({"tool_calls": [{"index": begun + number, "function": {"arguments": piece}}]})
            begun += len(part.calls)
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_795_000_000, "model": "m"}
    choices = [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None} for delta in deltas]
    choices.append({"index": 0, "delta": {}, "logprobs": None, "finish_reason": reason})
    usage = {"prompt_tokens": 9, "completion_tokens": 7, "total_tokens": 16}
    bodies = [{**head, "choices": [choice], "usage": None} for choice in choices]
    bodies += [{**head, "choices": [], "usage": usage}] * told.usages
    return [_event(told, None, told.json(body)) for body in bodies] + [_event(told, None, b"[DONE]")]


def responses(told: Told) -> list[bytes]:
    """OpenAI's second surface. Only what is read of it here: it passes through."""
    bodies: list[dict[str, Any]] = [{"type": "response.created", "response": {"id": "resp_1", "status": "in_progress"}}]
    for index, part in enumerate(told.parts):
        if isinstance(part, Words):
            bodies += [{"type": "response.output_text.delta", "output_index": index, "delta": piece} for piece in part.pieces]
        elif isinstance(part, Thought):
            bodies += [{"type": "response.reasoning_summary_text.delta", "delta": piece} for piece in part.pieces]
        elif isinstance(part, Calls):
            kind = "response.function_call_arguments.delta"
            bodies += [{"type": kind, "output_index": index + number, "delta": piece} for number, piece in part.pieces()]
    incomplete = {"length": "max_output_tokens", "content_filter": "content_filter"}.get(told.reason)
    status = "incomplete" if incomplete else "completed"
    items = [{"type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.arguments} for call in told.calls]
    last: dict[str, Any] = {"id": "resp_1", "status": status, "output": items}
    if incomplete:
        last["incomplete_details"] = {"reason": incomplete}
    if told.usages:
        last["usage"] = {"input_tokens": 9, "output_tokens": 7, "total_tokens": 16}
    bodies.append({"type": f"response.{status}", "response": last})
    numbered = [{**body, "sequence_number": number} for number, body in enumerate(bodies)]
    return [_event(told, str(body["type"]), told.json(body)) for body in numbered]


def anthropic(told: Told) -> list[bytes]:
    reasons = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal", "odd": UNKNOWN}
    usage = {"input_tokens": 9, "output_tokens": 1}
    bodies = [("message_start", {"message": anthropic_faults.message([], None, usage)})]
    index = 0
    for part in told.parts:
        bodies += _anthropic_part(part, index)
        index += len(part.calls) if isinstance(part, Calls) else 1
    ending = {"stop_reason": reasons[told.reason], "stop_sequence": None}
    ends = [{"delta": ending, "usage": {"output_tokens": 7}} for _ in range(told.usages)] or [{"delta": ending}]
    bodies += [("message_delta", end) for end in ends] + [("message_stop", {})]
    return [_event(told, name, told.json({"type": name, **fields})) for name, fields in bodies]


def _anthropic_part(part: Part, index: int) -> list[tuple[str, dict[str, Any]]]:
    def begun(at: int, **block: Any) -> tuple[str, dict[str, Any]]:
        return "content_block_start", {"index": at, "content_block": block}

    def piece(at: int, kind: str, **fields: str) -> tuple[str, dict[str, Any]]:
        return "content_block_delta", {"index": at, "delta": {"type": kind, **fields}}

    def stopped(at: int) -> tuple[str, dict[str, Any]]:
        return "content_block_stop", {"index": at}

    if isinstance(part, Redacted):
        return [begun(index, type="redacted_thinking", data=part.data), stopped(index)]
    if isinstance(part, Words):
        told = [piece(index, "text_delta", text=text) for text in part.pieces]
        return [begun(index, type="text", text=""), *told, stopped(index)]
    if isinstance(part, Thought):
        told = [piece(index, "thinking_delta", thinking=text) for text in part.pieces]
        proof = [] if part.signature is None else [piece(index, "signature_delta", signature=part.signature)]
        return [begun(index, type="thinking", thinking="", signature=""), *told, *proof, stopped(index)]
    opened = [begun(index + at, type="tool_use", id=call.id, name=call.name, input={}) for at, call in enumerate(part.calls)]
    told = [piece(index + number, "input_json_delta", partial_json=text) for number, text in part.pieces()]
    return [*opened, *told, *(stopped(index + at) for at in range(len(part.calls)))]


def google(told: Told) -> list[bytes]:
    reasons = {"stop": "STOP", "length": "MAX_TOKENS", "tool_calls": "STOP", "content_filter": "SAFETY", "odd": "ODD_REASON"}
    parts: list[dict[str, Any]] = []
    for part in told.parts:
        if isinstance(part, Words):
            parts += [{"text": piece} for piece in part.pieces]
        elif isinstance(part, Thought):
            parts += [{"text": piece, "thought": True} for piece in part.pieces]
        elif isinstance(part, Calls):
            for call in part.calls:
                named = {"name": call.name, "args": json.loads(call.arguments or "{}"), "id": call.id}
                parts.append({"functionCall": named, "thoughtSignature": "c2ln"})
    bodies: list[dict[str, Any]] = [{"candidates": [{"content": {"parts": [part]}, "index": 0}]} for part in parts]
    bodies.append({"candidates": [{"content": {"parts": [{"text": ""}]}, "index": 0, "finishReason": reasons[told.reason]}]})
    for body in bodies[len(bodies) - told.usages :]:
        body["usageMetadata"] = {"promptTokenCount": 9, "candidatesTokenCount": 7, "totalTokenCount": 16}
    return [_event(told, None, told.json({**body, "responseId": "r1"})) for body in bodies]


def bedrock(told: Told) -> list[bytes]:
    reasons = {
        "stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "guardrail_intervened",
        "odd": UNKNOWN,
    }  # fmt: skip
    events: list[tuple[str, dict[str, Any]]] = [("messageStart", {"role": "assistant"})]
    index = 0
    for part in told.parts:
        events += _bedrock_part(part, index)
        index += len(part.calls) if isinstance(part, Calls) else 1
    events.append(("messageStop", {"stopReason": reasons[told.reason]}))
    usage = {"inputTokens": 9, "outputTokens": 7, "totalTokens": 16}
    events += [("metadata", {"usage": usage} if told.usages else {})] * max(told.usages, 1)
    return [bedrock_wire.frame("event", name, told.json({**fields, "p": "abcdef"})) for name, fields in events]


def _bedrock_part(part: Part, index: int) -> list[tuple[str, dict[str, Any]]]:
    def piece(at: int, **delta: Any) -> tuple[str, dict[str, Any]]:
        return "contentBlockDelta", {"contentBlockIndex": at, "delta": delta}

    stopped = [("contentBlockStop", {"contentBlockIndex": index})]
    if isinstance(part, Redacted):
        return [piece(index, reasoningContent={"redactedContent": part.data}), *stopped]
    if isinstance(part, Words):
        return [*(piece(index, text=text) for text in part.pieces), *stopped]
    if isinstance(part, Thought):
        told = [piece(index, reasoningContent={"text": text}) for text in part.pieces]
        proof = [] if part.signature is None else [piece(index, reasoningContent={"signature": part.signature})]
        return [*told, *proof, *stopped]
    opened: list[tuple[str, dict[str, Any]]] = [
        ("contentBlockStart", {"contentBlockIndex": index + at, "start": {"toolUse": {"toolUseId": call.id, "name": call.name}}})
        for at, call in enumerate(part.calls)
    ]
    told = [piece(index + number, toolUse={"input": text}) for number, text in part.pieces()]
    return [*opened, *told, *(("contentBlockStop", {"contentBlockIndex": index + at}) for at in range(len(part.calls)))]


def _event(told: Told, name: str | None, data: bytes) -> bytes:
    end = told.line_end
    named = b"" if name is None else b"event: " + name.encode() + end
    return named + b"data: " + data + end + end


def wire(kind: str, dialect: str) -> Callable[[Told], list[bytes]]:
    """How the deployment of a kind answers a caller of a dialect."""
    if kind in ("openai", "azure") and dialect == "openai_responses":
        return responses
    return {"anthropic": anthropic, "google": google, "bedrock": bedrock}.get(kind, openai)
