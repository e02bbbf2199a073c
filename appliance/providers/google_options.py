"""How an answer is to be made, in Gemini's words: `generationConfig`, `tools`, `toolConfig`.

Source: ai.google.dev/api/generate-content#v1beta.GenerationConfig, docs/thinking, docs/openai (what an effort stands for),
read 2026-11-26.
Quirks: Gemini 3 thinks by levels, Gemini 2.5 by a budget in tokens. Thoughts are shown only when asked for. 2.5 Pro and Gemini 3
can't be kept from thinking: asked to, they think as little as they can. `seed` has 32 bits. A tool's name begins with a letter
or an underscore.
"""

import re
from collections.abc import Mapping
from typing import Any, TypeVar

from appliance.chat import ChatRequest, Tool
from appliance.errors import FeatureUnsupported, InvalidField
from appliance.providers import google_schema

T = TypeVar("T")

STOP_SEQUENCES_MAX = 5
BUDGETS = {"minimal": 1_024, "low": 1_024, "medium": 8_192, "high": 24_576, "xhigh": 24_576, "max": 24_576}
BUDGET_TOKENS_MAX = 24_576
PRO_BUDGET_TOKENS_MIN = 128
_LEVELS = {
    "none": "minimal",
    "minimal": "minimal",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "high",
    "max": "high",
}
_PRO_LEVELS = {**_LEVELS, "none": "low", "minimal": "low"}
_TWO_LEVELS = {**_PRO_LEVELS, "medium": "high"}  # gemini-3-pro, the first of them
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}")
_MODES = {"none": "NONE", "required": "ANY"}
_PLAIN = (
    ("temperature", "temperature"),
    ("top_p", "topP"),
    ("top_k", "topK"),
    ("n", "candidateCount"),
    ("tokens_out_max", "maxOutputTokens"),
    ("presence_penalty", "presencePenalty"),
    ("frequency_penalty", "frequencyPenalty"),
)


def put_options(body: dict[str, Any], chat: ChatRequest, model: str) -> None:
    """Errors: InvalidField, FeatureUnsupported, with the field."""
    config: dict[str, Any] = {}
    for ours, theirs in _PLAIN:
        if (value := getattr(chat, ours)) is not None:
            config[theirs] = value
    if chat.seed is not None:
        config["seed"] = chat.seed if -(2**31) <= chat.seed < 2**31 else chat.seed & 0x7FFFFFFF  # the same for the same seed
    if chat.stop and (stops := _stops(chat.stop)):
        config["stopSequences"] = stops
    if chat.logprobs or chat.top_logprobs:
        config["responseLogprobs"] = True
        if chat.top_logprobs:
            config["logprobs"] = chat.top_logprobs
    if chat.response_format is not None:
        _put_format(config, chat.response_format)
    if chat.reasoning_effort is not None or chat.thinking is not None:
        _put_thinking(config, chat, model)
    if config:
        body["generationConfig"] = config
    if chat.tools:
        _put_tools(body, chat)
    elif chat.tool_choice not in (None, "auto", "none"):
        raise InvalidField("tool_choice asks for a tool, but there are no tools", param="tool_choice", fix="Send tools.")


def _stops(stop: str | list[str]) -> list[str]:
    stops = [text for text in ([stop] if isinstance(stop, str) else stop) if text]
    if len(stops) > STOP_SEQUENCES_MAX:
        raise FeatureUnsupported(f"Google takes at most {STOP_SEQUENCES_MAX} stop texts", param="stop", fix="Send fewer.")
    return stops


def _put_format(config: dict[str, Any], wanted: dict[str, Any]) -> None:
    kind = wanted.get("type")
    if kind == "text":
        return
    if kind not in ("json_object", "json_schema"):
        raise InvalidField("response_format has no type that is known", param="response_format.type", fix="Send json_schema.")
    config["responseMimeType"] = "application/json"
    if kind == "json_schema":
        described = wanted.get("json_schema")
        schema = described.get("schema") if isinstance(described, dict) else None
        if not isinstance(schema, dict):
            raise InvalidField(
                "response_format holds no schema", param="response_format.json_schema.schema", fix="Send the schema there."
            )
        config["responseJsonSchema"] = google_schema.clean(schema, "response_format.json_schema.schema")


def _put_thinking(config: dict[str, Any], chat: ChatRequest, model: str) -> None:
    kind = (chat.thinking or {}).get("type")
    effort = "none" if kind == "disabled" else chat.reasoning_effort
    budget = (chat.thinking or {}).get("budget_tokens") if kind == "enabled" else None
    if budget is not None and (not isinstance(budget, int) or isinstance(budget, bool) or budget < 0):
        raise InvalidField("thinking.budget_tokens is no count", param="thinking.budget_tokens", fix="Send a whole number.")
    if effort == "none" and budget is None:
        if least := _no_thinking(model):
            config["thinkingConfig"] = least
        return
    thinking: dict[str, Any] = {"includeThoughts": True}
    if model.startswith("gemini-3"):
        asked = effort if budget is None else _effort(budget)
        if asked is not None:
            thinking["thinkingLevel"] = _level(model, asked)
    elif budget is not None:
        thinking["thinkingBudget"] = min(budget, BUDGET_TOKENS_MAX)
    elif effort is not None:
        thinking["thinkingBudget"] = _named(BUDGETS, effort)
    config["thinkingConfig"] = thinking


def _no_thinking(model: str) -> dict[str, Any]:
    if model.startswith("gemini-3"):
        return {"thinkingLevel": _level(model, "none")}
    if model.startswith("gemini-2.5-pro"):
        return {"thinkingBudget": PRO_BUDGET_TOKENS_MIN}
    # older models know no thinking, and no word for none of it
    return {} if model.startswith(("gemini-1", "gemini-2.0", "gemma", "learnlm")) else {"thinkingBudget": 0}


def _level(model: str, effort: str) -> str:
    levels = _TWO_LEVELS if model.startswith("gemini-3-pro") else _PRO_LEVELS if "-pro" in model else _LEVELS
    return _named(levels, effort)


def _named(table: Mapping[str, T], effort: str) -> T:
    if effort not in table:
        raise InvalidField(
            f"reasoning_effort is {effort[:40]!r}", param="reasoning_effort", fix="Send none, minimal, low, medium or high."
        )
    return table[effort]


def _effort(budget: int) -> str:
    """What Anthropic's budget of tokens stands for among levels."""
    return "low" if budget <= 4_096 else "medium" if budget <= 12_288 else "high"


def _put_tools(body: dict[str, Any], chat: ChatRequest) -> None:
    assert chat.tools is not None
    chosen = _choice(chat.tool_choice)
    declared, names = [], set()
    for position, tool in enumerate(chat.tools):
        declaration = _declaration(tool, f"tools[{position}]")
        names.add(declaration["name"])
        if chosen.among is None or declaration["name"] in chosen.among:
            declared.append(declaration)
    for name in chosen.named:
        if name not in names:
            raise InvalidField(
                f"tool_choice names {name[:64]!r}, which is not among the tools",
                param="tool_choice",
                fix="Name one of the tools.",
            )
    body["tools"] = [{"functionDeclarations": declared}]
    if chosen.mode:
        calling: dict[str, Any] = {"mode": chosen.mode}
        if chosen.named and chosen.among is None:
            calling["allowedFunctionNames"] = chosen.named
        body["toolConfig"] = {"functionCallingConfig": calling}


def _declaration(tool: Tool, where: str) -> dict[str, Any]:
    function = tool.function
    if tool.type != "function" or function is None:
        raise FeatureUnsupported(
            f"Google can't take tools of type {tool.type[:40]!r}", param=f"{where}.type", fix="Send functions."
        )
    if not _NAME.fullmatch(function.name):
        raise FeatureUnsupported(
            f"Google takes no tool of the name {function.name[:80]!r}",
            param=f"{where}.function.name",
            fix="Begin with a letter or an underscore; letters, digits and _ . : - may follow, 64 characters in all.",
        )
    declared: dict[str, Any] = {"name": function.name}
    if function.description:
        declared["description"] = function.description
    schema = google_schema.written(function.parameters, f"{where}.function.parameters")
    if schema is not None:
        declared["parametersJsonSchema"] = schema
    return declared


class _Choice:
    """What `tool_choice` says. among: only these are offered; named: they must exist."""

    def __init__(self, mode: str = "", named: "list[str] | None" = None, *, only: bool = False) -> None:
        self.mode = mode
        self.named = named or []
        self.among = frozenset(self.named) if only else None


def _choice(wanted: str | dict[str, Any] | None) -> _Choice:
    if wanted is None or wanted == "auto":
        return _Choice()
    if isinstance(wanted, str) and wanted in _MODES:
        return _Choice(_MODES[wanted])
    if isinstance(wanted, dict):
        kind, inner = wanted.get("type"), wanted.get("function")
        if kind == "function" and isinstance(inner, dict) and isinstance(inner.get("name"), str):
            return _Choice("ANY", [inner["name"]])
        allowed = wanted.get("allowed_tools")
        if kind == "allowed_tools" and isinstance(allowed, dict):
            return _allowed(allowed)
    raise InvalidField(
        "tool_choice is none of auto, none, required or a function's name", param="tool_choice", fix="Send one of these."
    )


def _allowed(allowed: dict[str, Any]) -> _Choice:
    """OpenAI's `allowed_tools`: the others aren't shown to the model, as `allowedFunctionNames` needs a forced call."""
    tools = allowed.get("tools")
    functions = [tool.get("function") for tool in tools if isinstance(tool, dict)] if isinstance(tools, list) else []
    names = [function["name"] for function in functions if isinstance(function, dict) and isinstance(function.get("name"), str)]
    if not names:
        raise InvalidField("tool_choice allows no tools", param="tool_choice.allowed_tools.tools", fix="Name the tools.")
    return _Choice("ANY" if allowed.get("mode") == "required" else "", names, only=True)
