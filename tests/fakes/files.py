"""A server of large files that misbehaves as it is told: on a real socket, an answer at a time."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec


class Answer(msgspec.Struct):
    """How one request is answered. The usual: as a good server would.

    cut:      the connection ends after that many bytes of the body.
    stall:    nothing more comes after that many bytes.
    length:   what Content-Length says, whatever is sent.
    """

    status: int = 0
    location: str = ""
    body: bytes | None = None
    cut: int | None = None
    stall: int | None = None
    length: int | None = None
    ignores_range: bool = False
    range_start: int | None = None
    without_length: bool = False


class Asked(msgspec.Struct, frozen=True):
    path: str
    range: str


class FileServer:
    """What it has, how it will answer next, and what it was asked."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.files: dict[str, bytes] = {}
        self.next: list[Answer] = []
        self.asked: list[Asked] = []
        self.over = threading.Event()


@contextmanager
def file_server(tls: ssl.SSLContext | None = None) -> Iterator[FileServer]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            files.asked.append(Asked(self.path, self.headers.get("Range", "")))
            how = files.next.pop(0) if files.next else Answer()
            self.close_connection = True
            if how.status >= 300 or (how.body is None and self.path not in files.files):
                self.send_response(how.status or 404)
                self.send_header("Connection", "close")
                if how.location:
                    self.send_header("Location", how.location)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            _send(self, how, files.files.get(self.path, b"") if how.body is None else how.body, files.over)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    files = FileServer(server.server_address[1])
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        files.url = files.url.replace("http://", "https://")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield files
    finally:
        files.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _send(handler: BaseHTTPRequestHandler, how: Answer, data: bytes, over: threading.Event) -> None:
    start = 0
    asked = handler.headers.get("Range", "")
    if asked and not how.ignores_range:
        start = int(asked.removeprefix("bytes=").partition("-")[0])
        if start >= len(data):
            handler.send_response(416)
            handler.send_header("Connection", "close")
            handler.send_header("Content-Range", f"bytes */{len(data)}")
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        shown = start if how.range_start is None else how.range_start
        handler.send_response(206)
        handler.send_header("Content-Range", f"bytes {shown}-{len(data) - 1}/{len(data)}")
    else:
        handler.send_response(200)
    body = data[start:]
    handler.send_header("Connection", "close")
    if not how.without_length:
        handler.send_header("Content-Length", str(len(body) if how.length is None else how.length))
    handler.end_headers()
    bounds = [bound for bound in (how.cut, how.stall) if bound is not None]
    try:
        handler.wfile.write(body[: min(bounds)] if bounds else body)
        handler.wfile.flush()
    except OSError:
        return  # whoever asked has had enough
    if how.stall is not None:
        over.wait(60)
