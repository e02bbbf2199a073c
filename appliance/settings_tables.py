"""Settings that are lists of tables: `[[providers]]` and `[[vllm]]`. Each table is checked by itself, so that a message has
its line."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args, get_origin

import msgspec

from appliance.settings import ProviderSettings, VllmSettings
from appliance.settings_files import TomlFile
from appliance.settings_rules import Problem


class _Table(msgspec.Struct, frozen=True):
    """What a table is called in messages, and what a name in it may be."""

    kind: type[Any]
    one: str
    example: str
    name_may_have: str
    name_characters: str


TABLES = {
    "providers": _Table(
        ProviderSettings,
        "a provider",
        "my-provider",
        "small letters, digits, `.`, `_` and `-` only, 64 at most",
        "small letters (a-z), digits, `.`, `_` and `-`, at most 64, and a letter or a digit first",
    ),
    "vllm": _Table(
        VllmSettings,
        "a vLLM model",
        "my-model",
        "letters, digits, `.`, `_`, `:`, `/` and `-` only, 128 at most",
        "letters (a-z), digits, `.`, `_`, `:`, `/` and `-`, at most 128, and a letter or a digit first",
    ),
}
_FILLED_IN = ("source",)  # by the program


def checked_rows(
    setting: str, rows: Any, source: Literal["file", "environment"], where: str, toml: TomlFile, problems: list[Problem]
) -> Iterator[Any]:
    """The tables that are right, each as its struct; what is wrong with the others goes to `problems`."""
    table = TABLES[setting]
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        problems.append(Problem(where, f"{setting} must be tables", f"Write [[{setting}]] above the lines of each."))
        return
    fields = {field.name: field for field in msgspec.structs.fields(table.kind)}
    for index, row in enumerate(rows):
        found = list(_problems(table, fields, row, lambda key, index=index: toml.table_place(setting, index, key)))
        problems += found
        if not found:
            more = {"source": source} if "source" in fields else {}
            yield msgspec.convert({**row, **more}, table.kind)


def _problems(
    table: _Table, fields: Mapping[str, msgspec.structs.FieldInfo], row: dict[str, Any], place: Any
) -> Iterator[Problem]:
    known = [name for name in fields if name not in _FILLED_IN]
    for key in row:
        if key not in known:
            yield Problem(place(key), f"{table.one} has no setting {key!r}", nearest(key, known))
    for name in known:  # one by one: msgspec stops at the first that is wrong
        field = fields[name]
        if name not in row:
            if field.required:
                yield Problem(place(""), f"{table.one} needs a {name}", _missing(table, name))
            continue
        try:
            msgspec.convert(row[name], field.type)
        except msgspec.ValidationError as error:
            yield Problem(place(name), *_wrong(table, str(error), field))


def _missing(table: _Table, key: str) -> str:
    return f'Add name = "{table.example}": {table.name_characters}.' if key == "name" else f'Add {key} = "…".'


def _wrong(table: _Table, text: str, field: msgspec.structs.FieldInfo) -> tuple[str, str]:
    """What is wrong, and what can be written instead."""
    key, whose = field.name, f"{table.one}'s {field.name}"
    kind = field.type.__origin__ if hasattr(field.type, "__metadata__") else field.type
    if "matching regex" in text:
        return f"{whose} may have {table.name_may_have}", f'Write {key} = "{table.example}": {table.name_characters}.'
    if get_origin(kind) is Literal:
        return f"{whose} must be one of {', '.join(get_args(kind))}", f'Write {key} = "{field.default}" or another of these.'
    if get_origin(kind) is list:
        return f"{whose} must be a list of texts", f'Write {key} = ["…", "…"], or leave it out.'
    if kind is bool:
        return f"{whose} must be true or false", f"Write {key} = true, or leave it out."
    if kind in (int, float):
        return f"{whose} must be {_numbers(field.type, kind)}", f"Write {key} = {field.default}, or leave it out."
    return f"{whose} must be text in double quotes", f'Write {key} = "…".'


def _numbers(annotated: Any, kind: Any) -> str:
    (meta,) = annotated.__metadata__
    words = {"ge": "of at least", "gt": "above", "le": "of at most"}
    bounds = [f"{word} {getattr(meta, name):g}" for name, word in words.items() if getattr(meta, name) is not None]
    return " ".join(["a whole number" if kind is int else "a number", " and ".join(bounds)])


def nearest(name: str, known: Mapping[str, object] | set[str] | list[str]) -> str:
    """The mend for a name that nobody knows."""
    by_small_letters = {candidate.lower(): candidate for candidate in known}
    near = difflib.get_close_matches(name.lower(), by_small_letters, n=1, cutoff=0.6)
    return f"Did you mean {by_small_letters[near[0]]}?" if near else "Take it out; `gatehouse settings` lists what there is."
