"""Every provider in one, which says whatever a test puts into its mouth: `python -m tests.fakes.canned`.

It takes any body. Its answers have a text in every place where the vendor's format has room for one, and in some that nobody has
heard of yet; `POST /_faults {"MODEL": {"place": "text"}}` says which text stands where ("*": in all places that aren't named,
"*pieces": how many characters a streamed text has in one event; "*hangs": nothing follows, and nothing ends; "*drops": the
connection is cut behind the first event with these letters).
"""

from typing import Any

from tests.fakes.bedrock_wire import EVENT_STREAM as BEDROCK_STREAM
from tests.fakes.canned_answers import Said, streamed, whole
from tests.fakes.wire import Exchange, run

SSE = {"content-type": "text/event-stream", "transfer-encoding": "chunked"}
WIRES = (
    ("/count_tokens", "count"), ("/messages", "messages"), ("/chat/completions", "chat"), ("/responses", "responses"),
    ("/embeddings", "embeddings"), (":batchEmbedContents", "google-embeddings"), (":embedContent", "google-embeddings"),
    ("enerateContent", "google"), ("/invoke", "bedrock-embeddings"), ("/converse", "bedrock"),
)  # fmt: skip


class FakeCanned:
    """One instance a process."""

    def __init__(self) -> None:
        self._said: dict[str, dict[str, str]] = {}

    async def handle(self, exchange: Exchange) -> None:
        seen = exchange.seen
        path = seen.path.partition("?")[0]
        if path == "/_faults":
            self._said = seen.json or {}
            await exchange.whole(200, b"{}")
            return
        wire = next((name for part, name in WIRES if part in path), "")
        if seen.method != "POST" or not wire:
            await exchange.whole(200, b'{"object":"list","data":[],"models":[]}')
            return
        body: dict[str, Any] = seen.json or {}
        told = next((self._said[name] for name in self._said if name == body.get("model") or f"/{name}" in path), {})
        said = Said(told)
        if "error" in told:
            await exchange.whole(int(told.get("status", "400")), whole(f"{wire}-error", said))
        elif body.get("stream") or "converse-stream" in path or "streamGenerate" in path:
            await self._stream(exchange, wire, said)
        else:
            await exchange.whole(200, whole(wire, said))

    async def _stream(self, exchange: Exchange, wire: str, said: Said) -> None:
        await exchange.head(200, BEDROCK_STREAM if wire == "bedrock" else SSE)
        for event in streamed(wire, said):
            await exchange.chunked(event)
            if "*drops" in said.told and said.told["*drops"].encode() in event:
                break
        if "*hangs" in said.told:
            await exchange.pause(600)
        if "*drops" in said.told:
            await exchange.pause(0.1)
            exchange.drop()
            return
        await exchange.chunked_end()


if __name__ == "__main__":
    run(FakeCanned().handle)
