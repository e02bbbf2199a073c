"""The worker that reads pictures. Its engine is loaded once, when it is first needed or warmed."""

import importlib
from typing import Any

from appliance.files.document import Seen
from appliance.files.orders import EngineHere, Look, Warm
from appliance.files.rooms import answering
from appliance.workers.child import Room


def lines(order: Look) -> Seen:
    seen: Seen = _cascade().seen(order.pixels, order.engine, order.languages)
    return seen


def warm(order: Warm) -> list[EngineHere]:
    return [EngineHere(name, sorted(scripts)) for name, scripts in _cascade().warm(order.engine, order.languages)]


def _cascade() -> Any:
    return importlib.import_module("appliance.files.ocr.cascade")


ROOM = Room({"lines": answering(Look, lines), "warm": answering(Warm, warm)}, threads=1)
