"""HTTP to the appliance: the only file that speaks it. Every failure becomes a sentence and what to do about it."""

import json
import time
from collections.abc import Callable
from typing import Any

import msgspec
from PySide6.QtCore import QByteArray, QObject, QTimer, QUrl, Signal
from PySide6.QtNetwork import QNetworkAccessManager, QNetworkProxy, QNetworkReply, QNetworkRequest

ANSWER_BYTES_MAX = 4 * 1024 * 1024
LINE_BYTES_MAX = 1024 * 1024
DEADLINE_MS = 10_000
SILENCE_MS = 25_000  # the event stream sends a comment every 10 s
RECONNECT_MS = 1_000
CHAT_MS = 300_000
LATE = (QNetworkReply.NetworkError.TimeoutError, QNetworkReply.NetworkError.OperationCanceledError)


class Failure(msgspec.Struct, frozen=True):
    """What went wrong, in plain words, and what mends it. `status` is 0 where no answer came, `param` the field it is about."""

    message: str
    fix: str
    status: int = 0
    is_late: bool = False
    param: str = ""


UNREADABLE = Failure("the gateway sent an answer that can't be read", "is it another program's port? Restart the gateway")
Done = Callable[[Any], None]
Failed = Callable[[Failure], None]


class Client(QObject):
    """Calls to one appliance. `url` and `token` change when the appliance starts anew."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.url = ""
        self.token = ""
        self.network = QNetworkAccessManager(self)
        self.network.setProxy(QNetworkProxy(QNetworkProxy.ProxyType.NoProxy))
        self.network.setRedirectPolicy(QNetworkRequest.RedirectPolicy.ManualRedirectPolicy)

    def call(
        self,
        method: str,
        path: str,
        done: Done,
        failed: Failed,
        body: Any = None,
        *,
        deadline_ms: int = DEADLINE_MS,
        version: int | None = None,
    ) -> QNetworkReply:
        """One JSON call; exactly one of `done` and `failed` is called, later. `version`: refused (412) where it has another."""
        data = json.dumps(body).encode() if body is not None else b""
        request = self.request(path, self.token)
        if version is not None:
            request.setRawHeader(b"If-Match", f'"{version}"'.encode())
        return self._send(method, request, data, _as_json(done, failed), failed, deadline_ms)

    def send_file(self, path: str, file: bytes, kind: str, done: Done, failed: Failed) -> QNetworkReply:
        """A file of a media type as the body; the answer is JSON."""
        return self._send("POST", self.request(path, self.token, kind), file, _as_json(done, failed), failed, DEADLINE_MS)

    def get_file(self, path: str, done: Callable[[bytes], None], failed: Failed) -> QNetworkReply:
        """The answer as it comes."""
        return self._send("GET", self.request(path, self.token), b"", done, failed, DEADLINE_MS)

    def _send(
        self,
        method: str,
        request: QNetworkRequest,
        data: bytes,
        done: Callable[[bytes], None],
        failed: Failed,
        deadline_ms: int,
    ) -> QNetworkReply:
        request.setTransferTimeout(deadline_ms)
        reply = self.network.sendCustomRequest(request, method.encode(), QByteArray(data))
        reply.downloadProgress.connect(lambda got, _all: reply.abort() if got > ANSWER_BYTES_MAX else None)

        def finished() -> None:
            raw = bytes(reply.readAll().data()) if reply.isOpen() else b""
            failure = failure_of(reply, raw)
            reply.deleteLater()
            if failure is not None:
                failed(failure)
            else:
                done(raw)

        reply.finished.connect(finished)
        return reply

    def request(self, path: str, token: str, kind: str = "application/json") -> QNetworkRequest:
        request = QNetworkRequest(QUrl(self.url + path))
        request.setRawHeader(b"Content-Type", kind.encode())
        if token:
            request.setRawHeader(b"Authorization", b"Bearer " + token.encode())
        return request


def _as_json(done: Done, failed: Failed) -> Callable[[bytes], None]:
    def read(raw: bytes) -> None:
        try:
            answer = json.loads(raw) if raw else None
        except ValueError:
            failed(UNREADABLE)
            return
        done(answer)

    return read


def status_of(reply: QNetworkReply) -> int:
    return int(reply.attribute(QNetworkRequest.Attribute.HttpStatusCodeAttribute) or 0)


def failure_of(reply: QNetworkReply, raw: bytes) -> Failure | None:
    """What the appliance said was wrong, or what the network did; None where all is well."""
    status = status_of(reply)
    if 200 <= status < 300 and reply.error() == QNetworkReply.NetworkError.NoError:
        return None
    if status == 404 and b'"error"' not in raw:
        return Failure("this version of the gateway can't do that", "update the gateway", status)
    try:
        error = json.loads(raw)["error"]
        return Failure(str(error["message"]), str(error.get("fix") or ""), status, param=str(error.get("param") or ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    if reply.error() in LATE:
        return Failure("the gateway didn't answer in time", "look at its log, or stop and start it", status, is_late=True)
    if status:
        return Failure(f"the gateway answered {status}", "look at its log", status)
    return Failure("the gateway can't be reached", "start it from the tray's menu")


class Lines:
    """Splits bytes at \\n only, wherever the network cut them: a U+2028 inside a text is not an end of line."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        *whole, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LINE_BYTES_MAX:
            raise ValueError("a line without an end")
        return [line.removesuffix(b"\r") for line in whole]


class Events(QObject):
    """The appliance's events, read for as long as it runs. `lost`: the stream ended; it is tried again until `close`."""

    arrived = Signal(str, object)
    lost = Signal()

    def __init__(self, client: Client) -> None:
        super().__init__(client)
        self._client = client
        self._reply: QNetworkReply | None = None
        self._last_id = b""
        self._heard_at = time.monotonic()
        self._again = QTimer(self, singleShot=True, interval=RECONNECT_MS)
        self._again.timeout.connect(self._connect)
        self._silence = QTimer(self, singleShot=True, interval=SILENCE_MS)
        self._silence.timeout.connect(self._hang_up)

    @property
    def silent_seconds(self) -> float:
        """How long nothing has come."""
        return time.monotonic() - self._heard_at

    def open(self) -> None:
        self.close()
        self._last_id = b""
        self._heard_at = time.monotonic()
        self._connect()

    def close(self) -> None:
        self._again.stop()
        self._silence.stop()
        reply, self._reply = self._reply, None
        if reply is not None:
            reply.abort()
            reply.deleteLater()

    def _connect(self) -> None:
        request = self._client.request("/api/v1/admin/events", self._client.token)
        request.setRawHeader(b"Accept", b"text/event-stream")
        if self._last_id:
            request.setRawHeader(b"Last-Event-ID", self._last_id)
        reply = self._client.network.get(request)
        self._reply = reply
        lines = Lines()
        event = {"name": b"", "data": b""}
        reply.readyRead.connect(lambda: self._read(reply, lines, event))
        reply.finished.connect(lambda: self._ended(reply))
        self._silence.start()

    def _read(self, reply: QNetworkReply, lines: Lines, event: dict[str, bytes]) -> None:
        if reply is not self._reply or status_of(reply) != 200:
            return
        self._heard_at = time.monotonic()
        self._silence.start()
        try:
            for line in lines.feed(bytes(reply.readAll().data())):
                self._take(line, event)
        except ValueError:
            reply.abort()

    def _take(self, line: bytes, event: dict[str, bytes]) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if not line:
            if event["data"]:
                self.arrived.emit(event["name"].decode(errors="replace"), json.loads(event["data"]))
            event["name"] = event["data"] = b""
        elif name == b"event":
            event["name"] = value
        elif name == b"data":
            event["data"] += value
        elif name == b"id":
            self._last_id = value

    def _hang_up(self) -> None:
        if self._reply is not None:
            self._reply.abort()

    def _ended(self, reply: QNetworkReply) -> None:
        reply.deleteLater()
        if reply is not self._reply:
            return
        self._reply = None
        self._silence.stop()
        self._again.start()
        self.lost.emit()


class ChatStream(QObject):
    """One streamed answer. Exactly one of `ended` (tokens in, tokens out) and `failed` follows, unless it is stopped."""

    text = Signal(str)
    ended = Signal(int, int)
    failed = Signal(object)

    def __init__(self, client: Client, key: str, model: str, messages: list[dict[str, str]]) -> None:
        super().__init__(client)
        body = {"model": model, "messages": messages, "stream": True, "stream_options": {"include_usage": True}}
        request = client.request("/v1/chat/completions", key)
        request.setTransferTimeout(CHAT_MS)
        self._reply = client.network.post(request, QByteArray(json.dumps(body).encode()))
        self._lines = Lines()
        self._tokens = (0, 0)
        self._is_whole = self._is_over = False
        self._reply.readyRead.connect(self._read)
        self._reply.finished.connect(self._finished)

    def stop(self) -> None:
        self._is_over = True
        self._reply.abort()

    def _read(self) -> None:
        if status_of(self._reply) != 200 or self._is_over:
            return
        try:
            for line in self._lines.feed(bytes(self._reply.readAll().data())):
                if line.startswith(b"data:"):
                    self._take(line[5:].strip())
        except (ValueError, KeyError, TypeError, AttributeError):
            self._fail(Failure("the answer can't be read", "try again; if it stays, look at the gateway's log"))

    def _take(self, data: bytes) -> None:
        if data == b"[DONE]":
            self._is_whole = True
            return
        chunk = json.loads(data)
        if "error" in chunk:
            self._fail(Failure(str(chunk["error"]["message"]), str(chunk["error"].get("fix") or "")))
            return
        for choice in chunk.get("choices") or ():
            if text := (choice.get("delta") or {}).get("content"):
                self.text.emit(text)
        if usage := chunk.get("usage"):
            self._tokens = (int(usage["prompt_tokens"]), int(usage["completion_tokens"]))

    def _finished(self) -> None:
        self._read()
        self._reply.deleteLater()
        if self._is_over:
            return
        failure = failure_of(self._reply, bytes(self._reply.readAll().data()))
        if failure is None and not self._is_whole:
            failure = Failure("the answer broke off before its end", "try again")
        self._is_over = True
        if failure is not None:
            self.failed.emit(failure)
        else:
            self.ended.emit(*self._tokens)

    def _fail(self, failure: Failure) -> None:
        self._is_over = True
        self._reply.abort()
        self.failed.emit(failure)
