"""Gemini's streamed answers (`streamGenerateContent?alt=sse`).

Source: the google-genai SDK 3.6 (_api_client), read 2026-11-26.
Quirks: each event is a whole answer's body with what was added; the end of the connection is the end of the stream, so an
answer is finished where each candidate gave its reason. A call comes whole: OpenAI's callers get an opening, then its arguments.
Each event tells the usage so far. An error may come as an event. Without `alt=sse` there would be one JSON list.
"""

from appliance.chat import Chunk, Delta, FunctionCall, ToolCall
from appliance.errors import UpstreamFailed
from appliance.providers.google_answer import (
    Answer,
    CallMaker,
    Candidate,
    finish_of,
    logprobs_of,
    read_event,
    read_parts,
    usage_of,
)
from appliance.providers.google_errors import UNREADABLE, said_failure
from appliance.providers.sse_stream import SseStream
from appliance.upstream.sse import SseEvent


class GoogleStream(SseStream):
    """One streamed answer of `choices` candidates. Never `done` before the connection's end: usage may follow the reason."""

    def __init__(self, provider: str, *, choices: int = 1) -> None:
        super().__init__(provider)
        self._choices = choices
        self._calls: CallMaker | None = None
        self._open: set[int] = set()  # candidates that have begun
        self._finished: set[int] = set()

    def _is_whole(self) -> bool:
        return bool(self._finished) and not self._open

    def _read(self, event: SseEvent) -> list[Chunk]:
        try:
            answer = read_event(event.data)
        except UNREADABLE as error:
            if self._is_whole():
                return []  # rubbish behind a finished answer
            raise UpstreamFailed(
                f"{self._provider} sent an event that is no JSON in Gemini's format", fix="Try again."
            ) from error
        if answer.error is not None:
            raise said_failure(self._provider, answer.error)
        chunks = self._blocked() if answer.is_blocked else self._added(answer)
        usage = usage_of(answer)
        if usage is not None:
            if chunks:
                chunks[-1].usage = usage
            else:
                chunks.append(Chunk(usage=usage))
        return chunks

    def _blocked(self) -> list[Chunk]:
        """A prompt that was refused: each candidate ends at once."""
        left = [index for index in range(self._choices) if index not in self._finished]
        self._finished.update(left)
        self._open.clear()
        return [Chunk([Delta(index=index)], finish="content_filter") for index in left]

    def _added(self, answer: Answer) -> list[Chunk]:
        chunks: list[Chunk] = []
        if self._calls is None:
            self._calls = CallMaker(answer.response_id)
        for position, candidate in enumerate(answer.candidates or ()):
            index = position if candidate.index is None else candidate.index
            if index >= self._choices:  # clients make a list as long as the largest index
                raise UpstreamFailed(f"{self._provider} sent a candidate that nobody asked for", fix="Try again.")
            if index not in self._finished:
                chunks += self._candidate(candidate, index, self._calls)
        return chunks

    def _candidate(self, candidate: Candidate, index: int, maker: CallMaker) -> list[Chunk]:
        self._open.add(index)
        reasoning, content, calls = read_parts(candidate, index, maker, self._provider)
        logprobs = logprobs_of(candidate)
        chunks = []
        if reasoning is not None or content is not None or logprobs is not None:
            chunks.append(Chunk([Delta(None, content, reasoning, None, logprobs, index=index)]))
        for opening, arguments in calls:
            rest = ToolCall(index=opening.index, function=FunctionCall(arguments=arguments))
            chunks.append(Chunk([Delta(tool_calls=[opening], index=index)]))
            chunks.append(Chunk([Delta(tool_calls=[rest], index=index)]))
        if candidate.finish_reason is not None:
            finish = finish_of(candidate.finish_reason, maker.has_called(index), self._provider)
            if not chunks:
                chunks.append(Chunk([Delta(index=index)]))
            chunks[-1].finish = finish
            self._open.discard(index)
            self._finished.add(index)
        return chunks
