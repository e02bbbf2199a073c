"""Requests of every format with a text in each place where content can stand: for the census of what guardrails see."""

import json
from collections.abc import Callable
from typing import Any

Say = Callable[[str], str]


def _schema(say: Say) -> dict[str, Any]:
    field = {"type": "string", "description": say("field description"), "enum": [say("enum")], "examples": [say("example")]}
    return {"type": "object", "properties": {say("property name"): field}}


def chat(say: Say, *, passing: bool) -> dict[str, Any]:
    """`passing`: with what only a provider of the same format takes."""
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": json.dumps({"to": say("call arguments")})}}
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": say("system")},
        {"role": "developer", "content": say("developer")},
        {"role": "user", "content": say("user"), "name": say("user name")},
        {"role": "user", "content": [{"type": "text", "text": say("part")}]},
        {"role": "assistant", "content": say("assistant"), "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": say("tool result")},
        {"role": "assistant", "content": None, "refusal": say("refusal"), "reasoning_content": say("reasoning")},
        {"role": "user", "content": "Go on."},
    ]
    tool = {"type": "function", "function": {"name": "f", "description": say("tool description"), "parameters": _schema(say)}}
    body: dict[str, Any] = {"messages": messages, "tools": [tool], "stop": [say("stop")]}
    if not passing:
        return body
    image = {"type": "image_url", "image_url": {"url": f"https://example.com/?of={say('image address')}&more={'x' * 300}"}}
    nested = {"type": "future_part", "role": say("nested role"), "signature": say("signature"), "list": [[say("nested")]]}
    file = {"type": "file", "file": {"filename": say("file name"), "file_data": say("file data").ljust(300)}}
    messages.append({"role": "user", "content": [image, nested, file], say("message key"): 1})
    return body | {
        "user": say("user field"),
        "metadata": {"who": say("metadata"), say("metadata key"): "x"},
        "prediction": {"type": "content", "content": say("prediction")},
        "functions": [{"name": "g", "description": say("function description"), "parameters": {}}],
        "web_search_options": {"user_location": {"approximate": {"city": say("location")}}},
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "n", "description": say("schema description"), "schema": {"title": say("schema title")}},
        },
        "x_future": {"deep": [{"words": say("unknown field")}]},
    }


def responses(say: Say, *, passing: bool) -> dict[str, Any]:
    call = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": json.dumps({"to": say("call arguments")})}
    items: list[dict[str, Any]] = [
        {"role": "developer", "content": say("developer")},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": say("user")}]},
        {"role": "assistant", "content": [{"type": "output_text", "text": say("assistant"), "annotations": []}]},
        call,
        {"type": "function_call_output", "call_id": "c1", "output": say("tool result")},
        {"role": "user", "content": "Go on."},
    ]
    tool = {"type": "function", "name": "f", "description": say("tool description"), "parameters": _schema(say)}
    body: dict[str, Any] = {
        "instructions": say("instructions"),
        "input": items,
        "tools": [tool],
        "metadata": {"who": say("metadata")},
        "user": say("user field"),
        "store": False,
    }
    if passing:
        summary = [{"type": "summary_text", "text": say("reasoning summary")}]
        items.append({"type": "reasoning", "id": "rs_1", "summary": summary, "content": []})
        items.append({"role": "user", "content": [{"type": "input_text", "text": say("user again"), "x": [say("nested")]}]})
        body["x_future"] = {"words": say("unknown field")}
        body["text"] = {"format": {"type": "json_schema", "name": "n", "schema": {"title": say("schema title")}}}
    return body


def messages(say: Say, *, passing: bool) -> dict[str, Any]:
    call = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"to": say("call input"), say("input key"): "x"}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": say("tool result")}]}
    turns: list[dict[str, Any]] = [
        {"role": "user", "content": say("user")},
        {"role": "assistant", "content": [{"type": "text", "text": say("assistant")}, call]},
        {"role": "user", "content": [result, {"type": "text", "text": say("part")}]},
    ]
    body: dict[str, Any] = {
        "max_tokens": 64,
        "system": [{"type": "text", "text": say("system")}],
        "messages": turns,
        "tools": [{"name": "f", "description": say("tool description"), "input_schema": _schema(say)}],
        "stop_sequences": [say("stop")],
    }
    if passing:
        plain = {"type": "text", "media_type": "text/plain", "data": f"{say('document')} {'word ' * 60}"}
        search = {"type": "search_result", "source": say("source"), "title": say("search title"), "content": []}
        document = {"type": "document", "source": plain, "title": say("document title"), "context": say("document context")}
        turns[2]["content"] += [document, search, {"type": "future", "role": say("nested role"), "signature": say("signature")}]
        found = {"type": "web_search_result", "title": say("web title"), "url": say("web address"), "encrypted_content": "abc"}
        turns[1]["content"].append({"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [found]})
        body["metadata"] = {"user_id": say("user id")}
        body["x_future"] = {"words": say("unknown field")}
    return body


def count(say: Say, *, passing: bool) -> dict[str, Any]:
    body = messages(say, passing=passing)
    for name in ("max_tokens", "stop_sequences", "metadata", "x_future"):
        body.pop(name, None)
    return body


def embeddings(say: Say, *, passing: bool) -> dict[str, Any]:
    body: dict[str, Any] = {"input": [say("first input"), "plain", say("second input")]}
    return body | ({"user": say("user field"), "x_future": [say("unknown field")]} if passing else {})
