"""Texts in pieces: whatever the cuts, the findings are those of the whole, and nothing waits without need."""

import random
import re
from collections.abc import Sequence

import pytest
import re2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.guardrails.finding import Finding
from appliance.guardrails.partial import NoBeginnings, beginnings
from appliance.guardrails.pattern import Found, Match, Pattern, options
from appliance.guardrails.scanner import Scanner
from appliance.guardrails.window import CONTEXT, HELD_MAX, Holding, Window

EXPRESSIONS = [
    "[0-9]{3}-[0-9]{2}-[0-9]{4}",
    r"(?i)(?:password|pwd)\s{0,3}[:=]\s{0,3}([a-z]{2,4})",
    "ab{1,3}c|x(?:yz){0,2}w",
    "a?b?c",
    "[^a]b",
    r"\bfoo\b.{1,3}bar",
    "(ab){2,}c",
    "sk-(?:proj-)?[A-Za-z0-9_-]{3,5}",
    r"(?s)BEGIN.{1,20}END",
    r"(?is)begin.{1,5}(?:x|y)end",
    r"a(?i:bc)(?s:.)d",
    r"[\w.+-]{1,8}@\d{1,3}",
]


@pytest.mark.parametrize("counted", [False, True])
@pytest.mark.parametrize("regex", EXPRESSIONS)
def test_every_beginning_of_a_match_is_a_beginning(regex: str, counted: bool) -> None:
    whole = re2.compile(regex.encode(), options=options())
    begun = re2.compile(f"(?:{beginnings(regex, counted=counted)})\\z".encode(), options=options())

    @settings(max_examples=100, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.from_regex(re.compile(regex, re.ASCII), fullmatch=True))
    def check(word: str) -> None:
        if not word.isascii() or whole.fullmatch(word.encode()) is None:
            return  # Python's \s knows more characters than RE2's
        for end in range(len(word) + 1):
            found = begun.search(b"\xb7" + word[:end].encode())
            assert found.start() <= 1

    check()


@pytest.mark.parametrize("regex", EXPRESSIONS)
def test_what_is_no_beginning_is_let_go(regex: str) -> None:
    begun = re2.compile(f"(?:{beginnings(regex)})\\z".encode(), options=options())
    assert begun.search(b"zzz \x00\x00").start() >= 5


@pytest.mark.parametrize(
    ("regex", "text", "begun"),
    [
        ("[0-9]{3}-[0-9]{2}", "no 12345", "345"),
        ("[0-9]{3}-[0-9]{2}", "no 12345-", "345-"),
        ("[0-9]{3}-[0-9]{2}", "no 345-678", "678"),
        ("ab{1,3}c", "abbbb", ""),
        ("(?:ab{1,2}){2,3}c", "abbabab", "abbabab"),
        ("(?:ab{1,2}){2,3}c", "ababbabab", "abbabab"),
        ("x(?:yz){0,2}w", "xyzyzy", ""),
        ("(ab){2,}c", "ababab", "ababab"),
        ("[a-z]{2}[0-9]{2}(?: [a-z0-9]{4}){2}", "ab12 cd34 ef5", "ab12 cd34 ef5"),
        ("[a-z]{2}[0-9]{2}(?: [a-z0-9]{4}){2}", "ab12 word0 word1", "rd1"),
    ],
)
def test_a_counted_beginning_is_no_longer_than_a_match_can_be(regex: str, text: str, begun: str) -> None:
    search = re2.compile(f"(?:{beginnings(regex, counted=True)})\\z".encode(), options=options())
    assert search.search(text.encode()).group() == begun.encode()


@pytest.mark.parametrize("regex", ["(?=a)b", "(a)\\1", "(?<!a)b"])
def test_what_only_backtracking_finds_has_no_beginnings(regex: str) -> None:
    with pytest.raises(NoBeginnings):
        beginnings(regex)


def pattern(name: str, regex: str, *, looks_after: int = 0) -> Pattern:
    def judge(match: Match) -> list[Found]:
        is_part = match.after(looks_after)[:1].isdigit() if looks_after else False
        return [] if is_part else [Found(name, 0.9)]

    return Pattern(name=name.lower(), types=(name,), regex=regex, judge=judge, looks_after=looks_after)


PATTERNS = (
    pattern("EMAIL", r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}"),
    pattern("US_SSN", "[0-9]{3}-[0-9]{2}-[0-9]{4}", looks_after=1),
    pattern("CARD", "[0-9](?:[ -]?[0-9]){12,18}", looks_after=1),
    pattern("PEM", r"-----BEGIN [A-Z ]{1,40}-----[A-Za-z0-9+/=\s]{1,900}-----END [A-Z ]{1,40}-----"),
    pattern("PASSWORD", r"(?i)password\s{0,3}[:=]\s{0,3}[^\s]{4,64}"),
)
HOLDING = Holding(Scanner(PATTERNS))
TEXT = (
    "Write to priya.das@mail.example.org. Card 4111 1111 1111 1111, SSN 123-45-6789, part 123-45-67890; "
    "password: hunter22\n-----BEGIN RSA PRIVATE KEY-----\nQUJD\nREVG\n-----END RSA PRIVATE KEY----- "
    "आधार 4111 1111 1111 1111, १२३-४५-६७८९ pri\u200bya@ex\u200bample.org \U0001f600\U0001f600 1-2-3 a@b a@ password password="
)
Placed = tuple[str, int, int]


def in_pieces(text: str, cuts: Sequence[int]) -> list[Placed]:
    """Findings of a text cut there; nothing of the text is lost."""
    got: list[Placed] = []
    place = 0

    def act(part: str, found: list[Finding]) -> str:
        nonlocal place
        got.extend((one.type, one.start + place, one.end + place) for one in found)
        place += len(part)
        return part

    window = Window(HOLDING, act)
    shown = "".join(window.feed(text[start:end]) for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True))
    assert shown + window.last() == text
    return got


def whole(text: str) -> list[Placed]:
    return [(one.type, one.start, one.end) for one in HOLDING.scanner.find(text)]


def test_every_single_cut() -> None:
    assert len(whole(TEXT)) == 8
    for cut in range(1, len(TEXT)):
        assert in_pieces(TEXT, [cut]) == whole(TEXT), cut


def test_one_character_at_a_time() -> None:
    assert in_pieces(TEXT, range(1, len(TEXT))) == whole(TEXT)


def test_a_thousand_random_cuts() -> None:
    text = TEXT * 2
    for seed in range(1_000):
        source = random.Random(seed)
        cuts = sorted(source.sample(range(1, len(text)), source.randrange(1, 60)))
        assert in_pieces(text, cuts) == whole(text), seed


def test_what_is_decided_waits_for_nothing() -> None:
    window = Window(HOLDING, lambda part, found: part)
    assert window.feed("A sentence that ends here. ") == "A sentence that ends here. "
    assert window.feed("my ") == "my "
    assert window.feed("word") == "", "it may become an address"
    assert window.feed(" and") == "word "
    assert window.feed(" 123-45-") == "and "
    assert window.feed("6789") == ""
    assert window.feed(", ") == "123-45-6789, "


def test_findings_are_hidden_before_anything_of_them_is_shown() -> None:
    def act(part: str, found: list[Finding]) -> str:
        for one in reversed(found):
            part = f"{part[: one.start]}[{one.type}]{part[one.end :]}"
        return part

    for cut in range(1, len(TEXT)):
        window = Window(HOLDING, act)
        shown = window.feed(TEXT[:cut]) + window.feed(TEXT[cut:]) + window.last()
        for value in ("priya", "4111", "123-45-6789.", "hunter", "QUJD", "६७८९"):
            assert value not in shown, cut


def test_an_act_that_raises_shows_nothing() -> None:
    class Blocked(Exception):
        pass

    def act(part: str, found: list[Finding]) -> str:
        if found:
            raise Blocked
        return part

    window = Window(HOLDING, act)
    assert window.feed("so: ") == "so: "
    with pytest.raises(Blocked):
        window.feed("123-45-6789, ")


@pytest.mark.parametrize(
    "text",
    ["a" * 50_000, "1 " * 25_000, "-----BEGIN A-----" + "QUJD" * 12_000, "a@" * 25_000, "\u200b" * 20_000, "password: " * 5_000],
    ids=["word", "digits", "pem", "at", "unseen", "pairs"],
)
def test_no_text_is_held_back_beyond_the_bound(text: str) -> None:
    window = Window(HOLDING, lambda part, found: part)
    given_up = 0
    for start in range(0, len(text), 512):
        given_up += len(window.feed(text[start : start + 512]))
        assert start + 512 - given_up <= HELD_MAX + CONTEXT
    assert given_up + len(window.last()) == len(text)
