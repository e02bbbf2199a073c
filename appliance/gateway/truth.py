"""What a caller is told of how its answer came about: in headers, and in a last event of a stream."""

import time

from appliance.gateway.call import Call


def headers(call: Call) -> list[tuple[bytes, bytes]]:
    """As far as it is known when an answer begins."""
    assert call.resolution is not None and call.answered is not None and call.journey is not None
    found = [
        (b"x-gatehouse-deployment", call.answered.name.encode("ascii", "replace")),
        (b"x-gatehouse-attempts", b"%d" % len(call.journey.attempts)),
        (b"x-gatehouse-overhead-ms", b"%.1f" % (overhead_seconds(call) * 1000)),
    ]
    alias = call.resolution.alias
    if alias is not None:
        found.append((b"x-gatehouse-alias", f"{alias} -> {call.answered.model}".encode("ascii", "replace")))
    if call.dropped:
        found.append((b"x-gatehouse-dropped", ", ".join(call.dropped).encode("ascii", "replace")))
    return found


def overhead_seconds(call: Call) -> float:
    """What was not spent waiting for a deployment, up to the answer's first words."""
    assert call.journey is not None
    now = time.monotonic()
    waited = sum((attempt.begun or attempt.ended or now) - attempt.began for attempt in call.journey.attempts)
    return max(now - call.started - waited, 0.0)
