"""Requests that are too much: 200 MB in one, 500 files at once."""

import http.client
import json
import socket
from concurrent.futures import ThreadPoolExecutor

from tests.eval.files.door import BOUNDARY, PATH, Door, Sent, form

MIB = 1024 * 1024
UPLOAD_BYTES = 200 * MIB
GROWTH_BYTES_MAX = 64 * MIB
FILES = 500


def problems(door: Door) -> list[str]:
    return [*large_upload(door), *files_at_once(door)]


def large_upload(door: Door) -> list[str]:
    """It is refused while it arrives, and never held in memory."""
    before = door.resident_bytes()
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="large.pdf"\r\n\r\n'.encode()
    tail = f"\r\n--{BOUNDARY}--\r\n".encode()
    lines = (
        f"POST {PATH} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: Bearer {door.key}",
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}",
        "Transfer-Encoding: chunked",  # so that its length doesn't tell
    )
    sent, block, grown = 0, b"%PDF" + bytes(MIB - 4), 0
    with socket.create_connection(("127.0.0.1", door.appliance.port), timeout=120) as connection:
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + b"%x\r\n%s\r\n" % (len(head), head))
        try:
            while sent < UPLOAD_BYTES:
                connection.sendall(b"%x\r\n%s\r\n" % (len(block), block))
                sent += len(block)
                grown = max(grown, door.resident_bytes() - before)
            connection.sendall(b"%x\r\n%s\r\n0\r\n\r\n" % (len(tail), tail))
        except OSError:
            pass  # refused, as it should be
        answer = http.client.HTTPResponse(connection)
        try:
            answer.begin()
            status = answer.status
        except (OSError, http.client.HTTPException):
            status = 0  # the connection was cut, which says it as well
    found = []
    if status not in (0, 413):
        found.append(f"hostile: an upload of 200 MB is answered with {status}")
    if sent >= UPLOAD_BYTES:
        found.append("hostile: an upload of 200 MB is not refused while it arrives")
    if grown > GROWTH_BYTES_MAX:
        found.append(f"hostile: an upload of 200 MB takes {grown // MIB} MB of memory")
    return found


def files_at_once(door: Door) -> list[str]:
    """In one request, which may be refused; then in as many requests, of which each must be answered."""
    many = [Sent(f"{number}.txt", b"Some words of prose") for number in range(FILES)]
    status, body = door.post(form(many))
    found = []
    if status == 200 and len(json.loads(body)["files"]) != FILES:
        found.append("hostile: of 500 files in a request some have no answer")
    elif status not in (200, 400, 413):
        found.append(f"hostile: 500 files in a request are answered with {status}")
    with ThreadPoolExecutor(100) as senders:
        statuses = list(senders.map(lambda one: _status(door, one), many))
    wrong = sorted({one for one in statuses if one not in (200, 429, 503)})
    if wrong:
        found.append(f"hostile: of 500 requests at once some are answered with {wrong}")
    if 200 not in statuses:
        found.append("hostile: of 500 requests at once none is answered")
    return found


def _status(door: Door, one: Sent) -> int:
    try:
        return door.post(form([one]))[0]
    except (OSError, http.client.HTTPException):
        return 0
