"""The log: one JSON line an event, and never what was said."""

import asyncio
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from appliance.errors import ModelUnknown
from appliance.home import Home
from appliance.settings import Settings
from appliance.telemetry import logs
from appliance.telemetry.redaction import REMOVED, clean, scrub

SECRET = "sk-abcdefghijklmnopqrstuvwxyz012345"
PROMPT = "tell me about my illness"
Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    """Logging is one a process: what a test changes is put back."""
    root = logging.getLogger()
    hooks = (sys.excepthook, threading.excepthook, sys.unraisablehook)
    handlers, level = root.handlers[:], root.level
    yield
    logs.close()
    root.handlers[:], root.level = handlers, level
    sys.excepthook, threading.excepthook, sys.unraisablehook = hooks
    for name in (*logs.SILENCED_LIBRARIES, "_granian"):
        logging.getLogger(name).setLevel(logging.NOTSET)
        logging.getLogger(name).propagate = True


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").make()


@pytest.fixture
def lines(home: Home) -> Lines:
    """Configures the log to a file; called, closes it and gives its lines."""
    logs.configure(Settings(log_to="file", log_level="debug"), home, service=False)

    def lines() -> list[dict[str, Any]]:
        logs.close()
        text = (home.logs / "gatehouse.log").read_bytes()
        assert SECRET.encode() not in text
        assert PROMPT.encode() not in text
        return [msgspec.json.decode(line) for line in text.splitlines()]

    return lines


def test_an_event_is_one_json_line(lines: Lines) -> None:
    logs.get_logger("gateway").info("request finished", route="/v1/chat/completions", status=200, seconds=0.5, key=None)
    (line,) = lines()
    assert list(line)[:4] == ["ts", "level", "room", "event"]
    assert line["ts"].endswith("Z")
    assert line["ts"][10] == "T"
    del line["ts"]
    assert line == {
        "level": "info",
        "room": "gateway",
        "event": "request finished",
        "route": "/v1/chat/completions",
        "status": 200,
        "seconds": 0.5,
        "key": None,
    }


def test_a_line_end_in_a_value_does_not_start_a_new_line(lines: Lines) -> None:
    logs.get_logger("x").info("a\nb", name='c\n{"level":"error"}')
    (line,) = lines()
    assert line["name"] == 'c\n{"level":"error"}'


def test_a_bound_logger_adds_its_fields(lines: Lines) -> None:
    logs.get_logger("x").bind(request_id="req_1").warning("careful", n=1)
    (line,) = lines()
    assert (line["room"], line["request_id"], line["n"], line["level"]) == ("x", "req_1", 1, "warning")


def test_a_logger_made_before_the_settings_were_read_obeys_them(home: Home) -> None:
    log = logs.get_logger("early")
    log.debug("nobody hears this")
    logs.configure(Settings(log_to="file", log_level="warning"), home, service=False)
    log.info("quiet")
    log.warning("loud")
    logs.configure(Settings(log_to="file", log_level="debug"), home, service=False)
    log.debug("all")
    logs.close()
    events = [msgspec.json.decode(line)["event"] for line in (home.logs / "gatehouse.log").read_bytes().splitlines()]
    assert events == ["loud", "all"]


@pytest.mark.parametrize(
    ("log_to", "service", "to_file"),
    [("auto", True, True), ("auto", False, False), ("stderr", True, False), ("file", False, True)],
)
def test_where_the_log_goes(home: Home, capfd: pytest.CaptureFixture[str], log_to: Any, service: bool, to_file: bool) -> None:
    logs.configure(Settings(log_to=log_to), home, service=service)
    logs.get_logger("x").info("here")
    logs.close()
    assert (home.logs / "gatehouse.log").exists() is to_file
    assert ('"here"' in capfd.readouterr().err) is not to_file


def test_what_must_not_be_in_a_log_is_removed(lines: Lines) -> None:
    class Provider(msgspec.Struct):
        api_key: str

    logs.get_logger("x").info(
        "e",
        api_key=SECRET,
        Authorization=f"Bearer {SECRET}",
        messages=[{"role": "user", "content": PROMPT}],
        content=PROMPT,
        prompt=PROMPT,
        openai_api_key=SECRET,
        secret_access_key=SECRET,
        provider=Provider(SECRET),
        body_bytes=PROMPT.encode(),
        inner={"password": SECRET, "fine": [1, {"x-api-key": SECRET, "set-cookie": SECRET}]},
        error=ValueError(PROMPT),
        tokens_in=3,
    )
    (line,) = lines()
    assert line["api_key"] == line["Authorization"] == line["messages"] == line["prompt"] == line["openai_api_key"] == REMOVED
    assert line["secret_access_key"] == REMOVED
    assert (line["provider"], line["body_bytes"], line["error"]) == ("<Provider>", "<bytes>", "<ValueError>")
    assert line["inner"] == {"password": REMOVED, "fine": [1, {"x-api-key": REMOVED, "set-cookie": REMOVED}]}
    assert line["tokens_in"] == 3


def test_an_exception_leaves_its_kind_and_place_but_not_its_words(lines: Lines) -> None:
    log = logs.get_logger("x")
    for error in (KeyError(PROMPT), UnicodeDecodeError("utf-8", PROMPT.encode(), 0, 1, "x"), ModelUnknown(PROMPT)):
        try:
            raise RuntimeError(PROMPT) from error
        except RuntimeError:
            log.exception("failed")
        log.error("again", exc_info=error)
    found = lines()
    assert found[0]["exception"]["type"] == "RuntimeError"
    assert found[0]["exception"]["because"] == "KeyError"
    assert "test_logs.py:" in found[0]["exception"]["at"][-1]
    assert found[5]["exception"] == {"type": "ModelUnknown", "at": [], "code": "model_not_found"}


def test_what_the_operating_system_says_is_kept(lines: Lines) -> None:
    try:
        Path("/no/such/file").read_bytes()
    except OSError:
        logs.get_logger("x").exception("failed")
    assert lines()[0]["exception"]["says"] == "No such file or directory"


class TestLibraries:
    def test_a_warning_comes_out_in_our_form_without_its_values(self, lines: Lines) -> None:
        logging.getLogger("aiohttp.client").warning("Can not load cookies: %s", PROMPT)
        logging.getLogger("somebody").info("chatter %s", PROMPT)
        (line,) = lines()
        del line["ts"]
        assert line == {"level": "warning", "room": "library", "event": "Can not load cookies: %s", "logger": "aiohttp.client"}

    def test_a_malformed_request_is_not_quoted_by_aiohttps_server(self, lines: Lines) -> None:
        logging.getLogger("aiohttp.server").error("Error handling request", exc_info=ValueError(f"GET / {SECRET}"))
        logging.getLogger("aiohttp.access").error(SECRET)
        logs.get_logger("x").info("marker")
        assert len(lines()) == 1

    def test_a_credential_in_a_ready_made_message_is_removed(self, lines: Lines) -> None:
        text = f"refused: Authorization: Bearer {SECRET}\n{PROMPT}"
        logging.getLogger("x").error(text)
        assert lines()[0]["event"] == f"refused: Authorization: {REMOVED}"

    def test_granian_comes_out_the_same_way(self, lines: Lines, capfd: pytest.CaptureFixture[str]) -> None:
        from granian.log import LogLevels, configure_logging

        configure_logging(LogLevels.info, logs.GRANIAN_LOGGING)
        logging.getLogger("_granian").warning("Embedded server is experimental!")
        logging.getLogger("granian.access").info("GET /?key=%s", SECRET)
        found = lines()
        assert [line["event"] for line in found] == ["Embedded server is experimental!"]
        captured = capfd.readouterr()
        assert captured.out + captured.err == ""

    async def test_a_task_that_nobody_waited_for_is_told_without_its_words(self, lines: Lines) -> None:
        loop = asyncio.get_running_loop()
        loop.call_exception_handler(
            {"message": "Task exception was never retrieved", "exception": ValueError(PROMPT), "future": PROMPT}
        )
        (line,) = lines()
        assert (line["event"], line["exception"]["type"]) == ("Task exception was never retrieved", "ValueError")

    def test_a_thread_that_fails_is_told_without_its_words(self, lines: Lines, capfd: pytest.CaptureFixture[str]) -> None:
        def fails() -> None:
            raise ValueError(PROMPT)

        thread = threading.Thread(target=fails, name="worker-7")
        thread.start()
        thread.join()
        (line,) = lines()
        assert (line["thread"], line["exception"]["type"]) == ("worker-7", "ValueError")
        assert PROMPT not in capfd.readouterr().err


class TestRedaction:
    @pytest.mark.parametrize(
        "text",
        [
            f"Bearer {SECRET}",
            f"key={SECRET}",
            "basic dXNlcjpwYXNzd29yZA==",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
            "postgresql://user:hunter2@db:5432/x",
            "AKIAIOSFODNN7EXAMPLE0000",
            "https://10.0.0.5:8443/join/lHSfgmDhEVlFs7OrZ5RivULTDsgJHH1JN4khdQQ74Xa",
        ],
    )
    def test_what_looks_like_a_credential_is_removed_from_foreign_text(self, text: str) -> None:
        scrubbed = scrub(f"it said {text} and left")
        assert REMOVED in scrubbed
        for part in (SECRET, "dXNlcjpwYXNzd29yZA", "c2lnbmF0dXJl", "hunter2", "AKIAIOSFODNN7EXAMPLE", "lHSfgmDhEVl"):
            assert part not in scrubbed

    def test_ordinary_words_stay(self) -> None:
        text = "the basic form, skipped 3 tasks at http://127.0.0.1:8000/v1 by ghost-writer"
        assert scrub(text) == text

    def test_what_is_too_deep_long_or_many_is_cut(self) -> None:
        deep: dict[str, Any] = {}
        at = deep
        for _ in range(50):
            at["x"] = {}
            at = at["x"]
        cleaned = clean({"deep": deep, "long": "a" * 10_000, "many": list(range(10_000)), "where": Path("/tmp"), 1: 2})  # type: ignore[dict-item]
        assert len(msgspec.json.encode(cleaned)) < 4_000
        assert cleaned["where"] == "/tmp"
