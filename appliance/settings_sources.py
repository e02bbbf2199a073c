"""Reads the settings: defaults, `gatehouse.toml`, `.env` beside it, the environment; the later wins.

Whatever can't be right refuses to start, with its place and the mend, and all of it at once: a typing error that is
passed over in silence is found weeks later, by its damage. Values of credentials never appear in a message.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args, get_origin

import msgspec

from appliance.home import Home
from appliance.settings import ProviderSettings, SettingInfo, Settings, describe
from appliance.settings_files import TomlFile, read_env_file
from appliance.settings_providers import contradictions as vendor_contradictions
from appliance.settings_providers import variables_read, with_credentials
from appliance.settings_rules import Problem, SettingsError, contradictions
from appliance.settings_tables import TABLES, checked_rows, nearest
from appliance.settings_vllm import contradictions as vllm_contradictions

Source = Literal["default", "file", ".env", "environment"]

PREFIX = "GATEHOUSE_"
# Read elsewhere, and no settings: where the home is, and what tests inject.
NOT_SETTINGS = re.compile(r"GATEHOUSE_(HOME|TEST|TEST_\w+)")
# Kubernetes describes each Service in the environment of every pod; a Service called gatehouse gives these.
KUBERNETES_NAMES = re.compile(r"GATEHOUSE_(\w+_)?(SERVICE_(HOST|PORT)(_\w+)?|PORT(_\d+_(TCP|UDP)(_(PROTO|PORT|ADDR))?)?)")

# Settings whose names begin so may stand in a table of that name: [ocr] and engine, for ocr_engine.
GROUPS = ("files", "ocr")

YES = frozenset(("true", "1", "yes", "on"))
NO = frozenset(("false", "0", "no", "off"))


class Loaded(msgspec.Struct, frozen=True):
    """The settings, and where each came from."""

    settings: Settings
    sources: dict[str, Source]


class _Value(msgspec.Struct, frozen=True):
    """A setting as one source has it: the value, decoded but not checked, and the place to name in a message."""

    value: Any
    source: Source
    where: str
    name: str  # what stands before the `=` there


def load(home: Home, environ: Mapping[str, str]) -> Loaded:
    """All settings, checked.

    Errors:  SettingsError with everything that is wrong; CannotStart when a file can't be read.
    """
    infos = {info.name: info for info in describe()}
    problems: list[Problem] = []
    found: dict[str, _Value] = {}

    toml = TomlFile(home)
    found.update(_from_toml(toml, infos, problems))
    env_file = read_env_file(home, problems)
    settings_in_env_file = _from_variables(env_file, ".env", infos, problems)
    found.update(settings_in_env_file)
    found.update(_from_variables({name: (value, "") for name, value in environ.items()}, "environment", infos, problems))

    types = {field.name: field.type for field in msgspec.structs.fields(Settings)}
    values: dict[str, Any] = {}
    for name, given in found.items():
        if name in TABLES:
            values[name] = _rows(name, given, toml, problems)
        else:
            value = _checked(given, types[name], infos[name], problems)
            if value is not msgspec.UNSET:
                values[name] = value
    variables = {**{name: value for name, (value, _) in env_file.items()}, **environ}
    if not problems:
        _refuse_strays(env_file, infos, values.get("providers", []), problems)
    if problems:
        raise SettingsError(problems)

    settings = Settings(**values)
    where = {name: given.where for name, given in found.items()}
    problems = [
        *contradictions(settings, variables, where, toml.provider_place),
        *vendor_contradictions(settings, variables, toml.provider_place),
        *vllm_contradictions(settings, lambda index, key: toml.table_place("vllm", index, key)),
    ]
    if problems:
        raise SettingsError(problems)
    sources: dict[str, Source] = {name: found[name].source if name in found else "default" for name in infos}
    return Loaded(with_credentials(settings, variables, sources), sources)


def _from_toml(toml: TomlFile, infos: Mapping[str, SettingInfo], problems: list[Problem]) -> dict[str, _Value]:
    found: dict[str, _Value] = {}
    for name, value in toml.table.items():
        if name in GROUPS and isinstance(value, dict):
            found.update(_from_group(toml, name, infos, problems))
        elif name not in infos:
            problems.append(Problem(toml.place(name), f"there is no setting {name!r}", nearest(name, infos)))
        else:
            found[name] = _Value(value, "file", toml.place(name) if name not in TABLES else str(toml.path), name)
    return found


def _from_group(
    toml: TomlFile, group: str, infos: Mapping[str, SettingInfo], problems: list[Problem]
) -> Iterator[tuple[str, _Value]]:
    """`engine` in the table `[ocr]` is the setting ocr_engine."""
    known = {name.removeprefix(f"{group}_"): name for name in infos if name.startswith(f"{group}_")}
    for key, value in toml.table[group].items():
        place = toml.place(group, key)
        if key not in known:
            problems.append(Problem(place, f"[{group}] has no setting {key!r}", nearest(key, known)))
        elif known[key] in toml.table:
            problems.append(Problem(place, f"{known[key]} stands in the file as well", "Keep one of the two lines."))
        else:
            yield known[key], _Value(value, "file", place, key)


def _from_variables(
    variables: Mapping[str, tuple[str, str]], source: Source, infos: Mapping[str, SettingInfo], problems: list[Problem]
) -> dict[str, _Value]:
    """The settings among one source's variables; unknown GATEHOUSE_ names are problems."""
    found: dict[str, _Value] = {}
    known = {variable for info in infos.values() for variable in info.env}
    in_kubernetes = "KUBERNETES_SERVICE_HOST" in variables
    for variable, (_, where) in variables.items():
        if not variable.startswith(PREFIX) or variable in known or NOT_SETTINGS.fullmatch(variable):
            continue
        if not (in_kubernetes and KUBERNETES_NAMES.fullmatch(variable)):
            near = nearest(variable, known)
            problems.append(Problem(where or "the environment", f"there is no setting {variable}", near))
    for info in infos.values():
        given = [name for name in info.env if name in variables and _counts(name, variables[name][0], in_kubernetes)]
        if not given:
            continue
        value, where = variables[given[0]]
        place = where or f"{given[0]} in the environment"
        if len({variables[name][0] for name in given}) > 1:
            what = f"{' and '.join(given)} are the same setting with different values"
            problems.append(Problem(place, what, f"Set only {given[0]}."))
        found[info.name] = _Value(value, source, place, given[0])
    return found


def _counts(variable: str, value: str, in_kubernetes: bool) -> bool:
    if not variable.startswith(PREFIX):
        return value != ""  # compose files pass common names on empty
    return not (in_kubernetes and KUBERNETES_NAMES.fullmatch(variable) and "://" in value)


def _checked(given: _Value, kind: Any, info: SettingInfo, problems: list[Problem]) -> Any:
    """The value in the type of its setting, or UNSET once the problem is noted."""
    value = given.value
    if given.source != "file":
        value = _from_text(value, kind)
    try:
        value = msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        problems.append(Problem(given.where, f"{info.name} {_wrong(error, given.value, info)}", _mend(given, kind, info)))
        return msgspec.UNSET
    if isinstance(value, float) and not math.isfinite(value):
        problems.append(Problem(given.where, f"{info.name} must be a finite number", _mend(given, kind, info)))
        return msgspec.UNSET
    return value


def _from_text(text: str, kind: Any) -> Any:
    """A variable's text as the value it stands for; text that stands for none is given back, to be refused."""
    base = _base(kind)
    text = text.strip() if base is not str else text
    if base is bool:
        return True if text.lower() in YES else False if text.lower() in NO else text
    if base in (int, float):
        try:
            return base(text)
        except ValueError:
            return text
    if base is list:
        if text.startswith("["):
            try:
                return msgspec.json.decode(text)
            except msgspec.DecodeError:
                return text
        return [item for item in (part.strip() for part in text.split(",")) if item]
    return text


def _base(kind: Any) -> Any:
    """bool, int, float, list or str, out of Annotated[…]."""
    while hasattr(kind, "__metadata__"):
        kind = kind.__origin__
    origin = get_origin(kind)
    if origin is Literal:
        return type(get_args(kind)[0])
    return origin or kind


def _wrong(error: msgspec.ValidationError, value: Any, info: SettingInfo) -> str:
    """msgspec's complaint in plain words, with the value unless it is a secret."""
    text = str(error).partition(" - at ")[0]
    names = {"`int`": "a whole number", "`float`": "a number", "`bool`": "true or false", "`str`": "text", "`array`": "a list"}
    shown = "" if info.secret or not isinstance(value, str | int | float | bool) else f"is {value!r}, but "
    if "Invalid enum value" in text:
        field = next(field for field in msgspec.structs.fields(Settings) if field.name == info.name)
        choices = get_args(field.type.__origin__)
        return f"{shown}must be one of {', '.join(choices)}"
    wanted = text.removeprefix("Expected ").partition(", got")[0]
    whose = "have entries that are" if "[...]" in str(error) or re.search(r"\$\[\d", str(error)) else "be"
    for name, plain in names.items():
        wanted = wanted.replace(name, plain)
    wanted = wanted.replace("<=", "of at most").replace(">=", "of at least").replace(">", "above")
    return f"{shown}must {whose} {wanted}"


def _mend(given: _Value, kind: Any, info: SettingInfo) -> str:
    """A line that can be written instead, and what else it may say."""
    fits, base = _fitting(given, kind, info), _base(kind)
    in_file = given.source == "file"
    if in_file:
        line = f"{given.name} = {json.dumps(fits, ensure_ascii=False)}"
    else:
        line = f"{given.name}={','.join(fits) if base is list else str(fits).lower() if base is bool else fits}"
    choices = get_args(kind.__origin__) if get_origin(kind.__origin__) is Literal else (True, False) if base is bool else ()
    others = [
        json.dumps(choice) if in_file else str(choice).lower() if base is bool else choice for choice in choices if choice != fits
    ]
    if others:
        return f"Write {line} (or {', '.join(others)})."
    return f"Write {line} ({_range(kind)})." if base in (int, float) else f"Write {line}"


def _fitting(given: _Value, kind: Any, info: SettingInfo) -> Any:
    """What was meant where that is plain, as with `port = "8000"`; else the default, or a stand-in where that is empty."""
    base, value = _base(kind), given.value
    if base is list:
        return [value] if isinstance(value, str) and given.source == "file" else ["…", "…"]
    if base is str and get_origin(kind.__origin__) is not Literal:
        return info.default or "…"
    if isinstance(value, str):
        try:
            fits = msgspec.convert(_from_text(value, kind), kind)
        except msgspec.ValidationError:
            return info.default
        return info.default if isinstance(fits, float) and not math.isfinite(fits) else fits
    return info.default


def _range(kind: Any) -> str:
    """The numbers that a setting may have, in words."""
    bounds = {
        name: getattr(meta, name) for meta in kind.__metadata__ for name in ("ge", "gt", "le") if getattr(meta, name) is not None
    }
    what = "a whole number" if _base(kind) is int else "a number"
    if "ge" in bounds and "le" in bounds:
        return f"{what} from {bounds['ge']} to {bounds['le']}"
    words = {"ge": "of at least", "gt": "above", "le": "of at most"}
    return " ".join([what, *(f"{words[name]} {bound}" for name, bound in bounds.items())])


def _rows(setting: str, given: _Value, toml: TomlFile, problems: list[Problem]) -> list[Any]:
    """The tables of a list such as `[[providers]]`; in the environment they are JSON."""
    rows = _from_text(given.value, list) if isinstance(given.value, str) else given.value
    source: Literal["file", "environment"] = "file" if given.source == "file" else "environment"
    return list(checked_rows(setting, rows, source, given.where, toml, problems))


def _refuse_strays(
    env_file: Mapping[str, tuple[str, str]],
    infos: Mapping[str, SettingInfo],
    providers: list[ProviderSettings],
    problems: list[Problem],
) -> None:
    """`.env` in the home folder is ours alone: a line that nothing reads is a mistake."""
    known = {variable for info in infos.values() for variable in info.env}
    read = known | variables_read(providers)
    for variable, (_, where) in env_file.items():
        if variable in read or variable.startswith(PREFIX):
            continue
        upper = PREFIX + variable.upper()
        mend = f"Write {upper}." if upper in known else nearest(variable, known)
        problems.append(Problem(where, f"nothing reads {variable}", mend))
