"""No text makes a detector slow: repeats of what its expression is made of, and single characters, take time in proportion."""

import time
from collections.abc import Callable
from functools import cache
from itertools import chain

import pytest
import re2

from appliance.guardrails.expression import Character, Choice, Node, Place, Repeat, Sequence, parsed
from appliance.guardrails.finding import LONG
from appliance.guardrails.normal_text import normal
from appliance.guardrails.pattern import Pattern, options
from appliance.guardrails.scanner import Scanner
from appliance.guardrails.window import HELD_MAX
from tests.unit.guardrails.stream_texts import HARMLESS, NAMES, PERSONAL
from tests.unit.guardrails.test_streams import guard

PATTERNS = (*guard().scanner.patterns, *guard()._attacks.patterns)
SMALL, LARGE = 8_000, 32_000
GROWTH_MAX = 8  # linear: 4; quadratic: 16
LETTERS = "a0A1fb-_.:=/@\"' \n\\(){}[]<>%&+,;#$*!?|~^`\t\xe9\xb7"


@cache
def character(regex: str) -> str:
    one = re2.compile(regex.encode("latin-1"), options=options())
    codes = chain(map(ord, LETTERS), range(256))
    return next(chr(code) for code in codes if one.fullmatch(bytes([code])))


def sample(nodes: Sequence, more: int, branch: int) -> str:
    """Something that it matches, or nearly. `more`: repeats beyond the least; `branch`: which one of a choice."""
    return "".join(one_of(node, more, branch) for node in nodes)


def one_of(node: Node, more: int, branch: int) -> str:
    match node:
        case Character():
            return character(node.regex)
        case Place():
            return ""
        case Repeat():
            count = node.least + more
            return one_of(node.item, more, branch) * (count if node.most is None else min(count, node.most))
        case Choice():
            return sample(node.branches[branch % len(node.branches)], more, branch)


def fragments(pattern: Pattern) -> list[str]:
    """Matches, short and longer, with a blank and without; what lacks its end; and the expression's characters one by one."""
    tree = parsed(pattern.regex)
    short, long, other = sample(tree, 0, 0), sample(tree, 2, 0)[:300], sample(tree, 1, 1)[:300]
    return list(dict.fromkeys(one for one in (short, short[:-1], long + " ", other, "".join(sorted(set(long)))) if one))


def seconds(scanner: Scanner, text: str) -> float:
    plain = normal(text)
    begun = time.thread_time()
    for _ in scanner.found_in(plain):
        pass
    return time.thread_time() - begun


def is_linear(work: Callable[[int], float], small: int = SMALL, large: int = LARGE, least: float = 0.004) -> bool:
    """By how much longer four times as much takes, in one of three tries: the machine has other work too."""
    return any(work(large) / max(work(small), least) < GROWTH_MAX for _ in range(3))


@pytest.mark.parametrize("pattern", PATTERNS, ids=[one.name for one in PATTERNS])
def test_repeats_of_what_an_expression_is_made_of_take_time_in_proportion(pattern: Pattern) -> None:
    scanner = Scanner([pattern])
    for fragment in fragments(pattern):
        text = fragment * (LARGE // len(fragment) + 1)
        assert is_linear(lambda size, text=text: seconds(scanner, text[:size])), fragment  # type: ignore[misc]


@pytest.mark.parametrize(
    "unit", [*NAMES, "Anna ", "Anna, ", "12 Main Street, ", "a'", "O'B", "\\", "\\n", "\t ", "é", "A1", "-", "1 "]
)
def test_so_do_repeats_of_names_and_addresses(unit: str) -> None:
    scanner = Scanner([], guard().scanner.whole)
    text = unit * (LARGE // len(unit) + 1)
    assert is_linear(lambda size: seconds(scanner, text[:size]))


def streamed(text: str) -> float:
    """One character at a time."""
    window = guard().window(lambda part, found: part)
    begun = time.thread_time()
    for one in text:
        window.feed(one)
    window.last()
    return time.thread_time() - begun


@pytest.mark.parametrize(
    "unit",
    ["QUJD", "a@", "4111 ", "password = '", "-----BEGIN RSA PRIVATE KEY-----", "Anna ", "\\u00e9", PERSONAL[0], HARMLESS[2]],
)
def test_so_do_streams_of_single_characters_however_much_is_held(unit: str) -> None:
    text = unit * (4 * HELD_MAX // len(unit) + 1)
    assert is_linear(lambda size: streamed(text[:size]), HELD_MAX // 2, 2 * HELD_MAX, 0.02)


def test_a_text_that_the_event_loop_looks_through_is_short() -> None:
    """Milliseconds, of a quiet machine two; a busy one tells only that none is far from that."""
    worst = 0.0
    for unit in (*PERSONAL, *NAMES, *HARMLESS):
        text = (unit * (LONG // len(unit) + 1))[:LONG]
        guard().found([text])
        worst = max(worst, min(timed(text) for _ in range(3)))
    assert worst < 0.02


def timed(text: str) -> float:
    begun = time.thread_time()
    guard().found([text])
    return time.thread_time() - begun
