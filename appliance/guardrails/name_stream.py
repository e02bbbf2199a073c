"""Names and addresses in a text that comes in pieces: held is the part of a sentence that may still become one, word by word.

It finds what the whole text has, wherever the cuts are, save: who is named by surname before being named in full, and names in
small letters in a text with hardly any capitals, which is known only later.
"""

from functools import cache

from appliance.data import data_folder
from appliance.guardrails.finding import Finding
from appliance.guardrails.following import Following
from appliance.guardrails.name_rules import finding_of, is_part_of_more, join, may_continue, named_by
from appliance.guardrails.normal_text import NormalText
from appliance.guardrails.tagger import Tag, Tagger, weights_in
from appliance.guardrails.words import words_of

_KEPT_MAX = 256  # words that nothing waits for


@cache
def tagger() -> Tagger:
    """The file is read once, when it is first needed."""
    return Tagger(weights_in(data_folder("models") / "names.bin"))


class NameStream:
    """Of one text. Inside, places are counted in the given text's characters, from its first one on."""

    def __init__(self) -> None:
        self._following = Following(tagger())
        self._first = 0  # which word stands first in the lists; numbers of words are counted from the text's beginning
        self._shown: list[str] = []
        self._starts: list[int] = []
        self._read = 0  # up to where the text has been parted into words
        self._settled = 0  # up to which word everything is said
        self._tags: list[Tag] = []  # behind it
        self._named: dict[str, float] = {}
        self._found: list[Finding] = []

    def feed(self, plain: NormalText, origin: int, *, is_last: bool = False) -> tuple[list[Finding], int]:
        """`plain`: what is in sight; its first character is the given text's `origin`.

        Gives what was found in it, and from where on nothing is decided, both in characters of what was given for it.
        """
        self._part(plain, origin, is_last=is_last)
        until = self._following.open
        if not is_last:
            until = min([until, *(tag.first for tag in self._tags if tag.type == "ADDRESS" and self._may_go_on(tag))])
        self._settle(until, plain, origin)
        self._forget(origin)
        open_from = self._starts[until - self._first] if until - self._first < len(self._starts) else self._read
        return [one.at(max(0, one.start - origin), one.end - origin) for one in self._found], open_from - origin

    def _part(self, plain: NormalText, origin: int, *, is_last: bool) -> None:
        """Takes in the words that will not change any more: the last one may, and what an apostrophe may tie to it."""
        begin = place = plain.place(max(self._read - origin, 0))
        shown = words_of(plain.text[begin:]).shown
        if not is_last:
            del shown[-3 if shown[-2:-1] == ["'"] else -2 if shown[-1:] == ["'"] else -1 :]
        for one in shown:
            self._starts.append(origin + plain.original(place, place + 1)[0])
            place += len(one)
        self._read = origin + plain.original(place, place)[0]
        self._shown += shown
        for tag in self._following.feed(shown, is_last=is_last):
            join(self._tags, tag, self._shown, self._first)

    def _may_go_on(self, address: Tag) -> bool:
        """Another part of it may follow."""
        return may_continue(self._shown[address.last + 1 - self._first : self._following.open - self._first])

    def _settle(self, until: int, plain: NormalText, origin: int) -> None:
        tags = {tag.first: tag for tag in self._tags}
        while self._settled < until:
            tag = tags.get(self._settled)
            if tag is None or (tag.type == "PERSON" and tag.first == tag.last):
                odds = self._named.get(self._shown[self._settled - self._first]) if self._named else None
                if odds is not None and not is_part_of_more(self._shown, self._settled - self._first):
                    tag = Tag("PERSON", self._settled, self._settled, odds)
            if tag is None:
                self._settled += 1
                continue
            self._say(tag, plain, origin)
            self._settled = tag.last + 1
        self._tags = [tag for tag in self._tags if tag.first >= self._settled]

    def _say(self, tag: Tag, plain: NormalText, origin: int) -> None:
        shown = self._shown[tag.first - self._first : tag.last + 1 - self._first]
        for one, odds in named_by(tag, shown):
            self._named.setdefault(one, odds)
        start, last = (plain.place(max(self._starts[one - self._first] - origin, 0)) for one in (tag.first, tag.last))
        end = min(last + len(shown[-1]), len(plain.text))  # of what was held too long, only the end is in sight
        found = finding_of(tag, start + (shown[0][:1].isspace() and len(shown[0]) > 1), end, plain.text)
        if found is not None:
            first, last = plain.original(found.start, found.end)
            self._found.append(found.at(first + origin, last + origin))

    def _forget(self, origin: int) -> None:
        self._found = [one for one in self._found if one.end > origin]
        spare = self._settled - self._first - _KEPT_MAX
        if spare > _KEPT_MAX:
            del self._shown[:spare], self._starts[:spare]
            self._first += spare
