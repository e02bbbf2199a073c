"""What looking at files costs: pages of text a second, CPU time of a scanned page, and what chats notice of it."""

import http.client
import random
import statistics
import threading
import time
from collections.abc import Callable

from PIL import Image

from tests.calls import chat
from tests.eval.files import paper
from tests.eval.files.door import PATH, Door, Sent, form
from tests.eval.files.pdf_bytes import Pdf
from tests.eval.files.pdf_writing import line
from tests.eval.files.scans import drawn_over_page, jpeg_object
from tests.eval.files.values import Values

TEXT_PAGES, SCAN_PAGES, PAPER_PAGES = 200, 4, 100
ROUNDS = 3
CALLERS, PAUSE_SECONDS = 2, 0.02


def text_pdf(seed: int, pages: int) -> bytes:
    """Full pages of prose, 45 lines each, with a value on every tenth."""
    values, pdf = Values(random.Random(seed)), Pdf()
    for page in range(pages):
        rows = [values.filler(12) for _ in range(45)]
        if page % 10 == 0:
            rows[20] = values.one().sentence
        pdf.page(b"".join(line(row, 50, 800 - 16 * place, "F2", 10) for place, row in enumerate(rows)))
    return pdf.file()


def paper_pdf(seed: int, pages: int, dpi: int = 150) -> bytes:
    values, pdf = Values(random.Random(seed)), Pdf()
    for _ in range(pages):
        image: Image.Image = paper.page(values.on_paper(3), values, dpi)
        drawn_over_page(pdf, jpeg_object(pdf, image, 80))
    return pdf.file()


def pages_per_second(door: Door) -> float:
    """The best of some rounds, the first of which also starts the workers. Errors: AssertionError when one isn't read whole."""
    best = 0.0
    for number in range(ROUNDS):
        told = door.scan("text.pdf", text_pdf(number, TEXT_PAGES))
        assert not told.code and not told.unread, told
        assert len(told.found) == TEXT_PAGES // 10, f"{len(told.found)} of {TEXT_PAGES // 10} values found"
        best = max(best, TEXT_PAGES / told.seconds)
    return best


def cpu_seconds_page(door: Door) -> tuple[float, str]:
    """Of a clean A4 page at 150 dpi, all processes together, with the engines warm; and the engine."""
    door.scan("warm.pdf", paper_pdf(90, 1))
    before = door.cpu_seconds()
    told = door.scan("paper.pdf", paper_pdf(91, SCAN_PAGES))
    assert not told.code and not told.unread, told
    return (door.cpu_seconds() - before) / SCAN_PAGES, told.engine


def chat_p99_ratio(door: Door, seconds: float) -> tuple[float, float, float]:
    """p99 of chats during a scan of a hundred pages over the one without; and both, in ms. Before, during, after."""
    body = form([Sent("paper.pdf", paper_pdf(92, PAPER_PAGES))])
    _latencies(door, 3)
    before = _latencies(door, seconds / 2)
    busy: list[float] = []

    def measure() -> None:
        time.sleep(3)  # until the first pages are being read
        busy.extend(_latencies(door, seconds))

    _during(door, body, measure)
    time.sleep(3)
    quiet = [*before, *_latencies(door, seconds / 2)]
    first, second = _p99(busy), _p99(quiet)
    return first / second, first * 1000, second * 1000


def _p99(latencies: list[float]) -> float:
    return statistics.quantiles(latencies, n=100)[98]


def _during(door: Door, body: bytes, work: Callable[[], None]) -> None:
    """`work`, while the file is scanned, again where it is done sooner; then its sender hangs up."""
    connections: list[http.client.HTTPConnection] = []
    over = threading.Event()

    def scan() -> None:
        headers = {"Authorization": f"Bearer {door.key}", "Content-Type": "multipart/form-data; boundary=gatehouse-eval-5d2c"}
        while not over.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", door.appliance.port, timeout=900)
            connections[:] = [connection]
            try:
                connection.request("POST", PATH, body, headers)
                connection.getresponse().read()
            except (OSError, http.client.HTTPException, AttributeError):
                continue  # hung up below

    sender = threading.Thread(target=scan)
    sender.start()
    try:
        work()
    finally:
        over.set()
        for one in connections:
            if one.sock is not None:
                one.sock.shutdown(2)
        sender.join(30)


def _latencies(door: Door, seconds: float) -> list[float]:
    """Of chats, from some callers at once who rest a little between two. Errors: AssertionError when one fails."""
    found: list[float] = []
    failed: list[str] = []
    end = time.monotonic() + seconds

    def call() -> None:
        while time.monotonic() < end:
            begun = time.monotonic()
            try:
                answer = door.appliance.call("POST", "/v1/chat/completions", chat("fake/gpt-4o", "Hello there"), token=door.key)
                if answer.status != 200:
                    failed.append(str(answer))
            except OSError as error:
                failed.append(repr(error))
            found.append(time.monotonic() - begun)
            time.sleep(PAUSE_SECONDS)

    callers = [threading.Thread(target=call) for _ in range(CALLERS)]
    for one in callers:
        one.start()
    for one in callers:
        one.join()
    assert not failed, f"{len(failed)} chats failed: {failed[0]}"
    return found
