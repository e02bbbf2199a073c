"""Names of people and postal addresses, in Latin and Devanagari letters, found by a small tagger of our own.

Titles (Mr, Dr, श्री) stand outside a name; an address goes from its house or its street to its country, over line ends. How it was
made and what it misses: models/names_card.md.
"""

from collections.abc import Iterable, Iterator
from functools import cache
from math import exp

from appliance.data import data_folder
from appliance.guardrails.finding import Finding
from appliance.guardrails.normal_text import NormalText
from appliance.guardrails.tagger import Tag, Tagger, weights_in
from appliance.guardrails.words import Words, words_of

_STEEP = 0.35  # scores of 0.5 where a name is as likely as none
_ODDS_MAX = 40.0
_EDGES = " \t\n,;:.-–—|/\"'()<>[]{}=*"
_STOPS = frozenset(".?!:;")
_GAP_WORDS_MAX = 5  # between two parts of one address
_NAMED_ODDS = 3.0  # so sure that its parts are looked for elsewhere
_NAMED_LETTERS_MIN = 3
_ALONE_ODDS = 0.7  # one word is a name only where it is likelier than that
_JOINTS = ("@", "_", "$")


@cache
def tagger() -> Tagger:
    """The file is read once, when it is first needed."""
    return Tagger(weights_in(data_folder("models") / "names.bin"))


class Names:
    name = "names"
    types = ("PERSON", "ADDRESS")

    def find(self, text: NormalText) -> Iterator[Finding]:
        words = words_of(text.text)
        tags = tagger().tags(words)
        if not tags:
            return
        for tag in repeated(joined(tags, words), words):
            found = _found(tag, words, text.text)
            if found is not None:
                yield found


def joined(tags: Iterable[Tag], words: Words) -> list[Tag]:
    """Parts of an address that only a line end, a comma or a word parts are one; a town between them is not a person."""
    out: list[Tag] = []
    for tag in tags:
        if tag.type == "ADDRESS":
            place = len(out) - 1
            if place > 0 and out[place].type == "PERSON" and out[place - 1].type == "ADDRESS":
                place -= 1
            if place >= 0 and out[place].type == "ADDRESS" and _continues(out[place], tag, words):
                odds = max(out[place].odds, tag.odds)
                out[place:] = [Tag("ADDRESS", out[place].first, tag.last, odds)]
                continue
        out.append(tag)
    return out


def _continues(before: Tag, tag: Tag, words: Words) -> bool:
    gap = [one.strip(" \t") for one in words.shown[before.last + 1 : tag.first]]
    if len(gap) > _GAP_WORDS_MAX or not _STOPS.isdisjoint(gap):
        return False
    lines = sum(one.count("\n") for one in gap)
    words_between = sum(one[:1].isalpha() for one in gap)
    if lines > 2 or any("\n\n" in one for one in gap) or (words_between and not lines and "," not in gap):
        return False
    starts_anew = words.shown[tag.first].strip().isdigit() and tag.last > tag.first + 1 and lines > 0
    return not starts_anew and words_between <= 3


def repeated(tags: list[Tag], words: Words) -> list[Tag]:
    """With who was named in full, and is named by a part of it elsewhere in the text."""
    named: dict[str, float] = {}
    shown = words.shown
    for tag in tags:
        if tag.type == "PERSON" and tag.last > tag.first and tag.odds >= _NAMED_ODDS:
            for part in (one.strip() for one in shown[tag.first : tag.last + 1]):
                if len(part) >= _NAMED_LETTERS_MIN and part[0].isupper() and part.isalpha():
                    named[part] = named[" " + part] = tag.odds
    if not named:
        return tags
    taken = {place for tag in tags if tag.last > tag.first or tag.type != "PERSON" for place in range(tag.first, tag.last + 1)}
    again = {
        place: Tag("PERSON", place, place, named[one])
        for place, one in enumerate(shown)
        if one in named and place not in taken and not _is_part_of_more(shown, place)
    }
    kept = [tag for tag in tags if tag.last > tag.first or tag.first not in again]
    return [*kept, *again.values()]


def _is_part_of_more(shown: list[str], place: int) -> bool:
    """ "Smith" in "Smith Ltd" or "Bank Smith" or "jane-smith"."""
    before, after = shown[place - 1] if place else "", shown[place + 1] if place + 1 < len(shown) else ""
    if after[:1] == " " and after[1:2].isupper():
        return True
    return (
        before[-1:] in ("@", "_", "/", "-", "&")
        or after[:1] in ("@", "_", "/", "-")
        or after == " &"
        or (before[:1] == " " and before[1:2].isupper())
    )


def _found(tag: Tag, words: Words, text: str) -> Finding | None:
    start, end = words.span(tag.first, tag.last)
    while start < end and text[start] in _EDGES:
        start += 1
    while end > start and text[end - 1] in _EDGES and not (text[end - 1] == "." and text[end - 3 : end - 2] in (" ", ".")):
        end -= 1
    if (
        end - start < 2
        or not any(one.isalpha() for one in text[start:end])
        or (tag.type == "PERSON" and _is_code(text, start, end))
    ):
        return None
    bound = _ALONE_ODDS if tag.first == tag.last else 0.0
    score = 1 / (1 + exp(-_STEEP * (max(min(tag.odds, _ODDS_MAX), -_ODDS_MAX) - bound)))
    return Finding(type=tag.type, start=start, end=end, score=round(score, 3), detector="names")


def _is_code(text: str, start: int, end: int) -> bool:
    """No name: a part of an e-mail address, of a host, of an identifier; what has digits in it."""
    if any(one.isdigit() or one == "_" for one in text[start:end]):
        return True
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    if before[-1:] in (*_JOINTS, "\\") or after[:1] in _JOINTS:
        return True
    return (before[-1:] == "." and before[:1].isalnum()) or (after[:1] == "." and after[1:].isalnum())
