"""The Providers page before the real appliance, which runs as a process of its own, with a fake of OpenAI's API."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QDialog, QFileDialog
from pytestqt.qtbot import QtBot

from gui.confirm_dialog import ConfirmDialog
from gui.desktop import Desktop
from gui.explain_dialog import ExplainDialog
from gui.pages.providers import ProvidersPage
from gui.provider_dialog import ProviderDialog
from gui.route_dialog import RouteDialog
from gui.tables.lines_view import LinesView
from gui.window import PAGES, WANTED
from tests.conftest import MakeAppliance
from tests.gui.conftest import MakeService
from tests.gui.test_window import app, owned
from tests.running import Answer, Appliance, Fake

WAIT_MS = 30_000
GOOD_KEY, BAD_KEY = "sk-fake-0123456789abcdef", "sk-wrong-0123456789abcdef"
HELLO = [{"role": "user", "content": "Hello"}]


@pytest.fixture
def filed(appliance: MakeAppliance, upstream: Fake) -> Appliance:
    """With one provider in its settings file."""
    return owned(appliance(settings={"providers": [upstream.provider("filed")]}))


@pytest.fixture
def page(qtbot: QtBot, filed: Appliance, service: MakeService) -> Iterator[ProvidersPage]:
    desktop = Desktop(app(), service(filed.home), tray=False)
    qtbot.addWidget(desktop.window)
    desktop.window.resize(WANTED)
    desktop.window.show()
    desktop.window.nav.setCurrentRow(PAGES.index("Providers"))
    made = desktop.window.providers
    assert made is not None
    qtbot.waitUntil(lambda: made.watch.providers.told, timeout=WAIT_MS)
    yield made
    desktop.window.hide()  # also keeps it from the collector until here


def cell(view: LinesView, line_id: str, column: int) -> str:
    place = view.table.place_of(line_id)
    return str(view.table.index(place, column).data()) if place >= 0 else ""


def id_of(page: ProvidersPage, name: str) -> str:
    found = page.watch.providers.named(name)
    return found.id if found is not None else ""


def dialog_of(page: ProvidersPage, kind: type[QDialog]) -> Any:
    assert isinstance(page.dialog, kind)
    return page.dialog


def add_provider(qtbot: QtBot, page: ProvidersPage, upstream: Fake, name: str) -> str:
    page.head.tabs[0].click()
    page.head.add.click()
    dialog = dialog_of(page, ProviderDialog)
    dialog.kind.setCurrentIndex(dialog.kind.findData("openai-compatible"))
    dialog.fill_in(name=name, base_url=upstream.base_url, api_key=GOOD_KEY)
    dialog.save.click()
    qtbot.waitUntil(lambda: bool(id_of(page, name)), timeout=WAIT_MS)
    return id_of(page, name)


def add_route(qtbot: QtBot, page: ProvidersPage, name: str, provider: str, model: str) -> str:
    page.head.tabs[1].click()
    page.head.add.click()
    dialog = dialog_of(page, RouteDialog)
    dialog.name.setText(name)
    row = dialog.targets.rows[0]
    row.provider.setCurrentIndex(row.provider.findData(provider))
    qtbot.waitUntil(lambda: row.model.findText(model) >= 0, timeout=WAIT_MS)
    row.model.setCurrentIndex(row.model.findText(model))
    dialog.save.click()
    qtbot.waitUntil(lambda: bool(route_id(page, name)), timeout=WAIT_MS)
    return route_id(page, name)


def route_id(page: ProvidersPage, name: str) -> str:
    return next((one.id for one in page.watch.providers.routes() if one.name == name), "")


def test_a_provider_is_tested_added_routed_to_and_answers_a_chat(
    qtbot: QtBot, filed: Appliance, upstream: Fake, page: ProvidersPage, screenshots: Path
) -> None:
    assert cell(page.providers.view, "filed", 2) == "…cdef"
    page.head.add.click()
    dialog = dialog_of(page, ProviderDialog)
    dialog.kind.setCurrentIndex(dialog.kind.findData("openai-compatible"))
    dialog.fill_in(name="acme", base_url=upstream.base_url, api_key=BAD_KEY)
    dialog.test.click()
    qtbot.waitUntil(lambda: dialog.outcome.text().startswith("The test failed"), timeout=WAIT_MS)
    assert BAD_KEY not in dialog.outcome.text()
    dialog.grab().save(str(screenshots / "providers_live_bad_key.png"))
    dialog.fill_in(api_key=GOOD_KEY)
    dialog.test.click()
    qtbot.waitUntil(lambda: dialog.outcome.text().startswith("It answers, in "), timeout=WAIT_MS)
    assert "models." in dialog.outcome.text()
    assert not id_of(page, "acme")  # nothing is kept by a test
    dialog.save.click()
    qtbot.waitUntil(lambda: bool(id_of(page, "acme")), timeout=WAIT_MS)
    acme = id_of(page, "acme")
    page.providers.view.choose(acme)
    page.providers.buttons.buttons["test"].click()
    qtbot.waitUntil(lambda: cell(page.providers.view, acme, 3) == "Answers", timeout=WAIT_MS)
    fast = add_route(qtbot, page, "fast", "acme", "gpt-4o-mini")
    answer = filed.chat({"model": "fast", "messages": HELLO})
    assert (answer.status, answer.headers["x-gatehouse-deployment"]) == (200, "acme/gpt-4o-mini")
    assert [one.headers["authorization"] for one in upstream.seen()][-1] == f"Bearer {GOOD_KEY}"
    page.routes.view.choose(fast)
    page.routes.buttons.buttons["explain"].click()
    shown = dialog_of(page, ExplainDialog)
    qtbot.waitUntil(lambda: bool(shown.lines), timeout=WAIT_MS)
    assert shown.lines[0][1] == "acme/gpt-4o-mini"
    qtbot.waitUntil(lambda: cell(page.targets, "acme/gpt-4o-mini", 2) == "Ready", timeout=WAIT_MS)
    page.window().grab().save(str(screenshots / "providers_live_routes.png"))


def test_a_provider_in_use_is_not_removed_until_its_route_is(
    qtbot: QtBot, filed: Appliance, upstream: Fake, page: ProvidersPage
) -> None:
    acme = add_provider(qtbot, page, upstream, "acme")
    fast = add_route(qtbot, page, "fast", "acme", "gpt-4o-mini")
    page.head.tabs[0].click()
    page.providers.view.choose(acme)
    page.providers.buttons.buttons["remove"].click()
    assert "the route fast sends requests to it" in page.problem.text()
    page.watch.remove("/api/v1/admin/providers", acme)  # as by an app whose list is old
    qtbot.waitUntil(lambda: "routes send requests to it (fast)" in page.problem.text(), timeout=WAIT_MS)
    assert id_of(page, "acme") == acme
    page.head.tabs[1].click()
    page.routes.view.choose(fast)
    page.routes.buttons.buttons["remove"].click()
    dialog_of(page, ConfirmDialog).confirm.click()
    qtbot.waitUntil(lambda: not route_id(page, "fast"), timeout=WAIT_MS)
    page.head.tabs[0].click()
    page.providers.view.choose(acme)
    page.providers.buttons.buttons["remove"].click()
    dialog_of(page, ConfirmDialog).confirm.click()
    qtbot.waitUntil(lambda: not id_of(page, "acme"), timeout=WAIT_MS)


def test_a_changed_provider_keeps_its_key_but_not_at_another_address(
    qtbot: QtBot, filed: Appliance, upstream: Fake, page: ProvidersPage
) -> None:
    acme = add_provider(qtbot, page, upstream, "acme")
    page.providers.view.choose(acme)
    page.providers.view.opened.emit()
    dialog = dialog_of(page, ProviderDialog)
    assert "…cdef" in dialog.rows["api_key"].part.placeholderText()
    dialog.fill_in(name="acme-eu")
    dialog.test.click()
    qtbot.waitUntil(lambda: dialog.outcome.text().startswith("It answers"), timeout=WAIT_MS)
    dialog.save.click()
    qtbot.waitUntil(lambda: id_of(page, "acme-eu") == acme, timeout=WAIT_MS)
    assert filed.chat({"model": "acme-eu/gpt-4o-mini", "messages": HELLO}).status == 200
    page.providers.view.opened.emit()
    dialog = dialog_of(page, ProviderDialog)
    dialog.fill_in(base_url="http://127.0.0.1:9/v1")
    dialog.save.click()
    row = dialog.rows["api_key"]
    qtbot.waitUntil(row.problem.isVisible, timeout=WAIT_MS)
    assert row.problem.text().startswith("The credential that is kept was given for another address")
    dialog.fill_in(name="filed")
    dialog.save.click()
    qtbot.waitUntil(dialog.rows["name"].problem.isVisible, timeout=WAIT_MS)
    assert "gatehouse.toml" in dialog.rows["name"].problem.text()
    dialog.reject()


def test_what_others_change_is_on_the_screen_a_moment_later(
    qtbot: QtBot, filed: Appliance, upstream: Fake, page: ProvidersPage
) -> None:
    form = {"name": "away", "kind": "openai-compatible", "base_url": "http://127.0.0.1:9/v1", "models": ["m"]}
    assert admin(filed, "POST", "providers", form).status == 201
    qtbot.waitUntil(lambda: bool(id_of(page, "away")), timeout=WAIT_MS)
    route = {
        "name": "fast",
        "retries": 0,
        "circuit_breaker": {"requests_min": 1},
        "deployments": [{"provider": "away", "model": "m"}],
    }
    assert admin(filed, "POST", "routes", route).status == 201
    assert filed.chat({"model": "fast", "messages": HELLO}).status == 502
    qtbot.waitUntil(lambda: cell(page.providers.view, id_of(page, "away"), 3) == "1 model left alone", timeout=WAIT_MS)
    qtbot.waitUntil(lambda: cell(page.routes.view, route_id(page, "fast"), 2) == "All are out", timeout=WAIT_MS)


def test_all_of_it_is_written_to_a_file_and_taken_in_again(
    qtbot: QtBot, filed: Appliance, upstream: Fake, page: ProvidersPage, tmp_path: Path
) -> None:
    add_provider(qtbot, page, upstream, "acme")
    fast = add_route(qtbot, page, "fast", "acme", "gpt-4o-mini")
    file = tmp_path / "routes.toml"
    page.head.menu.actions()[1].trigger()
    dialog_of(page, QFileDialog).fileSelected.emit(str(file))
    qtbot.waitUntil(lambda: file.exists() and page.done.text().startswith("Written to"), timeout=WAIT_MS)
    assert GOOD_KEY not in file.read_text() and 'name = "fast"' in file.read_text()
    page._read(str(file))
    qtbot.waitUntil(lambda: page.done.text() == "All that the file says is here already.", timeout=WAIT_MS)
    page.watch.remove("/api/v1/admin/routes", fast)
    qtbot.waitUntil(lambda: not route_id(page, "fast"), timeout=WAIT_MS)
    page._read(str(file))
    qtbot.waitUntil(lambda: isinstance(page.dialog, ConfirmDialog), timeout=WAIT_MS)
    assert dialog_of(page, ConfirmDialog).consequence.text().startswith("Adds 1 route: fast.")
    dialog_of(page, ConfirmDialog).confirm.click()
    qtbot.waitUntil(lambda: bool(route_id(page, "fast")), timeout=WAIT_MS)
    assert page.done.text() == "The file was taken in: 1 added, 0 replaced."
    file.write_text("[[providers]\nname = ")
    page._read(str(file))
    qtbot.waitUntil(page.problem.isVisible, timeout=WAIT_MS)
    assert page.problem.text()


def admin(running: Appliance, method: str, path: str, body: Any) -> Answer:
    return running.call(method, f"/api/v1/admin/{path}", body, token=running.owner_token)
