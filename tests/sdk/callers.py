"""The SDKs that callers use, each asked in its own words and read in one: whatever an SDK makes of an answer is a `Said`.

Nothing here knows the appliance: an address and a key are all that an SDK is given.
"""

import asyncio
import base64
import json
from collections.abc import Coroutine, Iterator
from threading import Thread
from typing import Any, ClassVar, Literal, Protocol, TypeVar

import anthropic
import msgspec
import openai
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_openai import ChatOpenAI
from pydantic import BaseModel

T = TypeVar("T")

SECONDS_MAX = 60
TOKENS_MAX = 200
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PNG_URL = f"data:image/png;base64,{PNG}"
assert base64.b64decode(PNG).startswith(b"\x89PNG")


class Call(msgspec.Struct, frozen=True):
    """A call of a tool; `arguments` decoded."""

    id: str
    name: str
    arguments: Any


class Said(msgspec.Struct):
    """An answer as an SDK read it. `turn` is the answer in the SDK's own words, to go on from; `pieces`: of its text."""

    text: str
    finish: str | None
    calls: list[Call]
    tokens: tuple[int, int] | None
    turn: Any
    pieces: list[str]


class Forecast(BaseModel):
    """What an answer by a schema is to be."""

    city: Literal["Pune", "Delhi"]  # an answer of this form has an end, however a small model rambles
    days: Literal[3, 7]


class Tool(msgspec.Struct, frozen=True):
    name: str
    parameters: dict[str, Any]


class Question(msgspec.Struct, frozen=True):
    """What is asked.

    is_greedy: no dice are cast.
    force:     the name of the tool that must be called; "any": some tool must.
    came:      filled with the pieces of a streamed text as they come, also where it breaks.
    """

    model: str
    turns: list[Any]
    is_greedy: bool = False
    tools: list[Tool] = []
    force: str = ""
    stop: list[str] = []
    came: list[str] = []


class Caller(Protocol):
    """One SDK. Its methods may be called by several threads at once."""

    name: str
    errors: Any  # the SDK's module: its exceptions have the same names everywhere

    def user(self, words: str, *, image: bool = False) -> Any:
        """A turn of the user's."""
        ...

    def results(self, said: Said, results: list[str]) -> list[Any]:
        """The turns that answer an answer's calls: the answer itself, then what the tools gave."""
        ...

    def ask(self, question: Question, *, streamed: bool) -> Said: ...

    def forecast(self, question: Question) -> Forecast:
        """An answer by a schema, as the SDK's own helper asks for it and reads it."""
        ...

    def leave(self, model: str, turns: list[Any]) -> None:
        """Hang up after a stream's first piece."""
        ...

    def close(self) -> None: ...


def _openai_body(question: Question) -> dict[str, Any]:
    body: dict[str, Any] = {"model": question.model, "messages": question.turns, "max_tokens": TOKENS_MAX}
    if question.is_greedy:
        body["temperature"] = 0
    if question.stop:
        body["stop"] = question.stop
    if question.tools:
        functions = [{"name": tool.name, "parameters": tool.parameters} for tool in question.tools]
        body["tools"] = [{"type": "function", "function": function} for function in functions]
    if question.force:
        named = {"type": "function", "function": {"name": question.force}}
        body["tool_choice"] = "required" if question.force == "any" else named
    return body


class OpenAI:
    """The official `openai`."""

    name = "openai"
    errors: ClassVar[Any] = openai

    def __init__(self, url: str, key: str) -> None:
        self._client = openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0, timeout=SECONDS_MAX)

    def user(self, words: str, *, image: bool = False) -> Any:
        picture = {"type": "image_url", "image_url": {"url": PNG_URL}}
        return {"role": "user", "content": [{"type": "text", "text": words}, picture] if image else words}

    def results(self, said: Said, results: list[str]) -> list[Any]:
        told = zip(said.calls, results, strict=True)
        return [said.turn, *({"role": "tool", "tool_call_id": call.id, "content": result} for call, result in told)]

    def ask(self, question: Question, *, streamed: bool) -> Said:
        body = _openai_body(question)
        if not streamed:
            return self._read(self._client.chat.completions.create(**body), question.came)
        with self._client.chat.completions.stream(**body, stream_options={"include_usage": True}) as stream:
            for event in stream:
                if event.type == "content.delta":
                    question.came.append(event.delta)
            return self._read(stream.get_final_completion(), question.came)

    def _read(self, whole: Any, came: list[str]) -> Said:
        (choice,) = whole.choices
        calls = [
            Call(call.id, call.function.name, json.loads(call.function.arguments)) for call in choice.message.tool_calls or []
        ]
        tokens = (whole.usage.prompt_tokens, whole.usage.completion_tokens) if whole.usage else None
        turn = choice.message.to_dict()
        return Said(choice.message.content or "", choice.finish_reason, calls, tokens, turn, came)

    def forecast(self, question: Question) -> Forecast:
        whole = self._client.chat.completions.parse(**_openai_body(question), response_format=Forecast)
        parsed = whole.choices[0].message.parsed
        assert parsed is not None
        return parsed

    def leave(self, model: str, turns: list[Any]) -> None:
        with self._client.chat.completions.create(model=model, messages=turns, stream=True) as stream:
            next(iter(stream))

    def close(self) -> None:
        self._client.close()


class AsyncOpenAI(OpenAI):
    """The same package's asynchronous client, in a loop of its own."""

    name = "openai async"

    def __init__(self, url: str, key: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever)
        self._thread.start()
        self._async = openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0, timeout=SECONDS_MAX)

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def ask(self, question: Question, *, streamed: bool) -> Said:
        return self._run(self._stream(question) if streamed else self._whole(question))

    async def _whole(self, question: Question) -> Said:
        return self._read(await self._async.chat.completions.create(**_openai_body(question)), question.came)

    async def _stream(self, question: Question) -> Said:
        usage = {"include_usage": True}
        async with self._async.chat.completions.stream(**_openai_body(question), stream_options=usage) as stream:
            async for event in stream:
                if event.type == "content.delta":
                    question.came.append(event.delta)
            return self._read(await stream.get_final_completion(), question.came)

    def forecast(self, question: Question) -> Forecast:
        async def asked() -> Any:
            return await self._async.chat.completions.parse(**_openai_body(question), response_format=Forecast)

        parsed = self._run(asked()).choices[0].message.parsed
        assert isinstance(parsed, Forecast)
        return parsed

    def leave(self, model: str, turns: list[Any]) -> None:
        async def asked() -> None:
            async with await self._async.chat.completions.create(model=model, messages=turns, stream=True) as stream:
                await anext(aiter(stream))

        self._run(asked())

    def close(self) -> None:
        self._run(self._async.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def _anthropic_body(question: Question) -> dict[str, Any]:
    body: dict[str, Any] = {"model": question.model, "messages": question.turns, "max_tokens": TOKENS_MAX}
    if question.is_greedy:
        body["extra_body"] = {"temperature": 0}  # this SDK has no name for it any more
    if question.stop:
        body["stop_sequences"] = question.stop
    if question.tools:
        body["tools"] = [{"name": tool.name, "input_schema": tool.parameters} for tool in question.tools]
    if question.force:
        body["tool_choice"] = {"type": "any"} if question.force == "any" else {"type": "tool", "name": question.force}
    return body


class Anthropic:
    """The official `anthropic`."""

    name = "anthropic"
    errors: ClassVar[Any] = anthropic

    def __init__(self, url: str, key: str) -> None:
        self._client = anthropic.Anthropic(base_url=url, api_key=key, max_retries=0, timeout=SECONDS_MAX)

    def user(self, words: str, *, image: bool = False) -> Any:
        picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
        return {"role": "user", "content": [{"type": "text", "text": words}, picture] if image else words}

    def results(self, said: Said, results: list[str]) -> list[Any]:
        told = zip(said.calls, results, strict=True)
        blocks = [{"type": "tool_result", "tool_use_id": call.id, "content": result} for call, result in told]
        return [said.turn, {"role": "user", "content": blocks}]

    def ask(self, question: Question, *, streamed: bool) -> Said:
        body = _anthropic_body(question)
        if not streamed:
            return self._read(self._client.messages.create(**body), question.came)
        with self._client.messages.stream(**body) as stream:
            for text in stream.text_stream:
                question.came.append(text)
            return self._read(stream.get_final_message(), question.came)

    def _read(self, whole: Any, came: list[str]) -> Said:
        text = "".join(block.text for block in whole.content if block.type == "text")
        calls = [Call(block.id, block.name, block.input) for block in whole.content if block.type == "tool_use"]
        turn = {"role": "assistant", "content": [block.to_dict() for block in whole.content]}
        used = whole.usage  # which counts what was cached apart
        if used is None:
            return Said(text, whole.stop_reason, calls, None, turn, came)
        tokens_in = used.input_tokens + (used.cache_read_input_tokens or 0) + (used.cache_creation_input_tokens or 0)
        return Said(text, whole.stop_reason, calls, (tokens_in, used.output_tokens), turn, came)

    def forecast(self, question: Question) -> Forecast:
        whole = self._client.messages.parse(**_anthropic_body(question), output_format=Forecast)
        assert whole.parsed_output is not None
        return whole.parsed_output

    def leave(self, model: str, turns: list[Any]) -> None:
        with self._client.messages.stream(model=model, messages=turns, max_tokens=TOKENS_MAX) as stream:
            next(iter(stream.text_stream))

    def close(self) -> None:
        self._client.close()


class LangChain:
    """`langchain-openai`, as applications are built with it: messages, bound tools, runnables."""

    name = "langchain"
    errors: ClassVar[Any] = openai  # it lets them through

    def __init__(self, url: str, key: str) -> None:
        self._chat = ChatOpenAI(
            base_url=f"{url}/v1",
            api_key=key,  # type: ignore[arg-type]  # it takes the text as well
            model="named-in-each-call",
            max_retries=0,
            timeout=SECONDS_MAX,
            max_tokens=TOKENS_MAX,  # type: ignore[call-arg]  # the field's other name
            stream_usage=True,
        )

    def user(self, words: str, *, image: bool = False) -> Any:
        if not image:
            return HumanMessage(words)
        picture = {"type": "image", "source_type": "base64", "mime_type": "image/png", "data": PNG}
        return HumanMessage([{"type": "text", "text": words}, picture])

    def results(self, said: Said, results: list[str]) -> list[Any]:
        told = zip(said.calls, results, strict=True)
        return [said.turn, *(ToolMessage(result, tool_call_id=call.id) for call, result in told)]

    def ask(self, question: Question, *, streamed: bool) -> Said:
        chat: Any = self._chat
        if question.tools:
            listed = [{"title": tool.name, "description": "", **tool.parameters} for tool in question.tools]
            chat = self._chat.bind_tools(listed, **({"tool_choice": question.force} if question.force else {}))
        more = self._more(question)
        if not streamed:
            return self._read(chat.invoke(question.turns, **more), question.came)
        whole: Any = None
        for piece in chat.stream(question.turns, **more):
            if piece.text:
                question.came.append(piece.text)
            whole = piece if whole is None else whole + piece
        return self._read(whole, question.came)

    def _more(self, question: Question) -> dict[str, Any]:
        stop = {"stop": question.stop} if question.stop else {}
        return {"model": question.model, **stop, **({"temperature": 0} if question.is_greedy else {})}

    def _read(self, whole: AIMessage, came: list[str]) -> Said:
        assert whole.invalid_tool_calls == []
        calls = [Call(str(call["id"]), call["name"], call["args"]) for call in whole.tool_calls]
        used = whole.usage_metadata
        tokens = (used["input_tokens"], used["output_tokens"]) if used else None
        finish = whole.response_metadata.get("finish_reason")
        turn: BaseMessage = AIMessage(content=whole.content, tool_calls=whole.tool_calls)
        return Said(str(whole.text), finish, calls, tokens, turn, came)

    def forecast(self, question: Question) -> Forecast:
        found = self._chat.with_structured_output(Forecast, method="json_schema").invoke(question.turns, **self._more(question))
        assert isinstance(found, Forecast)
        return found

    def leave(self, model: str, turns: list[Any]) -> None:
        pieces: Iterator[Any] = iter(self._chat.stream(turns, model=model))
        next(pieces)
        pieces.close()  # type: ignore[attr-defined]  # it is a generator

    def close(self) -> None:
        self._chat.root_client.close()


CALLERS: dict[str, type] = {kind.name: kind for kind in (OpenAI, AsyncOpenAI, Anthropic, LangChain)}
