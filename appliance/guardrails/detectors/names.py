"""Names of people and postal addresses, in Latin and Devanagari letters, found by a small tagger of our own.

Titles (Mr, Dr, श्री) stand outside a name; an address goes from its house or its street to its country, over line ends. How it was
made and what it misses: models/names_card.md. On streams: `name_stream.py`.
"""

from collections.abc import Iterator
from typing import Literal

from appliance.guardrails.finding import Finding
from appliance.guardrails.name_rules import found_among
from appliance.guardrails.name_stream import NameStream, tagger
from appliance.guardrails.normal_text import NormalText
from appliance.guardrails.words import words_of


class Names:
    name = "names"
    types: tuple[str, ...] = ("PERSON", "ADDRESS")
    streams: Literal["by sentence"] = "by sentence"

    def follow(self) -> NameStream:
        return NameStream()

    def find(self, text: NormalText) -> Iterator[Finding]:
        words = words_of(text.text)
        yield from found_among(tagger().tags(words), words, text.text)
