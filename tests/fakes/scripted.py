"""OpenAI, and whatever bytes a test thinks of: a fault of it may be a script, a JSON object in the place of a fault's name.

send:  texts, sent as they are (latin-1), one write each, `after` seconds.
again: sent for ever afterwards, `pause` seconds apart, until the client leaves.
end:   "keep" (the connection, as after a decent answer), "drop" or "hang".
"""

import asyncio
import json
from typing import Any

from tests.fakes.openai import FakeOpenAI
from tests.fakes.wire import Exchange, run


def script(*send: str, after: float = 0.0, again: str = "", pause: float = 0.0, end: str = "keep") -> str:
    """As `Fake.set_faults` takes it."""
    return json.dumps({"send": send, "after": after, "again": again, "pause": pause, "end": end})


def whole(body: str, status: str = "200 OK", *lines: str) -> str:
    """An answer with its length, as text; `lines` are more headers, each as it is."""
    shown = "".join(f"{line}\r\n" for line in ("content-type: application/json", *lines))
    return f"HTTP/1.1 {status}\r\n{shown}content-length: {len(body.encode('latin-1'))}\r\n\r\n{body}"


def streamed(*events: str) -> str:
    """The head of a stream and its first events, as text; nothing ends it."""
    head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    return head + "".join(chunked(event) for event in events)


def chunked(data: str) -> str:
    return f"{len(data.encode('latin-1')):x}\r\n{data}\r\n"


class FakeScripted(FakeOpenAI):
    """Its `/_faults` take scripts beside names."""

    def fault(self, model: str) -> Any:
        told = self.faults.get(model, "")
        if not told.startswith("{"):
            return super().fault(model)
        played = json.loads(told)

        async def play(exchange: Exchange, request: dict[str, Any]) -> None:
            await exchange.pause(played["after"])
            for piece in played["send"]:
                await exchange.send(piece.encode("latin-1"))
            while played["again"]:
                await exchange.send(played["again"].encode("latin-1"))
                await asyncio.sleep(played["pause"])
            if played["end"] == "hang":
                await exchange.pause(600)
            elif played["end"] == "drop":
                exchange.drop()

        return play


if __name__ == "__main__":
    run(FakeScripted().handle)
