"""A streamed answer of server-sent events: what came before a failure is given out, then the failure; an end is not guessed."""

from typing import ClassVar

import msgspec

from appliance.chat import Chunk
from appliance.errors import GatehouseError, UpstreamCut, UpstreamFailed
from appliance.providers.failures import UNREADABLE
from appliance.providers.half_characters import with_whole_characters
from appliance.upstream.sse import SseEvent, SseReader, SseTooLarge


class SseStream:
    """One answer; wire.Stream but for what an event means, which is `_read`'s to say (it sets `done`, and may raise).

    skips_empty: an event without data is nothing; where each of them has data, one without is rubbish, and `_read`'s to refuse.
    """

    skips_empty: ClassVar[bool] = True

    def __init__(self, provider: str) -> None:
        self._provider = provider
        self._reader = SseReader()
        self.done = False
        self._more_behind_the_end = False
        self._failure: GatehouseError | None = None

    @property
    def is_clean(self) -> bool:
        return self.done and not self._more_behind_the_end and not self._reader.has_rest

    def feed(self, data: bytes) -> list[Chunk]:
        if self._failure is not None:
            raise self._failure
        try:
            events = self._reader.feed(data)
        except SseTooLarge as error:
            raise UpstreamFailed(f"{self._provider}: {error}") from error
        return self._chunks(events)

    def close(self) -> list[Chunk]:
        chunks = self._chunks(self._reader.close()) if self._failure is None else []
        if self._failure is not None:
            raise self._failure
        if not self._is_whole():
            raise self._cut()
        return chunks

    def _cut(self) -> UpstreamCut:
        return UpstreamCut(f"{self._provider} broke off in the middle of its answer", fix="Try again.")

    def _chunks(self, events: list[SseEvent]) -> list[Chunk]:
        chunks: list[Chunk] = []
        for event in events:
            if self.done:
                self._more_behind_the_end = True
            elif event.data or not self.skips_empty:
                try:
                    chunks += self._chunks_of(event)
                except GatehouseError as error:
                    self._failure = error
                    if chunks:  # what came before the failure is the caller's; the next call raises
                        break
                    raise
        if len(chunks) > 1:
            for chunk in chunks[:-1]:
                chunk.more = True
        return chunks

    def _chunks_of(self, event: SseEvent) -> list[Chunk]:
        whole = with_whole_characters(event.data)
        if whole is not event.data:
            event = msgspec.structs.replace(event, data=whole)
        try:
            return self._read(event)
        except UNREADABLE as error:  # a part of it that was to be passed on as it is
            raise UpstreamFailed(f"{self._provider} sent an event that can't be read", fix="Try again.") from error

    def _read(self, event: SseEvent) -> list[Chunk]:
        """What an event adds. Errors: GatehouseError for a failure that it reports, or where it can't be read."""
        raise NotImplementedError

    def _is_whole(self) -> bool:
        """Nothing is missing of the answer where the connection ends here."""
        return self.done
