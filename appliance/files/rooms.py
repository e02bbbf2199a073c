"""The workers' side of what both rooms for files do: bounds for one call, and failures that say nothing of the file.

No library that parses files is imported here, nor in the rooms: their handlers import what a file needs, once it is known.
"""

import math
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from appliance.files.document import FileError
from appliance.files.orders import WORN
from appliance.workers.child import ChildCall, Handler, HandlerError
from appliance.workers.frames import UNTRUSTED_BYTES_MAX

if sys.platform != "win32":
    import resource

Order = TypeVar("Order")
MARGIN_BYTES = 64  # what says how long it is


def answering(kind: type[Order], work: Callable[[Order], Any]) -> Handler:
    """A handler that does `work`, with what was asked in its shape and the answer as bytes: what a confined worker may say."""

    def handler(body: Any, call: ChildCall) -> Any:
        order = msgspec.convert(body, kind)
        _bound_time(getattr(order, "cpu_seconds", 0))
        try:
            return _bounded(msgspec.msgpack.encode(work(order)))
        except FileError as error:
            raise HandlerError(error.code, error.message, {"fix": error.fix}) from None
        except MemoryError:
            detail = {"fix": "Send fewer pages at a time.", WORN: True}
            raise HandlerError("TOO_LARGE", "the file needs more memory to read than it may use", detail) from None
        except RecursionError:
            detail = {"fix": "Save it anew with the program that made it."}
            raise HandlerError("MALFORMED", "the file is nested too deeply", detail) from None

    return handler


def _bounded(answer: bytes) -> bytes:
    if len(answer) > UNTRUSTED_BYTES_MAX - MARGIN_BYTES:
        raise FileError("TOO_LARGE", "there is more text in the file than is read", "Send fewer pages at a time.")
    return answer


def _bound_time(seconds: int) -> None:
    """The kernel ends this process when the call has used so much processor time, whatever code holds Python's lock."""
    if not seconds or sys.platform == "win32":
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = math.ceil(used.ru_utime + used.ru_stime) + seconds
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))
