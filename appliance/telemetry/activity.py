"""What the last hour looked like: requests to models by the minute, and how long they took. In memory, filled from the
ledger at start.

Minutes stand in a ring of 60, each with its own counts of durations, so that what is older than an hour falls out by
itself. Durations are counted in buckets that grow by a 16th of an octave: percentiles are exact to about 2 %.
"""

from math import log2

import msgspec

MINUTES = 60
MINUTE_MS = 60_000
BUCKETS_AN_OCTAVE = 16


class Totals(msgspec.Struct):
    """Counts over some time. `failed` ended in an error; a caller who hung up is not among them."""

    requests: int = 0
    failed: int = 0
    tokens_in: int = 0
    tokens_out: int = 0


class Minute(Totals):
    """One minute (`number`: minutes since 1970), with buckets of milliseconds: whole answers, and first tokens."""

    number: int = -1
    latencies: dict[int, int] = {}
    first_tokens: dict[int, int] = {}


class LastHour(msgspec.Struct):
    """60 minutes, oldest first, the present one last; their sum; milliseconds, None where nothing was measured."""

    minutes: list[Minute]
    totals: Totals
    latency_ms_p50: int | None
    latency_ms_p95: int | None
    first_token_ms_p50: int | None


class Activity:
    """The ring. Inside one event loop."""

    def __init__(self) -> None:
        self._ring = [Minute() for _ in range(MINUTES)]

    def finished(
        self, at_ms: int, failed: bool, tokens_in: int, tokens_out: int, latency_ms: int | None, first_token_ms: int | None
    ) -> None:
        """One request to a model ended, at this UTC millisecond.

        Shapes:  `latency_ms` is None where there was no whole answer: how fast errors come says nothing of the models.
        """
        number = at_ms // MINUTE_MS
        minute = self._ring[number % MINUTES]
        if minute.number != number:
            minute = self._ring[number % MINUTES] = Minute(number=number)
        minute.requests += 1
        minute.failed += failed
        minute.tokens_in += tokens_in
        minute.tokens_out += tokens_out
        if latency_ms is not None:
            bucket = int(log2(latency_ms + 1) * BUCKETS_AN_OCTAVE)
            minute.latencies[bucket] = minute.latencies.get(bucket, 0) + 1
        if first_token_ms is not None:
            bucket = int(log2(first_token_ms + 1) * BUCKETS_AN_OCTAVE)
            minute.first_tokens[bucket] = minute.first_tokens.get(bucket, 0) + 1

    def last_hour(self, now_ms: int) -> LastHour:
        """The hour that ends with the present minute."""
        newest = now_ms // MINUTE_MS
        minutes = [self._minute(number) for number in range(newest - MINUTES + 1, newest + 1)]
        totals = Totals(
            sum(minute.requests for minute in minutes),
            sum(minute.failed for minute in minutes),
            sum(minute.tokens_in for minute in minutes),
            sum(minute.tokens_out for minute in minutes),
        )
        latencies = _sum([minute.latencies for minute in minutes])
        first_tokens = _sum([minute.first_tokens for minute in minutes])
        return LastHour(minutes, totals, percentile(latencies, 50), percentile(latencies, 95), percentile(first_tokens, 50))

    def _minute(self, number: int) -> Minute:
        kept = self._ring[number % MINUTES]
        return kept if kept.number == number else Minute(number=number)


def percentile(buckets: dict[int, int], percent: int) -> int | None:
    """The milliseconds within which so many percent were done; None where there were none."""
    rank = -(-sum(buckets.values()) * percent // 100)
    for bucket in sorted(buckets):
        rank -= buckets[bucket]
        if rank <= 0:
            return int(
                2 ** ((bucket + 0.5) / BUCKETS_AN_OCTAVE) - 0.5
            )  # the bucket's middle, rounded; less the 1 of log2(ms + 1)
    return None


def _sum(parts: list[dict[int, int]]) -> dict[int, int]:
    total: dict[int, int] = {}
    for part in parts:
        for bucket, count in part.items():
            total[bucket] = total.get(bucket, 0) + count
    return total
