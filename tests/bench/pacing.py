"""An upstream of many doors, each with one answer made beforehand: `http://host:port/DOOR/…` gives DOOR's, whatever is asked.

    python -m tests.bench.pacing FOLDER PORT

FOLDER/DOOR is a whole answer, HTTP head and all. FOLDER/DOOR.pieces is a streamed one: a msgpack list of what is to be sent,
first the seconds between two pieces, then the pieces. It reads as little of a request as it can: it is there to be fast.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

import msgspec
import uvloop

from tests.bench.processes import Process, free_port, start, wait_for

READY = "ready"


def head(content_type: str, length: int | None) -> bytes:
    """`length`: of a whole body; None for a stream."""
    framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    return f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\n{framing}\r\n\r\n".encode()


def whole(body: bytes) -> bytes:
    return head("application/json", len(body)) + body


def streamed(content_type: str, pieces: list[bytes]) -> list[bytes]:
    """The pieces as they go over the wire, in HTTP's chunks."""
    chunks = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces]
    return [head(content_type, None) + chunks[0], *chunks[1:-1], chunks[-1] + b"0\r\n\r\n"]


class Paced:
    """The running upstream. A door is added before it starts."""

    def __init__(self, folder: Path, cores: str) -> None:
        folder.mkdir()
        self.folder = folder
        self.url = f"http://127.0.0.1:{free_port()}"
        self._cores = cores
        self.process: Process | None = None
        (folder / READY).write_bytes(whole(b"{}"))

    def add_whole(self, door: str, body: bytes) -> str:
        """Its address."""
        (self.folder / door).write_bytes(whole(body))
        return f"{self.url}/{door}"

    def add_stream(self, door: str, content_type: str, pieces: list[bytes], *, pace_seconds: float) -> str:
        """Its address."""
        written = msgspec.msgpack.encode((pace_seconds, streamed(content_type, pieces)))
        (self.folder / f"{door}.pieces").write_bytes(written)
        return f"{self.url}/{door}"

    def start(self) -> None:
        port = self.url.rpartition(":")[2]
        command = [sys.executable, "-m", "tests.bench.pacing", str(self.folder), port]
        self.process = start("paced", command, self.folder.parent, cores=self._cores)
        wait_for(f"{self.url}/{READY}", self.process)

    def stop(self) -> None:
        if self.process is not None:
            self.process.stop()


class Connection(asyncio.Protocol):
    """One of the gateway's connections, one request after the other."""

    def __init__(self, wholes: dict[bytes, bytes], streams: dict[bytes, tuple[float, list[bytes]]]) -> None:
        self._wholes = wholes
        self._streams = streams
        self._loop = asyncio.get_running_loop()
        self._read = b""
        self._open = True

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        self._open = False

    def data_received(self, data: bytes) -> None:
        self._read += data
        start = self._read.find(b"\r\n\r\n")
        if start < 0:
            return
        request = self._read[:start].lower()
        found = request.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0]
        if len(self._read) < start + 4 + int(found or 0):
            return
        door = self._read.split(b"/", 2)[1].partition(b" ")[0]
        self._read = b""
        if door in self._wholes:
            self._transport.write(self._wholes[door])
        elif door in self._streams:
            pace, pieces = self._streams[door]
            self._send(pace, pieces, 0)
        else:
            self._transport.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")

    def _send(self, pace: float, pieces: list[bytes], at: int) -> None:
        if not self._open:
            return
        self._transport.write(pieces[at])
        if at + 1 < len(pieces):
            self._loop.call_later(pace, self._send, pace, pieces, at + 1)


def read(folder: Path) -> tuple[dict[bytes, bytes], dict[bytes, tuple[float, list[bytes]]]]:
    """(whole answers, streamed ones), by door."""
    wholes, streams = {}, {}
    for file in folder.iterdir():
        if file.suffix == ".pieces":
            streams[file.stem.encode()] = msgspec.msgpack.decode(file.read_bytes(), type=tuple[float, list[bytes]])
        else:
            wholes[file.name.encode()] = file.read_bytes()
    return wholes, streams


async def main(folder: Path, port: int) -> None:
    wholes, streams = read(folder)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(wholes, streams), "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(Path(sys.argv[1]), int(sys.argv[2])))
