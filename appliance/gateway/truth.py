"""What a caller is told of how its answer came about: in headers, and in a last event of a stream."""

import time
from decimal import Decimal
from typing import Any

import msgspec

from appliance.gateway.call import Call
from appliance.gateway.tally import Tally
from appliance.guardrails.policy_set import shown_policy
from appliance.metering.prices import CURRENCY

CACHE_OFF = "off"


def in_a_header(text: str) -> bytes:
    """Callers and providers make names up: what isn't plain ASCII, a line's end before all, is a question mark in a header."""
    if text.isascii() and text.isprintable():
        return text.encode("ascii")
    return bytes(ord(letter) if " " <= letter <= "~" else ord("?") for letter in text)


def headers(call: Call) -> list[tuple[bytes, bytes]]:
    """What is known when an answer begins."""
    assert call.resolution is not None
    deployment = call.deployment
    found = [
        (b"x-gatehouse-deployment", in_a_header(deployment.name)),
        (b"x-gatehouse-attempts", b"%d" % len(call.attempts)),
        (b"x-gatehouse-cache", CACHE_OFF.encode()),
        (b"x-gatehouse-overhead-ms", b"%.1f" % (overhead_seconds(call) * 1000)),
    ]
    alias = call.resolution.alias
    if alias is not None:
        found.append((b"x-gatehouse-alias", in_a_header(f"{alias} -> {deployment.model}")))
    if dropped := call.dropped.get(deployment.name):
        found.append((b"x-gatehouse-dropped", in_a_header(", ".join(dropped))))
    return found + guardrail_headers(call)


def guardrail_headers(call: Call) -> list[tuple[bytes, bytes]]:
    """Which policy ran on what was sent, and what came of it: types and counts."""
    if call.tally is None:
        return [(b"x-gatehouse-policy", in_a_header(shown_policy(call.policy)))]
    return tally_headers(call.tally)


def tally_headers(tally: Tally) -> list[tuple[bytes, bytes]]:
    """The same, of any inspection."""
    told = {
        b"x-gatehouse-masked": tally.shown("input", "mask", "tokenise"),
        b"x-gatehouse-flagged": tally.shown("input", "flag"),
        b"x-gatehouse-kept-here": ", ".join(tally.kept_here),
        b"x-gatehouse-uninspected": ", ".join(f"{kind}={count}" for kind, count in sorted(tally.unread.items())),
    }
    found = [(b"x-gatehouse-policy", in_a_header(tally.policy))]
    return found + [(name, in_a_header(value)) for name, value in told.items() if value]


def _of_the_answer(call: Call) -> dict[str, str]:
    """What was hidden in it, and which values were given back."""
    if call.tally is None:
        return {}
    restored = call.placeholders.times_restored if call.placeholders is not None else 0
    told = {"masked": call.tally.shown("output", "mask", "tokenise"), "flagged": call.tally.shown("output", "flag")}
    told |= {"blocked": call.tally.shown("output", "block"), "restored": str(restored or "")}
    told["uninspected"] = "answer=1" if "answer" in call.tally.unread else ""  # of a policy that lets it pass
    return {name: value for name, value in told.items() if value}


def headers_at_the_end(call: Call) -> list[tuple[bytes, bytes]]:
    """What is known once it has ended. Of a stream the head is out by then: `last_words` tells it."""
    assert call.usage is not None
    found = [] if call.cost is None else [(b"x-gatehouse-cost", f"{shown(call.cost)} {CURRENCY}".encode())]
    if call.usage.estimated:
        found.append((b"x-gatehouse-usage", b"estimated"))
    return found + [(f"x-gatehouse-answer-{name}".encode(), in_a_header(value)) for name, value in _of_the_answer(call).items()]


def last_words(call: Call) -> bytes:
    """The same as JSON on one line, for the end of a stream."""
    assert call.usage is not None
    deployment = call.deployment.name
    told: dict[str, Any] = {
        "deployment": deployment,
        "attempts": len(call.attempts),
        "cache": CACHE_OFF,
        "cost": None if call.cost is None else {"amount": shown(call.cost), "currency": CURRENCY},
        "tokens_in": call.usage.tokens_in,
        "tokens_out": call.usage.tokens_out,
        "usage_estimated": call.usage.estimated,
        "dropped": call.dropped.get(deployment, ()),
        "guardrails": {"policy": shown_policy(call.policy), **_of_the_answer(call)},
    }
    return msgspec.json.encode(told)


def shown(amount: Decimal) -> str:
    """To a billionth, without zeros that say nothing."""
    return f"{amount:.9f}".rstrip("0").rstrip(".")


def overhead_seconds(call: Call) -> float:
    """What was not spent waiting for a deployment, up to the answer's first words."""
    now, attempts = time.monotonic(), call.attempts
    if len(attempts) == 1 and (begun := attempts[0].begun) is not None:
        return max(now - call.started - (begun - attempts[0].began), 0.0)
    waited = until = 0.0
    for attempt in attempts:  # in the order of their beginnings; two may run side by side
        end = attempt.begun or attempt.ended or now
        waited += max(end - max(attempt.began, until), 0.0)
        until = max(until, end)
    return max(now - call.started - waited, 0.0)
