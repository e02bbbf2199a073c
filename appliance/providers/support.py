"""What a provider can do of what a request asks: the rest is an error that names it, or is left out where that is harmless.

Only translated requests are looked at: where caller and provider speak the same format the body goes on untouched.
"""

from collections.abc import Iterable, Sequence

import msgspec

from appliance.chat import ChatRequest
from appliance.errors import FeatureUnsupported, InvalidField

# What every provider here can do; not listed in any Support.
_EVERYWHERE = frozenset({"temperature", "top_p", "stop", "max_tokens"})

# Parameters of ours that can be left out without changing what the answer means: a hint, or a shade of the same answer.
_HARMLESS = frozenset(
    {"seed", "presence_penalty", "frequency_penalty", "logit_bias", "top_k", "min_p", "reasoning", "parallel_tool_calls"}
)

# Fields of callers' bodies that say something about the request, not what it asks for. Left out everywhere, and named.
HINTS = frozenset(
    {
        "user", "metadata", "service_tier", "safety_identifier", "prompt_cache_key", "prompt_cache_retention",
        "prompt_cache_options", "verbosity", "store", "stream_options", "moderation",
    }
)  # fmt: skip


# How extras are called that change what is asked (OpenAI's own tools, parts of messages): never left out, whatever a route says.
_ASKED_ENDINGS = (" tools", " items", " parts")
_ASKED_BEGINNINGS = ("tool_choice ", "input_image")
_ASKED = frozenset({"prompt"})


# Kinds of documents that have a text; and a document that came as its text (Anthropic's source of type `text`).
DOCUMENTS = frozenset({"pdf", "docx", "text", "csv", "markdown", "html"})
TEXT_SOURCE = "text source"


class Support(msgspec.Struct, frozen=True):
    """What a provider's format has room for, by feature: see `asked` for their names."""

    features: frozenset[str]

    def __contains__(self, feature: object) -> bool:
        return feature in self.features or feature in _EVERYWHERE


class Fitted(msgspec.Struct, frozen=True):
    """A request that a provider can serve, and the names of the parameters that were left out for it."""

    chat: ChatRequest
    dropped: tuple[str, ...]


def asked(chat: ChatRequest) -> set[str]:
    """The features that a request needs. A value that is everybody's default asks for nothing."""
    found: set[str] = set()
    if chat.tools:
        found.add("tools")
        if chat.parallel_tool_calls is False:
            found.add("parallel_tool_calls")
    if (chat.n or 1) > 1:
        found.add("n")
    if chat.logprobs or chat.top_logprobs:
        found.add("logprobs")
    kind = (chat.response_format or {}).get("type")
    if kind in ("json_schema", "json_object"):
        found.add(kind)
    elif kind not in (None, "text"):
        found.add(f"response_format of type {str(kind)[:40]}")
    if chat.reasoning_effort not in (None, "none") or (chat.thinking or {}).get("type") in ("enabled", "adaptive"):
        found.add("reasoning")
    found.update(name for name in ("seed", "top_k", "min_p") if getattr(chat, name) is not None)
    found.update(name for name in ("presence_penalty", "frequency_penalty", "logit_bias") if getattr(chat, name))
    found.update(_parts_asked(chat))
    return found


_PARTS = {"text": None, "refusal": None, "image_url": "images", "file": "files", "input_audio": "audio"}


def _parts_asked(chat: ChatRequest) -> Iterable[str]:
    for message in chat.messages:
        if isinstance(message.content, list):
            for part in message.content:
                feature = _PARTS.get(part.type, f"content parts of type {part.type[:40]}")
                if feature is not None:
                    yield feature


def fit(chat: ChatRequest, extras: Sequence[str], support: Support, *, who: str, drop: bool) -> Fitted:
    """The request as this provider can serve it.

    Shapes:  `extras` are the names of the body's fields that chat.ChatRequest doesn't know; `drop`: what can be left out
             harmlessly may be.
    Errors:  FeatureUnsupported, with the feature as `param`; InvalidField for a field that a dialect left unread.
    """
    _check(chat)
    missing = sorted(feature for feature in asked(chat) if feature not in support)
    for name in missing:
        _leave_out(name, who, may=name in _HARMLESS, drop=drop)
    dropped = extras_dropped(extras, support, who=who, drop=drop)
    changes = {field: None for name in missing for field in _FIELDS.get(name, (name,))}
    fitted = msgspec.structs.replace(chat, **changes) if changes else chat
    return Fitted(fitted, (*missing, *dropped))


def extras_dropped(extras: Sequence[str], support: Support, *, who: str, drop: bool) -> tuple[str, ...]:
    """Those of the extras that are left out. Errors: FeatureUnsupported, as `fit`."""
    dropped = [name for name in extras if name not in support]
    for name in dropped:
        if name not in HINTS:
            is_asked = name in _ASKED or name.endswith(_ASKED_ENDINGS) or name.startswith(_ASKED_BEGINNINGS)
            _leave_out(name, who, may=not is_asked, drop=drop)
    return tuple(dropped)


def _leave_out(name: str, who: str, *, may: bool, drop: bool) -> None:
    if not may:
        raise _unsupported(name, who, "Ask for another model, or leave it out.")
    if not drop:
        raise _unsupported(name, who, "It can be left out: leave it out, or have drop_unsupported set for the route.")


_FIELDS = {"reasoning": ("reasoning_effort", "thinking")}

# OpenAI's dialect doesn't look at these: where a request passes, they may have shapes that only its provider knows.
_KINDS: dict[str, tuple[type, ...]] = {"top_k": (int,), "min_p": (int, float), "reasoning_effort": (str,), "thinking": (dict,)}
_MESSAGE_KINDS: dict[str, tuple[type, ...]] = {
    "refusal": (str,), "reasoning_content": (str,), "thinking_blocks": (list,), "is_error": (bool,),
}  # fmt: skip
_WORDS = {
    int: "a whole number",
    float: "a number",
    str: "text",
    dict: "an object",
    list: "a list of objects",
    bool: "true or false",
}


def _check(chat: ChatRequest) -> None:
    for name, kinds in _KINDS.items():
        _check_field(getattr(chat, name), kinds, name)
    for position, message in enumerate(chat.messages):
        for name, kinds in _MESSAGE_KINDS.items():
            _check_field(getattr(message, name), kinds, f"messages[{position}].{name}")
        for block in message.thinking_blocks or ():
            _check_field(block, (dict,), f"messages[{position}].thinking_blocks")
        for call in message.tool_calls or ():
            _check_field(call.extra_content, (dict,), f"messages[{position}].tool_calls.extra_content")


def _check_field(value: object, kinds: tuple[type, ...], param: str) -> None:
    if value is not None and type(value) not in kinds:
        raise InvalidField(f"{param} must be {_WORDS[kinds[-1]]}", param=param, fix="Correct the field, or leave it out.")


def _unsupported(name: str, who: str, fix: str) -> FeatureUnsupported:
    return FeatureUnsupported(f"{who} can't do this: {name[:100]}", fix=fix, param=name[:100])
