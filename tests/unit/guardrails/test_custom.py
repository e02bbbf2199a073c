"""Expressions that an administrator wrote: what is refused and where, what is found, in which scripts, and in how much time."""

import random
import resource
import time

import msgspec
import pytest

from appliance.guardrails.custom import EXPRESSIONS_MAX, BadExpression, CustomExpression, CustomScanner, custom_scanner
from appliance.guardrails.finding import Finding
from appliance.guardrails.guard import Guard
from appliance.guardrails.pattern import Found, Pattern
from appliance.guardrails.policy import Policy, PolicyForm, Rule
from appliance.guardrails.scanner import Scanner
from appliance.guardrails.window import HELD_MAX, Window

DIGITS = Pattern(name="digits", types=("NUMBER",), regex=r"\b[0-9]{4}\b", judge=lambda match: [Found("NUMBER", 0.9)])
GUARD = Guard(Scanner([DIGITS]), Scanner([]), [])


def scanner(*regexes: str, ignore_case: bool = False) -> CustomScanner:
    return custom_scanner([CustomExpression(name="X", regex=one, ignore_case=ignore_case) for one in regexes])


def told(regex: str, text: str, *, ignore_case: bool = False) -> list[str]:
    return [text[one.start : one.end] for one in scanner(regex, ignore_case=ignore_case).find(text)]


@pytest.mark.parametrize(
    ("regex", "reason", "position"),
    [
        ("ab(cd", "missing )", 2),
        ("(ab(cd", "missing )", 3),
        (r"\((ab", "missing )", 2),
        ("ab)cd", "unexpected )", 2),
        ("[(]ab)", "unexpected )", 5),
        ("ab*|*c", "no argument for repetition operator: *", 4),
        ("a+b**", "bad repetition operator: **", 3),
        (r"\**a**", "bad repetition operator: **", 4),
        ("ab[z-a]", "invalid character class range: z-a", 3),
        ("ab[c", "missing ]", 2),
        (r"a\\\yb", r"invalid escape sequence: \y", 3),
        (r"ab(?=c)", "invalid perl operator: (?=", 2),
        (r"(a)\1", r"invalid escape sequence: \1", 3),
        ("ab[[:nope:]]", "invalid character class range: [:nope:]", 3),
        ("ab{1,5000}", "invalid repetition size: {1,5000}", 2),
        ("a{1,500}{1,500}", "bad repetition operator: {1,500}{1,500}", 1),
        ("(a{1,100}){1,100}", "invalid repetition size: {1,100}", 2),
        ("ab\\", "trailing \\", 2),
        (r"\p{Klingon}", r"invalid character class range: \p{Klingon}", 0),
        ("a(?P<>b)", "invalid named capture group: (?P<", 1),
        (r"ab\A", r"\A can't be told", 2),
        (r"\Cab", r"\C is a byte", 0),
        ("ab(?-m)$", "^ and $ are the ends of a line", 2),
        ("a*", "it matches the empty text", None),
        (r"\b", "it matches the empty text", None),
        ("(a|b?)", "it matches the empty text", None),
        ("^$", "it matches the empty text", None),
        ("\u200b", "it matches the empty text", None),
        ("(" * 400 + "a" + ")" * 400, "groups stand too deep in one another", None),
    ],
)
def test_what_is_wrong_is_told_with_its_place(regex: str, reason: str, position: int | None) -> None:
    good = CustomExpression(name="GOOD", regex="good")
    with pytest.raises(BadExpression) as caught:
        custom_scanner([good, CustomExpression(name="BAD", regex=regex)])
    assert (caught.value.place, caught.value.position) == (1, position)
    assert caught.value.reason.startswith(reason)


@pytest.mark.parametrize(
    "form",
    [
        {"name": "lower", "regex": "a"},
        {"name": "A" * 42, "regex": "a"},
        {"name": "A", "regex": ""},
        {"name": "A", "regex": "a" * 1_001},
        {"name": "A", "regex": "a", "more": 1},
        {"name": "A", "regex": "a", "description": "d" * 201},
    ],
)
def test_the_form_is_checked(form: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(form, CustomExpression)


def test_there_are_no_more_than_a_hundred() -> None:
    with pytest.raises(BadExpression):
        scanner(*["a"] * (EXPRESSIONS_MAX + 1))
    assert len(scanner(*[f"code{place}" for place in range(EXPRESSIONS_MAX)]).find("code7 code8")) == 2


@pytest.mark.parametrize(
    ("regex", "text", "found"),
    [
        (r"PRJ-[0-9]{4}", "PRJ-1234, prj-1234", ["PRJ-1234"]),
        (r"\pL+-\d+", "Zoë-12 a-1", ["Zoë-12", "a-1"]),
        (r"[[:alpha:]]+!", "abc! 1!", ["abc!"]),
        (r"end\z", "end end", ["end"]),
        ("(?i)secret", "a SeCrEt", ["SeCrEt"]),
        ("a(?i)b|c", "aB C ab A", ["aB", "C", "ab"]),
        (r"\Qa.b*\E+", "a.b** axb", ["a.b**"]),
        (r"(?P<n>x+)(y)", "xxy", ["xxy"]),
        ("^x.$", "xa\nxb xc\nxd", ["xa", "xd"]),
        ("a{,3}", "a{,3}", ["a{,3}"]),
        (r"[]\]x]+y", "]xy", ["]xy"]),
        ("(?U)a+", "aa", ["a", "a"]),
        ("गंगा", "परियोजना गंगा और गंगाजल", ["गंगा", "गंगा"]),
        (r"गंगा-[०-९]+", "x गंगा-१२ y", ["गंगा-१२"]),
        (r"\p{Devanagari}{3,}", "abc परियोजना", ["परियोजना"]),
        ("Проект-[А-Я]", "наш Проект-Ы", ["Проект-Ы"]),
        ("ΣΊΣΥΦΟΣ", "το ΣΊΣΥΦΟΣ", ["ΣΊΣΥΦΟΣ"]),
        ("“go”", '"go" “go” «go»', ['"go"', "“go”"]),
        ("ｆｕｌｌ", "full ｆｕｌｌ", ["full", "ｆｕｌｌ"]),
        (r"[–—]x", "-x —x", ["-x", "—x"]),
        ("full", "f\u200bull", ["f\u200bull"]),
        ("🦄+", "a 🦄🦄 b", ["🦄🦄"]),
        ("a.c", "aéc a🦄c a\nc \ud800 abc", ["aéc", "a🦄c", "abc"]),
    ],
)
def test_what_is_found(regex: str, text: str, found: list[str]) -> None:
    assert told(regex, text) == found


def test_small_and_capital_letters_of_any_script() -> None:
    assert told("straße|проект", "STRAßE ПРОЕКТ", ignore_case=True) == ["STRAßE", "ПРОЕКТ"]
    assert told("проект", "ПРОЕКТ") == []


def test_findings_say_what_they_are() -> None:
    (found,) = custom_scanner([CustomExpression(name="CODENAME", regex="osprey")]).find("an osprey")
    assert (found.type, found.start, found.end) == ("CUSTOM_CODENAME", 3, 9)
    assert found.score >= 0.9


def test_they_stand_beside_what_is_always_looked_for() -> None:
    policy = Policy(
        PolicyForm(
            name="p",
            rules=[Rule(types=["CUSTOM", "NUMBER"], input="mask")],
            custom=[CustomExpression(name="X", regex="x")],
        )
    )
    custom = scanner("case-1234-x", "^first")
    text = "first case-1234-x 1234"
    assert GUARD.judged(text, policy, "input", custom).text == "[CUSTOM_X] [CUSTOM_X] [NUMBER]"
    assert [[one.type for one in found] for found in GUARD.found(["1234", "first", "a first"], custom)] == [
        ["NUMBER"],
        ["CUSTOM_X"],
        [],
    ]


TEXT = "PRJ-1234 aaaaaaa Projekt Ü12 गंगा-१२ x\u200bPRJ-9999\nfirst end 1234 गंगा-\nfirst aaab “go” 12345 end"
EVERY = ("PRJ-[0-9]{4}", "aaa", "(?i)projekt ü[0-9]+", "गंगा-[0-9]+", "^first", r"end\z", '"go"', r"a{2,}b|\bx")


def in_pieces(window: Window, got: list[Finding], text: str, cuts: list[int]) -> list[tuple[str, int, int]]:
    for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        window.feed(text[start:end])
    window.last()
    return [(one.type, one.start, one.end) for one in got]


def test_the_findings_of_a_stream_are_those_of_the_whole_wherever_it_is_cut() -> None:
    custom = scanner(*EVERY)
    text = TEXT + " aaa" * 70 + "a" * 301 + TEXT
    whole = [(one.type, one.start, one.end) for one in GUARD.found([text], custom)[0]]
    assert len(whole) > 170
    cuts = [[cut] for cut in range(1, len(text))] + [list(range(1, len(text)))]
    cuts += [sorted(random.Random(seed).sample(range(1, len(text)), 40)) for seed in range(200)]
    for one in cuts:
        got: list[Finding] = []
        place = 0

        def act(part: str, found: list[Finding], got: list[Finding] = got) -> str:
            nonlocal place
            got += [each.at(each.start + place, each.end + place) for each in found]
            place += len(part)
            return part

        assert in_pieces(GUARD.window(act, custom), got, text, one) == whole, one


ADVERSARIAL = [
    "(a+)+$",
    "(.*)*x",
    "(a|a)*b",
    "a[^z]*z|a",
    r"(\w+\s?)+:",
    "(?s).*secret.*",
    "(x+x+)+y",
    "[ab]*a[ab]{100}c",
    r"(?:\pL{1,200}-){1,4}é",
    "(((a{1,9}){1,9}){1,9})b",
    "(a?){200}a{200}",
    "|".join(f"w{place}.*{place}x" for place in range(80)),
]


@pytest.mark.parametrize("regex", ADVERSARIAL)
def test_no_expression_takes_long_or_much(regex: str) -> None:
    begun, before = time.thread_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    custom = scanner(regex)
    for text in ("a" * 30_000, "ab" * 15_000, "xé " * 10_000, "word secret " * 2_500):
        custom.find(text)
        window = Window(custom.holding, lambda part, found: part)
        for start in range(0, 12_000, 400):
            window.feed(text[start : start + 400])
        window.last()
    assert time.thread_time() - begun < 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400_000


def test_a_finding_is_no_longer_than_a_stream_holds() -> None:
    found = scanner("a+").find("b" + "a" * 20_000)
    assert sum(one.end - one.start for one in found) == 20_000
    assert max(one.end - one.start for one in found) <= 2 * HELD_MAX
