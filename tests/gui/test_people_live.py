"""The People page before the real appliance, which runs as a process of its own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QDialog
from pytestqt.qtbot import QtBot

from gui.confirm_dialog import ConfirmDialog
from gui.desktop import Desktop
from gui.link_dialog import LinkDialog
from gui.pages.people import PeoplePage
from gui.password_dialog import PasswordDialog
from gui.people_file_dialog import PeopleFileDialog
from gui.person_dialog import PersonDialog
from gui.tables.lines_view import LinesView
from gui.unit_dialog import UnitDialog
from gui.window import PAGES, WANTED
from tests.conftest import MakeAppliance
from tests.gui.conftest import MakeService
from tests.gui.screens import cell
from tests.gui.test_window import app, owned
from tests.running import Answer, Appliance

WAIT_MS = 30_000
SIGN_IN = "/api/v1/admin/auth/login"


@pytest.fixture
def running(appliance: MakeAppliance) -> Appliance:
    return owned(appliance())


@pytest.fixture
def page(qtbot: QtBot, running: Appliance, service: MakeService) -> Iterator[PeoplePage]:
    desktop = Desktop(app(), service(running.home), tray=False)
    qtbot.addWidget(desktop.window)
    desktop.window.resize(WANTED)
    desktop.window.show()
    desktop.window.nav.setCurrentRow(PAGES.index("People"))
    made = desktop.window.people
    assert made is not None
    qtbot.waitUntil(lambda: made.watch.people.told and made.parts.isVisible(), timeout=WAIT_MS)
    yield made
    desktop.window.hide()  # also keeps it from the collector until here


def names(view: LinesView) -> list[str]:
    return [str(view.table.index(place, 0).data()).strip() for place in range(view.table.rowCount())]


def dialog_of(page: PeoplePage, kind: type[QDialog]) -> Any:
    assert isinstance(page.dialog, kind), page.dialog
    return page.dialog


def admin(running: Appliance, method: str, path: str, body: Any = None) -> Answer:
    return running.call(method, f"/api/v1/admin/{path}", body, token=running.owner_token)


def add(qtbot: QtBot, page: PeoplePage, name: str, email: str) -> tuple[str, str]:
    """The account's id, and the password that was made for it."""
    page.head.add.click()
    dialog = dialog_of(page, PersonDialog)
    dialog.email.setText(email)
    dialog.name.setText(name)
    password = dialog.password.text()
    dialog.save.click()
    view = page.people.view
    qtbot.waitUntil(lambda: cell(view, view.chosen_id, 0) == name, timeout=WAIT_MS)
    return view.chosen_id, password


def test_a_person_is_added_moved_suspended_given_a_password_and_deleted(
    qtbot: QtBot, running: Appliance, page: PeoplePage, screenshots: Path
) -> None:
    page.head.tabs[1].click()
    page.head.add.click()
    unit = dialog_of(page, UnitDialog)
    unit.name.setText("Research")
    unit.save.click()
    qtbot.waitUntil(lambda: names(page.units.view) == ["Research"], timeout=WAIT_MS)
    page.head.tabs[0].click()
    user_id, password = add(qtbot, page, "Asha Rao", "asha@example.com")
    view, buttons = page.people.view, page.people.buttons.buttons
    assert signed_in(running, "asha@example.com", password) == 200
    buttons["edit"].click()
    dialog = dialog_of(page, PersonDialog)
    dialog.role.setCurrentIndex(dialog.role.findData("developer"))
    dialog.department.setCurrentIndex(1)
    dialog.save.click()
    qtbot.waitUntil(lambda: [cell(view, user_id, n) for n in (1, 2)] == ["Developer", "Research"], timeout=WAIT_MS)
    view.choose(user_id)
    page.window().grab().save(str(screenshots / "people_live.png"))
    buttons["suspend"].click()
    dialog_of(page, ConfirmDialog).confirm.click()
    qtbot.waitUntil(lambda: cell(view, user_id, 4) == "Suspended" and not page.watch.asked, timeout=WAIT_MS)
    assert signed_in(running, "asha@example.com", password) == 403
    buttons["resume"].click()
    qtbot.waitUntil(lambda: cell(view, user_id, 4) == "Active" and not page.watch.asked, timeout=WAIT_MS)
    buttons["password"].click()
    new = dialog_of(page, PasswordDialog)
    new.password.setText("seven grey herons wait")
    new.save.click()
    qtbot.waitUntil(lambda: page.done.text().startswith("Asha Rao has a new password."), timeout=WAIT_MS)
    assert [signed_in(running, "asha@example.com", one) for one in (password, "seven grey herons wait")] == [401, 200]
    buttons["delete"].click()
    dialog_of(page, ConfirmDialog).confirm.click()
    qtbot.waitUntil(lambda: cell(view, user_id, 0) == "", timeout=WAIT_MS)
    assert signed_in(running, "asha@example.com", "seven grey herons wait") == 401


def signed_in(running: Appliance, email: str, password: str) -> int:
    return running.call("POST", SIGN_IN, {"email": email, "password": password}).status


def test_the_link_of_an_invitation_lets_somebody_in_and_a_revoked_one_nobody(
    qtbot: QtBot, running: Appliance, page: PeoplePage
) -> None:
    page.head.invite.click()
    dialog = dialog_of(page, PersonDialog)
    dialog.email.setText("ravi@example.com")
    dialog.save.click()
    qtbot.waitUntil(lambda: isinstance(page.dialog, LinkDialog), timeout=WAIT_MS)
    link = dialog_of(page, LinkDialog)
    path = "/join/" + link.link.text().rsplit("/", 1)[1]
    assert link.local.isVisible(), "this gateway is not open to the network"
    link.copy.click()
    link.close_it.click()
    assert running.call("GET", path).status == 200
    page.head.tabs[2].click()
    view = page.invitations.view
    qtbot.waitUntil(lambda: names(view) == ["ravi@example.com"], timeout=WAIT_MS)
    view.choose(admin(running, "GET", "invitations").json["items"][0]["id"])
    page.invitations.buttons.buttons["revoke"].click()
    dialog_of(page, ConfirmDialog).confirm.click()
    qtbot.waitUntil(lambda: names(view) == [], timeout=WAIT_MS)
    assert running.call("GET", path).status != 200


def test_the_last_owner_stays_and_a_change_meanwhile_is_told(qtbot: QtBot, running: Appliance, page: PeoplePage) -> None:
    view, buttons = page.people.view, page.people.buttons.buttons
    (owner,) = admin(running, "GET", "users").json["items"]
    view.choose(owner["id"])
    buttons["delete"].click()
    dialog_of(page, ConfirmDialog).confirm.click()
    qtbot.waitUntil(page.problem.isVisible, timeout=WAIT_MS)
    assert "owner" in page.problem.text()
    user_id, _ = add(qtbot, page, "Ben Okafor", "ben@example.com")
    buttons["edit"].click()
    dialog = dialog_of(page, PersonDialog)
    assert admin(running, "PATCH", f"users/{user_id}", {"name": "Theirs"}).status == 200
    dialog.name.setText("Mine")
    dialog.save.click()
    qtbot.waitUntil(dialog.problem.isVisible, timeout=WAIT_MS)
    assert dialog.problem.text().startswith("Somebody else changed it meanwhile")
    dialog.reject()
    qtbot.waitUntil(lambda: cell(view, user_id, 0) == "Theirs", timeout=WAIT_MS)


def test_people_of_a_file_are_taken_in_and_get_links(qtbot: QtBot, running: Appliance, page: PeoplePage, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("name,email,role,department\nOne,one@example.com,developer,Legal\nTwo,two@example.com,,\n")
    page.take_file(file)
    dialog = dialog_of(page, PeopleFileDialog)
    qtbot.waitUntil(dialog.take.isEnabled, timeout=WAIT_MS)
    assert dialog.outcome.text() == "Makes 2 accounts, the department Legal."
    assert len(admin(running, "GET", "users").json["items"]) == 1, "nothing is made yet"
    dialog.take.click()
    qtbot.waitUntil(dialog.keep.isVisible, timeout=WAIT_MS)
    dialog.keep_in(tmp_path / "links.csv")
    links = (tmp_path / "links.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in links] == ["email", "one@example.com", "two@example.com"]
    assert running.call("GET", "/join/" + links[1].rsplit("/", 1)[1]).status == 200
    qtbot.waitUntil(lambda: {"One", "Two"} <= set(names(page.people.view)), timeout=WAIT_MS)
    file.write_text("name,email,role\nThree,three@example.com,emperor\n")
    page.take_file(file)
    dialog = dialog_of(page, PeopleFileDialog)
    qtbot.waitUntil(dialog.problem.isVisible, timeout=WAIT_MS)
    assert not dialog.take.isEnabled()
    dialog.reject()
