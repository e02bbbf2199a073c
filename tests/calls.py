"""HTTP as the tests speak it: the standard library's client for ordinary calls, bare sockets for the rest."""

import http.client
import json
import socket
import time
from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any, Self

import msgspec


class Answer(msgspec.Struct):
    """A whole answer. Header names are in small letters."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, Any]:
        """What stands in an error's body, checked to be OpenAI's shape with a way out."""
        error = self.json["error"]
        assert isinstance(error, dict), self
        for name in ("message", "type", "code"):
            assert isinstance(error[name], str), self
            assert error[name], self
        assert "param" in error, self
        return error

    @property
    def content(self) -> str:
        """The text of a chat completion's first choice."""
        assert self.status == 200, self
        return str(self.json["choices"][0]["message"]["content"])


LAST_WORDS = b": gatehouse "


class Event(msgspec.Struct):
    """One server-sent event, or a comment (then `data` is None)."""

    at: float
    raw: bytes
    data: bytes | None

    @property
    def json(self) -> Any:
        assert self.data is not None
        return json.loads(self.data)


class StreamAnswer:
    """An answer whose body is read as it comes. Closing it early is hanging up."""

    def __init__(self, connection: http.client.HTTPConnection, response: http.client.HTTPResponse) -> None:
        self._connection = connection
        self._response = response
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.hang_up()

    def hang_up(self) -> None:
        # shutdown first: close() alone leaves the socket open while the response still holds it
        if self._connection.sock is not None:
            try:
                self._connection.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self._response.close()
        self._connection.close()

    def events(self) -> Iterator[Event]:
        """Events and comments, each as soon as its blank line is there.

        Errors:  http.client.IncompleteRead or ConnectionError when the transfer is cut.
        """
        rest = b""
        while piece := self._response.read1(65536):
            rest += piece
            while (end := rest.find(b"\n\n")) >= 0:
                raw, rest = rest[: end + 2], rest[end + 2 :]
                lines = [line.removeprefix(b"data:").removeprefix(b" ") for line in raw.split(b"\n") if line.startswith(b"data:")]
                yield Event(time.monotonic(), raw, b"\n".join(lines) if lines else None)
        assert not rest.strip(), f"the stream ends inside an event: {rest!r}"

    def collect(self) -> "Collected":
        return Collected(list(self.events()))


class Collected:
    """A stream read to its end. `last_words`: what the appliance says of the answer, behind it; not among the events."""

    def __init__(self, events: list[Event]) -> None:
        self.last_words: dict[str, Any] | None = None
        if events and events[-1].raw.startswith(LAST_WORDS):
            self.last_words = json.loads(events[-1].raw.removeprefix(LAST_WORDS))
            events = events[:-1]
        self.events = events
        self.raw = b"".join(event.raw for event in events)
        self.datas = [event.data for event in events if event.data is not None]
        self.done = bool(self.datas) and self.datas[-1] == b"[DONE]"
        self.bodies: list[dict[str, Any]] = [json.loads(data) for data in self.datas if data != b"[DONE]"]
        self.comments = [event for event in events if event.data is None]

    @property
    def chunks(self) -> list[dict[str, Any]]:
        return [body for body in self.bodies if "error" not in body]

    @property
    def error(self) -> dict[str, Any] | None:
        return next((body["error"] for body in self.bodies if "error" in body), None)

    @property
    def content(self) -> str:
        return "".join(
            choice["delta"].get("content") or "" for body in self.chunks for choice in body["choices"] if choice["index"] == 0
        )

    @property
    def finish(self) -> str | None:
        reasons = [choice["finish_reason"] for body in self.chunks for choice in body["choices"]]
        return next((reason for reason in reasons if reason), None)

    @property
    def usages(self) -> list[dict[str, Any]]:
        return [body["usage"] for body in self.chunks if body.get("usage")]


class Client:
    """Speaks to one address. Each call is a connection of its own, so that no test leaves another a broken one."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self.port = port
        self.host = host

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        headers: Mapping[str, str | bytes] | None = None,
        timeout: float = 60,
    ) -> Answer:
        """One request, its whole answer.

        Shapes:  `body` as bytes goes out as it is, anything else as JSON with its Content-Type.
        """
        connection, response = self._send(method, path, body, token, headers, timeout)
        try:
            return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
        finally:
            connection.close()

    def stream(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        headers: Mapping[str, str | bytes] | None = None,
        timeout: float = 60,
    ) -> StreamAnswer:
        """One request, its answer as it comes: use as a context manager."""
        return StreamAnswer(*self._send(method, path, body, token, headers, timeout))

    def _send(
        self, method: str, path: str, body: Any, token: str | None, headers: Mapping[str, str | bytes] | None, timeout: float
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        sent: dict[str, str | bytes] = dict(headers or {})
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        try:
            connection.request(method, path, body=body, headers=sent)
            return connection, connection.getresponse()
        except BaseException:
            connection.close()
            raise

    def connect(self, timeout: float = 30) -> socket.socket:
        """A bare socket, for what no decent client would send."""
        return socket.create_connection((self.host, self.port), timeout=timeout)

    def raw(self, *pieces: bytes, timeout: float = 30) -> bytes:
        """Send bytes as they are, and read until the server closes, or has sent one whole answer."""
        with self.connect(timeout) as connection:
            return exchange(connection, pieces)


def exchange(connection: socket.socket, pieces: Iterable[bytes]) -> bytes:
    """Send, then read one answer (or what came before the connection ended)."""
    try:
        for piece in pieces:
            connection.sendall(piece)
    except (BrokenPipeError, ConnectionResetError):
        pass  # refused before all was sent: the answer is what counts
    received = b""
    try:
        while piece := connection.recv(65536):
            received += piece
            if _is_whole(received):
                break
    except ConnectionResetError:
        pass  # it closed with bytes of ours unread
    return received


def _is_whole(received: bytes) -> bool:
    head, blank, body = received.partition(b"\r\n\r\n")
    if not blank:
        return False
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return len(body) >= int(line.partition(b":")[2])
        if line.startswith(b"transfer-encoding:"):
            return body.endswith(b"0\r\n\r\n")
    return False


def parsed(received: bytes) -> Answer:
    """Bytes of one answer with a Content-Length, taken apart."""
    head, _, body = received.partition(b"\r\n\r\n")
    status_line, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Answer(int(status_line.split(" ")[1]), headers, body)


def head(path: str, key: str, *lines: str, method: str = "POST") -> bytes:
    """The head of a request, written by hand."""
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {key}", *lines, "", ""]).encode()


def written(path: str, key: str, body: Any) -> bytes:
    """A whole request, written by hand."""
    data = json.dumps(body).encode()
    return head(path, key, f"Content-Length: {len(data)}") + data


def chat(model: str, content: Any = "Hello!", **more: Any) -> dict[str, Any]:
    """A chat request's body."""
    return {"model": model, "messages": [{"role": "user", "content": content}], **more}
