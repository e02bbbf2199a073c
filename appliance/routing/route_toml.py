"""Providers and routes as a TOML file: read, and written so that reading it back changes nothing. Credentials only come in."""

import json
import re
import tomllib
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from appliance.errors import InvalidField
from appliance.routing.route_book import Book
from appliance.routing.route_forms import DeploymentForm, ProviderForm, RouteForm, without_credentials

HEAD = """\
# Providers and routes of Gatehouse. `gatehouse routes import FILE` reads this back: what has the same name is replaced,
# everything else stays. Credentials aren't in it.
"""
KEY_PARTS_MAX = 16  # of a dotted name; ours have three
DOTS_MAX = 64  # in a line of a file with texts over several lines
# Texts of one line, whether they end or not, comments, and what names and numbers are made of. No try at a place ever fails,
# so the search takes no longer the worse the file is.
_SKIPPED = re.compile(rb"""\"(?:[^"\\\n]|\\[^\n])*\\?(?:"|$)|'[^'\n]*(?:'|$)|\#[^\n]*|[A-Za-z0-9_\- \t]+""", re.MULTILINE)
_ALWAYS = ("name", "kind", "strategy", "provider", "model", "weight")


def read_toml(data: bytes) -> dict[str, Any]:
    """Errors: InvalidField, with the line."""
    _refuse_long_names(data)
    try:
        return tomllib.loads(data.decode("utf-8-sig"))  # some editors of Windows put a mark before it
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InvalidField(f"line {line} is no UTF-8 text", fix="Save the file as UTF-8.") from None
    except RecursionError:
        raise InvalidField("the file is nested too deeply", fix="Write providers and routes, and nothing within them.") from None
    except ValueError as error:  # TOMLDecodeError is one; so are numbers and dates that Python can't hold
        raise _unreadable(str(error), data) from None


def _refuse_long_names(data: bytes) -> None:
    """A name of n parts costs the parser n² steps, and n more for each line below it: 40 kB took 20 s, 1 MB takes hours.

    Errors:  InvalidField. Where a text may go over several lines it can't be told apart from names without parsing it all;
             there a line may not have many dots in all.
    """
    if b'"""' in data or b"'''" in data:
        too_long = any(line.count(b".") > DOTS_MAX for line in data.split(b"\n"))
    else:
        too_long = b"." * KEY_PARTS_MAX in _SKIPPED.sub(b"", data)
    if too_long:
        mend = "Write providers and routes, and nothing within them."
        raise InvalidField(f"a name in it has more than {KEY_PARTS_MAX} parts with dots between them", fix=mend)


def _unreadable(message: str, data: bytes) -> InvalidField:
    what, _, place = message.partition(" (at ")
    found = re.search(r"line (\d+)", place)
    line = found[1] if found else str(data.count(b"\n") + 1)
    # The parser quotes what it can't read, which may be a credential.
    shown = re.sub(r"'.*'|\".*\"", "…", what, flags=re.DOTALL)[:200]
    mend = 'Write `name = "value"`, below [[providers]], [[routes]] or [[routes.deployments]].'
    return InvalidField(f"line {line} can't be read: {shown}", fix=mend)


def written_toml(book: Book, elsewhere: Iterable[str] = ()) -> str:
    """The whole book. `elsewhere`: lines on providers that stand somewhere else, put in as comments."""
    parts = [HEAD, *(f"# {line}\n" for line in elsewhere)]
    parts += ["\n" + "\n".join(_provider_lines(stored.form)) + "\n" for stored in book.providers.values()]
    parts += ["\n" + "\n".join(_route_lines(stored.form)) + "\n" for stored in book.routes.values()]
    return "".join(parts)


def _provider_lines(form: ProviderForm) -> Iterator[str]:
    yield "[[providers]]"
    bare = without_credentials(form)
    yield from _lines(bare, ProviderForm(name=form.name, kind=form.kind))
    if form != bare:
        names = "access_key_id and secret_access_key" if form.access_key_id else "api_key"
        yield f"# {names}: not written here. Must be given where this provider isn't there already."


def _route_lines(form: RouteForm) -> Iterator[str]:
    yield "[[routes]]"
    yield from _lines(msgspec.structs.replace(form, deployments=[]), RouteForm(name=form.name))
    for deployment in form.deployments:
        yield ""
        yield "[[routes.deployments]]"
        yield from _lines(deployment, DeploymentForm(provider=deployment.provider, model=deployment.model))


def _lines(form: Any, usual: Any) -> Iterator[str]:
    """A line a field: those that say who it is, and those that are not as usual."""
    for name in form.__struct_fields__:
        value = getattr(form, name)
        if name in _ALWAYS or value != getattr(usual, name):
            yield f"{name} = {_value(msgspec.to_builtins(value))}"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")  # the one character that JSON lets stand
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return f"{{ {', '.join(f'{name} = {_value(one)}' for name, one in value.items() if one is not None)} }}"
