"""Classes of expressions that stand for one thing, longest first: abbreviations.txt and synonyms.txt beside this file."""

from functools import cache

from appliance.cache.sameness.listed import lines
from appliance.cache.sameness.quantities import quantities
from appliance.cache.sameness.spelling import american

Phrase = tuple[str, ...]


class Phrases:
    """Replaces each expression of a table by its class's own, as one word with `_` between its parts."""

    def __init__(self, classes: list[str]) -> None:
        self._classes: dict[Phrase, str] = {}
        self._longest: dict[str, int] = {}
        for line in classes:
            forms = [_phrase(form) for form in line.split(" = ")]
            for form in forms:
                self._classes.setdefault(form, "_".join(forms[0]))
                self._longest[form[0]] = max(self._longest.get(form[0], 0), len(form))

    def replaced(self, words: list[str]) -> list[str]:
        out: list[str] = []
        index = 0
        while index < len(words):
            form = self._at(words, index)
            out.append(self._classes[form] if form else words[index])
            index += len(form) or 1
        return out

    def _at(self, words: list[str], index: int) -> Phrase:
        for length in range(min(self._longest.get(words[index], 0), len(words) - index), 0, -1):
            form = tuple(words[index : index + length])
            if form in self._classes:
                return form
        return ()


def _phrase(form: str) -> Phrase:
    return tuple(american(word) for word in quantities(form.split()))


@cache
def abbreviations() -> Phrases:
    return Phrases(lines("abbreviations.txt"))


@cache
def synonyms() -> Phrases:
    return Phrases(lines("synonyms.txt"))
