"""What the tagger's tags come to: parts of addresses joined, names that come again, edges, and what is code and no name."""

from collections.abc import Iterable, Iterator, Sequence
from math import exp

from appliance.guardrails.finding import Finding
from appliance.guardrails.tagger import Tag
from appliance.guardrails.words import Words

_STEEP = 0.35  # scores of 0.5 where a name is as likely as none
_ODDS_MAX = 40.0
_EDGES = " \t\n,;:.-–—|/\"'()<>[]{}=*"
_STOPS = frozenset(".?!:;")
_GAP_WORDS_MAX = 5  # between two parts of one address
_NAMED_ODDS = 3.0  # so sure that its parts are looked for elsewhere
_NAMED_LETTERS_MIN = 3
_ALONE_ODDS = 0.7  # one word is a name only where it is likelier than that
_JOINTS = ("@", "_", "$")


def found_among(tags: Iterable[Tag], words: Words, text: str) -> Iterator[Finding]:
    """In a whole text."""
    parts: list[Tag] = []
    for tag in tags:
        join(parts, tag, words.shown)
    for tag in _repeated(parts, words.shown):
        found = finding_of(tag, *words.span(tag.first, tag.last), text)
        if found is not None:
            yield found


def join(tags: list[Tag], tag: Tag, shown: Sequence[str], first: int = 0) -> None:
    """Adds one. Parts of an address that only a line end, a comma or a word parts are one; a town between them is not a person.

    first: the number of the first of `shown`.
    """
    if tag.type == "ADDRESS":
        place = len(tags) - 1
        if place > 0 and tags[place].type == "PERSON" and tags[place - 1].type == "ADDRESS":
            place -= 1
        if place >= 0 and tags[place].type == "ADDRESS" and _continues(tags[place], tag, shown, first):
            odds = max(tags[place].odds, tag.odds)
            tags[place:] = [Tag("ADDRESS", tags[place].first, tag.last, odds)]
            return
    tags.append(tag)


def may_continue(gap: Sequence[str]) -> bool:
    """Whether an address could go on behind these words and some more."""
    if len(gap) > _GAP_WORDS_MAX:
        return False
    bare = [one.strip(" \t") for one in gap]
    return _STOPS.isdisjoint(bare) and sum(one.count("\n") for one in bare) <= 2 and not any("\n\n" in one for one in bare)


def _continues(before: Tag, tag: Tag, shown: Sequence[str], first: int) -> bool:
    gap = [one.strip(" \t") for one in shown[before.last + 1 - first : tag.first - first]]
    lines = sum(one.count("\n") for one in gap)
    words_between = sum(one[:1].isalpha() for one in gap)
    if not may_continue(gap) or (words_between and not lines and "," not in gap):
        return False
    starts_anew = shown[tag.first - first].strip().isdigit() and tag.last > tag.first + 1 and lines > 0
    return not starts_anew and words_between <= 3


def named_by(tag: Tag, shown: Sequence[str]) -> Iterator[tuple[str, float]]:
    """Words by which somebody may be named again, who is named in full by these."""
    if tag.type == "PERSON" and tag.last > tag.first and tag.odds >= _NAMED_ODDS:
        for part in map(str.strip, shown):
            if len(part) >= _NAMED_LETTERS_MIN and part[0].isupper() and part.isalpha():
                yield part, tag.odds
                yield " " + part, tag.odds


def _repeated(tags: list[Tag], shown: list[str]) -> list[Tag]:
    """With who was named in full, and is named by a part of it elsewhere in the text."""
    named: dict[str, float] = {}
    for tag in tags:
        for one, odds in named_by(tag, shown[tag.first : tag.last + 1]):
            named.setdefault(one, odds)
    if not named:
        return tags
    taken = {place for tag in tags if tag.last > tag.first or tag.type != "PERSON" for place in range(tag.first, tag.last + 1)}
    again = {
        place: Tag("PERSON", place, place, named[one])
        for place, one in enumerate(shown)
        if one in named and place not in taken and not is_part_of_more(shown, place)
    }
    kept = [tag for tag in tags if tag.last > tag.first or tag.first not in again]
    return [*kept, *again.values()]


def is_part_of_more(shown: Sequence[str], place: int) -> bool:
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


def finding_of(tag: Tag, start: int, end: int, text: str) -> Finding | None:
    """What stands there, without what only stands around it; None: it is no name."""
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
