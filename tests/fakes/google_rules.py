"""What Gemini refuses of a request that protojson could read, as it refuses it.

Source: ai.google.dev/gemini-api/docs/function-calling, docs/thought-signatures, docs/troubleshooting; the texts are those of the
live service as users report them.
"""

import base64
import json
import re
from typing import Any

from tests.fakes.google_messages import Invalid, read

DUMMY_SIGNATURE = "skip/thought/signature/validator"  # as it is read: bytes in base64url
NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}")
IMAGES = ("image/png", "image/jpeg", "image/webp", "image/heic", "image/heif", "application/pdf")
CANDIDATES_MAX = 8
STOP_SEQUENCES_MAX = 5
TOOLS_MAX = 512


class Refusal(Exception):
    """A request that Google would not take."""

    def __init__(self, code: int, status: str, message: str, details: list[dict[str, Any]] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.body = error_body(code, status, message, details)


def error_body(code: int, status: str, message: str, details: list[dict[str, Any]] | None = None) -> bytes:
    error: dict[str, Any] = {"code": code, "message": message, "status": status}
    if details is not None:
        error["details"] = details
    return json.dumps({"error": error}, indent=2).encode()


def bad(message: str) -> Refusal:
    return Refusal(400, "INVALID_ARGUMENT", message)


def read_message(body: Any, kind: str) -> Any:
    """The body with its fields' names in camelCase. Errors: Refusal."""
    try:
        return read(body, kind)
    except Invalid as error:
        violation = {"description": str(error)}
        details = [{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [violation]}]
        raise Refusal(400, "INVALID_ARGUMENT", str(error), details) from error


def check_generate(model: str, body: dict[str, Any]) -> None:
    contents = body.get("contents") or []
    if not contents:
        raise bad("* GenerateContentRequest.contents: contents is not specified")
    _check_contents(contents, "gemini-3" in model)
    _check_config(model, body.get("generationConfig") or {}, bool(body.get("tools")))
    _check_tools(body)


def _check_contents(contents: list[dict[str, Any]], demands_signatures: bool) -> None:
    calls: list[dict[str, Any]] = []
    for position, content in enumerate(contents):
        role, parts = content.get("role", "user"), content.get("parts") or []
        if role not in ("user", "model"):
            raise bad("Please use a valid role: user, model.")
        if not parts:
            raise bad(f"* GenerateContentRequest.contents[{position}].parts: contents.parts must not be empty.")
        for at, part in enumerate(parts):
            _check_part(part, f"GenerateContentRequest.contents[{position}].parts[{at}]")
        results = [part["functionResponse"] for part in parts if "functionResponse" in part]
        _check_results(calls, results)
        calls = [part["functionCall"] for part in parts if "functionCall" in part]
        if calls and role != "model":
            raise bad("Please ensure that function call turn comes from the role 'model'.")
        if calls and (position == 0 or contents[position - 1].get("role") == "model"):
            raise bad(
                "Please ensure that function call turn comes immediately after a user turn or after a function response turn."
            )
        if calls and demands_signatures:
            _check_signature(parts, position)
    if calls:
        raise bad("Please ensure that the number of function response parts is equal to the number of function call parts.")


def _check_part(part: dict[str, Any], at: str) -> None:
    data = [name for name in ("text", "inlineData", "fileData", "functionCall", "functionResponse") if name in part]
    if len(data) != 1:
        raise bad(f"* {at}.data: required oneof field 'data' must have one initialized field")
    if part.get("text") == "":
        raise bad("Unable to submit request because it has an empty text parameter.")
    if "inlineData" in part and part["inlineData"].get("mimeType") not in IMAGES:
        raise bad(f"Unsupported MIME type: {part['inlineData'].get('mimeType')}")
    for name in ("functionCall", "functionResponse"):
        if name in part and not part[name].get("name"):
            raise bad(f"* {at}.{_snake(name)}.name: Name cannot be empty.")


def _check_results(calls: list[dict[str, Any]], results: list[dict[str, Any]]) -> None:
    if len(calls) != len(results):
        raise bad(
            "Please ensure that the number of function response parts is equal to the number of function call parts of the "
            "function call turn."
        )
    for call, result in zip(calls, results, strict=True):
        if call["name"] != result["name"] or call.get("id") != result.get("id"):
            raise bad(f"The function response {result['name']!r} doesn't match the function call {call['name']!r}.")
        if not isinstance(result.get("response"), dict):
            raise bad("Function response must be an object.")


def signature_of(call: dict[str, Any]) -> str:
    """What this fake signs a call with: the same for the same call, and nothing else."""
    return base64.b64encode(b"signed>>" + json.dumps([call["name"], call.get("args") or {}], sort_keys=True).encode()).decode()


def _check_signature(parts: list[dict[str, Any]], position: int) -> None:
    first = next(part for part in parts if "functionCall" in part)
    given = first.get("thoughtSignature")
    name = first["functionCall"]["name"]
    if given is None:
        raise bad(
            f"Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly. "
            f"Additional data, function call `default_api:{name}`, position {position + 1}."
        )
    if given not in (DUMMY_SIGNATURE, signature_of(first["functionCall"])):
        raise bad("Thought signature is not valid.")


def _check_config(model: str, config: dict[str, Any], has_tools: bool) -> None:
    if not 1 <= config.get("candidateCount", 1) <= CANDIDATES_MAX:
        raise bad(f"Only up to {CANDIDATES_MAX} candidates can be specified")
    if len(config.get("stopSequences") or []) > STOP_SEQUENCES_MAX:
        raise bad("The number of stop sequences must not exceed 5.")
    if not 0 <= config.get("temperature", 1) <= 2:
        raise bad("* GenerateContentRequest.generation_config.temperature: temperature must be in the range [0.0, 2.0].")
    json_wanted = config.get("responseMimeType") == "application/json"
    if not json_wanted and ("responseSchema" in config or "responseJsonSchema" in config):
        raise bad("Setting a response schema requires response_mime_type to be 'application/json'.")
    if json_wanted and has_tools and "gemini-2" in model:
        raise bad("Function calling with a response mime type: 'application/json' is unsupported")
    if "logprobs" in config and not config.get("responseLogprobs"):
        raise bad("logprobs is only allowed when response_logprobs is set.")
    thinking = config.get("thinkingConfig")
    if thinking is not None:
        _check_thinking(model, thinking)


def _check_thinking(model: str, thinking: dict[str, Any]) -> None:
    if "gemini-2.0" in model:
        raise bad("Unable to submit request because Thinking is not supported by this model.")
    if "thinkingLevel" in thinking and "gemini-3" not in model:
        raise bad("Thinking level is not supported for this model.")
    if "thinkingLevel" in thinking and "-pro" in model and thinking["thinkingLevel"].lower() == "minimal":
        raise bad("Thinking level MINIMAL is not supported for this model.")
    if "gemini-2.5-pro" in model and not 128 <= thinking.get("thinkingBudget", 128) <= 32_768:
        raise bad("The thinking budget is invalid. Please choose a value between 128 and 32768.")
    if "gemini-2.5-flash" in model and not -1 <= thinking.get("thinkingBudget", 0) <= 24_576:
        raise bad("The thinking budget is invalid. Please choose a value between 0 and 24576.")


def _check_tools(body: dict[str, Any]) -> None:
    declared: list[str] = []
    for tool in body.get("tools") or []:
        for position, function in enumerate(tool.get("functionDeclarations") or []):
            at = f"GenerateContentRequest.tools[0].function_declarations[{position}]"
            if not NAME.fullmatch(function.get("name", "")):
                raise bad(f"* {at}.name: Invalid function name. Must start with a letter or an underscore.")
            if function["name"] in declared:
                raise bad(f"Duplicate function declaration found: {function['name']}")
            if "parameters" in function and "parametersJsonSchema" in function:
                raise bad(f"* {at}: parameters and parameters_json_schema are mutually exclusive.")
            if "parameters" in function:
                _check_openapi(function["parameters"], f"{at}.parameters")
            declared.append(function["name"])
    if len(declared) > TOOLS_MAX:
        raise bad(f"At most {TOOLS_MAX} function declarations are supported.")
    calling = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
    allowed = calling.get("allowedFunctionNames") or []
    if allowed and calling.get("mode") not in ("ANY", "VALIDATED"):
        raise bad("Please set mode to ANY when allowed_function_names is set.")
    if (calling.get("mode") == "ANY" and not declared) or not set(allowed) <= set(declared):
        raise bad("allowed_function_names holds a name that is not declared.")


def _check_openapi(schema: dict[str, Any], at: str) -> None:
    if schema.get("type", "").upper() == "OBJECT" and not schema.get("properties"):
        raise bad(f"* {at}.properties: should be non-empty for OBJECT type")
    if schema.get("type", "").upper() == "ARRAY" and "items" not in schema:
        raise bad(f"* {at}.items: missing field.")
    for name in schema.get("required") or []:
        if name not in (schema.get("properties") or {}):
            raise bad(f"* {at}.required[0]: property is not defined")
    for name, inner in (schema.get("properties") or {}).items():
        _check_openapi(inner, f"{at}.properties[{name}]")


def _snake(name: str) -> str:
    return re.sub(r"([A-Z])", lambda found: "_" + found[1].lower(), name)
