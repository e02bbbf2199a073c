"""The log: one JSON line an event. Who did what and how it went; never what was said.

    log = get_logger("gateway")
    log.info("request finished", request_id=…, route=…, status=200, seconds=0.12)

gives {"ts": …, "level": "info", "room": "gateway", "event": "request finished", "request_id": …, …}.
What libraries log comes out the same way: warnings and errors only, and only the words that stand in their code.
"""

import logging
import sys
import threading
from collections.abc import MutableMapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import msgspec
import structlog

from appliance.home import Home
from appliance.settings import Settings
from appliance.telemetry.log_writer import LogWriter, RotatingFile, Sink, StandardError
from appliance.telemetry.redaction import clean, describe_exception, scrub

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
LOG_FILE = "gatehouse.log"

# aiohttp's server quotes malformed requests whole, credentials included. We run none; should one appear, it is silent.
SILENCED_LIBRARIES = ("aiohttp.server", "aiohttp.access", "granian.access")

# Hand this to Granian as `log_dictconfig`: it otherwise prints to stdout in a format of its own.
GRANIAN_LOGGING: dict[str, Any] = {
    "formatters": {},
    "handlers": {},
    "loggers": {
        "_granian": {"handlers": [], "level": "WARNING", "propagate": True},
        "granian.access": {"handlers": [], "level": "CRITICAL", "propagate": False},
    },
}

_encode = msgspec.json.Encoder().encode


class _Output:
    """Where rendered lines go now. Loggers are made at import, long before anybody has read the settings."""

    level = LEVELS["warning"]  # until configured: a command's own warnings, on stderr

    def __init__(self) -> None:
        self.writer: LogWriter | None = None

    def put(self, line: bytes) -> None:
        if self.writer is not None:
            self.writer.put(line)
        elif sys.stderr is not None:
            sys.stderr.write(line.decode() + "\n")

    debug = info = warning = error = put  # structlog calls the method that the event's level is named after


output = _Output()


def _render(_: object, level: str, event: MutableMapping[str, Any]) -> bytes:
    error = event.pop("exc_info", None)
    line: dict[str, Any] = {
        "ts": datetime.now(UTC),
        "level": level,
        "room": event.pop("room", ""),
        "event": event.pop("event"),
    }
    line.update(clean(event))
    if error:
        found = error if isinstance(error, BaseException) else sys.exc_info()[1]
        if found is not None:
            line["exception"] = describe_exception(found)
    return _encode(line)


class Logger(structlog.BoundLoggerBase):
    """structlog's bound logger with our four levels. `bind(request_id=…)` gives one that adds fields to each line."""

    def debug(self, event: str, **fields: Any) -> None:
        if output.level <= 10:
            self._proxy_to_logger("debug", event, **fields)

    def info(self, event: str, **fields: Any) -> None:
        if output.level <= 20:
            self._proxy_to_logger("info", event, **fields)

    def warning(self, event: str, **fields: Any) -> None:
        if output.level <= 30:
            self._proxy_to_logger("warning", event, **fields)

    def error(self, event: str, **fields: Any) -> None:
        """Pass `exc_info=True` or the exception itself: its type and place are logged, not its words."""
        self._proxy_to_logger("error", event, **fields)

    def exception(self, event: str, **fields: Any) -> None:
        """`error`, with the exception that is being handled."""
        self._proxy_to_logger("error", event, exc_info=True, **fields)


def get_logger(room: str) -> Logger:
    """The logger of one room. Cheap; make it once, at the top of a file."""
    return Logger(output, [_render], {"room": room})


def writes_to_file(settings: Settings, *, service: bool) -> bool:
    """Whether lines go to the home's log folder: always as a service, and where a person reads the terminal."""
    if settings.log_to == "auto":
        return service or bool(sys.stderr and sys.stderr.isatty())
    return settings.log_to == "file"


def configure(settings: Settings, home: Home, *, service: bool) -> None:
    """Send the log where the settings say. A second call replaces the first."""
    sink: Sink = StandardError()
    if writes_to_file(settings, service=service):
        sink = RotatingFile(home.logs / LOG_FILE, settings.log_bytes_max, settings.log_files_max)
    close()
    output.level = LEVELS[settings.log_level]
    output.writer = LogWriter(sink)
    _route_libraries()
    _route_uncaught()


def lines_lost() -> int:
    """Lines dropped since the log was configured, because the disk was slow or full."""
    return output.writer.lines_lost if output.writer is not None else 0


def close() -> None:
    """Write what waits. Lines that come later go to stderr, warnings and errors only."""
    writer, output.writer = output.writer, None
    output.level = _Output.level
    if writer is not None:
        writer.close()


class _LibraryHandler(logging.Handler):
    """Python's own logging, brought into ours, without the values that a library put into its message."""

    def emit(self, record: logging.LogRecord) -> None:
        level = "error" if record.levelno >= logging.ERROR else "warning"
        # The template, not the message: values are filled into it from whatever was being handled.
        words = str(record.msg).partition("\n")[0]
        line: dict[str, Any] = {
            "ts": datetime.now(UTC),
            "level": level,
            "room": "library",
            "event": scrub(words)[:200],
            "logger": record.name,
        }
        if record.exc_info and record.exc_info[1] is not None:
            line["exception"] = describe_exception(record.exc_info[1])
        output.put(_encode(line))


_library_handler = _LibraryHandler(logging.WARNING)


def _route_libraries() -> None:
    root = logging.getLogger()
    for handler in root.handlers[:]:
        if handler is not _library_handler and type(handler) is logging.StreamHandler:
            root.removeHandler(handler)  # a basicConfig() of some library would print the same message whole
    if _library_handler not in root.handlers:
        root.addHandler(_library_handler)
    root.setLevel(logging.WARNING)
    for name in SILENCED_LIBRARIES:
        logger = logging.getLogger(name)
        logger.setLevel(logging.CRITICAL + 1)
        logger.propagate = False
    granian = logging.getLogger("_granian")
    granian.handlers.clear()
    granian.setLevel(logging.WARNING)
    granian.propagate = True


def _route_uncaught() -> None:
    """Python prints an uncaught exception of a thread with its words; the log has its type and place."""
    log = get_logger("telemetry")

    def in_thread(args: threading.ExceptHookArgs) -> None:
        log.error("a thread ended with an exception", thread=getattr(args.thread, "name", ""), exc_info=args.exc_value)

    def unraisable(args: Any) -> None:
        log.error("an exception that nobody could catch", exc_info=args.exc_value)

    def at_top(_: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        log.error("the program ended with an exception", exc_info=error.with_traceback(trace))

    threading.excepthook = in_thread
    sys.unraisablehook = unraisable
    sys.excepthook = at_top
