"""The Keys page before a stand-in: screens that a real appliance shows seldom."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QComboBox,
    QDateEdit,
    QDialog,
    QLabel,
    QLineEdit,
    QListWidget,
    QWidget,
)
from pytestqt.qtbot import QtBot

from gui.account_dialog import AccountDialog
from gui.confirm_dialog import ConfirmDialog
from gui.key_form_dialog import KeyFormDialog
from gui.leak_dialog import LeakDialog
from gui.made_dialog import MadeDialog
from gui.pages.keys import KeysPage
from gui.rotate_dialog import RotateDialog
from gui.window import WANTED, Window
from tests.gui.conftest import MakeService
from tests.gui.keys_stand_in import ACCOUNTS, KEYS, SECRET, USERS, StandIn, account, key, person, unit
from tests.gui.screens import cell, cells, opener, pictures

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
    return opener(qtbot, service, home, "Keys", WANTED)


def told(qtbot: QtBot, window: Window) -> KeysPage:
    page = window.keys
    assert page is not None
    qtbot.waitUntil(lambda: page.watch.keys.keys.told and page.parts.isVisible(), timeout=WAIT_MS)
    return page


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
    pictures(shown, screenshots, "keys_some")
    shown.resize(640, 480)
    pictures(shown, screenshots, "keys_small")
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
    pictures(shown, screenshots, "keys_empty")
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
    pictures(shown, screenshots, "keys_evil")
    page.keys.buttons.buttons["revoke"].click()
    dialog = dialog_of(page, ConfirmDialog)
    pictures(dialog, screenshots, "keys_evil_revoke")
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
    pictures(shown, screenshots, "keys_stale")
    gateway.close()
    qtbot.waitUntil(page.note.isVisible, timeout=WAIT_MS)
    assert page.note.text() == "The gateway is stopped. Start it to see its keys."


def test_a_key_is_made_for_a_person_who_is_looked_for(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    gateway = some(stand_in)
    page = told(qtbot, window())
    page.head.add.click()
    dialog = dialog_of(page, KeyFormDialog)
    qtbot.waitUntil(lambda: dialog.holder.person.list.count() == 3, timeout=WAIT_MS)
    dialog.save.click()
    assert dialog.rows["name"].problem.isVisible() and dialog.rows["holder"].problem.isVisible() and dialog.name.hasFocus()
    pictures(dialog, screenshots, "keys_new_wrong")
    dialog.name.setText("Notebook")
    dialog.holder.person.search.setText("chi")
    qtbot.waitUntil(lambda: dialog.holder.user_id == "user_chitra", timeout=WAIT_MS)  # the only one
    dialog.ends.setCurrentIndex(dialog.ends.findData("day"))
    dialog.models.setText("fast")
    dialog.menu.actions() and dialog.menu.actions()[0].trigger()
    dialog.scopes["embeddings"].setChecked(False)
    QTest.qWait(30)
    pictures(dialog, screenshots, "keys_new")
    gateway.answer("POST", KEYS, 400, {"error": {"message": "models[0] is no name of a model", "fix": "x", "param": "models[0]"}})
    dialog.save.click()
    qtbot.waitUntil(dialog.rows["models"].problem.isVisible, timeout=WAIT_MS)
    gateway.answer_as_ever("POST", KEYS)
    gateway.be_slow(True)
    dialog.save.click()
    dialog.reject()
    assert dialog.isVisible()  # else its value would be lost
    gateway.be_slow(False)
    qtbot.waitUntil(lambda: isinstance(page.dialog, MadeDialog), timeout=WAIT_MS)
    sent = gateway.calls[-1][2]
    assert sent["user_id"] == "user_chitra" and sent["models"] == ["fast"] and sent["scopes"] == ["chat", "models", "files"]
    assert sent["expires_at"] > "2026" and sent["environment"] == "production"


def test_a_new_value_is_shown_once_and_not_left_by_a_slip(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    some(stand_in)
    page = told(qtbot, window())
    page.head.add.click()
    dialog = dialog_of(page, KeyFormDialog)
    dialog.name.setText("Prometheus")
    dialog.holder.kind.setCurrentIndex(dialog.holder.kind.findData("nobody"))
    QTest.qWait(30)
    pictures(dialog, screenshots, "keys_new_nobody")
    dialog.save.click()
    qtbot.waitUntil(lambda: isinstance(page.dialog, MadeDialog), timeout=WAIT_MS)
    made = dialog_of(page, MadeDialog)
    assert made.key.text() == SECRET and SECRET in made.lines.toPlainText() and "curl http" in made.lines.toPlainText()
    made.kind.setCurrentIndex(1)
    assert "base_url=" in made.lines.toPlainText()
    pictures(made, screenshots, "keys_made")
    made.close_it.click()
    assert made.isVisible() and "can't be shown again" in made.said.text()
    pictures(made, screenshots, "keys_made_left")
    made.copy.click()
    assert QGuiApplication.clipboard().text() == SECRET
    made.close_it.click()
    qtbot.waitUntil(lambda: page.keys.view.chosen_id == "key_Prometheus", timeout=WAIT_MS)
    assert SECRET not in page.below.facts.text()


def test_an_edit_sends_what_differs_and_is_refused_where_somebody_was_faster(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    gateway = some(stand_in)
    page = told(qtbot, window())
    view = page.keys.view
    view.choose("key_wiki")
    view.opened.emit()
    dialog = dialog_of(page, KeyFormDialog)
    assert dialog.models.text() == "fast, openai/*" and not dialog.rows["holder"].isVisible()
    pictures(dialog, screenshots, "keys_edit")
    dialog.save.click()  # nothing was changed
    assert not dialog.isVisible() and not gateway.calls
    view.opened.emit()
    dialog = dialog_of(page, KeyFormDialog)
    dialog.models.clear()
    dialog.ends.setCurrentIndex(dialog.ends.findData("never"))
    changed = {"error": {"message": "you saw version 1, it is version 2 now", "fix": "Send its ETag", "param": None}}
    gateway.answer("PATCH", f"{KEYS}/key_wiki", 412, changed)
    dialog.save.click()
    qtbot.waitUntil(dialog.problem.isVisible, timeout=WAIT_MS)
    assert dialog.problem.text().startswith("Somebody else changed it meanwhile, so nothing of yours was saved.")
    assert not dialog.save.isEnabled()
    pictures(dialog, screenshots, "keys_edit_changed")
    dialog.cancel.click()
    gateway.answer_as_ever("PATCH", f"{KEYS}/key_wiki")
    view.opened.emit()
    dialog = dialog_of(page, KeyFormDialog)
    dialog.name.setText("wiki of all")
    dialog.models.clear()
    dialog.save.click()
    qtbot.waitUntil(lambda: cell(view, "key_wiki", 0) == "wiki of all", timeout=WAIT_MS)
    assert gateway.calls[-1] == ("PATCH", f"{KEYS}/key_wiki", {"name": "wiki of all", "models": None})
    assert page.watch.keys.keys.get("key_wiki").version == 2


def test_a_key_is_rotated_with_a_time_in_which_both_values_work(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    gateway = some(stand_in)
    page = told(qtbot, window())
    page.keys.view.choose("key_rotated")
    page.keys.buttons.buttons["rotate"].click()
    dialog = dialog_of(page, RotateDialog)
    assert "ends at once" in dialog.note.text()  # there are two values already
    pictures(dialog, screenshots, "keys_rotate")
    dialog.grace.setCurrentIndex(dialog.grace.findData(3_600))
    dialog.rotate.click()
    qtbot.waitUntil(lambda: isinstance(page.dialog, MadeDialog), timeout=WAIT_MS)
    made = dialog_of(page, MadeDialog)
    assert made.windowTitle() == "New value" and "The value before works until" in made.note.text()
    pictures(made, screenshots, "keys_rotated")
    assert gateway.calls[-1] == ("POST", f"{KEYS}/key_rotated/rotate", {"grace_seconds": 3_600})
    made.copy_lines.click()
    made.reject()


def test_a_revoked_key_leaves_the_list_and_a_refusal_is_told(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    gateway = some(stand_in)
    page = told(qtbot, window())
    view = page.keys.view
    view.choose("key_wiki")
    gateway.answer("DELETE", f"{KEYS}/key_wiki", 403, {"error": {"message": "the role x may not revoke it", "fix": "Ask"}})
    page.keys.buttons.buttons["revoke"].click()
    dialog = dialog_of(page, ConfirmDialog)
    assert dialog.question.text() == "Revoke “wiki” of wiki?" and "rotate it instead" in dialog.consequence.text()
    dialog.confirm.click()
    qtbot.waitUntil(page.problem.isVisible, timeout=WAIT_MS)
    assert page.problem.text() == "The role x may not revoke it. Ask."
    gateway.answer_as_ever("DELETE", f"{KEYS}/key_wiki")
    gateway.be_slow(True)
    page.keys.buttons.buttons["revoke"].click()
    dialog_of(page, ConfirmDialog).confirm.click()
    assert cell(view, "key_wiki", 4) == "Revoking…" and not page.keys.buttons.buttons["edit"].isEnabled()
    gateway.be_slow(False)
    qtbot.waitUntil(lambda: "wiki" not in cells(view, 0), timeout=WAIT_MS)
    narrow(page, "revoked")
    qtbot.waitUntil(lambda: "wiki" in cells(view, 0), timeout=WAIT_MS)


def test_a_leaked_key_is_revoked_by_its_value_which_stays_hidden(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    gateway = some(stand_in)
    page = told(qtbot, window())
    qtbot.waitUntil(lambda: "…" not in cells(page.keys.view, 1), timeout=WAIT_MS)
    page.head.leaked.click()
    dialog = dialog_of(page, LeakDialog)
    assert dialog.value.echoMode() == dialog.value.EchoMode.Password and not dialog.revoke.isEnabled()
    assert dialog.form.height() >= dialog.row.height() > 0
    dialog.value.setText(f" {SECRET}")
    why = {"message": "this API key is not known here", "fix": "It is another appliance's", "param": "key"}
    gateway.answer("POST", f"{KEYS}/revoke", 404, {"error": why})
    dialog.revoke.click()
    qtbot.waitUntil(dialog.row.problem.isVisible, timeout=WAIT_MS)
    pictures(dialog, screenshots, "keys_leak_unknown")
    gateway.answer_as_ever("POST", f"{KEYS}/revoke")
    dialog.revoke.click()
    qtbot.waitUntil(dialog.outcome.isVisible, timeout=WAIT_MS)
    assert dialog.outcome.text() == "That was “notebook” (gh-prod-DPQt…, Asha Rao, asha@example.com). It is revoked, for good."
    assert dialog.value.text() == "" and gateway.calls[-1][2] == {"key": SECRET}
    pictures(dialog, screenshots, "keys_leak_done")


def test_service_accounts_are_made_moved_suspended_and_deleted(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    gateway = some(stand_in)
    shown = window()
    page = told(qtbot, shown)
    page.head.tabs[1].click()
    view, buttons = page.accounts.view, page.accounts.buttons.buttons
    assert cells(view, 0) == ["ci", "empty", "wiki"] and cells(view, 1) == ["—", "—", "Research · Search"]
    assert cells(view, 3) == ["Suspended", "Active", "Active"]
    pictures(shown, screenshots, "keys_accounts")
    page.head.add.click()
    dialog = dialog_of(page, AccountDialog)
    dialog.save.click()
    assert dialog.rows["name"].problem.isVisible()
    dialog.name.setText("build")
    dialog.department.setCurrentIndex(1)
    assert dialog.team.count() == 2
    dialog.team.setCurrentIndex(1)
    pictures(dialog, screenshots, "keys_account")
    taken = {"message": "there is a service account of this name already", "fix": "Choose another one.", "param": "name"}
    gateway.answer("POST", ACCOUNTS, 409, {"error": taken})
    dialog.save.click()
    qtbot.waitUntil(dialog.rows["name"].problem.isVisible, timeout=WAIT_MS)
    gateway.answer_as_ever("POST", ACCOUNTS)
    dialog.save.click()
    qtbot.waitUntil(lambda: view.chosen_id == "sa_build", timeout=WAIT_MS)
    assert gateway.calls[-1] == ("POST", ACCOUNTS, {"name": "build", "team_id": "team_search"})
    view.choose("sa_wiki")
    buttons["suspend"].click()
    assert "Its 2 keys stop with the next request" in dialog_of(page, ConfirmDialog).consequence.text()
    dialog_of(page, ConfirmDialog).confirm.click()
    qtbot.waitUntil(lambda: cell(view, "sa_wiki", 3) == "Suspended", timeout=WAIT_MS)
    assert cell(page.keys.view, "key_wiki", 4) == "Stopped"
    buttons["resume"].click()
    qtbot.waitUntil(lambda: cell(view, "sa_wiki", 3) == "Active", timeout=WAIT_MS)
    changed = {"error": {"message": "you saw version 1, it is version 2 now", "fix": "Send its ETag", "param": None}}
    gateway.answer("DELETE", f"{ACCOUNTS}/sa_wiki", 412, changed)
    buttons["delete"].click()
    dialog_of(page, ConfirmDialog).confirm.click()
    qtbot.waitUntil(page.problem.isVisible, timeout=WAIT_MS)
    assert page.problem.text().startswith("Somebody else changed it meanwhile") and cell(view, "sa_wiki", 3) == "Active"
    gateway.answer_as_ever("DELETE", f"{ACCOUNTS}/sa_wiki")
    buttons["delete"].click()
    assert "Its 2 keys are deleted with it" in dialog_of(page, ConfirmDialog).consequence.text()
    dialog_of(page, ConfirmDialog).confirm.click()
    qtbot.waitUntil(lambda: cell(view, "sa_wiki", 0) == "", timeout=WAIT_MS)
    assert "key_wiki" not in [one.id for one in page.watch.keys.keys.items]


def test_a_key_is_made_for_the_chosen_service_account(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    gateway = some(stand_in)
    page = told(qtbot, window())
    page.head.tabs[1].click()
    page.accounts.view.choose("sa_empty")
    page.accounts.buttons.buttons["key"].click()
    dialog = dialog_of(page, KeyFormDialog)
    dialog.name.setText("nightly")
    assert dialog.holder.account.isVisible() and not dialog.holder.person.isVisible()
    pictures(dialog, screenshots, "keys_new_account")
    dialog.save.click()
    qtbot.waitUntil(lambda: isinstance(page.dialog, MadeDialog), timeout=WAIT_MS)
    assert gateway.calls[-1][2]["service_account_id"] == "sa_empty" and page.head.place == 0


def test_on_a_small_screen_every_action_stays_within_reach(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    some(stand_in)
    shown = window()
    page = told(qtbot, shown)
    shown.resize(640, 480)
    QTest.qWait(50)
    for place, part in ((0, page.keys), (1, page.accounts)):
        page.head.tabs[place].click()
        QTest.qWait(50)
        pictures(shown, screenshots, f"keys_small_{place}")
        assert shown.width() <= 680 and shown.height() <= 560
        within = shown.rect()
        for one in (*part.buttons.buttons.values(), page.head.add, page.head.search, *page.head.tabs):
            assert one.isVisible() and within.contains(one.rect().translated(one.mapTo(shown, one.rect().topLeft())))
        assert part.view.horizontalHeader().length() <= part.view.viewport().width()  # nothing stands outside


def test_the_page_can_be_used_from_the_keyboard(qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window]) -> None:
    some(stand_in)
    shown = window()
    page = told(qtbot, shown)
    shown.activateWindow()
    QTest.keySequence(shown, QKeySequence(QKeySequence.StandardKey.Find))
    assert page.head.search.hasFocus()
    page.keys.view.setFocus()
    page.keys.view.choose("key_wiki")
    QTest.keyClick(page.keys.view, Qt.Key.Key_Return)
    dialog_of(page, KeyFormDialog).reject()
    QTest.keyClick(page.keys.view, Qt.Key.Key_Delete)
    question = dialog_of(page, ConfirmDialog)
    assert question.cancel.hasFocus() or question.cancel.isDefault()
    question.reject()
    for dialog in (KeyFormDialog(page.watch, parent=page), LeakDialog(page.watch, page), AccountDialog(page.watch, parent=page)):
        taken = [key for part in dialog.findChildren(QLabel) + dialog.findChildren(QAbstractButton)
                 for key in re.findall("&(\\w)", part.text().lower())]  # fmt: skip
        assert sorted(taken) == sorted(set(taken)), dialog.windowTitle()
        for part in dialog.findChildren(QWidget):
            if part.focusPolicy() & Qt.FocusPolicy.TabFocus and isinstance(part, QLineEdit | QComboBox | QListWidget | QDateEdit):
                assert part.accessibleName() or part.objectName() == "qt_spinbox_lineedit", part
        dialog.close()
    for tab in page.head.tabs:
        tab.click()
        keys = [key for part in shown.findChildren(QAbstractButton) if part.isVisible()
                for key in re.findall("&(\\w)", part.text().lower())]  # fmt: skip
        assert sorted(keys) == sorted(set(keys))


def test_a_next_page_that_fails_is_told_below_and_asked_for_again_by_hand(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    gateway = stand_in([], 450)
    shown = window()
    page = told(qtbot, shown)
    second = f"{KEYS}?state=active&limit=200&cursor=200"
    gateway.answer("GET", second, 503, {"error": {"message": "the database is locked", "fix": "wait a little"}})
    page.below.more.click()
    qtbot.waitUntil(lambda: page.below.note.text() == "The database is locked. Wait a little.", timeout=WAIT_MS)
    pictures(shown, screenshots, "keys_more_failed")
    page.head.search.setText("old 449")  # nobody asks again and again by a search
    assert page.keys.view.table.rowCount() == 0 and page.below.more.isEnabled()
    assert page.keys.view._note == "Nothing was found among the keys that are here."
    gateway.answer_as_ever("GET", second)
    page.below.more.click()
    qtbot.waitUntil(lambda: cells(page.keys.view, 0) == ["old 449"], timeout=WAIT_MS)


def test_people_that_cannot_be_looked_for_are_told_in_the_dialog(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window]
) -> None:
    gateway = some(stand_in)
    page = told(qtbot, window())
    gateway.answer("GET", f"{USERS}?q=x&limit=200", 503, {"error": {"message": "the database is locked", "fix": ""}})
    page.head.add.click()
    dialog = dialog_of(page, KeyFormDialog)
    dialog.holder.person.search.setText("x")
    qtbot.waitUntil(lambda: dialog.holder.person.note.text() == "The database is locked.", timeout=WAIT_MS)
    dialog.holder.person.search.setText("asha")
    qtbot.waitUntil(lambda: dialog.holder.user_id == "user_asha", timeout=WAIT_MS)
    QTest.keyClick(dialog.holder.person.search, Qt.Key.Key_Down)
    assert dialog.holder.user_id == "user_asha" and not dialog.holder.person.note.isVisible()
    dialog.reject()
