"""Every detector on texts that come in pieces: wherever they are cut, the findings are those of the whole text."""

import random
from collections.abc import Iterable, Sequence
from functools import cache

import pytest

from appliance.guardrails.detectors.names import Names
from appliance.guardrails.finding import Finding
from appliance.guardrails.guard import Guard
from appliance.guardrails.house import make_guard
from appliance.guardrails.scanner import Followed
from tests.unit.guardrails.secret_values import own_key_fits
from tests.unit.guardrails.stream_texts import COMMANDS_NAMED, CUT_EVERYWHERE, HARMLESS, NAMES, TEXTS

Placed = tuple[str, int, int, float]


@cache
def guard() -> Guard:
    return make_guard(own_key_fits)


def whole(text: str) -> list[Placed]:
    return [(one.type, one.start, one.end, one.score) for one in guard().scanner.find(text)]


def in_pieces(text: str, cuts: Sequence[int]) -> list[Placed]:
    """Nothing of the text is lost either."""
    got: list[Placed] = []
    place = 0

    def act(part: str, found: list[Finding]) -> str:
        nonlocal place
        got.extend((one.type, one.start + place, one.end + place, one.score) for one in found)
        place += len(part)
        return part

    window = guard().window(act)
    shown = "".join(window.feed(text[start:end]) for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True))
    assert shown + window.last() == text
    return got


@pytest.mark.parametrize("number", range(len(TEXTS)))
def test_every_single_cut_and_one_character_at_a_time(number: int) -> None:
    text = TEXTS[number]
    expected = exact(text, whole(text))
    assert exact(text, in_pieces(text, range(1, len(text)))) == expected
    for cut in range(1, len(text), 1 if text in CUT_EVERYWHERE else 11):
        assert exact(text, in_pieces(text, [cut])) == expected, cut


def exact(text: str, found: list[Placed]) -> list[Placed]:
    """Without what a stream knows too late: names, where a text has hardly any capitals."""
    words = text.split()
    small, capital = sum(word.islower() for word in words), sum(word[:1].isupper() for word in words)
    return [one for one in found if one[0] not in Names.types] if capital * 12 < small or small < 8 else found


def test_a_thousand_splits_of_texts_after_each_other() -> None:
    for seed in range(1_000):
        source = random.Random(seed)
        text = "\n\n".join(source.sample(NAMES if seed % 4 == 0 else CUT_EVERYWHERE, 2))
        cuts = sorted(source.sample(range(1, len(text)), source.randrange(1, 16)))
        cut, expected = in_pieces(text, cuts), whole(text)
        if seed % 4:
            cut, expected = ([one for one in found if one[0] not in Names.types] for found in (cut, expected))
        assert cut == expected, seed


def test_there_is_a_text_for_every_detector() -> None:
    found = {one.detector for text in TEXTS for one in guard().scanner.find(text)}
    everything = {one.name for one in (*guard().scanner.patterns, *guard().scanner.whole)}
    assert everything - found == set()


def said(text: str, cuts: Iterable[int]) -> list[str]:
    return [text[start:end] for kind, start, end, score in in_pieces(text, list(cuts)) if kind == "PERSON" and score >= 0.5]


def test_what_a_detector_of_whole_texts_can_not_know_on_a_stream() -> None:
    """They say so themselves; all others are exact."""
    assert [one.name for one in guard().scanner.whole if not isinstance(one, Followed) or one.streams != "exact"] == ["names"]
    assert isinstance(Names(), Followed)
    text = "So Fontaine came. It was signed by Marguerite Fontaine. Later the board thanked Fontaine, too."
    named = ["Marguerite Fontaine", "Fontaine"]
    assert [text[one.start : one.end] for one in guard().scanner.find(text) if one.type == "PERSON"] == ["Fontaine", *named]
    for cuts in ([], [20], [len(text) - 1], range(1, len(text))):
        assert said(text, cuts) in (["Fontaine", *named], named), "who is named by surname first may be missed, and nothing else"


@pytest.mark.parametrize("text", HARMLESS, ids=range(len(HARMLESS)))
def test_what_is_harmless_goes_on_within_a_few_words(text: str) -> None:
    assert held_at_most(text) <= 48


@pytest.mark.parametrize("text", COMMANDS_NAMED, ids=range(len(COMMANDS_NAMED)))
def test_behind_a_commands_name_it_waits_no_longer_than_its_line(text: str) -> None:
    """A password may come as far off; narrower expressions wait less, and miss it."""
    assert held_at_most(text) <= max(map(len, text.splitlines()))


def held_at_most(text: str) -> int:
    window = guard().window(lambda part, found: part)
    shown = most = 0
    for given, one in enumerate(text, 1):
        shown += len(window.feed(one))
        most = max(most, given - shown)
    return most
