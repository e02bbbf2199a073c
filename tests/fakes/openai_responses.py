"""OpenAI's Responses as it is on the wire, without the model: the routes below /v1/responses of fakes/openai.py.

POST whole or streamed, GET and DELETE of one that was stored. It says "You said: <the last thing said>", after some thinking
where the model reasons; calls each function tool that is named; answers in the form of a schema. An unknown
previous_response_id is 404. Faults besides those of openai_faults.py: fault-failed, fault-incomplete.
"""

import hashlib
import json
import re
import time
from typing import Any

from tests.fakes.openai_faults import EVENT_STREAM, fault_for
from tests.fakes.openai_rules import REASONING_MODELS, Refusal, check_body, instance_of
from tests.fakes.wire import Exchange

# fmt: off
ARGUMENTS = frozenset({
    "access_programs", "background", "background_options", "context_management", "conversation", "image", "include", "input",
    "instructions", "max_output_tokens", "max_tool_calls", "metadata", "model", "moderation", "parallel_tool_calls",
    "previous_response_id", "prompt", "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "reasoning",
    "safety_identifier", "service_tier", "store", "stream", "stream_options", "temperature", "text", "tool_choice", "tools",
    "top_logprobs", "top_p", "truncation", "user",
})
# fmt: on
MODELS = ("gpt-4o-mini", "gpt-4o", "o4-mini", "gpt-5.1")
_IN_THE_STREAM = (
    "fault-cut",
    "fault-error-event",
    "fault-rubbish",
    "fault-failed",
    "fault-incomplete",
    "fault-usage-never",
    "fault-drip",
)


class Responses:
    """The routes, and what was stored."""

    def __init__(self) -> None:
        self._stored: dict[str, dict[str, Any]] = {}

    async def handle(self, exchange: Exchange, path: str, faults: dict[str, str]) -> None:
        seen = exchange.seen
        if (seen.method, path) == ("POST", "/v1/responses"):
            await self._create(exchange, seen.json, faults)
            return
        name = path.removeprefix("/v1/responses/")
        if name not in self._stored:
            raise Refusal(404, f"Response with id '{name}' not found.", param="id")
        if seen.method == "DELETE":
            del self._stored[name]
            await exchange.whole(200, json.dumps({"id": name, "object": "response", "deleted": True}).encode())
            return
        await exchange.whole(200, json.dumps(self._stored[name]).encode())

    async def _create(self, exchange: Exchange, body: Any, faults: dict[str, str]) -> None:
        model = body.get("model", "") if isinstance(body, dict) else ""
        fault = faults.get(model, model)
        own = fault if fault in _IN_THE_STREAM else ""
        if not own and (known := fault_for(fault)) is not None:
            await known(exchange, body)
            return
        check_body(body, exchange.seen.headers.get("content-type", ""), ARGUMENTS)
        previous = body.get("previous_response_id")
        if previous is not None and previous not in self._stored:
            raise Refusal(
                404,
                f"Previous response with id '{previous}' not found.",
                code="previous_response_not_found",
                param="previous_response_id",
            )
        if model not in MODELS and not own:
            raise Refusal(404, f"The model `{model}` does not exist.", code="model_not_found", param="model")
        response = _response(body, own)
        if body.get("store") is not False:
            self._stored[response["id"]] = response
        if not body.get("stream"):
            await exchange.whole(200, json.dumps(response).encode(), {"x-request-id": "req_fake"})
            return
        await _stream(exchange, response, own)


async def _stream(exchange: Exchange, response: dict[str, Any], fault: str) -> None:
    await exchange.head(200, EVENT_STREAM)
    events = _events(response)
    if fault in ("fault-cut", "fault-error-event", "fault-rubbish"):
        events = events[:-3]
    for number, event in enumerate(events):
        written = _written(event, number)
        for piece in (written[at : at + 1] for at in range(len(written))) if fault == "fault-drip" else (written,):
            await exchange.chunked(piece)
    if fault == "fault-cut":
        await exchange.pause(0.1)
        exchange.drop()
        return
    if fault == "fault-error-event":
        error = {"type": "error", "code": "server_error", "message": "The server had an error. Sorry about that!", "param": None}
        await exchange.chunked(_written(error, len(events)))
    elif fault == "fault-rubbish":
        await exchange.chunked(b"event: response.output_text.delta\ndata: {\x00\xff rubbish\n\n")
    await exchange.chunked_end()


def _written(event: dict[str, Any], number: int) -> bytes:
    text = json.dumps({**event, "sequence_number": number}, ensure_ascii=False)
    return f"event: {event['type']}\ndata: {text}\n\n".encode()


def _events(response: dict[str, Any]) -> list[dict[str, Any]]:
    begun = {**response, "status": "in_progress", "output": [], "usage": None, "error": None, "incomplete_details": None}
    events = [{"type": f"response.{kind}", "response": begun} for kind in ("created", "in_progress")]
    for index, item in enumerate(response["output"]):
        events += _item_events(item, index)
    return [*events, {"type": f"response.{response['status']}", "response": response}]


def _item_events(item: dict[str, Any], index: int) -> list[dict[str, Any]]:
    where = {"item_id": item["id"], "output_index": index}
    empty = {name: [] if isinstance(value, list) else value for name, value in item.items()}
    if item["type"] == "function_call":
        empty = {**item, "arguments": "", "status": "in_progress"}
    events: list[dict[str, Any]] = [{"type": "response.output_item.added", "output_index": index, "item": empty}]
    if item["type"] == "function_call":
        kind, arguments = "response.function_call_arguments", item["arguments"]
        pieces = [arguments[at : at + 6] for at in range(0, len(arguments), 6)]
        events += [{"type": f"{kind}.delta", "delta": piece, **where, "obfuscation": "x"} for piece in pieces]
        events.append({"type": f"{kind}.done", "arguments": arguments, "name": item["name"], **where})
    elif item["type"] == "message":
        events += _text_events(item["content"][0], {**where, "content_index": 0})
    return [*events, {"type": "response.output_item.done", "output_index": index, "item": item}]


def _text_events(part: dict[str, Any], where: dict[str, Any]) -> list[dict[str, Any]]:
    kind = "response.output_text"
    pieces = re.findall(r"\s*\S+", part["text"])
    return [
        {"type": "response.content_part.added", "part": {**part, "text": ""}, **where},
        *({"type": f"{kind}.delta", "delta": piece, "logprobs": [], **where} for piece in pieces),
        {"type": f"{kind}.done", "text": part["text"], "logprobs": [], **where},
        {"type": "response.content_part.done", "part": part, **where},
    ]


def _response(body: dict[str, Any], fault: str) -> dict[str, Any]:
    said, images, tokens_in = _said(body["input"])
    made = hashlib.sha256(str(time.time_ns()).encode()).hexdigest()[:24]
    reasons = body["model"].startswith(REASONING_MODELS)
    output: list[dict[str, Any]] = [{"id": f"rs_{made}", "type": "reasoning", "summary": []}] if reasons else []
    calls = _calls(body, said, made)
    text = _text(body, said, images)
    output += calls or [_message(text, made)]
    words = len(text.split()) if not calls else 1
    usage = {
        "input_tokens": tokens_in,
        "input_tokens_details": {"cached_tokens": 1, "cache_write_tokens": 0},
        "output_tokens": words + 8 * reasons,
        "output_tokens_details": {"reasoning_tokens": 8 * reasons},
        "total_tokens": tokens_in + words + 8 * reasons,
    }
    echoed = {name: body.get(name) for name in ("instructions", "previous_response_id", "max_output_tokens", "user")}
    return {
        "id": f"resp_{made}", "object": "response", "created_at": int(time.time()), "status": "completed", "error": None,
        "incomplete_details": None, **echoed, "model": body["model"], "output": output, "parallel_tool_calls": True,
        "temperature": 1.0, "tool_choice": body.get("tool_choice") or "auto", "tools": body.get("tools") or [], "top_p": 1.0,
        "reasoning": {"effort": None, "summary": None}, "store": body.get("store") is not False,
        "text": body.get("text") or {"format": {"type": "text"}}, "truncation": "disabled",
        "metadata": body.get("metadata") or {}, "usage": usage, **_spoilt(fault),
    }  # fmt: skip


def _spoilt(fault: str) -> dict[str, Any]:
    if fault == "fault-failed":
        return {"status": "failed", "error": {"code": "rate_limit_exceeded", "message": "Slow down."}, "usage": None}
    if fault == "fault-incomplete":
        return {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
    return {"usage": None} if fault == "fault-usage-never" else {}


def _message(text: str, made: str) -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    return {"id": f"msg_{made}", "type": "message", "role": "assistant", "status": "completed", "content": [part]}


def _calls(body: dict[str, Any], said: str, made: str) -> list[dict[str, Any]]:
    last = body["input"][-1] if isinstance(body["input"], list) else {}
    if body.get("tool_choice") == "none" or last.get("type") == "function_call_output":
        return []
    found = [tool for tool in body.get("tools") or [] if tool.get("type") == "function" and tool["name"] in said]
    return [
        {
            "id": f"fc_{made}{number}", "type": "function_call", "status": "completed", "call_id": f"call_fake{number:04}",
            "name": tool["name"], "arguments": json.dumps(instance_of(tool.get("parameters") or {"type": "object"})),
        }
        for number, tool in enumerate(found[: 1 if body.get("parallel_tool_calls") is False else len(found)], 1)
    ]  # fmt: skip


def _text(body: dict[str, Any], said: str, images: int) -> str:
    wanted = (body.get("text") or {}).get("format") or {}
    if wanted.get("type") == "json_schema":
        return json.dumps(instance_of(wanted.get("schema") or {}))
    return f"You said: {said}" + (f" (with {images} image)" if images else "")


def _said(given: Any) -> tuple[str, int, int]:
    """(the last text, number of images with it, tokens)."""
    items = [{"role": "user", "content": given}] if isinstance(given, str) else given
    text, images, tokens = "", 0, 0
    for item in items:
        content = item.get("output") if item.get("type") == "function_call_output" else item.get("content") or ""
        parts = content if isinstance(content, list) else [{"type": "input_text", "text": content}]
        text = " ".join(part.get("text", "") for part in parts if part.get("type") in ("input_text", "output_text"))
        images = sum(part.get("type") == "input_image" for part in parts)
        tokens += 4 + len(text.split()) + 85 * images
    return text, images, tokens
