"""Tools and forced forms for llama.cpp, by our own grammar: told to the model in words, read back from its text.

A call is a line {"name": …, "arguments": …}, or only the arguments where the caller named the tool.
"""

import json
import re
from typing import Any

from appliance.errors import FeatureUnsupported, InvalidField
from appliance.providers.call_reader import BETWEEN, Reading
from appliance.providers.grammar_words import TooManyBeginAlike, literal, one_of
from appliance.providers.json_grammar import Grammar

TOLD_CHARACTERS_MAX = 16_000  # of what a model is told of one schema or tool; beyond, long enums are shortened
TOLD_VALUES_MAX = 40
NODES_MAX = 50_000  # of one schema or tool, remarks included
CHARACTERS_MAX = 1_000_000
LEVELS_MAX = 200
CALLS_MAX = 16  # in one answer: a small model that finds no end finds it here

_TOOL_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def tools_of(raw: dict[str, Any]) -> dict[str, dict[str, Any]]:
    tools: dict[str, dict[str, Any]] = {}
    for position, tool in enumerate(raw.get("tools") or ()):
        where = f"tools[{position}]"
        if tool.get("type") != "function":
            raise FeatureUnsupported(
                f"local models don't support tools of type {str(tool.get('type'))[:40]!r}", param=where, fix="Send functions."
            )
        function = tool.get("function") or {}
        name = function.get("name")
        if not isinstance(name, str) or not _TOOL_NAME.fullmatch(name) or name in tools:
            raise InvalidField(
                "a tool's name has 1 to 64 letters, digits, _ or -, and stands there once",
                param=f"{where}.function.name",
                fix="Rename it.",
            )
        _check_size(function, f"the tool {name}", where)
        tools[name] = function
    return tools


def _check_size(described: Any, what: str, where: str) -> None:
    """Remarks in a schema count too: they are told to the model. Errors: InvalidField."""
    nodes = characters = 0
    level: list[Any] = [described]
    for _ in range(LEVELS_MAX):
        inner: list[Any] = []
        for node in level:
            children = node if isinstance(node, list) else [*node.values()] if isinstance(node, dict) else []
            nodes += len(children)
            characters += len(node) if isinstance(node, str) else sum(map(len, node)) if isinstance(node, dict) else 0
            if nodes > NODES_MAX or characters > CHARACTERS_MAX:
                break
            inner += children
        level = inner
        if not level or nodes > NODES_MAX or characters > CHARACTERS_MAX:
            break
    fix = "Send a smaller one, or ask another model."
    if nodes > NODES_MAX or characters > CHARACTERS_MAX:
        most = f"{NODES_MAX} parts and {CHARACTERS_MAX} characters are the most"
        raise InvalidField(f"{what} is too large for a local model: {most}", param=where, fix=fix)
    if level:
        raise InvalidField(f"{what} is nested more than {LEVELS_MAX} levels deep", param=where, fix=fix)


def choice_of(raw: dict[str, Any], tools: dict[str, Any]) -> tuple[str, str]:
    """("none" | "auto" | "required" | "named", name)."""
    choice = raw.get("tool_choice")
    if choice is None:
        return ("auto" if tools else "none"), ""
    if isinstance(choice, dict):
        if choice.get("type") != "function":
            raise FeatureUnsupported(
                f"local models don't support tool_choice {str(choice.get('type'))[:40]!r}",
                param="tool_choice",
                fix="Use auto, none, required, or a function's name.",
            )
        name = (choice.get("function") or {}).get("name")
        if name not in tools:
            raise InvalidField("tool_choice names a tool that isn't among tools", param="tool_choice", fix="Name one that is.")
        return "named", name
    if choice not in ("none", "auto", "required"):
        raise InvalidField("tool_choice is none, auto, required or a function", param="tool_choice", fix="Send one of them.")
    if choice != "none" and not tools:
        raise InvalidField(f"tool_choice {choice} needs tools", param="tool_choice", fix="Send tools, or leave tool_choice out.")
    return choice, ""


def arguments_are_plain(tools: dict[str, dict[str, Any]]) -> bool:
    """Whether the schemas are harmless for the engine's own converter: ours has read them. Errors: InvalidField."""
    grammar = Grammar()
    try:
        for name, tool in tools.items():
            _arguments_rule(grammar, name, tool)
        grammar.text('""')
    except FeatureUnsupported:
        return False
    return True


def _arguments_rule(grammar: Grammar, name: str, tool: dict[str, Any]) -> str:
    parameters = tool.get("parameters")
    if parameters is None:
        return grammar.rule('"{}"', "nothing")
    if isinstance(parameters, dict):
        parameters = {"type": "object", **parameters}
    return grammar.schema(parameters, f"tools.{name}.parameters")


def wanted_form(wanted: dict[str, Any], grammar: Grammar) -> tuple[str, list[str]]:
    """(what the answer must be made of, instructions) for `response_format`; "": anything."""
    kind = wanted.get("type")
    if kind == "text":
        return "", []
    if kind == "json_object":
        return grammar.base("object"), []
    if kind != "json_schema":
        raise FeatureUnsupported(
            f"local models don't support response_format {str(kind)[:40]!r}",
            param="response_format.type",
            fix="Use text, json_object or json_schema.",
        )
    described = wanted.get("json_schema")
    schema = described.get("schema") if isinstance(described, dict) else None
    if not isinstance(schema, dict):
        raise InvalidField("json_schema needs a schema", param="response_format.json_schema.schema", fix="Send a JSON Schema.")
    _check_size(schema, "the schema", "response_format.json_schema.schema")
    rule = grammar.schema(schema, "response_format.json_schema.schema")
    return rule, [f"Answer with JSON that fits this schema:\n{_told(schema)}"]


def calls_form(
    tools: dict[str, dict[str, Any]], choice: str, named: str, form: str, grammar: Grammar, *, parallel: bool = True
) -> tuple[str, str, Reading]:
    """(what the answer must be made of, instruction, reading) for tools that we describe and read ourselves."""
    if choice == "named":
        told = f"Call the function {named}: answer with its arguments as JSON, nothing else.\n{_told(tools[named])}"
        return _arguments_rule(grammar, named, tools[named]), told, Reading(named=named)
    beginnings = {f'{{"name": {_written(name)}, "arguments": ': name for name in tools}
    calls = _calls_rule(tools, choice, beginnings, grammar, parallel=parallel)
    listed = "\n".join(_told(tool) for tool in tools.values())
    how = 'To call one, answer with {"name": …, "arguments": {…}} and nothing else.'
    if parallel:
        how += " To call several, write each in a line of its own."
    told = f"You can call these functions:\n{listed}\n\n{how}"
    if choice == "required":
        return calls, f"{told} You must call one now.", Reading(calls=beginnings)
    words = form or grammar.rule("([^{] .*)?", "words")
    return f"{calls} | {words}", f"{told} Otherwise answer in words.", Reading(calls=beginnings)


def _calls_rule(
    tools: dict[str, dict[str, Any]], choice: str, beginnings: dict[str, str], grammar: Grammar, *, parallel: bool
) -> str:
    rules = {}
    for beginning, name in beginnings.items():
        try:
            rule = _arguments_rule(grammar, name, tools[name])
        except FeatureUnsupported:
            if choice == "required" or tools[name].get("strict"):
                raise
            rule = grammar.base("object")  # the model may choose and nobody asked for strictness: an object will do
        rules[beginning] = f'{rule} "}}"'
    try:
        expression, _ = one_of(sorted(rules), rules)  # names have 64 different characters: no place is wider
    except TooManyBeginAlike as error:
        raise InvalidField(f"tools have names of which {error}", param="tools", fix="Rename some.") from error
    call = grammar.rule(expression, "call")
    return grammar.rule(f"{call} ({literal(BETWEEN)} {call}){{0,{CALLS_MAX - 1}}}", "calls") if parallel else call


def _told(described: dict[str, Any]) -> str:
    """A schema or tool in words for the model. The grammar knows all values; ten thousand would leave no room for the chat."""
    text = _written(described)
    return text if len(text) <= TOLD_CHARACTERS_MAX else _written(_shortened(described))


def _shortened(node: Any) -> Any:
    if isinstance(node, list):
        return [_shortened(each) for each in node]
    if not isinstance(node, dict):
        return node
    values = node.get("enum")
    if isinstance(values, list) and len(values) > TOLD_VALUES_MAX:
        node = {**node, "enum": [*values[:TOLD_VALUES_MAX], f"… and {len(values) - TOLD_VALUES_MAX} more"]}
    return {name: _shortened(each) for name, each in node.items()}


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def without_tools(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """History in which calls and their results are told in words, for templates that know no tools."""
    told: list[dict[str, Any]] = []
    names: dict[str, str] = {}
    for message in messages:
        if message["role"] == "tool":
            name = names.get(str(message.get("tool_call_id")), "the function")
            text = f"Result of {name}:\n{message['content']}"
            if told and told[-1].get("result"):
                told[-1]["content"] += f"\n\n{text}"
            else:
                told.append({"role": "user", "content": text, "result": True})
            continue
        texts = [message["content"]] if message["content"] else []
        for call in message.get("tool_calls", ()):
            function = call.get("function") or {}
            names[str(call.get("id"))] = str(function.get("name", ""))
            texts.append(f'{{"name": {_written(function.get("name", ""))}, "arguments": {function.get("arguments") or "{}"}}}')
        told.append({"role": message["role"], "content": "\n".join(texts)})
    return [{"role": message["role"], "content": message["content"]} for message in told]
