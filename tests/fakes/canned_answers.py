"""Answers of every vendor's format with a text in each place: what fakes/canned.py says, and which places there are."""

import json
from collections.abc import Callable
from typing import Any

from tests.fakes.bedrock_wire import event as bedrock_event

USAGE = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}


class Said:
    """Which text stands in which place; called with a place's name. `places`: those that were asked for."""

    def __init__(self, told: dict[str, str]) -> None:
        self.told = told
        self.places: list[str] = []

    def __call__(self, place: str) -> str:
        self.places.append(place)
        return self.told.get(place, self.told.get("*", "fine").replace("PLACE", place.replace(" ", "-")))

    def pieces(self, place: str) -> list[str]:
        text, length = self(place), int(self.told.get("*pieces", "4"))
        return [text[start : start + length] for start in range(0, len(text), length)]


def places(wire: str, *, in_stream: bool) -> list[str]:
    """All that an answer of this format has."""
    said = Said({})
    streamed(wire, said) if in_stream else whole(wire, said)
    return list(dict.fromkeys(said.places))


def whole(wire: str, said: Said) -> bytes:
    return json.dumps(_WHOLE[wire](said), ensure_ascii=False).encode()


def streamed(wire: str, said: Said) -> list[bytes]:
    if wire == "bedrock":
        return _bedrock_events(said)
    events = _STREAMED[wire](said)
    written = [_written(one, wire) for one in events]
    return [*written, b"data: [DONE]\n\n"] if wire == "chat" else written


def _written(event: dict[str, Any], wire: str) -> bytes:
    name = f"event: {event['type']}\n".encode() if wire in ("messages", "responses") else b""
    return name + b"data: " + json.dumps(event, ensure_ascii=False).encode() + b"\n\n"


def _arguments(text: str) -> str:
    return json.dumps({"to": text})


def _logprobs(text: str) -> dict[str, Any]:
    token = {"token": text, "logprob": -0.1, "bytes": list(text.encode())}
    return {"content": [{**token, "top_logprobs": [token]}], "refusal": None}


# OpenAI's chat


def _chat(said: Said) -> dict[str, Any]:
    call = {
        "id": "call_1",
        "type": "function",
        "function": {"name": said("call name"), "arguments": _arguments(said("arguments"))},
    }
    message = {
        "role": "assistant",
        "content": said("content"),
        "refusal": said("refusal"),
        "reasoning_content": said("reasoning"),
        "reasoning_details": [{"type": "reasoning.text", "text": said("reasoning details")}],
        "annotations": [{"type": "url_citation", "url_citation": {"title": said("title"), "url": said("url")}}],
        "audio": {"id": "a", "transcript": said("transcript")},
        "tool_calls": [call],
        "function_call": {"name": "f", "arguments": _arguments(said("function call"))},
        "future": {said("key"): [said("future")]},
    }
    choice = {
        "index": 0,
        "message": message,
        "logprobs": _logprobs(said("logprobs")),
        "finish_reason": "stop",
        "x": said("choice field"),
    }
    return {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": USAGE,
        "service_tier": said("tier"), "x_future": {"echo": said("body field")},
    }  # fmt: skip


def _chat_events(said: Said) -> list[dict[str, Any]]:
    def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": more.pop("logprobs", None), "finish_reason": finish}
        return {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice], **more}

    found = [chunk({"role": "assistant", "content": ""}, x_future={"echo": said("body field")})]
    found += [
        chunk({"reasoning_content": text, "reasoning_details": [{"type": "reasoning.text", "text": text}]})
        for text in said.pieces("reasoning")
    ]
    found += [chunk({"content": text}, logprobs=_logprobs(text)) for text in said.pieces("content")]
    found += [chunk({"refusal": text}) for text in said.pieces("refusal")]
    found += [chunk({"audio": {"transcript": text}}) for text in said.pieces("transcript")]
    found += [chunk({"future": {"words": text}}) for text in said.pieces("future")]
    found.append(chunk({"annotations": [{"url_citation": {"title": said("title")}}], "x": {said("key"): 1}}))
    opening = {"index": 0, "id": "call_1", "type": "function", "function": {"name": said("call name"), "arguments": ""}}
    found.append(chunk({"tool_calls": [opening]}))
    whole_text = Said({"arguments": _arguments(said("arguments")), **{k: v for k, v in said.told.items() if k == "*pieces"}})
    found += [chunk({"tool_calls": [{"index": 0, "function": {"arguments": text}}]}) for text in whole_text.pieces("arguments")]
    found += [chunk({"function_call": {"arguments": text}}) for text in said.pieces("function call")]
    return [*found, chunk({}, "stop", x=said("choice field")), {**chunk({}), "choices": [], "usage": USAGE}]


# OpenAI's Responses


def _output(said: Said) -> list[dict[str, Any]]:
    part = {
        "type": "output_text",
        "text": said("content"),
        "annotations": [{"type": "url_citation", "title": said("title"), "url": said("url"), "start_index": 0, "end_index": 1}],
        "logprobs": [],
    }
    call = {
        "type": "function_call", "id": "fc_1", "call_id": "call_1", "name": said("call name"),
        "arguments": _arguments(said("arguments")), "status": "completed",
    }  # fmt: skip
    return [
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": said("reasoning")}]},
        {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": [part]},
        call,
        {"type": "file_search_call", "id": "fs_1", "queries": [said("query")], "results": [{"text": said("result")}]},
        {"type": "future_item", "id": "x_1", "words": {said("key"): said("future")}},
    ]


def _response(said: Said) -> dict[str, Any]:
    usage = {"input_tokens": 3, "output_tokens": 5, "total_tokens": 8, "input_tokens_details": {"cached_tokens": 0}}
    return {
        "id": "resp_canned", "object": "response", "created_at": 1, "model": "m", "status": "completed", "error": None,
        "incomplete_details": None, "instructions": said("instructions"), "metadata": {"who": said("metadata")},
        "output": _output(said), "parallel_tool_calls": True, "tool_choice": "auto", "tools": [], "temperature": 1, "top_p": 1,
        "usage": {**usage, "output_tokens_details": {"reasoning_tokens": 0}}, "x_future": said("body field"),
    }  # fmt: skip


def _response_events(said: Said) -> list[dict[str, Any]]:
    response = _response(said)
    begun = {**response, "status": "in_progress", "output": [], "usage": None}
    events: list[dict[str, Any]] = [{"type": f"response.{kind}", "response": begun} for kind in ("created", "in_progress")]
    for index, item in enumerate(response["output"]):
        events.append({"type": "response.output_item.added", "output_index": index, "item": _empty(item)})
        place = {"item_id": item["id"], "output_index": index}
        if item["type"] == "reasoning":
            place = {**place, "summary_index": 0}
            events += _deltas("response.reasoning_summary_text", said.pieces("reasoning"), "text", place)
        elif item["type"] == "message":
            place = {**place, "content_index": 0}
            empty = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
            events.append({"type": "response.content_part.added", **place, "part": empty})
            events += _deltas("response.output_text", said.pieces("content"), "text", place, logprobs=[])
            note = {**place, "annotation_index": 0, "annotation": item["content"][0]["annotations"][0]}
            events.insert(-1, {"type": "response.output_text.annotation.added", **note})
            events.append({"type": "response.content_part.done", **place, "part": item["content"][0]})
        elif item["type"] == "function_call":
            told = Said({"a": item["arguments"], "*pieces": said.told.get("*pieces", "4")})
            events += _deltas("response.function_call_arguments", told.pieces("a"), "arguments", place)
        events.append({"type": "response.output_item.done", "output_index": index, "item": item})
    events.append({"type": "response.completed", "response": response})
    return [{**event, "sequence_number": number} for number, event in enumerate(events)]


def _empty(item: dict[str, Any]) -> dict[str, Any]:
    return {**item, **{name: value for name, value in (("content", []), ("summary", []), ("arguments", "")) if name in item}}


def _deltas(kind: str, pieces: list[str], field: str, place: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    told = [{"type": f"{kind}.delta", **place, "delta": piece, **more} for piece in pieces]
    return [*told, {"type": f"{kind}.done", **place, field: "".join(pieces), **more}]


# Anthropic


def _blocks(said: Said) -> list[dict[str, Any]]:
    citation = {"type": "char_location", "cited_text": said("cited text"), "document_title": said("title"), "document_index": 0}
    found = {"type": "web_search_result", "title": said("result title"), "url": said("url"), "encrypted_content": "EqgfCio="}
    return [
        {"type": "thinking", "thinking": said("reasoning"), "signature": "c2lnbmVk"},
        {"type": "text", "text": said("content"), "citations": [citation]},
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": said("query")}},
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [found]},
        {"type": "tool_use", "id": "toolu_1", "name": said("call name"), "input": {"to": said("arguments"), said("key"): 1}},
        {"type": "future_block", "words": said("future")},
    ]


def _message(said: Said) -> dict[str, Any]:
    return {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": _blocks(said), "stop_reason": "end_turn",
        "stop_sequence": said("stop sequence"), "usage": {"input_tokens": 3, "output_tokens": 5}, "x_future": said("body field"),
    }  # fmt: skip


_PIECES = {"thinking": ("thinking_delta", "thinking", "reasoning"), "text": ("text_delta", "text", "content")}


def _message_events(said: Said) -> list[dict[str, Any]]:
    message = _message(said)
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {**message, "content": [], "stop_reason": None, "stop_sequence": None}}
    ]
    for index, block in enumerate(message["content"]):
        empty = {"thinking": "", "text": "", "signature": "", "citations": []}
        begun = {name: empty.get(name, value) for name, value in block.items()}
        if block["type"] in ("tool_use", "server_tool_use"):
            begun["input"] = {}
        events.append({"type": "content_block_start", "index": index, "content_block": begun})
        deltas: list[dict[str, Any]] = []
        if block["type"] in _PIECES:
            kind, field, place = _PIECES[block["type"]]
            deltas += [{"type": kind, field: piece} for piece in said.pieces(place)]
        if "citations" in block:
            deltas.insert(2, {"type": "citations_delta", "citation": block["citations"][0]})
        if "signature" in block:
            deltas.append({"type": "signature_delta", "signature": block["signature"]})
        if begun.get("input") == {}:
            told = Said({"a": json.dumps(block["input"], ensure_ascii=False), "*pieces": said.told.get("*pieces", "4")})
            deltas += [{"type": "input_json_delta", "partial_json": piece} for piece in told.pieces("a")]
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": index})
    ending = {"stop_reason": "end_turn", "stop_sequence": said("stop sequence")}
    return [*events, {"type": "message_delta", "delta": ending, "usage": {"output_tokens": 5}}, {"type": "message_stop"}]


# Google and Bedrock: always translated


def _google(said: Said) -> dict[str, Any]:
    parts = [
        {"text": said("reasoning"), "thought": True},
        {"text": said("content")},
        {"functionCall": {"name": said("call name"), "args": {"to": said("arguments"), said("key"): 1}}},
    ]
    return _candidate(parts, "STOP")


def _candidate(parts: list[dict[str, Any]], finish: str | None) -> dict[str, Any]:
    usage = {"promptTokenCount": 3, "candidatesTokenCount": 5, "totalTokenCount": 8}
    candidate = {"content": {"parts": parts, "role": "model"}, "index": 0, **({"finishReason": finish} if finish else {})}
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "m", "responseId": "r1"}


def _google_events(said: Said) -> list[dict[str, Any]]:
    events = [_candidate([{"text": text, "thought": True}], None) for text in said.pieces("reasoning")]
    events += [_candidate([{"text": text}], None) for text in said.pieces("content")]
    call = {"name": said("call name"), "args": {"to": said("arguments"), said("key"): 1}}
    return [*events, _candidate([{"functionCall": call}], "STOP")]


def _bedrock(said: Said) -> dict[str, Any]:
    content = [
        {"reasoningContent": {"reasoningText": {"text": said("reasoning"), "signature": "c2lnbmVk"}}},
        {"text": said("content")},
        {"toolUse": {"toolUseId": "t1", "name": said("call name"), "input": {"to": said("arguments"), said("key"): 1}}},
    ]
    fields = {"additionalModelResponseFields": {"stop_sequence": said("stop sequence")}}
    usage = {"inputTokens": 3, "outputTokens": 5, "totalTokens": 8}
    output = {"message": {"role": "assistant", "content": content}}
    return {"output": output, "stopReason": "stop_sequence", "usage": usage, "metrics": {"latencyMs": 1}, **fields}


def _bedrock_events(said: Said) -> list[bytes]:
    def delta(index: int, **members: Any) -> bytes:
        return bedrock_event("contentBlockDelta", contentBlockIndex=index, delta=members)

    found = [bedrock_event("messageStart", role="assistant")]
    found += [delta(0, reasoningContent={"text": text}) for text in said.pieces("reasoning")]
    found += [delta(0, reasoningContent={"signature": "c2lnbmVk"}), bedrock_event("contentBlockStop", contentBlockIndex=0)]
    found += [delta(1, text=text) for text in said.pieces("content")]
    found.append(bedrock_event("contentBlockStop", contentBlockIndex=1))
    start = {"toolUse": {"toolUseId": "t1", "name": said("call name")}}
    found.append(bedrock_event("contentBlockStart", contentBlockIndex=2, start=start))
    told = Said({"a": json.dumps({"to": said("arguments"), said("key"): 1}, ensure_ascii=False)})
    found += [delta(2, toolUse={"input": text}) for text in told.pieces("a")]
    found.append(bedrock_event("contentBlockStop", contentBlockIndex=2))
    fields = {"stop_sequence": said("stop sequence")}
    found.append(bedrock_event("messageStop", stopReason="stop_sequence", additionalModelResponseFields=fields))
    usage = {"inputTokens": 3, "outputTokens": 5, "totalTokens": 8}
    return [*found, bedrock_event("metadata", usage=usage, metrics={"latencyMs": 1})]


# Embeddings and errors


def _embeddings(said: Said) -> dict[str, Any]:
    data = [{"object": "embedding", "index": 0, "embedding": [0.5, -0.25], "text": said("echoed input")}]
    usage = {"prompt_tokens": 3, "total_tokens": 3}
    return {"object": "list", "data": data, "model": "m", "usage": usage, "x_future": {said("key"): said("body field")}}


def _openai_error(said: Said) -> dict[str, Any]:
    told = {"message": f"Not this: {said('error')}", "type": "invalid_request_error"}
    return {"error": {**told, "param": said("param"), "code": said("code")}}


def _anthropic_error(said: Said) -> dict[str, Any]:
    return {"type": "error", "error": {"type": "invalid_request_error", "message": f"Not this: {said('error')}"}}


def _google_error(said: Said) -> dict[str, Any]:
    return {"error": {"code": 400, "message": f"Not this: {said('error')}", "status": "INVALID_ARGUMENT"}}


def _bedrock_error(said: Said) -> dict[str, Any]:
    return {"message": f"Not this: {said('error')}"}


_WHOLE: dict[str, Callable[[Said], dict[str, Any]]] = {
    "chat": _chat,
    "responses": _response,
    "messages": _message,
    "count": lambda said: {"input_tokens": 7, "x_future": said("body field")},
    "google": _google,
    "bedrock": _bedrock,
    "embeddings": _embeddings,
    "google-embeddings": lambda said: {"embeddings": [{"values": [0.5]}] * 3, "x": said("body field")},
    "bedrock-embeddings": lambda said: {"embedding": [0.5], "inputTextTokenCount": 3, "x": said("body field")},
    **{f"{wire}-error": _openai_error for wire in ("chat", "responses", "embeddings")},
    **{f"{wire}-error": _anthropic_error for wire in ("messages", "count")},
    **{f"{wire}-error": _google_error for wire in ("google", "google-embeddings")},
    **{f"{wire}-error": _bedrock_error for wire in ("bedrock", "bedrock-embeddings")},
}
_STREAMED: dict[str, Callable[[Said], list[dict[str, Any]]]] = {
    "chat": _chat_events,
    "responses": _response_events,
    "messages": _message_events,
    "google": _google_events,
}
