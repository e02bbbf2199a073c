"""The Keys page before the real appliance, which runs as a process of its own, with a fake of OpenAI's API."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QDialog
from pytestqt.qtbot import QtBot

from gui.account_dialog import AccountDialog
from gui.confirm_dialog import ConfirmDialog
from gui.desktop import Desktop
from gui.key_form_dialog import KeyFormDialog
from gui.leak_dialog import LeakDialog
from gui.made_dialog import MadeDialog
from gui.pages.keys import KeysPage
from gui.rotate_dialog import RotateDialog
from gui.window import PAGES, WANTED
from tests.conftest import MakeAppliance
from tests.gui.conftest import MakeService
from tests.gui.screens import cell
from tests.gui.test_window import app, owned
from tests.running import Answer, Appliance, Fake

WAIT_MS = 30_000
CHAT = {"model": "fake/gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}


@pytest.fixture
def running(appliance: MakeAppliance, upstream: Fake) -> Appliance:
    return owned(appliance(settings={"providers": [upstream.provider("fake")]}))


@pytest.fixture
def page(qtbot: QtBot, running: Appliance, service: MakeService) -> Iterator[KeysPage]:
    desktop = Desktop(app(), service(running.home), tray=False)
    qtbot.addWidget(desktop.window)
    desktop.window.resize(WANTED)
    desktop.window.show()
    desktop.window.nav.setCurrentRow(PAGES.index("Keys"))
    made = desktop.window.keys
    assert made is not None
    qtbot.waitUntil(lambda: made.watch.keys.keys.told and made.parts.isVisible(), timeout=WAIT_MS)
    yield made
    desktop.window.hide()  # also keeps it from the collector until here


def dialog_of(page: KeysPage, kind: type[QDialog]) -> Any:
    assert isinstance(page.dialog, kind), page.dialog
    return page.dialog


def value_of(qtbot: QtBot, page: KeysPage) -> tuple[str, str]:
    """The key's id and the value that is shown, which is copied."""
    qtbot.waitUntil(lambda: isinstance(page.dialog, MadeDialog), timeout=WAIT_MS)
    made = dialog_of(page, MadeDialog)
    made.copy.click()
    found = made._made.id, made.key.text()
    made.close_it.click()
    return found


def account_named(qtbot: QtBot, page: KeysPage, name: str) -> str:
    page.head.tabs[1].click()
    page.head.add.click()
    dialog = dialog_of(page, AccountDialog)
    dialog.name.setText(name)
    dialog.save.click()
    view = page.accounts.view
    qtbot.waitUntil(lambda: bool(view.chosen_id) and cell(view, view.chosen_id, 0) == name, timeout=WAIT_MS)
    return view.chosen_id


def test_a_service_account_gets_a_key_that_is_rotated_and_revoked(
    qtbot: QtBot, running: Appliance, page: KeysPage, screenshots: Path
) -> None:
    account_id = account_named(qtbot, page, "Wiki")
    page.accounts.buttons.buttons["key"].click()
    dialog = dialog_of(page, KeyFormDialog)
    dialog.name.setText("Search of the wiki")
    dialog.models.setText("fake/*")
    dialog.save.click()
    key_id, first = value_of(qtbot, page)
    assert asked(running, first) == 200
    view = page.keys.view
    qtbot.waitUntil(lambda: view.chosen_id == key_id, timeout=WAIT_MS)
    assert [cell(view, key_id, n) for n in (0, 1, 2, 4)] == ["Search of the wiki", "Wiki", "fake/*", "Active"]
    page.keys.buttons.buttons["rotate"].click()
    dialog_of(page, RotateDialog).rotate.click()
    _, second = value_of(qtbot, page)
    assert {asked(running, value) for value in (first, second)} == {200}
    qtbot.waitUntil(lambda: cell(view, key_id, 4) == "Two values", timeout=WAIT_MS)
    qtbot.waitUntil(lambda: "3 requests" in looked_at(page, key_id), timeout=WAIT_MS)
    page.window().grab().save(str(screenshots / "keys_live.png"))
    page.head.leaked.click()
    leak = dialog_of(page, LeakDialog)
    leak.value.setText(first)
    leak.revoke.click()
    qtbot.waitUntil(lambda: "the value before the last rotation of “Search" in leak.outcome.text(), timeout=WAIT_MS)
    leak.reject()
    assert [asked(running, value) for value in (first, second)] == [401, 200]
    qtbot.waitUntil(lambda: cell(view, key_id, 4) == "Active", timeout=WAIT_MS)
    page.head.tabs[1].click()
    page.accounts.view.choose(account_id)
    page.accounts.buttons.buttons["suspend"].click()
    dialog_of(page, ConfirmDialog).confirm.click()
    qtbot.waitUntil(lambda: cell(view, key_id, 4) == "Stopped", timeout=WAIT_MS)
    assert asked(running, second) == 401
    page.accounts.buttons.buttons["resume"].click()
    qtbot.waitUntil(lambda: cell(view, key_id, 4) == "Active", timeout=WAIT_MS)
    assert asked(running, second) == 200
    page.head.tabs[0].click()
    page.keys.buttons.buttons["revoke"].click()
    dialog_of(page, ConfirmDialog).confirm.click()
    qtbot.waitUntil(lambda: cell(view, key_id, 4) == "", timeout=WAIT_MS)
    assert asked(running, second) == 401


def looked_at(page: KeysPage, key_id: str) -> str:
    """Its facts. The ledger tells of use a moment later, and no event does."""
    page.watch.ask()
    page.keys.view.choose(key_id)
    return page.below.facts.text()


def test_a_person_gets_a_key_and_a_change_meanwhile_is_told(qtbot: QtBot, running: Appliance, page: KeysPage) -> None:
    page.head.add.click()
    dialog = dialog_of(page, KeyFormDialog)
    dialog.name.setText("Notebook")
    dialog.holder.person.search.setText("nobody of this name")
    qtbot.waitUntil(lambda: "Nobody has" in dialog.holder.person.note.text(), timeout=WAIT_MS)
    dialog.holder.person.search.clear()
    qtbot.waitUntil(lambda: bool(dialog.holder.user_id), timeout=WAIT_MS)  # the owner, who is alone
    dialog.scopes["metrics"].setChecked(True)
    dialog.ends.setCurrentIndex(dialog.ends.findData("30"))
    dialog.save.click()
    key_id, _ = value_of(qtbot, page)
    view = page.keys.view
    qtbot.waitUntil(lambda: view.chosen_id == key_id and cell(view, key_id, 1) not in ("", "…"), timeout=WAIT_MS)
    view.opened.emit()
    dialog = dialog_of(page, KeyFormDialog)
    assert admin(running, "PATCH", f"api-keys/{key_id}", {"name": "Theirs"}).status == 200
    dialog.name.setText("Mine")
    dialog.save.click()
    qtbot.waitUntil(dialog.problem.isVisible, timeout=WAIT_MS)
    assert dialog.problem.text().startswith("Somebody else changed it meanwhile")
    dialog.reject()
    qtbot.waitUntil(lambda: cell(view, key_id, 0) == "Theirs", timeout=WAIT_MS)
    view.opened.emit()
    dialog = dialog_of(page, KeyFormDialog)
    dialog.models.setText("fake/*")
    dialog.ends.setCurrentIndex(dialog.ends.findData("never"))
    dialog.save.click()
    qtbot.waitUntil(lambda: cell(view, key_id, 2) == "fake/*", timeout=WAIT_MS)
    shown = admin(running, "GET", f"api-keys/{key_id}").json
    assert (shown["models"], shown["expires_at"], shown["scopes"]) == (
        ["fake/*"],
        None,
        ["chat", "embeddings", "files", "metrics", "models"],
    )
    view.opened.emit()
    dialog = dialog_of(page, KeyFormDialog)
    dialog.models.setText("a*b")
    dialog.save.click()
    assert dialog.rows["models"].problem.isVisible()
    dialog.reject()


def asked(running: Appliance, key: str) -> int:
    return running.call("POST", "/v1/chat/completions", CHAT, token=key).status


def admin(running: Appliance, method: str, path: str, body: Any = None) -> Answer:
    return running.call(method, f"/api/v1/admin/{path}", body, token=running.owner_token)
