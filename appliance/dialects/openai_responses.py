"""OpenAI Responses as callers speak it (`POST /v1/responses`).

Source: the openai Python SDK 3.57 (types/responses), read 2026-11-26.
Quirks: what a caller says and what it gets are lists of items; tools and forms of answers are flat where Chat Completions
nests them. `store` is true unless the caller says otherwise, and `previous_response_id` continues from what was stored:
whoever serves the route puts that into the input first (`read`, then `chat`). Tools that run at OpenAI (web_search, …) are an
error only where the request must be translated: OpenAI itself gets them untouched.
"""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from appliance import bodies
from appliance.chat import TOOLS_MAX, ChatRequest, Tool, ToolFunction
from appliance.dialects.openai_responses_items import is_sealed, kind_of, messages_of, refuse, untranslatable
from appliance.dialects.openai_responses_writer import OpenAIResponsesWriter, echo
from appliance.dialects.writer import Answer, Parsed
from appliance.errors import InvalidField, MalformedJson

ITEMS_MAX = 10_000
NESTED_MAX = 200  # what is read here must be written and read again elsewhere, with more around it
INCLUDED = frozenset({"reasoning.encrypted_content", "message.output_text.logprobs"})
# Fields that are ours to answer for, whoever answers the rest.
_OURS = frozenset({"store", "previous_response_id", "metadata", "background", "conversation", "include", "truncation"})

ItemLimit = Meta(min_length=1, max_length=ITEMS_MAX)
Id = Annotated[str, Meta(min_length=1, max_length=256)]


class _Format(msgspec.Struct):
    type: str
    name: str | None = None
    description: str | None = None
    schema: dict[str, Any] | None = None
    strict: bool | None = None


class _Text(msgspec.Struct):
    format: _Format | None = None
    verbosity: str | None = None


class _Reasoning(msgspec.Struct):
    effort: str | None = None
    summary: str | None = None


class ResponsesRequest(msgspec.Struct):
    """What is read of a request."""

    model: Annotated[str, Meta(min_length=1, max_length=256)]
    input: str | Annotated[list[dict[str, Any]], ItemLimit]
    instructions: str | None = None
    previous_response_id: Id | None = None
    store: bool | None = None
    stream: bool | None = None
    background: bool | None = None
    conversation: Any = None
    metadata: Annotated[dict[str, str], Meta(max_length=16)] | None = None
    include: Annotated[list[str], Meta(max_length=32)] | None = None
    max_output_tokens: Annotated[int, Meta(ge=1)] | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    tools: Annotated[list[dict[str, Any]], Meta(max_length=TOOLS_MAX)] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    text: _Text | None = None
    reasoning: _Reasoning | None = None
    truncation: str | None = None


class _FunctionTool(msgspec.Struct):
    name: Annotated[str, Meta(min_length=1, max_length=256)]
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class OpenAIResponses:
    """The dialect; stateless."""

    name = "openai_responses"
    id_prefix = "resp_"
    sign_of_life = b": waiting\n\n"
    own_headers = ()

    def read(self, body: bytes) -> dict[str, Any]:
        """A checked body, before what it refers to is put in. Errors: MalformedJson, InvalidField, FeatureUnsupported."""
        raw = bodies.read_object(body)
        if bodies.is_nested_deeper(raw, NESTED_MAX):
            raise MalformedJson(f"the body is nested more than {NESTED_MAX} deep", fix="Send a flatter JSON body.")
        _check(_asked(raw))
        return raw

    def parse(self, body: bytes) -> Parsed:
        raw = self.read(body)
        return Parsed(self.chat(raw), raw)

    def chat(self, raw: dict[str, Any]) -> ChatRequest:
        asked = _asked(raw)
        logprobs = bool(asked.top_logprobs) or "message.output_text.logprobs" in (asked.include or ())
        tools, choice = _tools(asked)
        return ChatRequest(
            model=asked.model,
            messages=_some(messages_of(asked.input, asked.instructions)),
            stream=asked.stream,
            max_completion_tokens=asked.max_output_tokens,
            temperature=asked.temperature,
            top_p=asked.top_p,
            logprobs=True if logprobs else None,
            top_logprobs=asked.top_logprobs if logprobs else None,
            tools=tools,
            tool_choice=choice,
            parallel_tool_calls=asked.parallel_tool_calls,
            response_format=_response_format(asked.text),
            reasoning_effort=asked.reasoning.effort if asked.reasoning is not None else None,
        )

    def extras(self, raw: dict[str, Any]) -> list[str]:
        found = [name for name, value in raw.items() if name not in _KNOWN and value is not None]
        found += [f"{tool.get('type')} tools" for tool in raw.get("tools") or () if tool.get("type") != "function"]
        found += untranslatable(raw["input"])
        found += [f"include {name[:60]}" for name in raw.get("include") or () if name not in INCLUDED]
        choice = raw.get("tool_choice")
        if isinstance(choice, dict) and choice.get("type") not in ("function", "allowed_tools"):
            found.append(f"tool_choice {str(choice.get('type'))[:60]}")
        if raw.get("truncation") not in (None, "disabled"):
            found.append("truncation")
        if (raw.get("text") or {}).get("verbosity") is not None:
            found.append("verbosity")
        return list(dict.fromkeys(found))

    def for_its_vendor(self, raw: dict[str, Any]) -> dict[str, Any]:
        """Without the thoughts of others, which OpenAI would refuse as not its own."""
        items = raw["input"]
        if isinstance(items, str) or not any(is_sealed(item) for item in items):
            return raw
        return {**raw, "input": [item for item in items if not is_sealed(item)]}

    def writer(self, chat: ChatRequest, answer: Answer) -> OpenAIResponsesWriter:
        """Tells only what a chat knows of the request; `writer_for` tells all."""
        return OpenAIResponsesWriter(answer, echo({"max_output_tokens": chat.tokens_out_max, "temperature": chat.temperature}))

    def writer_for(self, asked: dict[str, Any], answer: Answer) -> OpenAIResponsesWriter:
        """`asked`: the caller's own body, which the answer repeats in part."""
        return OpenAIResponsesWriter(answer, echo(asked))


_KNOWN = frozenset(field.name for field in msgspec.structs.fields(ResponsesRequest)) | _OURS


def _asked(raw: dict[str, Any]) -> ResponsesRequest:
    try:
        return msgspec.convert(raw, ResponsesRequest)
    except (msgspec.ValidationError, RecursionError) as error:
        raise bodies.refusal(error, b"") from error


def _check(asked: ResponsesRequest) -> None:
    """What is refused whoever answers. Errors: FeatureUnsupported, InvalidField."""
    if asked.background:
        raise refuse("background", "Leave background out, and wait for the answer or stream it.")
    if asked.conversation is not None:  # it would be kept at OpenAI, under a credential that all callers share
        raise refuse("conversation", "Use previous_response_id, or send the conversation as input.")
    if not isinstance(asked.input, str):
        for item in asked.input:
            kind_of(item)
    if asked.truncation not in (None, "auto", "disabled"):
        raise InvalidField("truncation is auto or disabled", param="truncation", fix="Leave it out.")


def _some(messages: list[Any]) -> list[Any]:
    if not messages:
        raise InvalidField("input holds nothing that a model could answer", param="input", fix="Send a message.")
    return messages


def _tools(asked: ResponsesRequest) -> tuple[list[Tool] | None, str | dict[str, Any] | None]:
    """Function tools and the choice among them. Others are named by `extras`."""
    tools: list[Tool] = []
    for position, tool in enumerate(asked.tools or ()):
        kind = tool.get("type")
        if not isinstance(kind, str):
            raise InvalidField("a tool has a type", param=f"tools[{position}].type", fix='Send {"type": "function", "name": …}.')
        if kind == "function":
            tools.append(Tool("function", _function(tool, position)))
    choice = asked.tool_choice
    if not isinstance(choice, dict):
        if choice not in (None, "auto", "none", "required"):
            raise InvalidField(f"tool_choice can't be {choice[:40]!r}", param="tool_choice", fix="auto, none or required.")
        return tools or None, choice if tools else None
    if choice.get("type") == "function":
        return tools, {"type": "function", "function": {"name": _named(choice, tools)}}
    if choice.get("type") == "allowed_tools":
        allowed = {tool.get("name") for tool in choice.get("tools") or () if isinstance(tool, dict)}
        kept = [tool for tool in tools if tool.function is not None and tool.function.name in allowed]
        return kept or None, choice.get("mode") if kept else None
    return tools or None, None  # named by `extras`


def _function(tool: dict[str, Any], position: int) -> ToolFunction:
    try:
        function = msgspec.convert(tool, _FunctionTool)
    except msgspec.ValidationError as error:
        what, _, place = str(error).replace("`", "").partition(" - at $")
        param = f"tools[{position}]{place}"
        raise InvalidField(f"{param[:200]}: {what[:200]}", param=param[:200], fix="Correct the tool.") from error
    return ToolFunction(function.name, function.description, function.parameters, function.strict)


def _named(choice: dict[str, Any], tools: list[Tool]) -> str:
    name = choice.get("name")
    if not isinstance(name, str) or not any(tool.function is not None and tool.function.name == name for tool in tools):
        raise InvalidField("Tool choice 'function' names none of the tools", param="tool_choice", fix="Name one of the tools.")
    return name


def _response_format(text: _Text | None) -> dict[str, Any] | None:
    form = text.format if text is not None else None
    if form is None or form.type == "text":
        return None
    if form.type == "json_object":
        return {"type": "json_object"}
    if form.type != "json_schema":
        raise InvalidField(f"text.format.type can't be {form.type[:40]!r}", param="text.format.type", fix="Send json_schema.")
    if form.schema is None or not form.name:
        missing = "schema" if form.schema is None else "name"
        raise InvalidField(f"text.format.{missing} is missing", param=f"text.format.{missing}", fix="Send name and schema.")
    told = {"name": form.name, "description": form.description, "schema": form.schema, "strict": form.strict}
    return {"type": "json_schema", "json_schema": {name: value for name, value in told.items() if value is not None}}
