"""What a caller orders: the request as the engine takes it, checked."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from appliance.local.engines.batching.sampling import Sampling

STOPS_MAX = 64
_SAMPLING = frozenset(Sampling.__struct_fields__)


class Message(msgspec.Struct, omit_defaults=True):
    """One message, as templates know it."""

    role: str
    content: str
    name: str | None = None
    tool_calls: list[dict[str, Any]] | None = None
    tool_call_id: str | None = None
    reasoning_content: str | None = None


class ChatOrder(msgspec.Struct):
    """A chat. `n` answers; `tenant` says with whom its prompt's beginning may be shared."""

    messages: Annotated[list[Message], Meta(min_length=1)]
    max_tokens: int | None = None
    n: Annotated[int, Meta(ge=1)] = 1
    stop: Annotated[list[Annotated[str, Meta(min_length=1)]], Meta(max_length=STOPS_MAX)] = []
    logprobs: bool = False
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] = 0
    tools: list[dict[str, Any]] | None = None
    parallel_tool_calls: bool = True
    tenant: int = 0
    sampling: Sampling = Sampling()

    @property
    def characters(self) -> int:
        """Of all that the template may put into the prompt, roughly; calls and tools as JSON, for which nothing is copied."""
        messages = sum(len(each.content) + len(each.name or "") + len(each.tool_call_id or "") for each in self.messages)
        calls = sum(len(msgspec.json.encode(each.tool_calls)) for each in self.messages if each.tool_calls)
        return messages + calls + (len(msgspec.json.encode(self.tools)) if self.tools else 0)

    def seeds(self) -> list[int | None]:
        """One for each answer: alike requests get alike answers, and the answers to one differ."""
        seed = self.sampling.seed
        return [None if seed is None else (seed + index) % 2**32 for index in range(self.n)]


def chat_order(request: dict[str, Any]) -> ChatOrder:
    """Errors: msgspec.ValidationError, whose words name places and types, and quote nothing."""
    sampling = {name: value for name, value in request.items() if name in _SAMPLING}
    if "logit_bias" in sampling:
        sampling["logit_bias"] = {int(token): bias for token, bias in sampling["logit_bias"].items()}
    rest = {name: value for name, value in request.items() if name not in _SAMPLING}
    return msgspec.convert({**rest, "sampling": sampling}, ChatOrder)


def for_template(order: ChatOrder) -> list[dict[str, Any]]:
    """The messages as templates want them: a call's arguments are an object, not its text."""
    messages: list[dict[str, Any]] = [msgspec.to_builtins(message) for message in order.messages]
    for message in messages:
        for call in message.get("tool_calls") or ():
            function = call.get("function")
            if isinstance(function, dict) and isinstance(function.get("arguments"), str):
                call["function"] = {**function, "arguments": _object(function["arguments"])}
    return messages


def _object(text: str) -> Any:
    try:
        value = msgspec.json.decode(text or "{}")
    except (msgspec.DecodeError, RecursionError):
        return text
    return value if isinstance(value, dict) else text
