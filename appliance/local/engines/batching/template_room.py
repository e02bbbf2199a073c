"""The worker's room that renders chat templates. A template comes with a model's file: a program by a stranger.

Jinja's sandbox keeps it from attributes that lead out; it can still loop for ever or double a string forty times. So it
runs in a process of its own, without secrets, under a bound on memory; whoever asks has a bound on time and kills it.
Environment as Hugging Face's: trim_blocks, lstrip_blocks, loop controls, `tojson`, `raise_exception`, `strftime_now`.
Source: transformers' `chat_template_utils.py`, for what templates may expect.
"""

import json
from datetime import datetime
from typing import Any, NoReturn

import msgspec
from jinja2 import TemplateError, nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from appliance.workers.child import ChildCall, HandlerError, Room

TEMPLATES_MAX = 8  # compiled ones that are kept
REFUSED = "refused"  # the template itself says no to these messages
BROKEN = "broken"  # the template can't be used
TOO_LARGE = "too_large"


class RenderRequest(msgspec.Struct):
    """`values` are the template's variables; the text has `characters_max` characters at most."""

    template: str
    values: dict[str, Any]
    characters_max: int


class _Refused(Exception):
    """`raise_exception` of a template."""


class _Generation(Extension):
    """`{% generation %}…{% endgeneration %}` marks what a model wrote, for training: here its content is all that counts."""

    tags = {"generation"}  # noqa: RUF012 - Jinja's own interface

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def _raise_exception(message: object = "") -> NoReturn:
    raise _Refused(str(message)[:300])


def _tojson(value: Any, ensure_ascii: bool = False, indent: int | None = None, **_: Any) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent)


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols])
    environment.filters["tojson"] = _tojson
    environment.globals["raise_exception"] = _raise_exception
    environment.globals["strftime_now"] = lambda form: datetime.now().astimezone().strftime(form)
    return environment


class Templates:
    """Renders; remembers what it has compiled."""

    def __init__(self) -> None:
        self._environment = _environment()
        self._compiled: dict[str, Any] = {}

    def render(self, body: Any, call: ChildCall) -> str:
        request = msgspec.convert(body, RenderRequest)
        pieces, length = [], 0
        try:
            for piece in self._template(request.template).generate(request.values):
                length += len(piece)
                if length > request.characters_max:
                    raise HandlerError(TOO_LARGE, "the template makes too much text")
                pieces.append(piece)
        except _Refused as error:
            # Only what the template says literally: it might put a message into its words.
            words = str(error)
            raise HandlerError(REFUSED, words if words and words in request.template else "") from error
        except SecurityError as error:
            raise HandlerError(BROKEN, "it does what templates must not do") from error
        except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
            raise HandlerError(BROKEN, f"it fails with {type(error).__name__}") from error
        except (MemoryError, RecursionError) as error:
            raise HandlerError(BROKEN, "it uses too much memory") from error
        return "".join(pieces)

    def _template(self, source: str) -> Any:
        template = self._compiled.get(source)
        if template is None:
            if len(self._compiled) >= TEMPLATES_MAX:
                self._compiled.clear()
            template = self._compiled[source] = self._environment.from_string(source)
        return template


ROOM = Room({"render": Templates().render}, threads=1)
