"""The Providers page before a stand-in: screens that a real appliance shows seldom."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog
from pytestqt.qtbot import QtBot

from gui.confirm_dialog import ConfirmDialog
from gui.explain_dialog import ExplainDialog
from gui.pages.providers import ProvidersPage
from gui.provider_dialog import ProviderDialog
from gui.route_dialog import RouteDialog
from gui.window import PAGES, Window
from tests.gui.conftest import MakeService
from tests.gui.providers_stand_in import FILE, PROVIDERS, ROUTES, StandIn, deployment, provider, route
from tests.gui.screens import cells, opener, pictures

WAIT_MS = 15_000
SOME = [
    provider("openai", used_by=["fast"]),
    provider("claude", "anthropic", api_key_env="ANTHROPIC_API_KEY", api_key_end=None),
    provider("azure-eu", "azure", base_url="https://contoso-eu.openai.azure.com", used_by=["fast"]),
    provider("aws", "bedrock", region="eu-central-1", api_key_end=None, access_key_id_end="…7EXA", secret_access_key_end="…KEYS"),
    provider("rack", "vllm", base_url="http://10.0.0.20:8000/v1", has_credential=False, api_key_end=None, source="file"),
    provider("gemini", "google", has_credential=False, api_key_end=None, source="environment"),
]
ROUTED = [
    route(
        "fast",
        deployment("openai", "gpt-4o-mini", weight=3.0),
        deployment("azure-eu", "gpt-4o-mini", limits={"concurrent": 4}),
        deployment("rack", "qwen", weight=0.0),
        fallbacks=["slow"],
    ),
    route("slow", deployment("aws", "anthropic.claude-sonnet-4"), strategy="cheapest"),
]
OPEN = {"deployment": "azure-eu/gpt-4o-mini", "state": "open", "why": "5 of the last 6 requests failed: azure-eu answered 500"}
MakeStandIn = Callable[..., StandIn]


@pytest.fixture
def stand_in(home: Path) -> Iterator[MakeStandIn]:
    made: list[StandIn] = []

    def make(providers: list[dict[str, Any]], routes: list[dict[str, Any]]) -> StandIn:
        made.append(StandIn(home, providers, routes))
        return made[0]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def window(qtbot: QtBot, home: Path, service: MakeService) -> Callable[[], Window]:
    """The app's window at its Providers page. The stand-in stands for the gateway from before."""
    return opener(qtbot, service, home, "Providers", QSize(900, 600))


def page_of(window: Window) -> ProvidersPage:
    assert window.providers is not None
    return window.providers


def told(qtbot: QtBot, window: Window) -> ProvidersPage:
    page = page_of(window)
    qtbot.waitUntil(lambda: page.watch.providers.told, timeout=WAIT_MS)
    return page


def dialog_of(page: ProvidersPage, kind: type[QDialog]) -> Any:
    assert isinstance(page.dialog, kind)
    return page.dialog


def test_the_page_shows_each_provider_its_key_and_where_it_stands(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    gateway = stand_in(SOME, ROUTED)
    shown = window()
    page = told(qtbot, shown)
    view = page.providers.view
    assert cells(view, 0) == ["aws", "azure-eu", "claude", "gemini", "openai", "rack"]
    assert cells(view, 2) == ["…7EXA", "…wXyZ", "ANTHROPIC_API_KEY", "none", "…wXyZ", "none"]
    assert cells(view, 3)[3:] == ["No key", "Not tested yet", "Not tested yet"]
    view.choose("prov_openai")
    page.providers.buttons.buttons["test"].click()
    qtbot.waitUntil(lambda: cells(view, 3)[4] == "Answers", timeout=WAIT_MS)
    gateway.tell("circuit", OPEN)
    qtbot.waitUntil(lambda: cells(view, 3)[1] == "1 model left alone", timeout=WAIT_MS)
    view.choose("prov_azure-eu")
    assert "azure-eu answered 500" in page.providers.why.text()
    pictures(shown, screenshots, "providers_some")
    view.choose("prov_rack")
    edit = page.providers.buttons.buttons["edit"]
    assert not edit.isEnabled() and "gatehouse.toml" in edit.toolTip() and page.providers.buttons.buttons["test"].isEnabled()


def test_the_routes_show_their_shares_and_circuits(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    gateway = stand_in(SOME, ROUTED)
    shown = window()
    page = told(qtbot, shown)
    page.head.tabs[1].click()
    assert cells(page.routes.view, 0) == ["fast", "slow"]
    page.routes.view.choose("route_fast")
    assert cells(page.targets, 1) == ["75%", "25%", "Drained"]
    qtbot.waitUntil(lambda: cells(page.targets, 2) == ["Ready", "Ready", "Ready"], timeout=WAIT_MS)
    gateway.tell("circuit", OPEN)
    qtbot.waitUntil(lambda: cells(page.routes.view, 2) == ["1 of 2 out", "Ready"], timeout=WAIT_MS)
    pictures(shown, screenshots, "providers_routes")
    gateway.tell("circuit", {**OPEN, "state": "closed", "why": "it answered"})
    qtbot.waitUntil(lambda: cells(page.routes.view, 2) == ["Ready", "Ready"], timeout=WAIT_MS)


def test_with_nothing_yet_the_page_says_what_a_provider_is(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    stand_in([], [])
    shown = window()
    page = told(qtbot, shown)
    assert page.providers.empty.isVisible() and not page.providers.view.isVisible()
    pictures(shown, screenshots, "providers_empty")
    page.head.tabs[1].click()
    assert page.routes.empty.isVisible()
    pictures(shown, screenshots, "providers_empty_routes")
    page.head.tabs[0].click()
    page.providers.empty.button.click()
    dialog_of(page, ProviderDialog).reject()


def test_adding_asks_only_what_the_kind_needs(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    gateway = stand_in(SOME, [])
    page = told(qtbot, window())
    page.head.add.click()
    dialog = dialog_of(page, ProviderDialog)
    visible = lambda: [name for name, row in dialog.rows.items() if row.isVisible()]  # noqa: E731
    assert visible() == ["name", "api_key"]
    assert dialog.rows["name"].part.text() == "openai-2"  # one is called openai already
    pictures(dialog, screenshots, "providers_add")
    dialog.kind.setCurrentIndex(dialog.kind.findData("azure"))
    assert visible() == ["name", "base_url", "api_version", "api_key", "models"]
    pictures(dialog, screenshots, "providers_add_azure")
    dialog.kind.setCurrentIndex(dialog.kind.findData("bedrock"))
    dialog.credential.setCurrentIndex(dialog.credential.findData("pair"))
    assert visible() == ["name", "region", "access_key_id", "secret_access_key", "models"]
    dialog.save.click()
    assert dialog.rows["region"].problem.isVisible() and dialog.rows["region"].part.hasFocus()
    assert not gateway.calls
    pictures(dialog, screenshots, "providers_add_bedrock")
    dialog.fill_in(region="eu-central-1", access_key_id="AKIA0123", secret_access_key="s3cret-0123456789")
    assert not dialog.rows["region"].problem.isVisible()
    dialog.save.click()
    qtbot.waitUntil(lambda: "prov_bedrock" in [line.id for line in page.providers.view.table._rows], timeout=WAIT_MS)
    assert gateway.calls == [
        ("POST", PROVIDERS, {"kind": "bedrock", "name": "bedrock", "region": "eu-central-1", "access_key_id": "AKIA0123",
                             "secret_access_key": "s3cret-0123456789"})
    ]  # fmt: skip
    assert page.providers.view.chosen_id == "prov_bedrock"


def test_the_connection_is_tested_before_it_is_saved(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    gateway = stand_in([], [])
    page = told(qtbot, window())
    page.head.add.click()
    dialog = dialog_of(page, ProviderDialog)
    dialog.test.click()
    assert dialog.rows["api_key"].problem.text() == "Paste the key."
    dialog.fill_in(api_key="sk-0123456789")
    gateway.be_slow(True)
    dialog.test.click()
    assert dialog.outcome.text() == "Testing…" and not dialog.test.isEnabled()
    gateway.be_slow(False)
    qtbot.waitUntil(lambda: dialog.outcome.text() == "It answers, in 184 ms. It offers 2 models.", timeout=WAIT_MS)
    pictures(dialog, screenshots, "providers_test_good")
    why = {"message": "openai refused the credential (401)", "fix": "Check the key: was it revoked?"}
    gateway.answer("POST", f"{PROVIDERS}/test", 200, {"ok": False, "seconds": 0.1, "models": [], "error": why})
    dialog.test.click()
    qtbot.waitUntil(lambda: "was it revoked?" in dialog.outcome.text(), timeout=WAIT_MS)
    pictures(dialog, screenshots, "providers_test_bad")
    dialog.fill_in(api_key="sk-other")
    assert not dialog.outcome.isVisible()  # it was about the other key
    assert [call[1] for call in gateway.calls] == [f"{PROVIDERS}/test"] * 2


def test_a_test_that_ends_after_the_form_has_changed_says_nothing(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window]
) -> None:
    gateway = stand_in([], [])
    page = told(qtbot, window())
    page.head.add.click()
    dialog = dialog_of(page, ProviderDialog)
    dialog.fill_in(api_key="sk-0123456789")
    gateway.be_slow(True)
    dialog.test.click()
    dialog.fill_in(api_key="sk-another")
    assert dialog.test.isEnabled()
    with qtbot.waitSignal(page.watch.answered, timeout=WAIT_MS):
        gateway.be_slow(False)
    assert not dialog.outcome.isVisible()


def test_a_dialog_that_is_closed_while_it_is_answered_troubles_nobody(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window]
) -> None:
    gateway = stand_in([], [])
    page = told(qtbot, window())
    page.head.add.click()
    dialog = dialog_of(page, ProviderDialog)
    dialog.fill_in(api_key="sk-0123456789")
    gateway.be_slow(True)
    dialog.test.click()
    dialog.save.click()
    with qtbot.waitSignal(dialog.destroyed, timeout=WAIT_MS):
        dialog.reject()
    gateway.be_slow(False)
    qtbot.waitUntil(lambda: cells(page.providers.view, 0) == ["openai"], timeout=WAIT_MS)  # Add was pressed before


def test_a_circuit_whose_time_has_come_is_seen_without_an_event(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gui.watch.LOOK_MS", 300)
    gateway = stand_in(SOME, ROUTED)
    page = told(qtbot, window())
    page.head.tabs[1].click()
    qtbot.waitUntil(lambda: cells(page.targets, 2) == ["Ready", "Ready", "Ready"], timeout=WAIT_MS)
    step = {"deployment": OPEN["deployment"], "route": "fast", "why": "tries it", "circuit": "half-open", "lacks": []}
    found = {"model": "fast", "route": "fast", "strategy": "weighted", "retries": 2, "tried": [step], "left_out": []}
    gateway.answer("POST", f"{ROUTES}/explain", 200, found)
    gateway.tell("circuit", OPEN)
    qtbot.waitUntil(lambda: cells(page.targets, 2)[1] == "Being tried again", timeout=WAIT_MS)


def test_what_the_gateway_refuses_is_marked_at_its_field(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    gateway = stand_in([], [])
    page = told(qtbot, window())
    page.head.add.click()
    dialog = dialog_of(page, ProviderDialog)
    dialog.kind.setCurrentIndex(dialog.kind.findData("openai-compatible"))
    dialog.fill_in(name="mine", base_url="http://127.0.0.1:8000/v1", api_key="sk-0123456789")
    error = {
        "message": "base_url: the provider mine is this appliance itself: requests would go round in circles",
        "fix": "Write the address of another server, or set another port.", "param": "base_url", "code": "invalid_field",
    }  # fmt: skip
    gateway.answer("POST", PROVIDERS, 400, {"error": error})
    dialog.save.click()
    row = dialog.rows["base_url"]
    qtbot.waitUntil(row.problem.isVisible, timeout=WAIT_MS)
    said = row.problem.text()
    assert said.startswith("The provider mine is this appliance itself") and said.endswith("set another port.")
    assert row.part.hasFocus() and row.part.accessibleDescription() and dialog.isVisible()
    pictures(dialog, screenshots, "providers_refused")
    gateway.answer(
        "POST", PROVIDERS, 403, {"error": {"message": "the role auditor may not do this", "fix": "Ask an administrator"}}
    )
    dialog.save.click()
    qtbot.waitUntil(lambda: "Ask an administrator." in dialog.problem.text(), timeout=WAIT_MS)
    assert not row.problem.isVisible()


def test_editing_leaves_the_stored_key_unless_another_is_typed(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    gateway = stand_in(SOME, [])
    page = told(qtbot, window())
    page.providers.view.choose("prov_azure-eu")
    page.providers.view.opened.emit()  # Return
    dialog = dialog_of(page, ProviderDialog)
    assert "…wXyZ" in dialog.rows["api_key"].part.placeholderText() and not dialog.kind.isEnabled()
    dialog.test.click()
    qtbot.waitUntil(lambda: "It answers" in dialog.outcome.text(), timeout=WAIT_MS)
    assert gateway.calls.pop()[1] == f"{PROVIDERS}/prov_azure-eu/test"
    dialog.fill_in(api_version="2024-10-21")
    dialog.test.click()
    assert "Type the key again" in dialog.outcome.text()
    pictures(dialog, screenshots, "providers_edit")
    dialog.save.click()
    qtbot.waitUntil(lambda: not dialog_is_open(page), timeout=WAIT_MS)
    assert gateway.calls[-1] == ("PATCH", f"{PROVIDERS}/prov_azure-eu", {"api_version": "2024-10-21"})


def dialog_is_open(page: ProvidersPage) -> bool:
    return any(one.isVisible() for one in page.findChildren(QDialog))


def test_removing_asks_first_and_a_provider_in_use_names_its_routes(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    gateway = stand_in(SOME, ROUTED)
    shown = window()
    page = told(qtbot, shown)
    page.providers.view.choose("prov_openai")
    page.providers.buttons.buttons["remove"].click()
    assert page.problem.text().startswith("openai can't be removed: the route fast sends requests to it.")
    assert not dialog_is_open(page)
    pictures(shown, screenshots, "providers_in_use")
    page.providers.view.choose("prov_claude")
    page.providers.view.removed.emit()  # the Delete key
    dialog = dialog_of(page, ConfirmDialog)
    pictures(dialog, screenshots, "providers_remove")
    refusal = {"message": "the provider claude can't be removed: routes send requests to it (new)", "fix": "Take it out first."}
    gateway.answer("DELETE", f"{PROVIDERS}/prov_claude", 409, {"error": refusal})
    dialog.confirm.click()
    qtbot.waitUntil(lambda: "(new). Take it out first." in page.problem.text(), timeout=WAIT_MS)
    gateway.answer_as_ever("DELETE", f"{PROVIDERS}/prov_claude")
    page.providers.view.removed.emit()
    dialog_of(page, ConfirmDialog).confirm.click()
    qtbot.waitUntil(lambda: "claude" not in cells(page.providers.view, 0), timeout=WAIT_MS)


def test_a_route_is_made_from_models_that_its_provider_tells(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    gateway = stand_in(SOME, ROUTED)
    page = told(qtbot, window())
    page.head.tabs[1].click()
    page.head.add.click()
    dialog = dialog_of(page, RouteDialog)
    row = dialog.targets.rows[0]
    assert row.provider.currentData() == "aws"
    row.provider.setCurrentIndex(row.provider.findData("openai"))
    qtbot.waitUntil(
        lambda: [row.model.itemText(n) for n in range(row.model.count())] == ["gpt-4o", "gpt-4o-mini"], timeout=WAIT_MS
    )
    dialog.save.click()
    assert dialog.rows["name"].problem.isVisible() and row.problem.text() == "Choose a model."
    pictures(dialog, screenshots, "providers_route_wrong")
    dialog.name.setText("smart")
    row.model.setCurrentIndex(0)
    dialog.targets.add.click()
    second = dialog.targets.rows[1]
    second.provider.setCurrentIndex(second.provider.findData("local"))
    qtbot.waitUntil(lambda: second.model.count() == 1, timeout=WAIT_MS)
    second.model.setCurrentIndex(0)
    second.model.activated.emit(0)
    second.weight.setValue(3)
    dialog.menu.actions()[0].trigger()
    assert dialog.fallbacks.text() == "fast"
    pictures(dialog, screenshots, "providers_route_add")
    dialog.save.click()
    qtbot.waitUntil(lambda: "smart" in cells(page.routes.view, 0), timeout=WAIT_MS)
    made = next(body for method, path, body in gateway.calls if (method, path) == ("POST", ROUTES))
    assert made["deployments"] == [
        {"provider": "openai", "model": "gpt-4o", "weight": 1.0},
        {"provider": "local", "model": "qwen2.5-7b-instruct", "weight": 3.0},
    ]
    assert made["fallbacks"] == ["fast"]
    assert page.routes.view.chosen_id == "route_smart"


def test_changing_a_route_keeps_what_the_dialog_does_not_show(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window]
) -> None:
    gateway = stand_in(SOME, ROUTED)
    page = told(qtbot, window())
    page.head.tabs[1].click()
    page.routes.view.choose("route_fast")
    page.routes.buttons.buttons["edit"].click()
    dialog = dialog_of(page, RouteDialog)
    dialog.targets.rows[2].remove.click()
    dialog.strategy.setCurrentIndex(dialog.strategy.findData("least-busy"))
    error = {"message": "deployments[1].provider: it is gone", "fix": "Choose another.", "param": "deployments[1].provider"}
    gateway.answer("PATCH", f"{ROUTES}/route_fast", 400, {"error": error})
    dialog.save.click()
    qtbot.waitUntil(lambda: dialog.targets.rows[1].problem.text() == "It is gone. Choose another.", timeout=WAIT_MS)
    gateway.answer_as_ever("PATCH", f"{ROUTES}/route_fast")
    dialog.save.click()
    qtbot.waitUntil(lambda: not dialog_is_open(page), timeout=WAIT_MS)
    sent = gateway.calls[-1][2]
    assert (sent["strategy"], sent["deployments"][1]["limits"], len(sent["deployments"])) == ("least-busy", {"concurrent": 4}, 2)


def test_explain_says_where_a_request_would_go_and_sends_nothing(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    gateway = stand_in(SOME, ROUTED)
    page = told(qtbot, window())
    page.head.tabs[1].click()
    step = {
        "deployment": "openai/gpt-4o-mini",
        "route": "fast",
        "why": "drawn with weight 3 of 4",
        "circuit": "closed",
        "lacks": [],
    }
    left = {
        **step,
        "deployment": "azure-eu/gpt-4o-mini",
        "why": "left alone for 12 s more: azure answered 500",
        "circuit": "open",
    }
    found = {"model": "fast", "route": "fast", "strategy": "weighted", "retries": 2, "tried": [step], "left_out": [left]}
    gateway.answer("POST", f"{ROUTES}/explain", 200, found)
    page.routes.buttons.buttons["explain"].click()
    dialog = dialog_of(page, ExplainDialog)
    qtbot.waitUntil(lambda: len(dialog.lines) == 2, timeout=WAIT_MS)
    assert dialog.lines[1][2] == "Left out: left alone for 12 s more: azure answered 500"
    assert "Nothing has been sent." in dialog.note.text()
    pictures(dialog, screenshots, "providers_explain")
    assert cells(page.routes.view, 2)[0] == "1 of 2 out"
    gateway.answer("POST", f"{ROUTES}/explain", 404, {"error": {"message": "no model is called fast", "fix": "Look again"}})
    dialog.again.click()
    qtbot.waitUntil(lambda: dialog.note.text() == "No model is called fast. Look again.", timeout=WAIT_MS)
    assert not dialog.lines


def test_a_file_is_taken_in_after_asking_and_written_out(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], tmp_path: Path
) -> None:
    gateway = stand_in([], [])
    page = told(qtbot, window())
    (tmp_path / "in.toml").write_text(FILE)
    page.head.menu.actions()[0].trigger()
    dialog_of(page, QFileDialog).fileSelected.emit(str(tmp_path / "in.toml"))
    qtbot.waitUntil(lambda: isinstance(page.dialog, ConfirmDialog), timeout=WAIT_MS)
    dialog = dialog_of(page, ConfirmDialog)
    assert dialog.consequence.text() == "Adds 1 provider: openai. Everything else stays as it is."
    assert [path for _, path, _ in gateway.calls] == [f"{ROUTES}/import?dry_run=true"]
    dialog.confirm.click()
    qtbot.waitUntil(lambda: page.done.text() == "The file was taken in: 1 added, 0 replaced.", timeout=WAIT_MS)
    assert gateway.calls[-1] == ("POST", f"{ROUTES}/import", FILE)
    page.head.menu.actions()[1].trigger()
    dialog_of(page, QFileDialog).fileSelected.emit(str(tmp_path / "out.toml"))
    qtbot.waitUntil(lambda: page.done.text().startswith("Written to"), timeout=WAIT_MS)
    assert (tmp_path / "out.toml").read_text() == FILE
    page._read(str(tmp_path / "nowhere.toml"))
    assert page.problem.text() == "The file can't be read: No such file or directory. Choose another one."
    page._write(str(tmp_path / "nowhere" / "out.toml"), b"")
    assert "can't be written" in page.problem.text()


def test_while_the_lists_are_awaited_and_where_they_fail_the_page_says_so(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    gateway = stand_in(SOME, ROUTED)
    path = ("GET", f"{PROVIDERS}?limit=200")
    gateway.answer(*path, 403, {"error": {"message": "the role member may not do this", "fix": "Ask an administrator"}})
    shown = window()
    page = page_of(shown)
    assert not page.again.isVisible()
    qtbot.waitUntil(page.again.isVisible, timeout=WAIT_MS)
    assert page.note.text() == "The providers can't be shown. The role member may not do this. Ask an administrator."
    pictures(shown, screenshots, "providers_refused_list")
    gateway.answer(*path, 200, {"items": "of another version"})
    page.again.click()
    qtbot.waitUntil(lambda: "another version" in page.note.text(), timeout=WAIT_MS)
    gateway.answer_as_ever(*path)
    page.again.click()
    qtbot.waitUntil(page.providers.view.isVisible, timeout=WAIT_MS)
    assert not page.problem.isVisible()


def test_lists_that_can_not_be_fetched_anew_stay_and_the_page_says_so(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window]
) -> None:
    gateway = stand_in(SOME, ROUTED)
    page = told(qtbot, window())
    gateway.answer("GET", f"{ROUTES}?limit=200", 500, {"error": {"message": "the database is locked", "fix": "Wait a moment"}})
    gateway.tell("routes", {"providers": [], "routes": []})
    qtbot.waitUntil(page.stale.isVisible, timeout=WAIT_MS)
    assert page.stale.text() == "This may be out of date. The database is locked. Wait a moment."
    assert page.providers.view.isVisible()


def test_two_hundred_and_fifty_providers_are_all_there_and_can_be_found(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    gateway = stand_in([provider(f"p{number:03}") for number in range(250)], [])
    shown = window()
    page = told(qtbot, shown)
    view = page.providers.view
    assert view.table.rowCount() == 250
    view.choose("prov_p120")
    at = view.verticalScrollBar().value()
    gateway.tell("circuit", {"deployment": "p120/gpt-4o", "state": "open", "why": "it answered 500"})
    qtbot.waitUntil(lambda: cells(view, 3)[120] == "1 model left alone", timeout=WAIT_MS)
    assert view.chosen_id == "prov_p120" and view.verticalScrollBar().value() == at
    page.head.search.setText("p24")
    assert cells(view, 0) == [f"p24{number}" for number in range(10)]
    page.head.search.setText("nobody")
    assert view.isVisible() and view.table.rowCount() == 0
    pictures(shown, screenshots, "providers_not_found")


def test_hostile_texts_are_shown_as_text_and_make_nothing_wide(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    long = "x" * 4000
    gateway = stand_in(
        [provider("openai"), provider("mine", "openai-compatible", base_url=f"https://{long}.example/<b>v1</b>\u202e")],
        [route("fast", *(deployment("mine", f"{number}-{long}") for number in range(20)), fallbacks=["a" * 120] * 9)],
    )
    shown = window()
    page = told(qtbot, shown)
    width = shown.minimumSizeHint().width()
    qtbot.waitUntil(lambda: page.watch.providers.circuit(f"mine/1-{long}") is not None, timeout=WAIT_MS)
    gateway.tell("circuit", {"deployment": f"mine/1-{long}", "state": "open", "why": f"<script>{long}"})
    qtbot.waitUntil(lambda: "1 model left alone" in cells(page.providers.view, 3), timeout=WAIT_MS)
    page.providers.view.choose("prov_mine")
    pictures(shown, screenshots, "providers_long")
    page.head.tabs[1].click()
    pictures(shown, screenshots, "providers_long_routes")
    assert shown.minimumSizeHint().width() <= max(width, 900)
    page.routes.buttons.buttons["edit"].click()
    dialog = dialog_of(page, RouteDialog)
    assert dialog.width() <= 900 and dialog.height() <= 700
    pictures(dialog, screenshots, "providers_long_route_dialog")


def test_on_a_small_screen_every_action_stays_within_reach(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    stand_in(SOME, ROUTED)
    shown = window()
    page = told(qtbot, shown)
    shown.resize(640, 480)
    page.providers.view.choose("prov_openai")
    QTest.qWait(50)
    pictures(shown, screenshots, "providers_small")
    page.head.tabs[1].click()
    QTest.qWait(50)
    pictures(shown, screenshots, "providers_small_routes")
    assert shown.width() <= 680 and shown.height() <= 560
    within = shown.rect()
    for one in (*page.routes.buttons.buttons.values(), page.head.add, page.head.file, page.head.search, *page.head.tabs):
        assert one.isVisible() and within.contains(one.rect().translated(one.mapTo(shown, one.rect().topLeft())))
    assert page.targets.isVisible()
    for view in (page.routes.view, page.targets):
        assert view.horizontalHeader().length() <= view.viewport().width()  # nothing stands outside


def test_the_page_can_be_used_from_the_keyboard(qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window]) -> None:
    stand_in(SOME, ROUTED)
    shown = window()
    page = told(qtbot, shown)
    shown.activateWindow()
    QTest.keySequence(shown, QKeySequence(QKeySequence.StandardKey.Find))
    assert page.head.search.hasFocus()
    reached: list[str] = []
    for _ in range(30):
        now = QApplication.focusWidget()
        assert now is not None
        reached.append(now.accessibleName())
        QTest.keyClick(now, Qt.Key.Key_Tab)
    for name in ("Providers, 6", "Find", "Add…", "File", "Providers", "Test connection", "Edit…", "Remove…"):
        assert name in reached, reached
    page.providers.view.setFocus()
    QTest.keyClick(page.providers.view, Qt.Key.Key_Down)
    assert page.providers.view.chosen_id == "prov_azure-eu"
    QTest.keyClick(page.providers.view, Qt.Key.Key_Return)
    dialog = dialog_of(page, ProviderDialog)
    assert dialog.rows["name"].part.accessibleName() == "Name"
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()


def test_a_page_that_nobody_sees_asks_nothing(qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window]) -> None:
    gateway = stand_in(SOME, [])
    shown = window()
    page = told(qtbot, shown)
    shown.nav.setCurrentRow(PAGES.index("Overview"))
    qtbot.wait(600)
    asked = gateway.lists_asked
    gateway.tell("routes", {"providers": [], "routes": []})
    qtbot.wait(900)
    assert gateway.lists_asked == asked
    shown.nav.setCurrentRow(PAGES.index("Providers"))
    qtbot.waitUntil(lambda: gateway.lists_asked > asked, timeout=WAIT_MS)
    assert page.providers.view.isVisible()


def test_a_gateway_that_ends_takes_its_providers_off_the_screen(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    gateway = stand_in(SOME, [])
    shown = window()
    page = told(qtbot, shown)
    gateway.control.unlink()
    gateway.close()
    qtbot.waitUntil(lambda: "The gateway is stopped" in page.note.text(), timeout=WAIT_MS)
    assert page.note.isVisible() and not page.again.isVisible()
    pictures(shown, screenshots, "providers_stopped")
