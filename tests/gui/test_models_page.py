"""The Models page before a stand-in: screens that a real appliance shows seldom."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QSignalSpy
from PySide6.QtWidgets import QAbstractButton, QApplication, QFileDialog, QLabel
from pytestqt.qtbot import QtBot

from gui import theme
from gui.add_dialog import AddDialog
from gui.confirm_dialog import ConfirmDialog
from gui.desktop import Desktop
from gui.pages.models import ModelsPage
from gui.tables.models_table import NAME, STATE, ModelsTable
from gui.window import PAGES, Window
from tests.gui.conftest import MakeService
from tests.gui.models_stand_in import GB, StandIn, job, model

WAIT_MS = 15_000
TABLE_ROWS = [
    model("qwen", "Qwen 7B", state="ready", rss_bytes=5 * GB, running=1, is_default=True, good_for="Office work."),
    model("llama", "Llama 3B", origin="ollama", licence="llama3.2"),
    model("large", "Mistral 24B", memory_bytes=17_200_000_000, fits=False),
    model("toy", "SmolLM2", state="not_here", demonstration=True),
]
MakeStandIn = Callable[..., StandIn]


@pytest.fixture
def stand_in(home: Path) -> Iterator[MakeStandIn]:
    made: list[StandIn] = []

    def make(*models: dict[str, Any]) -> StandIn:
        made.append(StandIn(home, list(models)))
        return made[0]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def window(qtbot: QtBot, home: Path, service: MakeService, stand_in: MakeStandIn) -> Callable[[], Window]:
    """The app's window at its Models page. The stand-in stands for the gateway from before."""
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
        desktop.window.resize(900, 600)
        desktop.window.show()
        desktop.window.nav.setCurrentRow(PAGES.index("Models"))
        return desktop.window

    return make


def page_of(window: Window) -> ModelsPage:
    assert window.models is not None
    return window.models


def told(qtbot: QtBot, window: Window) -> ModelsPage:
    page = page_of(window)
    qtbot.waitUntil(lambda: page.watch.models.told, timeout=WAIT_MS)
    return page


def cells(page: ModelsPage, column: int) -> list[str]:
    table = page.view.table
    return [str(table.index(place, column).data()) for place in range(table.rowCount())]


def pictures(window: Window, screenshots: Path, name: str) -> None:
    found = QApplication.instance()
    assert isinstance(found, QApplication)
    for tone, colours in (("dark", theme.DARK), ("light", theme.LIGHT)):
        theme.apply(found, colours)
        QApplication.processEvents()
        assert window.grab().save(str(screenshots / f"models_{name}_{tone}.png"))


def test_the_page_shows_memory_models_and_what_each_button_may_do(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    stand_in(*TABLE_ROWS)
    shown = window()
    page = told(qtbot, shown)
    assert page.memory.used.text() == "5.0 GB of 12 GB used by models · this machine has 16 GB"
    assert page.memory.loaded.text() == "Loaded: Qwen 7B"
    assert cells(page, NAME) == ["Llama 3B", "Mistral 24B", "Qwen 7B", "SmolLM2"]
    assert cells(page, STATE) == ["On disk", "On disk · too big", "Busy: 1", "Not here yet"]
    page.view.choose("large")
    load = page.buttons.buttons["load"]
    assert load.isVisible() and not load.isEnabled()
    assert "17.2 GB" in load.toolTip() and "12 GB" in load.toolTip()
    assert page.why.isVisible() and "17.2 GB" in page.why.text()  # a tooltip alone isn't there for the keyboard
    page.view.choose("toy")
    assert page.buttons.buttons["get"].isEnabled() and not load.isVisible()
    assert not page.first.isVisible()
    pictures(shown, screenshots, "some")


def test_loading_and_unloading_follow_the_gateway(qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window]) -> None:
    gateway = stand_in(model("llama", "Llama 3B"))
    page = told(qtbot, window())
    gateway.be_slow(True)
    page.buttons.buttons["load"].click()
    assert cells(page, STATE) == ["Loading…"]
    assert not page.buttons.buttons["load"].isEnabled()
    gateway.be_slow(False)
    qtbot.waitUntil(lambda: cells(page, STATE) == ["Ready"], timeout=WAIT_MS)
    qtbot.waitUntil(lambda: page.memory.used.text().startswith("2.0 GB"), timeout=WAIT_MS)
    qtbot.waitUntil(page.buttons.buttons["unload"].isEnabled, timeout=WAIT_MS)
    page.buttons.buttons["unload"].click()
    qtbot.waitUntil(lambda: cells(page, STATE) == ["On disk"], timeout=WAIT_MS)
    assert [(method, path) for method, path, _ in gateway.calls] == [
        ("POST", "/api/v1/admin/models/llama/load"),
        ("POST", "/api/v1/admin/models/llama/unload"),
    ]


def test_a_refusal_is_shown_with_what_mends_it(qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window]) -> None:
    gateway = stand_in(model("llama", "Llama 3B"))
    error = {"message": "llama needs about 3.4 GB, and 1.0 GB of the 12.0 GB are free", "fix": "Try again later."}
    gateway.answer("POST", "/api/v1/admin/models/llama/load", 503, {"error": error})
    page = told(qtbot, window())
    page.buttons.buttons["load"].click()
    qtbot.waitUntil(page.problem.isVisible, timeout=WAIT_MS)
    assert page.problem.text() == "Llama needs about 3.4 GB, and 1.0 GB of the 12.0 GB are free. Try again later."
    assert cells(page, STATE) == ["On disk"]
    assert page.buttons.buttons["load"].isEnabled()
    gateway.answer_as_ever("POST", "/api/v1/admin/models/llama/load")
    page.buttons.buttons["load"].click()
    qtbot.waitUntil(lambda: cells(page, STATE) == ["Ready"], timeout=WAIT_MS)
    assert not page.problem.isVisible()


def test_getting_shows_progress_and_can_be_cancelled(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    gateway = stand_in(*TABLE_ROWS)
    shown = window()
    page = told(qtbot, shown)
    page.view.choose("toy")
    page.buttons.buttons["get"].click()
    qtbot.waitUntil(lambda: len(page.jobs.lines) == 1, timeout=WAIT_MS)
    assert gateway.calls[-1] == ("POST", "/api/v1/admin/models/toy/get", {"source": None})
    for done in (GB // 10, GB // 4):
        gateway.tell("job", job("job_1", "get", "toy", done=done, total=GB))
    qtbot.waitUntil(lambda: cells(page, STATE)[3] == "Getting 25%", timeout=WAIT_MS)
    line = page.jobs.lines[0]
    assert line.bar.value() == 250
    assert line.text.text().startswith("Getting SmolLM2 · 250 MB of 1.0 GB")
    pictures(shown, screenshots, "getting")
    line.button.click()
    qtbot.waitUntil(lambda: "cancelled" in line.text.text(), timeout=WAIT_MS)
    assert gateway.calls[-1][:2] == ("DELETE", "/api/v1/admin/jobs/job_1")
    assert line.button.text() == "Dismiss"
    line.button.click()
    assert not page.jobs.lines and not page.jobs.isVisible()


def test_getting_from_a_folder_sends_the_folder(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], tmp_path: Path
) -> None:
    gateway = stand_in(model("toy", state="not_here"))
    page = told(qtbot, window())
    page.buttons.buttons["get_from"].click()
    assert isinstance(page.dialog, QFileDialog)
    page.dialog.fileSelected.emit(str(tmp_path))
    qtbot.waitUntil(lambda: bool(gateway.calls), timeout=WAIT_MS)
    assert gateway.calls == [("POST", "/api/v1/admin/models/toy/get", {"source": str(tmp_path)})]


@pytest.mark.parametrize("link", [False, True])
def test_adding_a_file_asks_whether_to_copy_it(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], tmp_path: Path, screenshots: Path, *, link: bool
) -> None:
    gateway = stand_in()
    page = told(qtbot, window())
    page.add.click()
    dialog = page.dialog
    assert isinstance(dialog, AddDialog)
    assert not dialog.add.isEnabled()
    dialog.path.setText(str(tmp_path / "nothing.gguf"))
    assert "no such file" in dialog.problem.text() and not dialog.add.isEnabled()
    (tmp_path / "my.gguf").write_bytes(b"GGUF")
    dialog.path.setText(str(tmp_path / "my.gguf"))
    dialog.name.setText("mine")
    dialog.links.setChecked(link)
    dialog.grab().save(str(screenshots / "models_add.png"))
    dialog.add.click()
    qtbot.waitUntil(lambda: len(page.jobs.lines) == 1, timeout=WAIT_MS)
    assert gateway.calls == [("POST", "/api/v1/admin/models", {"path": str(tmp_path / "my.gguf"), "id": "mine", "link": link})]


def test_importing_names_its_source(qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], tmp_path: Path) -> None:
    gateway = stand_in()
    page = told(qtbot, window())
    for entry in page.menu.actions()[:2]:
        entry.trigger()
    page.menu.actions()[2].trigger()
    assert isinstance(page.dialog, QFileDialog)
    page.dialog.fileSelected.emit(str(tmp_path))
    qtbot.waitUntil(lambda: len(gateway.calls) == 3, timeout=WAIT_MS)
    bodies = [body for _, _, body in gateway.calls]
    expected = [("ollama", None), ("lmstudio", None), ("folder", str(tmp_path))]
    assert sorted(bodies, key=str) == sorted(({"from": kind, "path": path} for kind, path in expected), key=str)


def test_removing_asks_first_and_says_that_the_file_stays(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    gateway = stand_in(*TABLE_ROWS)
    gateway.have(details={"path": "/usr/share/ollama/blobs/sha256-1"})
    page = told(qtbot, window())
    page.view.choose("llama")
    qtbot.keyClick(page.view, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: isinstance(page.dialog, ConfirmDialog), timeout=WAIT_MS)
    dialog = page.dialog
    assert isinstance(dialog, ConfirmDialog)
    assert dialog.question.text() == "Remove Llama 3B?"
    assert "The file stays where it is" in dialog.consequence.text()
    dialog.grab().save(str(screenshots / "models_remove.png"))
    qtbot.keyClick(dialog, Qt.Key.Key_Return)  # what a hasty hand presses
    qtbot.wait(100)
    assert not gateway.calls
    page.view.removed.emit()
    qtbot.waitUntil(lambda: page.dialog is not dialog, timeout=WAIT_MS)
    assert isinstance(page.dialog, ConfirmDialog)
    page.dialog.confirm.click()
    qtbot.waitUntil(lambda: "Llama 3B" not in cells(page, NAME), timeout=WAIT_MS)
    assert gateway.calls[-1][:2] == ("DELETE", "/api/v1/admin/models/llama")


def test_unloading_a_model_at_work_asks_first(qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window]) -> None:
    gateway = stand_in(model("qwen", "Qwen 7B", state="ready"))
    page = told(qtbot, window())
    gateway.have(details={"running": 2, "waiting": 1})  # what has come since the page's list
    page.buttons.buttons["unload"].click()
    qtbot.waitUntil(lambda: isinstance(page.dialog, ConfirmDialog), timeout=WAIT_MS)
    assert isinstance(page.dialog, ConfirmDialog)
    assert "3 requests to it will fail" in page.dialog.consequence.text()
    assert not gateway.calls
    page.dialog.confirm.click()
    qtbot.waitUntil(lambda: bool(gateway.calls), timeout=WAIT_MS)


def test_unloading_a_model_that_was_at_work_a_moment_ago_asks_nothing(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window]
) -> None:
    gateway = stand_in(model("qwen", "Qwen 7B", state="ready", running=8))
    page = told(qtbot, window())
    gateway.have(details={"running": 0})
    page.buttons.buttons["unload"].click()
    qtbot.waitUntil(lambda: cells(page, STATE) == ["On disk"], timeout=WAIT_MS)
    assert page.dialog is None


def test_a_speed_test_shows_tokens_a_second_by_callers(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    gateway = stand_in(*TABLE_ROWS)
    shown = window()
    page = told(qtbot, shown)
    page.view.choose("qwen")
    page.buttons.buttons["bench"].click()
    qtbot.waitUntil(lambda: len(page.jobs.lines) == 1, timeout=WAIT_MS)
    rates = {1: 28.1, 4: 44.9, 8: 51.6}
    result = {"rows": [{"callers": callers, "tokens_per_second": rate} for callers, rate in rates.items()]}
    gateway.tell("job", job("job_1", "bench", "qwen", state="done", result=result))
    qtbot.waitUntil(lambda: "28 / 45 / 52 tokens a second" in page.jobs.lines[0].text.text(), timeout=WAIT_MS)
    page.details_button.click()
    assert page.details.isVisible()
    assert "45 tokens a second with 4 callers" in page.details.speed.text()
    qtbot.waitUntil(lambda: "{% for" in page.details.template.toPlainText(), timeout=WAIT_MS)
    pictures(shown, screenshots, "details")
    page.details.copy.click()
    assert QApplication.clipboard().text() == TABLE_ROWS[0]["sha256"]


def test_with_no_model_here_a_first_one_is_recommended(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    gateway = stand_in(
        model("toy", "SmolLM2", state="not_here", demonstration=True),
        model("good", "Qwen 7B", state="not_here", memory_bytes=6 * GB),
    )
    shown = window()
    page = told(qtbot, shown)
    qtbot.waitUntil(page.first.isVisible, timeout=WAIT_MS)
    assert "Qwen 7B" in page.first.title.text()
    assert "Apache-2.0" in page.first.text.text() and "6.0 GB of memory" in page.first.text.text()
    pictures(shown, screenshots, "empty")
    page.first.get.click()
    qtbot.waitUntil(lambda: bool(gateway.calls), timeout=WAIT_MS)
    assert gateway.calls[0][1] == "/api/v1/admin/models/good/get"
    qtbot.waitUntil(lambda: not page.first.get.isEnabled(), timeout=WAIT_MS)
    gateway.tell("job", job("job_1", "get", "good", state="done"))
    gateway.tell("model", model("good", "Qwen 7B"))
    qtbot.waitUntil(lambda: not page.first.isVisible(), timeout=WAIT_MS)


def test_while_the_list_is_awaited_and_where_it_fails_the_page_says_so(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    gateway = stand_in(*TABLE_ROWS)
    shown = window()
    page = page_of(shown)
    path = ("GET", "/api/v1/admin/models")
    qtbot.waitUntil(lambda: shown._service.phase == "running", timeout=WAIT_MS)
    qtbot.waitUntil(lambda: page.watch.models.told, timeout=WAIT_MS)
    page.watch.models.told = False
    page.refresh()
    assert page.note.isVisible() and "Asking the gateway" in page.note.text() and not page.again.isVisible()
    pictures(shown, screenshots, "waiting")
    gateway.answer(*path, 500, {"error": {"message": "models/registry.json is damaged", "fix": "Delete it"}})
    page.watch.ask()
    qtbot.waitUntil(page.again.isVisible, timeout=WAIT_MS)
    assert page.note.text() == "The models can't be shown. models/registry.json is damaged. Delete it."
    pictures(shown, screenshots, "error")
    gateway.answer(*path, 200, {"items": "of another version"})
    page.again.click()
    qtbot.waitUntil(lambda: "another version" in page.note.text(), timeout=WAIT_MS)
    gateway.answer_as_ever(*path)
    page.again.click()
    qtbot.waitUntil(page.view.isVisible, timeout=WAIT_MS)


def test_two_hundred_models_keep_the_chosen_one_and_the_place_while_events_come(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    gateway = stand_in(*(model(f"m{number}", f"Model {number}") for number in range(200)))
    shown = window()
    page = told(qtbot, shown)
    page.view.choose("m150")
    place = page.view.verticalScrollBar().value()
    assert place > 0
    resets = QSignalSpy(page.view.table.modelReset)
    gateway.tell("job", job("j", "verify", "m151", done=1, total=4))
    gateway.tell("model", model("m149", "Model 149", state="ready"))
    qtbot.waitUntil(lambda: cells(page, STATE)[149:152] == ["Ready", "On disk", "Verifying 25%"], timeout=WAIT_MS)
    assert resets.count() == 0  # nothing but what changed was drawn anew
    gateway.tell("model", model("added", "Another model"))
    qtbot.waitUntil(lambda: page.view.table.rowCount() == 201, timeout=WAIT_MS)
    assert page.view.chosen_id == "m150"
    assert page.view.verticalScrollBar().value() == place
    pictures(shown, screenshots, "many")
    page.search.setText("model 15")
    assert page.view.table.rowCount() == 12  # 15, 115 and 150 to 159
    assert page.view.chosen_id == "m150"
    page.search.setText("nothing like this")
    assert page.view.table.rowCount() == 0 and not page.details_button.isEnabled()
    page.search.clear()
    assert page.view.chosen_id == "m150"


def test_the_table_tells_the_view_only_of_rows_that_changed() -> None:
    table = ModelsTable()
    changes, resets = QSignalSpy(table.dataChanged), QSignalSpy(table.modelReset)
    from gui import model_row_state as words
    from gui.models_state import Models

    models = Models()
    body = {"items": [model("a"), model("b")], "memory": {"budget_bytes": 1, "used_bytes": 0, "machine_bytes": 1}, "engine": {}}
    assert models.take_list(body)
    table.show_rows([words.row(one, models) for one in models.all()])
    assert resets.count() == 1
    models.take_event("model", model("b", state="loading"), 0.0)
    for _ in range(2):
        table.show_rows([words.row(one, models) for one in models.all()])
    assert (changes.count(), resets.count()) == (1, 1)


def test_hostile_texts_are_shown_as_text_and_make_nothing_wide(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    long = "x" * 5_000
    evil = {
        "good_for": f"<img src=x>{long}",
        "licence": f"<script>alert(1)</script>\u202e{long}",
        "last_failure": f"<h1>boom</h1>{long}",
        "state": "failed",
    }
    gateway = stand_in(model("evil", f"<b>Evil</b>\x1b[31m\n{long}", **evil))
    template = "<b>{{ bold }}</b>\x00" + long
    gateway.have(details={"chat_template": template, "architecture": long, "name": f"<u>{long}", "path": f"/a/{long}"})
    refusal = {"error": {"message": f"<b>no</b> {long}", "fix": f"<i>do</i> {long}"}}
    gateway.answer("POST", "/api/v1/admin/models/evil/verify", 500, refusal)
    shown = window()
    page = told(qtbot, shown)
    page.details_button.click()
    page.buttons.buttons["verify"].click()
    gateway.tell("job", job("j", "get", "evil", state="failed", message=f"<u>{long}", fix=f"<s>{long}"))
    qtbot.waitUntil(lambda: page.problem.isVisible() and bool(page.jobs.lines), timeout=WAIT_MS)
    qtbot.waitUntil(lambda: "bold" in page.details.template.toPlainText(), timeout=WAIT_MS)
    pictures(shown, screenshots, "hostile")
    why = page.jobs.lines[0].why
    assert why.height() >= why.heightForWidth(why.width())  # all of it can be read
    assert shown.size() == QSize(900, 600)
    assert shown.minimumSizeHint().width() <= 640 and shown.minimumSizeHint().height() <= 600
    assert {one.textFormat() for one in page.findChildren(QLabel)} == {Qt.TextFormat.PlainText}
    assert "<b>Evil</b>" in cells(page, NAME)[0] and "\x1b" not in cells(page, NAME)[0]
    hint = str(page.view.table.index(0, NAME).data(Qt.ItemDataRole.ToolTipRole))
    assert "&lt;b&gt;Evil" in hint and "<b>" not in hint
    inside = page.details.widget()
    assert inside is not None and inside.width() <= page.details.viewport().width()


def test_the_page_can_be_used_from_the_keyboard(qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window]) -> None:
    stand_in(*TABLE_ROWS)
    page = told(qtbot, window())
    page.view.setFocus()
    page.view.choose("llama")
    qtbot.keyClick(page.view, Qt.Key.Key_Down)
    assert page.view.chosen_id == "large"
    qtbot.keyClick(page.view, Qt.Key.Key_Return)
    assert page.details.isVisible()
    qtbot.keyClick(page.view, Qt.Key.Key_Return)
    assert not page.details.isVisible()
    reached = []
    page.search.setFocus()
    for _ in range(20):
        focused = QApplication.focusWidget()
        reached.append(focused)
        qtbot.keyClick(focused, Qt.Key.Key_Tab)
    wanted = [page.search, page.add, page.bring_in, page.view, page.buttons.buttons["verify"], page.details_button]
    assert [one for one in reached if one in wanted][: len(wanted)] == wanted
    keys = [
        QKeySequence.mnemonic(one.text()).toString() for one in page.window().findChildren(QAbstractButton) if one.isVisible()
    ]
    keys = [key for key in keys if key]
    assert sorted(keys) == sorted(set(keys))


def test_on_a_small_screen_every_action_stays_within_reach(
    qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window], screenshots: Path
) -> None:
    gateway = stand_in(*TABLE_ROWS)
    shown = window()
    page = told(qtbot, shown)
    page.view.choose("llama")
    assert page.buttons.buttons["remove"].isVisible() and not page.buttons.more.isVisible()
    shown.resize(640, 560)
    qtbot.waitUntil(page.buttons.more.isVisible, timeout=WAIT_MS)
    pictures(shown, screenshots, "small")
    assert not page.buttons.buttons["verify"].isVisible()
    entries = {entry.text(): entry for entry in page.buttons.menu.actions()}
    assert list(entries) == ["Speed &test", "&Verify file", "&Remove…"]
    entries["&Verify file"].trigger()
    qtbot.waitUntil(lambda: bool(gateway.calls), timeout=WAIT_MS)
    assert gateway.calls[0][1] == "/api/v1/admin/models/llama/verify"


def test_a_page_that_nobody_sees_asks_nothing(qtbot: QtBot, stand_in: MakeStandIn, window: Callable[[], Window]) -> None:
    gateway = stand_in(model("llama"))
    shown = window()
    page = told(qtbot, shown)
    shown.nav.setCurrentRow(0)
    asked = gateway.lists_asked
    for number in range(5):
        gateway.tell("model", model(f"m{number}"))
    qtbot.waitUntil(lambda: page.watch.models.get("m4") is not None, timeout=WAIT_MS)
    qtbot.wait(600)
    assert gateway.lists_asked == asked
    shown.nav.setCurrentRow(PAGES.index("Models"))
    qtbot.waitUntil(lambda: gateway.lists_asked > asked, timeout=WAIT_MS)


def test_a_gateway_that_ends_takes_its_models_off_the_screen(
    qtbot: QtBot, home: Path, stand_in: MakeStandIn, window: Callable[[], Window]
) -> None:
    stand_in(*TABLE_ROWS)
    shown = window()
    page = told(qtbot, shown)
    (home / "run" / "control.json").unlink()
    qtbot.waitUntil(page.note.isVisible, timeout=WAIT_MS)
    assert "stopped" in page.note.text()
    assert not page.watch.models.told
