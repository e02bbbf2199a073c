"""The scanner with patterns of its own: where findings stand, which of two remains, what is too much."""

import random
from collections.abc import Iterable
from itertools import pairwise

import pytest
import re2

from appliance.guardrails.finding import Finding, resolved
from appliance.guardrails.normal_text import NormalText, normal
from appliance.guardrails.pattern import Found, Match, Pattern, options
from appliance.guardrails.perhaps import Perhaps
from appliance.guardrails.scanner import Scanner, Unreadable
from tests.unit.guardrails.stream_texts import TEXTS
from tests.unit.guardrails.test_streams import guard


def pattern(name: str, regex: str, score: float = 0.9) -> Pattern:
    return Pattern(name=name, types=(name.upper(),), regex=regex, judge=lambda match: [Found(name.upper(), score)])


SSN = pattern("us_ssn", "[0-9]{3}-[0-9]{2}-[0-9]{4}")
WORD = pattern("word", "[A-Za-z]{3,64}", 0.5)


def told(text: str, *patterns: Pattern) -> list[tuple[str, str]]:
    return [(one.type, text[one.start : one.end]) for one in Scanner(patterns).find(text)]


@pytest.mark.parametrize(
    "shown",
    [
        "123-45-6789",
        "1\u200b23-4\u200d5-67\ufeff89",
        "１２３-４５-６７８９",
        "१२३-४५-६७८९",
        "\U000e0031\U000e0032\U000e0033\U000e002d\U000e0034\U000e0035\U000e002d\U000e0036\U000e0037\U000e0038\U000e0039",
    ],
    ids=["plain", "zero-width", "full-width", "devanagari", "tags"],
)
@pytest.mark.parametrize("before", ["", "é ✓ ", "ﬁne ", "\U0001f600 "], ids=["", "accents", "ligature", "emoji"])
def test_a_finding_points_into_the_text_as_it_was_given(shown: str, before: str) -> None:
    assert told(f"{before}{shown} {before}", SSN) == [("US_SSN", shown)]


def test_flat_and_text_have_the_same_length_whatever_stands_there() -> None:
    alphabet = "a1é\u0301\u200bﬁ㍿१Ⅷ½\U0001f468\u200d\ufe0f\U000e0041ｶﾞ\x00\ud800"
    for seed in range(300):
        source = random.Random(seed)
        text = "".join(source.choice(alphabet) for _ in range(source.randrange(40)))
        plain = normal(text)
        assert len(plain.text) == len(plain.flat)
        if plain.starts is not None and plain.ends is not None:
            assert len(plain.starts) == len(plain.ends) == len(plain.text)
            assert list(plain.starts) == sorted(plain.starts)
            assert all(0 <= start < end <= len(text) for start, end in zip(plain.starts, plain.ends, strict=True))


def test_the_longest_remains_then_the_surest_and_attacks_stand_beside() -> None:
    def one(kind: str, start: int, end: int, score: float = 0.9) -> Finding:
        return Finding(type=kind, start=start, end=end, score=score, detector="test")

    long, tail, sure, unsure = one("CREDIT_CARD", 0, 16), one("AADHAAR", 4, 16), one("PAN", 20, 30), one("ID", 20, 30, 0.6)
    attack = one("PROMPT_INJECTION", 0, 40)
    assert resolved([tail, long, unsure, sure, attack]) == [long, attack, sure]
    url, tail = one("SECRET_URL_CREDENTIALS", 0, 10), one("EMAIL", 4, 30, 0.3)
    assert resolved([tail, url]) == [url], "what is hardly anything hides nothing"
    address, phone, name, key = one("ADDRESS", 50, 80), one("PHONE", 60, 70), one("PERSON", 90, 99), one("SECRET_TOKEN", 92, 110)
    assert resolved([address, phone, name, key, one("PERSON", 95, 99)]) == [address, phone, key], "names stand around values only"
    assert resolved([one("PERSON", 60, 70), phone, one("PERSON", 0, 5)]) == [one("PERSON", 0, 5), phone]
    chain = [one("A", start, start + 3) for start in range(0, 60_000, 2)]
    kept = resolved(chain)
    assert len(kept) == 15_000, "every second one; and a long chain takes no time"
    assert all(first.end <= second.start for first, second in pairwise(kept))


def test_only_what_matches_is_looked_at_and_groups_are_told() -> None:
    seen: list[tuple[str, str, str]] = []

    def judge(match: Match) -> Iterable[Found]:
        seen.append((match.group(1), match.before(4), match.after(3)))
        return [Found("NAME", 0.8, match.span(1))]

    named = Pattern(name="named", types=("NAME",), regex="name: ([a-z]{1,20})", judge=judge)
    scanner = Scanner([SSN, named])
    text = "my name: ada! name: "
    (finding,) = scanner.find(text)
    assert text[finding.start : finding.end] == "ada"
    assert seen == [("ada", "my ", "! n")]


def test_whole_texts_are_read_normalised_and_answered_in_the_originals_places() -> None:
    class Loud:
        name, types = "loud", ("LOUD",)

        def find(self, text: NormalText) -> Iterable[Finding]:
            start = text.text.find("LOUD")
            if start >= 0:
                yield Finding(type="LOUD", start=start, end=start + 4, score=1.0, detector=self.name)

    text = "so ＬＯ\u200bＵＤ"
    (finding,) = Scanner([SSN], [Loud()]).find(text)
    assert text[finding.start : finding.end] == "ＬＯ\u200bＵＤ"
    assert [one.type for one in Scanner([], [Loud()]).find("LOUD")] == ["LOUD"]


@pytest.mark.parametrize("regex", ["(", "a{1,5000}", "(?=a)", "(a)\\1", "[[:nope:]]"])
def test_an_expression_that_can_not_be_run_in_linear_time_is_refused(regex: str) -> None:
    with pytest.raises(Unreadable):
        Scanner([pattern("bad", regex)])


def test_no_expression_that_matches_is_passed_over() -> None:
    regexes = [one.regex for one in guard().scanner.patterns]
    perhaps, each = Perhaps(regexes), [re2.compile(one.encode("latin-1"), options=options()) for one in regexes]
    for text in (*TEXTS, "é contraseña: Häuser9! — गुप्त पासवर्ड: hunter22", "KEY\xb7" * 9):
        flat = normal(text).flat
        assert {number for number, one in enumerate(each) if one.search(flat)} <= set(perhaps.matching(flat)), text


@pytest.mark.parametrize("text", ["", "\n", "\x00" * 100, "1-" * 50_000, "a" * 100_000], ids=range(5))
def test_odd_texts_end(text: str) -> None:
    Scanner([SSN, WORD]).find(text)
