"""A thousand streams at once: what memory they take, and that none of them breaks.

Answers of 100 chunks, a tenth of a second apart: the last stream has begun long before the first one ends, and it is counted that
all of them were open at the same moment. They come by turns from vendors whose answer passes through and from others whose answer
is translated. The memory is the highest that the gateway's processes have had since they were started for this.
"""

from typing import Any

from tests.bench.callers import Caller, Crowd, call
from tests.bench.pacing import Paced
from tests.bench.servers import Gateway
from tests.bench.translation import provider, said, target
from tests.bench.vendors import PASSING, VENDORS, text

STREAMS = 1_000
CHUNKS = 100
PACE_SECONDS = 0.1
WORDS = [f"word{number}" for number in range(CHUNKS)]
MIXED = {"passing": PASSING, **{name: VENDORS[name] for name in ("anthropic", "google", "bedrock")}}


class ManyStreams:
    """The part `streams` of `make bench`."""

    def __init__(self, upstream: Paced) -> None:
        self.providers: list[dict[str, Any]] = []
        for name, vendor in MIXED.items():
            address = upstream.add_stream(_door(name), vendor.stream_type, vendor.pieces(WORDS), pace_seconds=PACE_SECONDS)
            self.providers.append(provider(_door(name), vendor, address))

    def measure(self, gateway: Gateway, cores: str, problems: list[str]) -> dict[str, tuple[float, str]]:
        """The gateway was started just before. Puts what is wrong beside the figures into `problems`."""
        assert gateway.process is not None
        targets = [target(gateway.url, gateway.key, vendor, _door(name), stream=True) for name, vendor in MIXED.items()]
        crowd = Crowd()
        callers = call([targets[number % len(targets)] for number in range(STREAMS)], crowd, cores=cores)
        resident = gateway.process.resident_bytes_max()
        broken = [why for caller in callers if (why := _fault(caller))]
        if broken:
            problems.append(f"{len(broken)} of {STREAMS} streams broke; the first: {broken[0]}")
        elif crowd.open_most < STREAMS:
            problems.append(f"only {crowd.open_most} of {STREAMS} streams were open at once")
        return {"streams_1000_rss_mb": (round(resident / 1e6, 1), "MB"), "streams_1000_broken": (len(broken), "streams")}


def _door(name: str) -> str:
    return f"{name}-many"


def _fault(caller: Caller) -> str:
    """What is wrong with a stream; empty where it came whole."""
    if caller.fault:
        return caller.fault
    body = caller.body()
    return "" if said(body, "openai_chat", stream=True) == text(WORDS) else f"it is not what was sent: … {body[-300:]!r}"
