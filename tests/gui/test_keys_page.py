"""The Keys page before a stand-in: screens that a real appliance shows seldom."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QWidget
from pytestqt.qtbot import QtBot

from gui import theme
from gui.confirm_dialog import ConfirmDialog
from gui.desktop import Desktop
from gui.pages.keys import KeysPage
from gui.tables.lines_view import LinesView
from gui.window import PAGES, WANTED, Window
from tests.gui.conftest import MakeService
from tests.gui.keys_stand_in import StandIn, account, key, person, unit

WAIT_MS = 15_000
YEARS_AHEAD, LONG_AGO = "2099-01-01T00:00:00Z", "2026-01-01T08:00:00Z"
EVIL = "\u202e<b>Wiki</b> & Söhne " + "very-long-" * 20
PEOPLE = [
    person("Asha Rao", department_id="dpt_research"),
    person("Ben Okafor", suspended_at=LONG_AGO),
    person("Chitra Iyer"),
]
ACCOUNTED = [
    account("wiki", keys=2, department_id="dpt_research", team_id="team_search"),
    account("ci", suspended_at=LONG_AGO, keys=1),
    account("empty"),
]
SOME = [
    key("notebook", user_id="user_asha", requests=12_480, success_rate=0.9975, last_used_at=LONG_AGO, environment="development"),
    key("ben", user_id="user_ben"),
    key("wiki", service_account_id="sa_wiki", models=["fast", "openai/*"], expires_at=YEARS_AHEAD),
    key("build", service_account_id="sa_ci", requests=3, success_rate=0.334, last_used_at=LONG_AGO),
    key("rotated", user_id="user_chitra", previous_until=YEARS_AHEAD, rotated_at=LONG_AGO, requests=1, success_rate=1.0),
    key("first-run", loopback_only=True, expires_at=LONG_AGO, state="expired"),
    key("prometheus", scopes=["metrics"]),
    key("gone", user_id="user_left", state="revoked", revoked_at=LONG_AGO),
]
UNITS = {"departments": [unit("dpt_research", "Research")],
         "teams": [unit("team_search", "Search", department_id="dpt_research")]}  # fmt: skip
MakeStandIn = Callable[..., StandIn]


@pytest.fixture
def stand_in(home: Path) -> Iterator[MakeStandIn]:
    made: list[StandIn] = []

    def make(keys: list[dict[str, Any]], many: int = 0, **lists: Any) -> StandIn:
        made.append(StandIn(home, keys, many, **lists))
        return made[0]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def window(qtbot: QtBot, home: Path, service: MakeService) -> Callable[[], Window]:
    """The app's window at its Keys page. The stand-in stands for the gateway from before."""
    kept: list[Desktop] = []  # qtbot keeps no window from the collector

    def make() -> Window:
        found = QApplication.instance()
        assert isinstance(found, QApplication)
        found.setStyle("Fusion")
        theme.apply(found)
        desktop = Desktop(found, service(home), tray=False)
        kept.append(desktop)
        desktop._wizard_offered = True
        qtbot.addWidget(desktop.window)
        desktop.window.resize(WANTED)
        desktop.window.show()
        desktop.window.nav.setCurrentRow(PAGES.index("Keys"))
        return desktop.window

    return make


def told(qtbot: QtBot, window: Window) -> KeysPage:
    page = window.keys
    assert page is not None
    qtbot.waitUntil(lambda: page.watch.keys.keys.told and page.parts.isVisible(), timeout=WAIT_MS)
    return page


def cells(view: LinesView, column: int) -> list[str]:
    return [str(view.table.index(place, column).data()) for place in range(view.table.rowCount())]


def cell(view: LinesView, line_id: str, column: int) -> str:
    place = view.table.place_of(line_id)
    return str(view.table.index(place, column).data()) if place >= 0 else ""


def pictures(shown: QWidget, screenshots: Path, name: str) -> None:
    found = QApplication.instance()
    assert isinstance(found, QApplication)
    for tone, colours in (("dark", theme.DARK), ("light", theme.LIGHT)):
        theme.apply(found, colours)
        QTest.qWait(30)
        assert shown.grab().save(str(screenshots / f"keys_{name}_{tone}.png"))


def dialog_of(page: KeysPage, kind: type[QDialog]) -> Any:
    assert isinstance(page.dialog, kind)
    return page.dialog


def narrow(page: KeysPage, to: str) -> None:
    page.head.narrow.setCurrentIndex(page.head.narrow.findData(to))


def some(stand_in: MakeStandIn) -> StandIn:
    return stand_in(SOME, accounts=ACCOUNTED, people=PEOPLE, **UNITS)


def test_the_page_shows_each_key_whose_it_is_and_how_it_stands(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    some(stand_in)
    shown = window()
    page = told(qtbot, shown)
    view = page.keys.view
    qtbot.waitUntil(lambda: "…" not in cells(view, 1), timeout=WAIT_MS)
    assert cells(view, 0) == ["notebook", "ben", "wiki", "build", "rotated", "prometheus"]
    assert cells(view, 1) == ["Asha Rao", "Ben Okafor", "wiki", "ci", "Chitra Iyer", "Nobody's"]
    assert cells(view, 4) == ["Active", "Stopped", "Active", "Stopped", "Two values", "Active"]
    pictures(shown, screenshots, "some")
    shown.resize(640, 480)
    pictures(shown, screenshots, "small")
    view.choose("key_ben")
    assert "Ben Okafor is suspended" in page.keys.why.text()
    narrow(page, "stopped")
    assert cells(view, 0) == ["ben", "build"]
    narrow(page, "rotating")
    assert cells(view, 0) == ["rotated"]
    narrow(page, "expired")
    qtbot.waitUntil(lambda: cells(view, 0) == ["first-run"], timeout=WAIT_MS)
    assert "Edit it to give it another end" in page.keys.why.text()
    narrow(page, "revoked")
    qtbot.waitUntil(lambda: cells(view, 1) == ["Deleted account"], timeout=WAIT_MS)
    assert not any(one.isEnabled() for one in page.keys.buttons.buttons.values())
    narrow(page, "")
    qtbot.waitUntil(lambda: len(cells(view, 0)) == len(SOME), timeout=WAIT_MS)
    page.head.search.setText("research chitra")
    assert cells(view, 0) == []
    page.head.search.setText("chitra@example.com")
    assert cells(view, 0) == ["rotated"]


def test_with_no_key_the_page_says_what_one_is(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    stand_in([])
    shown = window()
    page = told(qtbot, shown)
    assert page.keys.empty.isVisible() and not page.keys.view.isVisible()
    pictures(shown, screenshots, "empty")
    narrow(page, "revoked")
    qtbot.waitUntil(lambda: page.watch.keys.keys.told, timeout=WAIT_MS)
    assert page.keys.view.isVisible() and page.keys.view._note == "No key was revoked."
    page.head.tabs[1].click()
    assert page.accounts.empty.isVisible() and not page.head.narrow.isVisible()


def test_ten_thousand_keys_come_as_they_are_wanted_and_freeze_nothing(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    gateway = stand_in(SOME, 10_000, accounts=ACCOUNTED, people=[person(f"P{n} Person") for n in range(300)], **UNITS)
    shown = window()
    page = told(qtbot, shown)
    view = page.keys.view
    assert view.table.rowCount() == 200 and page.head.tabs[0].text().endswith("200+")
    assert page.below.note.text() == "These are the newest 200 keys."
    qtbot.waitUntil(lambda: "…" not in cells(view, 1)[:150], timeout=WAIT_MS)
    asked = gateway.lists_asked
    page.below.more.click()
    qtbot.waitUntil(lambda: view.table.rowCount() == 400, timeout=WAIT_MS)
    assert gateway.lists_asked == asked + 1
    view.verticalScrollBar().setValue(view.verticalScrollBar().maximum())
    qtbot.waitUntil(lambda: view.table.rowCount() == 600, timeout=WAIT_MS)
    page.head.search.setText("old 9999")  # the oldest: the search goes on until it is found
    qtbot.waitUntil(lambda: cells(view, 0) == ["old 9999"], timeout=120_000)
    assert page.watch.keys.keys.cursor is None and not page.below.more.isVisible()
    page.head.search.clear()
    assert view.table.rowCount() == 10_006
    view.choose("key_old9998")
    began = time.process_time()
    page.refresh()
    took = time.process_time() - began
    print(f"figure keys_refresh_10000 {took * 1000:.0f} ms")
    assert took < 1.0
    page.watch.ask()  # its beginning only; what follows stays, and so does the chosen one
    asked = gateway.lists_asked
    qtbot.waitUntil(lambda: not page.watch._is_asking, timeout=WAIT_MS)
    assert gateway.lists_asked <= asked + 1 and view.table.rowCount() == 10_006 and view.chosen_id == "key_old9998"


def test_what_stands_in_names_is_shown_as_it_is(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    stand_in(
        [key(EVIL, id="key_evil", service_account_id="sa_evil", models=[EVIL])], accounts=[account(EVIL, id="sa_evil", keys=1)]
    )
    shown = window()
    page = told(qtbot, shown)
    assert cell(page.keys.view, "key_evil", 0).startswith("<b>Wiki</b> & Söhne very-long-")
    assert "\u202e" not in page.below.facts.text() and "<b>Wiki</b>" in page.below.facts.text()
    pictures(shown, screenshots, "evil")
    page.keys.buttons.buttons["revoke"].click()
    dialog = dialog_of(page, ConfirmDialog)
    pictures(dialog, screenshots, "evil_revoke")
    assert dialog.width() < 700 and shown.width() == WANTED.width()
    dialog.reject()


def test_a_list_that_fails_says_so_and_one_that_came_before_stays(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    gateway = some(stand_in)
    broken = {"error": {"message": "the database is locked", "fix": "wait a little"}}
    units = "/api/v1/admin/departments?limit=200"
    gateway.answer("GET", units, 503, broken)
    shown = window()
    page = shown.keys
    assert page is not None
    qtbot.waitUntil(page.again.isVisible, timeout=WAIT_MS)
    assert page.note.text() == "The keys can't be shown. The database is locked. Wait a little."
    gateway.answer_as_ever("GET", units)
    page.again.click()
    told(qtbot, shown)
    gateway.answer("GET", units, 200, {"items": [{"id": 5}]})
    page.watch.ask()
    qtbot.waitUntil(page.stale.isVisible, timeout=WAIT_MS)
    assert page.stale.text().startswith("This may be out of date.") and page.keys.view.table.rowCount() == 6
    pictures(shown, screenshots, "stale")
    gateway.close()
    qtbot.waitUntil(page.note.isVisible, timeout=WAIT_MS)
    assert page.note.text() == "The gateway is stopped. Start it to see its keys."
