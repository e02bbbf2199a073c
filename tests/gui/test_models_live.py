"""The Models page before the real appliance, which runs as a process of its own, with the demonstration model."""

from pathlib import Path

from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from gui.add_dialog import AddDialog
from gui.confirm_dialog import ConfirmDialog
from gui.desktop import Desktop
from gui.pages.models import ModelsPage
from gui.tables.models_table import NAME, STATE
from gui.tray_state import look
from gui.window import PAGES, WANTED
from tests.conftest import MakeAppliance
from tests.gui.conftest import MakeService
from tests.gui.test_window import app, owned
from tests.running import Appliance

WAIT_MS = 60_000
MODEL, TITLE = "smollm2-135m-instruct", "SmolLM2 135M Instruct (Q4_1)"
SETTINGS = {"local_context_tokens": 1024}


def opened(qtbot: QtBot, running: Appliance, service: MakeService) -> tuple[Desktop, ModelsPage]:
    desktop = Desktop(app(), service(owned(running).home), tray=False)
    qtbot.addWidget(desktop.window)
    desktop.window.resize(WANTED)
    desktop.window.show()
    desktop.window.nav.setCurrentRow(PAGES.index("Models"))
    page = desktop.window.models
    assert page is not None
    qtbot.waitUntil(lambda: page.watch.models.told, timeout=WAIT_MS)
    return desktop, page


def state_of(page: ModelsPage, model_id: str) -> str:
    place = page.view.table.place_of(model_id)
    return str(page.view.table.index(place, STATE).data()) if place >= 0 else ""


def press(qtbot: QtBot, page: ModelsPage, model_id: str, verb: str) -> None:
    page.view.choose(model_id)
    pressed = page.buttons.buttons[verb]
    qtbot.waitUntil(lambda: pressed.isVisible() and pressed.isEnabled(), timeout=WAIT_MS)
    pressed.click()


def line(page: ModelsPage, begin: str) -> bool:
    return any(one.text.text().startswith(begin) for one in page.jobs.lines)


def test_a_model_is_loaded_measured_verified_and_unloaded(
    qtbot: QtBot, appliance: MakeAppliance, service: MakeService, screenshots: Path
) -> None:
    desktop, page = opened(qtbot, appliance(settings=SETTINGS, model=True), service)
    assert state_of(page, MODEL) == "On disk"
    assert " 0 bytes of " in f" {page.memory.used.text()}"
    press(qtbot, page, MODEL, "load")
    qtbot.waitUntil(lambda: state_of(page, MODEL) == "Ready", timeout=WAIT_MS)
    qtbot.waitUntil(lambda: page.memory.loaded.text() == f"Loaded: {TITLE}", timeout=WAIT_MS)
    qtbot.waitUntil(lambda: not page.memory.used.text().startswith("0 bytes"), timeout=WAIT_MS)
    watching = desktop.service
    qtbot.waitUntil(lambda: MODEL in (watching.overview or {})["loaded_models"], timeout=WAIT_MS)
    assert MODEL in look("running", watching.overview, "running").tooltip
    press(qtbot, page, MODEL, "verify")
    qtbot.waitUntil(lambda: line(page, f"Verified {TITLE}"), timeout=WAIT_MS)
    press(qtbot, page, MODEL, "bench")
    qtbot.waitUntil(lambda: line(page, f"Measured {TITLE}"), timeout=WAIT_MS * 2)
    page.details_button.click()
    qtbot.waitUntil(lambda: "messages" in page.details.template.toPlainText(), timeout=WAIT_MS)
    assert [line.partition(" with ")[2] for line in page.details.speed.text().splitlines()] == [
        "1 caller",
        "4 callers",
        "8 callers",
    ]
    desktop.window.grab().save(str(screenshots / "models_live.png"))
    press(qtbot, page, MODEL, "unload")
    qtbot.waitUntil(lambda: state_of(page, MODEL) == "On disk", timeout=WAIT_MS)
    assert not page.problem.text()


def test_files_are_added_imported_and_removed_and_stay_where_they_are(
    qtbot: QtBot, appliance: MakeAppliance, service: MakeService, model_file: Path, tmp_path: Path
) -> None:
    running = appliance(settings=SETTINGS)
    _, page = opened(qtbot, running, service)
    qtbot.waitUntil(page.first.isVisible, timeout=WAIT_MS)
    mine, shelf = tmp_path / "mine.gguf", tmp_path / "shelf"
    shelf.mkdir()
    for place in (mine, shelf / "theirs.gguf"):
        place.symlink_to(model_file)
    (shelf / "no-model.gguf").write_text("a letter to the bank")
    page.add.click()
    dialog = page.dialog
    assert isinstance(dialog, AddDialog)
    dialog.path.setText(str(mine))
    dialog.links.setChecked(True)
    dialog.add.click()
    qtbot.waitUntil(lambda: state_of(page, "mine") == "On disk", timeout=WAIT_MS)
    qtbot.waitUntil(lambda: not page.first.isVisible(), timeout=WAIT_MS)
    page.view.choose("mine")
    page.buttons.buttons["remove"].click()
    qtbot.waitUntil(lambda: isinstance(page.dialog, ConfirmDialog), timeout=WAIT_MS)
    assert isinstance(page.dialog, ConfirmDialog)
    assert "The file stays where it is" in page.dialog.consequence.text()
    page.dialog.confirm.click()
    qtbot.waitUntil(lambda: state_of(page, "mine") == "", timeout=WAIT_MS)
    assert model_file.exists() and mine.exists()
    page.menu.actions()[2].trigger()
    assert isinstance(page.dialog, QFileDialog)
    page.dialog.fileSelected.emit(str(shelf))
    qtbot.waitUntil(lambda: line(page, "Imported from the folder"), timeout=WAIT_MS)
    qtbot.waitUntil(
        lambda: "theirs" in [str(page.view.table.index(row, NAME).data()) for row in range(page.view.table.rowCount())]
    )
    assert line(page, "Imported from the folder: 1 model. Left out: no-model")


def test_what_the_gateway_refuses_is_told_with_its_mend(
    qtbot: QtBot, appliance: MakeAppliance, service: MakeService, tmp_path: Path
) -> None:
    _, page = opened(qtbot, appliance(settings={**SETTINGS, "air_gap": True}), service)
    letter = tmp_path / "letter.gguf"
    letter.write_text("Dear bank")
    page.watch.add(str(letter), "", link=False)
    qtbot.waitUntil(page.problem.isVisible, timeout=WAIT_MS)
    assert "The file can't be run" in page.problem.text() and page.problem.text().endswith(".")
    press(qtbot, page, MODEL, "get")
    qtbot.waitUntil(lambda: any("air_gap is on" in one.text.text() for one in page.jobs.lines), timeout=WAIT_MS)
    failed = page.jobs.lines[-1]
    assert failed.why.isVisible() and failed.button.text() == "Dismiss"


def test_a_copied_model_that_is_removed_takes_its_file_along(
    qtbot: QtBot, appliance: MakeAppliance, service: MakeService, screenshots: Path
) -> None:
    running = appliance(settings=SETTINGS, model=True)
    _, page = opened(qtbot, running, service)
    press(qtbot, page, MODEL, "remove")
    qtbot.waitUntil(lambda: isinstance(page.dialog, ConfirmDialog), timeout=WAIT_MS)
    assert isinstance(page.dialog, ConfirmDialog)
    assert "is deleted" in page.dialog.consequence.text()
    page.dialog.confirm.click()
    qtbot.waitUntil(lambda: state_of(page, MODEL) == "Not here yet", timeout=WAIT_MS)
    assert not list((running.home / "models").glob("*.gguf"))
