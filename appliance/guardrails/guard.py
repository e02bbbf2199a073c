"""The room's door: policies by name, and texts judged by them."""

from binascii import b2a_base64
from collections.abc import Iterable, Sequence
from functools import partial
from hashlib import sha256
from typing import Literal

import msgspec

from appliance.guardrails.custom import CustomScanner
from appliance.guardrails.finding import Finding, resolved
from appliance.guardrails.known_texts import KnownTexts
from appliance.guardrails.pattern import Pattern
from appliance.guardrails.policy import Direction, Policy
from appliance.guardrails.scanner import Followed, Scanner, TextDetector, Wanted
from appliance.guardrails.verdict import Ruling, Verdict, judge
from appliance.guardrails.window import Act, Holding, Window

SHORT = 256
BORDER = "\n\x1e\n"  # between texts that are looked at together; no value goes over it

_DRAWN = b2a_base64(sha256(b"warm").digest()).decode().strip("=\n")  # like a key, and none
WARM = (
    (
        "The committee met again on Tuesday, and Mr. Smith asked who would pay for it? Write to them: anna@example.org; "
        "call +44 20 7946 0958, or come to 12 Baker Street, London. I don't know, but it's \"fine\" (really).\n\n1. one\n2. two\n"
    ),
    '{"id": 1042, "name": "Anna", "at": "2026-01-04T10:00:01Z", "tags": ["a", "b"], "price": 12.50, "ok": true, "none": null}\n',
    "def total(prices: list[float]) -> float:\n    return sum(one * 1.19 for one in prices)  # https://example.org/a?b=c&d=1\n",
    f"DATABASE_URL=postgres://shop:{_DRAWN[:12]}@db:5432/shop\nAPI_KEY='{_DRAWN}'\nexport TOKEN=${{TOKEN}}\n",
    "4111 1111 1111 1111, 123-45-6789, 10.0.0.12, 00:1A:2b:3c:4D:5e, DE89 3704 0044 0532 0130 00, 12/05/1984\n",
    "-----BEGIN CERTIFICATE-----\nMIIBOgIBAAJBAKj34GkxFhD90vcNLYLInFEX6Ppy1tPf9Cnzj4p4WGeKLs1Pt8Qu\n-----END CERTIFICATE-----\n",
    "eyJhbGciOiJIUzI1NiJ9 aGVsbG8gd29ybGQsIGhvdyBhcmUgeW91 68656c6c6f20776f726c64 %68%65llo &amp; \\u0041\n",
    "यह समिति मंगलवार को फिर मिली। Das Wetter ist schön; Écoutez-moi “bien”, s’il vous plaît — 你好。\n",
)


Certainty = Literal["exact", "by sentence", "by passage"]


class LookedFor(msgspec.Struct, frozen=True):
    """A type of findings. `on_streams`: how much of an answer must have come before it is found there."""

    type: str
    detectors: list[str]
    on_streams: Certainty


class Guard:
    """One for an appliance, shared by all requests and threads. It keeps nothing of any text
    that could be read."""

    def __init__(self, scanner: Scanner, attacks: Scanner, policies: Iterable[Policy]) -> None:
        self.scanner = scanner
        self._attacks = attacks
        self._known_attacks = KnownTexts(attacks.find)
        self._known_values: dict[tuple[TextDetector, ...], KnownTexts] = {}  # by what is looked for besides expressions
        self.policies = {policy.name: policy for policy in policies}
        self._holding = Holding(scanner)

    def judged(self, text: str, policy: Ruling, direction: Direction, custom: CustomScanner | None = None) -> Verdict:
        """One text by itself. `custom`: what the policy looks for besides."""
        found = self.scanner.find(text, partial(policy.acts_on, direction=direction))
        found += [*self.attacks(text), *(custom.find(text) if custom is not None else ())]
        return judge(text, resolved(found), policy, direction)

    def warm(self) -> None:
        """Looks through some texts, so that the first request finds automata and words ready."""
        self._holding.warm()
        for text in WARM:
            self.found([text])
            self.attacks(text)
            window = self.window(lambda part, found: part)
            for start in range(0, len(text), 4):
                window.feed(text[start : start + 4])
            window.last()

    def attacks(self, text: str) -> list[Finding]:
        """Instructions in a text that nobody gave who may."""
        return self._known_attacks.find(text)

    def found(
        self, texts: Sequence[str], custom: CustomScanner | None = None, wanted: Wanted | None = None
    ) -> list[list[Finding]]:
        """Findings of each, looked at together: what stands in one explains what stands in the next. `custom`: in each alone.

        `wanted`: what comes to anything, such as `partial(policy.acts_on, direction="input")`: names and addresses, which take
        most of the time, are looked for only where they are wanted.
        """
        if custom is None and len(texts) == 1 and len(texts[0]) <= SHORT:
            return [self._of_short(texts[0], wanted)]
        joined = BORDER.join(texts)
        ends: list[int] = []
        place = 0
        for text in texts:
            ends.append(place + len(text))
            place = ends[-1] + len(BORDER)
        found = _distributed(self.scanner.find(joined, wanted), texts, ends)
        if custom is None:
            return found
        return [resolved([*one, *custom.find(text)]) for one, text in zip(found, texts, strict=True)]

    def _of_short(self, text: str, wanted: Wanted | None) -> list[Finding]:
        """Ids, roles, names of models: every event of every answer has them."""
        whole = self.scanner.whole_wanted(wanted)
        known = self._known_values.get(whole)
        if known is None:
            known = self._known_values[whole] = KnownTexts(lambda one: self.scanner.find(one, wanted))
        return known.find(text)

    def looked_for(self) -> list[LookedFor]:
        """Every type that something here finds."""
        found: dict[str, tuple[set[str], Certainty]] = {}
        for pattern in self.scanner.patterns:
            for kind in pattern.types:
                found.setdefault(kind, (set(), "exact"))[0].add(pattern.name)
        for whole in self.scanner.whole:
            for kind in whole.types:
                how: Certainty = whole.streams if isinstance(whole, Followed) else "by passage"
                found.setdefault(kind, (set(), how))[0].add(whole.name)
        attacks: list[Pattern | TextDetector] = [*self._attacks.patterns, *self._attacks.whole]
        for attack in attacks:
            for kind in attack.types:
                found.setdefault(kind, (set(), "by passage"))[0].add(attack.name)
        return [LookedFor(kind, sorted(names), how) for kind, (names, how) in sorted(found.items())]

    def window(self, act: Act, custom: CustomScanner | None = None, wanted: Wanted | None = None) -> Window:
        """For a text that comes in pieces. `wanted`: as above."""
        beside = (custom.holding,) if custom is not None else ()
        return Window(self._holding, act, beside, self.scanner.whole_wanted(wanted))


def _distributed(findings: list[Finding], texts: Sequence[str], ends: list[int]) -> list[list[Finding]]:
    """To the texts that they stand in; one that goes over a border is in both."""
    found: list[list[Finding]] = [[] for _ in texts]
    number = 0
    for one in findings:
        while number < len(ends) and ends[number] <= one.start:
            number += 1
        for place in range(number, len(ends)):
            begin = ends[place] - len(texts[place])
            if begin >= one.end:
                break
            start, end = max(one.start, begin) - begin, min(one.end, ends[place]) - begin
            if start < end:
                found[place].append(one.at(start, end))
    return found
