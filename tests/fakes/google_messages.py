"""Which names Gemini's requests may hold, and what stands under them: the part of its protobufs that matters here.

Source: ai.google.dev/api/generate-content and the google-genai SDK 3.6; what protojson says to anything else.
"""

import base64
import binascii
from typing import Any

SCHEMA_TYPES = ("STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL", "TYPE_UNSPECIFIED")
MESSAGES: dict[str, dict[str, Any]] = {
    "GenerateContentRequest": {
        "model": "string", "contents": ["Content"], "systemInstruction": "Content", "tools": ["Tool"], "toolConfig": "ToolConfig",
        "safetySettings": ["SafetySetting"], "generationConfig": "GenerationConfig", "cachedContent": "string", "store": "bool",
        "serviceTier": "string",
    },
    "Content": {"role": "string", "parts": ["Part"]},
    "Part": {
        "text": "string", "inlineData": "Blob", "fileData": "FileData", "functionCall": "FunctionCall", "thought": "bool",
        "functionResponse": "FunctionResponse", "thoughtSignature": "bytes", "executableCode": "any",
        "codeExecutionResult": "any", "videoMetadata": "any", "mediaResolution": "any", "partMetadata": "object",
    },
    "Blob": {"mimeType": "string", "data": "bytes"},
    "FileData": {"mimeType": "string", "fileUri": "string"},
    "FunctionCall": {"id": "string", "name": "string", "args": "object"},
    "FunctionResponse": {
        "id": "string", "name": "string", "response": "object", "willContinue": "bool", "scheduling": "string", "parts": ["any"],
    },
    "Tool": {
        "functionDeclarations": ["FunctionDeclaration"], "googleSearch": "any", "codeExecution": "any", "urlContext": "any",
    },
    "FunctionDeclaration": {
        "name": "string", "description": "string", "parameters": "Schema", "parametersJsonSchema": "any", "response": "Schema",
        "responseJsonSchema": "any", "behavior": "string",
    },
    # as live models have long taken it: no additionalProperties, $ref, $defs, const, nor lists of types
    "Schema": {
        "type": SCHEMA_TYPES, "format": "string", "title": "string", "description": "string", "nullable": "bool",
        "enum": ["string"], "maxItems": "int64", "minItems": "int64", "properties": {"": "Schema"}, "required": ["string"],
        "minProperties": "int64", "maxProperties": "int64", "minLength": "int64", "maxLength": "int64", "pattern": "string",
        "example": "any", "anyOf": ["Schema"], "propertyOrdering": ["string"], "default": "any", "items": "Schema",
        "minimum": "number", "maximum": "number",
    },
    "ToolConfig": {"functionCallingConfig": "FunctionCallingConfig", "retrievalConfig": "any"},
    "FunctionCallingConfig": {"mode": ("AUTO", "ANY", "NONE", "VALIDATED"), "allowedFunctionNames": ["string"]},
    "SafetySetting": {"category": "string", "threshold": "string"},
    "GenerationConfig": {
        "stopSequences": ["string"], "responseMimeType": "string", "responseSchema": "Schema", "responseJsonSchema": "any",
        "responseModalities": ["string"], "candidateCount": "int32", "maxOutputTokens": "int32", "temperature": "number",
        "topP": "number", "topK": "int32", "seed": "int32", "presencePenalty": "number", "frequencyPenalty": "number",
        "responseLogprobs": "bool", "logprobs": "int32", "enableEnhancedCivicAnswers": "bool", "speechConfig": "any",
        "thinkingConfig": "ThinkingConfig", "imageConfig": "any", "mediaResolution": "string",
    },
    "ThinkingConfig": {
        "includeThoughts": "bool", "thinkingBudget": "int32",
        "thinkingLevel": ("minimal", "low", "medium", "high", "MINIMAL", "LOW", "MEDIUM", "HIGH"),
    },
    "EmbedContentRequest": {
        "model": "string", "content": "Content", "taskType": "string", "title": "string", "outputDimensionality": "int32",
    },
    "BatchEmbedContentsRequest": {"model": "string", "requests": ["EmbedContentRequest"]},
}  # fmt: skip

_SCALARS = {"string": str, "bool": bool, "object": dict}


class Invalid(Exception):
    """What protojson would not read; one text for each place."""


def read(value: Any, kind: Any, at: str = "") -> Any:
    """The value as protojson understands it: fields by their names in camelCase, bytes in plain base64. Errors: Invalid."""
    if isinstance(kind, list):
        _must(isinstance(value, list), kind, at, value)
        return [read(inner, kind[0], f"{at}[{position}]") for position, inner in enumerate(value)]
    if isinstance(kind, dict):
        _must(isinstance(value, dict), "map", at, value)
        return {name: read(inner, kind[""], f"{at}[{len(name)}].value") for name, inner in value.items()}
    if isinstance(kind, tuple):
        _must(isinstance(value, str) and (value in kind or value.upper() in kind), "enum", at, value)
    elif kind in MESSAGES:
        return _read_message(value, kind, at)
    elif kind != "any":
        _must(_is_scalar(value, kind), kind, at, value)
    return value.replace("-", "+").replace("_", "/") if kind == "bytes" else value


def _read_message(value: Any, kind: str, at: str) -> dict[str, Any]:
    _must(isinstance(value, dict), kind, at, value)
    known = MESSAGES[kind]
    found = {}
    for name, inner in value.items():
        field = _camel(name)
        if field not in known:
            where = f" at '{at}'" if at else ""
            raise Invalid(f'Invalid JSON payload received. Unknown name "{name}"{where}: Cannot find field.')
        if inner is not None:
            found[field] = read(inner, known[field], f"{at}.{field}" if at else field)
    return found


def _is_scalar(value: Any, kind: str) -> bool:
    if kind in _SCALARS:
        return isinstance(value, _SCALARS[kind])
    if kind == "bytes":
        try:
            text = value.replace("-", "+").replace("_", "/")
            base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
        except (AttributeError, ValueError, binascii.Error):
            return False
        return True
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return kind == "number" or (float(value).is_integer() and -(2**31) <= value < 2**31)


def _must(holds: bool, kind: Any, at: str, value: Any) -> None:
    if not holds:
        raise Invalid(f"Invalid value at '{at}' ({kind}), {str(value)[:60]!r}")


def _camel(name: str) -> str:
    """protojson takes a field by either of its names."""
    first, *others = name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in others) if first else name
