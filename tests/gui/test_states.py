"""What the tray app decides, without Qt."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gui.home import start_report
from gui.overview_state import Bar, axis_top, cards, grouped, note
from gui.playground_state import Conversation, summary
from gui.tray_state import CALM_SECONDS, Steady, look, wanted_icon
from gui.wizard_state import owner_problem

STATES = ["running", "busy", "degraded", "stopped"]


@given(st.lists(st.sampled_from(["running", "busy"]), min_size=1, max_size=40))
def test_the_icon_does_not_flicker_when_requests_come_and_go(wanted: list[str]) -> None:
    steady = Steady()
    shown = [steady.icon(one, now * CALM_SECONDS / 100) for now, one in enumerate(wanted)]
    assert sum(a != b for a, b in itertools.pairwise(shown)) <= 1


@given(st.lists(st.sampled_from(STATES), max_size=10), st.sampled_from(["degraded", "stopped", "busy"]))
def test_bad_news_and_work_show_at_once(before: list[str], last: str) -> None:
    steady = Steady()
    for one in before:
        steady.icon(one, 1.0)
    assert steady.icon(last, 1.0) == last


@pytest.mark.parametrize(
    ("phase", "start", "stop"), [("stopped", 1, 0), ("starting", 0, 0), ("running", 0, 1), ("stopping", 0, 0)]
)
def test_the_menu_offers_only_what_can_be_done(phase: str, start: bool, stop: bool) -> None:
    shown = look(phase, None, wanted_icon(phase, None))
    assert (shown.can_start, shown.can_stop) == (bool(start), bool(stop))


def test_the_tooltip_names_every_loaded_model() -> None:
    assert "a, b" in look("running", {"state": "running", "loaded_models": ["a", "b"]}, "running").tooltip


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), max_size=60))
def test_no_bar_is_taller_than_the_chart(counts: list[tuple[int, int]]) -> None:
    bars = [Bar("", ok, failed) for ok, failed in counts]
    top = axis_top(bars)
    assert top % 4 == 0
    assert all(bar.ok + bar.failed <= top for bar in bars)


def test_nothing_known_is_a_dash_and_not_a_zero() -> None:
    assert {card.value for card in cards(None)} == {"—"}
    assert "stopped" in note("stopped", None)


def test_numbers_are_grouped() -> None:
    assert [grouped(1234567), grouped(41_800_000)] == ["1,234,567", "41.8 M"]


def test_a_question_without_an_answer_is_not_sent_twice() -> None:
    talk = Conversation()
    assert talk.ask(" Hello ")
    assert not talk.ask("while it answers")
    talk.fail()
    assert talk.messages == []


def test_a_summary_survives_an_answer_in_no_time() -> None:
    assert summary(3, 0, 0.0) == "3 tokens in · 0 out · 0.0 s"


@pytest.mark.parametrize(
    ("answers", "problem"),
    [
        (("", "a@b.in", "longenough", "longenough"), "name"),
        (("A", "nobody", "longenough", "longenough"), "e-mail"),
        (("A", "a@b.in", "short", "short"), "8 characters"),
        (("A", "a@b.in", "longenough", "longenougg"), "differ"),
    ],
)
def test_the_wizard_says_what_is_missing(answers: tuple[Any, ...], problem: str) -> None:
    assert problem in owner_problem(*answers)


def test_the_wizard_accepts_an_owner() -> None:
    assert owner_problem("Asha", "asha@example.in", "longenough", "longenough") == ""


def test_a_start_that_failed_is_told_in_its_own_words() -> None:
    assert start_report("noise\nError: port 8000 is taken\n  Fix: choose another\n") == ("port 8000 is taken", "choose another")
