"""What a check is given, and what it says."""

from collections.abc import Callable, Iterator, Mapping
from typing import Literal

import msgspec

from appliance.home import Home
from appliance.settings import Settings

State = Literal["ok", "warn", "fail"]


class Finding(msgspec.Struct, frozen=True):
    """One line of the doctor's answer. `mend` is empty where nothing needs mending."""

    name: str
    state: State
    what: str
    mend: str = ""


class Patient(msgspec.Struct, frozen=True):
    """What is examined. `settings` are the defaults where those given can't be read; a check of its own says so."""

    home: Home
    environ: Mapping[str, str]
    settings: Settings


Check = Callable[[Patient], Iterator[Finding]]


def ok(name: str, what: str) -> Finding:
    return Finding(name, "ok", what)


def warn(name: str, what: str, mend: str) -> Finding:
    return Finding(name, "warn", what, mend)


def fail(name: str, what: str, mend: str) -> Finding:
    return Finding(name, "fail", what, mend)
