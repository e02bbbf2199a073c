"""The People page before a stand-in: screens that a real appliance shows seldom."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QAbstractButton, QDialog
from pytestqt.qtbot import QtBot

from gui.confirm_dialog import ConfirmDialog
from gui.link_dialog import LinkDialog
from gui.pages.people import PeoplePage
from gui.password_dialog import PasswordDialog
from gui.people_file_dialog import PeopleFileDialog
from gui.person_dialog import PersonDialog
from gui.unit_dialog import UnitDialog
from gui.window import WANTED, Window
from tests.gui.conftest import MakeService
from tests.gui.keys_stand_in import person, unit
from tests.gui.people_stand_in import DEPARTMENTS, INVITATIONS, LINK, TEAMS, USERS, StandIn, invitation
from tests.gui.screens import cell, cells, opener, pictures

WAIT_MS = 15_000
LONG_AGO = "2026-01-01T08:00:00Z"
EVIL = "\u202e<b>Asha</b> & Söhne " + "very-long-" * 18
PEOPLE = [
    person("Olga Owner", role="owner", second_factor=True, last_sign_in_at=LONG_AGO),
    person("Asha Rao", department_id="dpt_research", team_id="team_search", last_sign_in_at=LONG_AGO),
    person("Ben Okafor", suspended_at=LONG_AGO),
    person("Chitra Iyer", department_id="dpt_sales", role="member"),
    person("Dev Newcomer", has_password=False, role="member"),
    {**person("Evil"), "name": EVIL, "role": "admin"},
]
UNITS = {
    "departments": [unit("dpt_research", "Research", users=1), unit("dpt_sales", "Sales", suspended_at=LONG_AGO, users=1)],
    "teams": [
        unit("team_search", "Search", department_id="dpt_research", users=1),
        unit("team_free", "Free hands", department_id=None),
    ],
}
OPEN = [invitation("inv_ravi", role="developer", name="Ravi"), invitation("inv_any", email=None)]
MakeStandIn = Callable[..., StandIn]


@pytest.fixture
def stand_in(home: Path) -> Iterator[MakeStandIn]:
    made: list[StandIn] = []

    def make(people: list[dict[str, Any]], many: int = 0, **lists: Any) -> StandIn:
        made.append(StandIn(home, people, many, **lists))
        return made[0]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def window(qtbot: QtBot, home: Path, service: MakeService) -> Callable[[], Window]:
    """The app's window at its People page. The stand-in stands for the gateway from before."""
    return opener(qtbot, service, home, "People", WANTED)


def told(qtbot: QtBot, window: Window) -> PeoplePage:
    page = window.people
    assert page is not None
    qtbot.waitUntil(lambda: page.watch.people.told and page.parts.isVisible(), timeout=WAIT_MS)
    return page


def some(stand_in: MakeStandIn) -> StandIn:
    return stand_in(PEOPLE, invitations=OPEN, **UNITS)


def dialog_of(page: PeoplePage, kind: type[QDialog]) -> Any:
    assert isinstance(page.dialog, kind), page.dialog
    return page.dialog


def test_people_are_listed_with_where_they_stand_and_how_they_are(
    qtbot: QtBot, window: Callable[[], Window], stand_in: MakeStandIn, screenshots: Path
) -> None:
    some(stand_in)
    shown = window()
    page = told(qtbot, shown)
    view = page.people.view
    assert cells(view, 0)[:2] == ["Olga Owner", "Asha Rao"]
    assert cells(view, 1) == ["Owner", "Developer", "Developer", "Member", "Member", "Admin"]
    assert cells(view, 4) == ["Active", "Active", "Suspended", "Stopped", "Hasn't joined", "Active"]
    assert cell(view, "user_asha", 2) == "Research · Search"
    assert "\u202e" not in cell(view, "user_evil", 0) and "<b>" in cell(view, "user_evil", 0)
    view.choose("user_olga")
    assert "asks for a second factor" in page.below.facts.text()
    pictures(shown, screenshots, "people_list")
    shown.resize(560, 460)
    pictures(shown, screenshots, "people_small")
    page.head.tabs[1].click()
    assert [name.strip() for name in cells(page.units.view, 0)] == ["Research", "Search", "Sales", "Free hands"]
    assert cells(page.units.view, 2) == ["Active", "Active", "Suspended", "Active"]
    shown.resize(WANTED)
    pictures(shown, screenshots, "people_departments")
    page.head.tabs[2].click()
    assert cells(page.invitations.view, 0) == ["inv_ravi@example.com", "Whoever holds the link"]
    pictures(shown, screenshots, "people_invitations")


def test_the_gateway_narrows_the_list(qtbot: QtBot, window: Callable[[], Window], stand_in: MakeStandIn) -> None:
    some(stand_in)
    page = told(qtbot, window())
    view, head = page.people.view, page.head
    head.role.setCurrentIndex(head.role.findData("member"))
    qtbot.waitUntil(lambda: cells(view, 0) == ["Chitra Iyer", "Dev Newcomer"], timeout=WAIT_MS)
    head.role.setCurrentIndex(0)
    head.unit.setCurrentIndex(head.unit.findData("team_search"))
    qtbot.waitUntil(lambda: cells(view, 0) == ["Asha Rao"], timeout=WAIT_MS)
    head.unit.setCurrentIndex(0)
    head.suspended.setCurrentIndex(head.suspended.findData("true"))
    qtbot.waitUntil(lambda: cells(view, 0) == ["Ben Okafor"], timeout=WAIT_MS)
    head.suspended.setCurrentIndex(0)
    head.search.setText("chitra")
    qtbot.waitUntil(lambda: cells(view, 0) == ["Chitra Iyer"], timeout=WAIT_MS)
    head.search.setText("nobody of this name")
    qtbot.waitUntil(lambda: cells(view, 0) == [] and page.watch.people.users.told, timeout=WAIT_MS)
    head.search.clear()
    qtbot.waitUntil(lambda: len(cells(view, 0)) == len(PEOPLE), timeout=WAIT_MS)


def test_ten_thousand_people_come_as_they_are_wanted(qtbot: QtBot, window: Callable[[], Window], stand_in: MakeStandIn) -> None:
    stand_in(PEOPLE, many=10_000, **UNITS)
    page = told(qtbot, window())
    rows = page.people.view.table.rowCount
    assert rows() == 200
    assert page.head.tabs[0].text().endswith("200+")
    page.below.more.click()
    qtbot.waitUntil(lambda: rows() == 400, timeout=WAIT_MS)
    page.people.view.verticalScrollBar().setValue(page.people.view.verticalScrollBar().maximum())
    qtbot.waitUntil(lambda: rows() >= 600, timeout=WAIT_MS)
    began = time.monotonic()
    page.refresh()
    assert time.monotonic() - began < 1, "a refresh of what is here is no work to speak of"


def test_somebody_is_invited_and_the_link_is_shown_once(
    qtbot: QtBot, window: Callable[[], Window], stand_in: MakeStandIn, screenshots: Path
) -> None:
    gateway = some(stand_in)
    page = told(qtbot, window())
    page.head.invite.click()
    dialog = dialog_of(page, PersonDialog)
    dialog.email.setText("no address")
    dialog.save.click()
    assert dialog.rows["email"].problem.text() == "That is no e-mail address."
    dialog.email.setText("new@example.com")
    dialog.role.setCurrentIndex(dialog.role.findData("developer"))
    dialog.department.setCurrentIndex(dialog.department.findData("dpt_research"))
    dialog.team.setCurrentIndex(dialog.team.findData("team_search"))
    pictures(dialog, screenshots, "people_invite")
    dialog.save.click()
    qtbot.waitUntil(lambda: isinstance(page.dialog, LinkDialog), timeout=WAIT_MS)
    link = dialog_of(page, LinkDialog)
    assert link.link.text() == LINK
    assert not link.local.isVisible()
    pictures(link, screenshots, "people_link")
    link.close_it.click()
    assert link.isVisible(), "not left by a slip"
    link.copy.click()
    assert QGuiApplication.clipboard().text() == LINK
    link.close_it.click()
    assert not link.isVisible()
    body = {"email": "new@example.com", "role": "developer", "team_id": "team_search", "expires_in_hours": 72}
    assert gateway.sent("POST", INVITATIONS) == [body]
    page.head.tabs[2].click()
    qtbot.waitUntil(lambda: "new@example.com" in cells(page.invitations.view, 0), timeout=WAIT_MS)
    page.invitations.view.choose("new")
    page.invitations.buttons.buttons["revoke"].click()
    dialog_of(page, ConfirmDialog).confirm.click()
    qtbot.waitUntil(lambda: "new@example.com" not in cells(page.invitations.view, 0), timeout=WAIT_MS)


def test_an_account_is_added_changed_suspended_and_deleted(
    qtbot: QtBot, window: Callable[[], Window], stand_in: MakeStandIn, screenshots: Path
) -> None:
    gateway = some(stand_in)
    page = told(qtbot, window())
    view, buttons = page.people.view, page.people.buttons.buttons
    page.head.add.click()
    dialog = dialog_of(page, PersonDialog)
    dialog.save.click()
    assert dialog.rows["email"].problem.isVisible() and dialog.rows["name"].problem.isVisible()
    dialog.email.setText("farah@example.com")
    dialog.name.setText("Farah Khan")
    password = dialog.password.text()
    assert len(password) == 23
    dialog.save.click()
    qtbot.waitUntil(lambda: view.chosen_id == "user_farah", timeout=WAIT_MS)
    assert page.done.text() == "Farah Khan can sign in now."
    (sent,) = gateway.sent("POST", USERS)
    assert sent == {"email": "farah@example.com", "name": "Farah Khan", "role": "member", "password": password}
    view.choose("user_asha")
    buttons["edit"].click()
    dialog = dialog_of(page, PersonDialog)
    dialog.role.setCurrentIndex(dialog.role.findData("admin"))
    dialog.department.setCurrentIndex(dialog.department.findData("dpt_sales"))
    dialog.save.click()
    qtbot.waitUntil(lambda: cell(view, "user_asha", 1) == "Admin", timeout=WAIT_MS)
    assert gateway.sent("PATCH", f"{USERS}/user_asha") == [{"role": "admin", "department_id": "dpt_sales"}]
    view.choose("user_asha")
    buttons["suspend"].click()
    dialog_of(page, ConfirmDialog).confirm.click()
    qtbot.waitUntil(lambda: cell(view, "user_asha", 4) == "Suspended" and not page.watch.asked, timeout=WAIT_MS)
    buttons["resume"].click()
    qtbot.waitUntil(lambda: cell(view, "user_asha", 4) == "Stopped" and not page.watch.asked, timeout=WAIT_MS)
    buttons["delete"].click()
    question = dialog_of(page, ConfirmDialog)
    question.choice.setChecked(True)
    pictures(question, screenshots, "people_delete")
    question.confirm.click()
    qtbot.waitUntil(lambda: cell(view, "user_asha", 0) == "", timeout=WAIT_MS)
    assert gateway.sent("DELETE", f"{USERS}/user_asha?forget=true") == [None]


def test_a_new_password_signing_out_and_a_new_link(
    qtbot: QtBot, window: Callable[[], Window], stand_in: MakeStandIn, screenshots: Path
) -> None:
    gateway = some(stand_in)
    page = told(qtbot, window())
    view, buttons = page.people.view, page.people.buttons.buttons
    view.choose("user_olga")
    assert not buttons["link"].isEnabled()
    buttons["password"].click()
    dialog = dialog_of(page, PasswordDialog)
    assert dialog.drop.isVisible()
    pictures(dialog, screenshots, "people_password")
    dialog.password.setText("short")
    dialog.save.click()
    assert dialog.row.problem.text() == "At least 8 characters."
    dialog.password.setText("seven grey herons wait")
    dialog.drop.setChecked(True)
    dialog.save.click()
    qtbot.waitUntil(lambda: page.done.text() == "Olga Owner has a new password. 2 sign-ins ended.", timeout=WAIT_MS)
    body = {"email": "olga@example.com", "password": "seven grey herons wait", "drop_second_factor": True}
    assert gateway.sent("POST", "/api/v1/admin/machine/password") == [body]
    buttons["out"].click()
    dialog_of(page, ConfirmDialog).confirm.click()
    qtbot.waitUntil(lambda: gateway.sent("POST", "/api/v1/admin/machine/sign-out") != [], timeout=WAIT_MS)
    view.choose("user_dev")
    assert not buttons["password"].isEnabled() and not buttons["out"].isEnabled()
    buttons["link"].click()
    invite = dialog_of(page, PersonDialog)
    assert invite.email.text() == "dev@example.com"
    invite.reject()


def test_departments_and_teams(qtbot: QtBot, window: Callable[[], Window], stand_in: MakeStandIn) -> None:
    gateway = some(stand_in)
    page = told(qtbot, window())
    page.head.tabs[1].click()
    view, buttons = page.units.view, page.units.buttons.buttons
    page.head.add.click()
    dialog = dialog_of(page, UnitDialog)
    dialog.save.click()
    assert dialog.rows["name"].problem.isVisible()
    dialog.name.setText("Legal")
    dialog.save.click()
    qtbot.waitUntil(lambda: view.chosen_id == "dpt_2new", timeout=WAIT_MS)
    buttons["team"].click()
    dialog = dialog_of(page, UnitDialog)
    assert dialog.department.currentData() == "dpt_2new"
    dialog.name.setText("Contracts")
    dialog.save.click()
    qtbot.waitUntil(lambda: view.chosen_id == "team_2new", timeout=WAIT_MS)
    assert gateway.sent("POST", DEPARTMENTS) == [{"name": "Legal"}]
    assert gateway.sent("POST", TEAMS) == [{"name": "Contracts", "department_id": "dpt_2new"}]
    buttons["edit"].click()
    dialog = dialog_of(page, UnitDialog)
    dialog.department.setCurrentIndex(dialog.department.findData("dpt_research"))
    dialog.save.click()
    qtbot.waitUntil(lambda: gateway.sent("PATCH", f"{TEAMS}/team_2new") == [{"department_id": "dpt_research"}], timeout=WAIT_MS)
    view.choose("dpt_research")
    buttons["suspend"].click()
    dialog_of(page, ConfirmDialog).confirm.click()
    qtbot.waitUntil(lambda: cell(view, "team_search", 2) == "Stopped" and not page.watch.asked, timeout=WAIT_MS)
    assert cell(view, "dpt_research", 2) == "Suspended"
    buttons["delete"].click()
    dialog_of(page, ConfirmDialog).confirm.click()
    qtbot.waitUntil(lambda: cell(view, "dpt_research", 0) == "", timeout=WAIT_MS)


def test_people_are_taken_in_from_a_file_after_a_dry_run(
    qtbot: QtBot, window: Callable[[], Window], stand_in: MakeStandIn, screenshots: Path, tmp_path: Path
) -> None:
    some(stand_in)
    page = told(qtbot, window())
    file = tmp_path / "people.csv"
    file.write_text("name;email;department\nNew One;one@example.com;Legal\nAsha;asha@example.com;\n", encoding="utf-8-sig")
    page.take_file(file)
    dialog = dialog_of(page, PeopleFileDialog)
    qtbot.waitUntil(dialog.take.isEnabled, timeout=WAIT_MS)
    assert dialog.outcome.text() == "Makes 1 account, the department Legal. 1 person has an account already and is left alone."
    pictures(dialog, screenshots, "people_import")
    dialog.take.click()
    qtbot.waitUntil(dialog.keep.isVisible, timeout=WAIT_MS)
    dialog.keep_in(tmp_path / "links.csv")
    assert (tmp_path / "links.csv").read_text() == f"email,link\none@example.com,{LINK}-0\n"
    assert (tmp_path / "links.csv").stat().st_mode & 0o077 == 0
    assert page.done.text() == "1 account is made."


@pytest.mark.parametrize(
    ("data", "told_of"),
    [
        (b"name,email,shoe size\na,a@b.example,44\n", "must name the columns"),
        (b"name\nAsha\n", "must name the columns"),
        (b"name,email\nAsha,a@b.example,more\n", "Line 2 has more columns"),
        (b"name,email\n\xff\xfe,a@b.example\n", "isn't UTF-8"),
        (b'name,email\n"Asha,a@b.example\n', "Line 2"),
        (b"", "must name the columns"),
        (b"name,email\n" + b"a,a@b.example\n" * 10_001, "more than 10,000"),
    ],
)
def test_a_file_that_is_no_list_of_people_says_what_is_wrong(
    qtbot: QtBot, window: Callable[[], Window], stand_in: MakeStandIn, tmp_path: Path, data: bytes, told_of: str
) -> None:
    some(stand_in)
    page = told(qtbot, window())
    file = tmp_path / "people.csv"
    file.write_bytes(data)
    page.take_file(file)
    assert page.dialog is None
    assert told_of in page.problem.text().replace("\u200b", "")


def test_no_two_buttons_of_the_page_take_the_same_key(qtbot: QtBot, window: Callable[[], Window], stand_in: MakeStandIn) -> None:
    some(stand_in)
    shown = window()
    page = told(qtbot, shown)
    page.people.view.choose("user_asha")
    for tab in page.head.tabs:
        tab.click()
        texts = [one.text() for one in shown.findChildren(QAbstractButton) if one.isVisible()]
        keys = [text[text.index("&") + 1].lower() for text in texts if "&" in text]
        assert len(keys) == len(set(keys)), texts


def test_nobody_yet_and_a_gateway_that_fails(qtbot: QtBot, window: Callable[[], Window], stand_in: MakeStandIn) -> None:
    gateway = stand_in([])
    page = told(qtbot, window())
    assert page.people.empty.isVisible()
    page.people.empty.button.click()
    dialog_of(page, PersonDialog).reject()
    gateway.close()
    page.watch.ask()
    qtbot.waitUntil(lambda: page.stale.isVisible() or page.note.isVisible(), timeout=WAIT_MS)
