"""The window, the playground and the wizard before a real appliance."""

import os
import re
import signal
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QGuiApplication, QImage, QPainter, QPalette
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel
from pytestqt.qtbot import QtBot

from gui import theme
from gui.desktop import Desktop
from gui.window import WANTED
from gui.wizard import Wizard
from tests.conftest import MakeAppliance
from tests.gui.conftest import MakeService
from tests.running import Appliance

WAIT_MS = 15_000


def app() -> QApplication:
    found = QApplication.instance()
    assert isinstance(found, QApplication)
    found.setStyle("Fusion")
    theme.apply(found)
    return found


def test_the_overview_lives_and_the_playground_streams(
    qtbot: QtBot, served: Appliance, service: MakeService, screenshots: Path
) -> None:
    watching = service(served.home)
    desktop = Desktop(app(), watching, tray=False)
    desktop._wizard_offered = True
    window = desktop.window
    qtbot.addWidget(window)
    window.resize(WANTED)  # for the pictures
    window.show()
    qtbot.waitUntil(lambda: watching.overview is not None, timeout=WAIT_MS)
    assert "No requests" in window.overview.chart.accessibleName()
    window.grab().save(str(screenshots / "overview_empty.png"))
    window.nav.setCurrentRow(1)
    playground = window.playground
    assert playground is not None
    qtbot.waitUntil(lambda: playground.model.count() > 0, timeout=WAIT_MS)
    playground.question.setText("Hello <b>there</b>")
    qtbot.keyClick(playground.question, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: "tokens in" in playground.note.text(), timeout=WAIT_MS)
    assert "Hello <b>there</b>" in playground.said.toPlainText()
    assert playground.conversation.messages[-1]["role"] == "assistant"
    window.grab().save(str(screenshots / "playground.png"))
    window.nav.setCurrentRow(0)
    qtbot.waitUntil(lambda: watching.overview["last_hour"]["requests"] >= 1, timeout=WAIT_MS)
    for name, colours in (("dark", theme.DARK), ("light", theme.LIGHT)):
        theme.apply(app(), colours)
        qtbot.wait(50)
        window.grab().save(str(screenshots / f"overview_{name}.png"))
    with qtbot.waitSignal(watching.client.network.finished, timeout=WAIT_MS):
        playground.revoke(lambda: None)


def test_a_gateway_killed_with_the_window_open_shows_as_stopped(
    qtbot: QtBot, appliance: MakeAppliance, service: MakeService, screenshots: Path
) -> None:
    running = appliance()
    watching = service(running.home)
    desktop = Desktop(app(), watching, tray=False)
    desktop._wizard_offered = True
    qtbot.addWidget(desktop.window)
    desktop.window.show()
    qtbot.waitUntil(lambda: watching.overview is not None, timeout=WAIT_MS)
    running.kill()
    qtbot.waitUntil(lambda: desktop.window.state.property("icon") == "stopped", timeout=WAIT_MS)
    assert desktop.window.start.isVisible()
    desktop.window.grab().save(str(screenshots / "stopped.png"))
    running.start()
    qtbot.waitUntil(lambda: watching.overview is not None, timeout=WAIT_MS)
    assert desktop.window.state.property("icon") == "degraded"  # it has no model


def test_a_gateway_that_hangs_shows_as_degraded_until_it_answers_again(
    qtbot: QtBot, appliance: MakeAppliance, service: MakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gui.service.SILENT_SECONDS_MAX", 2)
    running = appliance(model=True)
    watching = service(running.home)
    desktop = Desktop(app(), watching, tray=False)
    desktop._wizard_offered = True
    window = desktop.window
    qtbot.addWidget(window)
    qtbot.waitUntil(lambda: watching.overview is not None, timeout=WAIT_MS)
    os.kill(running.pid, signal.SIGSTOP)
    try:
        qtbot.waitUntil(lambda: window.state.property("icon") == "degraded", timeout=WAIT_MS)
        assert f"(process {running.pid}) doesn't answer" in window.problem.text()
        late = service(running.home)  # an app that is opened now learns it too
        qtbot.waitUntil(lambda: late.failure is not None and "doesn't answer" in late.failure.message, timeout=WAIT_MS)
    finally:
        os.kill(running.pid, signal.SIGCONT)
    qtbot.waitUntil(lambda: window.state.property("icon") == "running", timeout=WAIT_MS)
    assert not window.problem.text()


def test_the_window_and_its_buttons_fit_on_a_small_screen(qtbot: QtBot, home: Path, service: MakeService) -> None:
    window = Desktop(app(), service(home), tray=False).window
    qtbot.addWidget(window)
    room = QGuiApplication.primaryScreen().availableSize()
    assert room.width() < WANTED.width()  # or this shows nothing
    assert window.width() <= room.width() and window.height() <= room.height()
    assert window.minimumSizeHint().width() <= 640 and window.minimumSizeHint().height() <= 560


def test_what_cannot_be_chosen_looks_different_in_both_themes(qtbot: QtBot) -> None:
    for colours in (theme.DARK, theme.LIGHT):
        theme.apply(app(), colours)
        palette = QApplication.palette()
        assert palette.color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.Text).name() == colours["dim"]
        assert palette.color(QPalette.ColorGroup.Active, QPalette.ColorRole.Text).name() == colours["text"]


def test_no_two_parts_of_a_wizards_step_take_the_same_key(qtbot: QtBot, home: Path, service: MakeService) -> None:
    wizard = Wizard(service(home))
    qtbot.addWidget(wizard)
    wizard.show()
    for step in range(3):
        wizard._go(step)
        parts = [*wizard.findChildren(QLabel), *wizard.findChildren(QAbstractButton)]
        keys = [key for part in parts if part.isVisible() for key in re.findall("&(.)", part.text().lower())]
        assert sorted(keys) == sorted(set(keys))
    assert wizard.focusWidget() is wizard.chat.question


def test_the_wizard_makes_the_owner(qtbot: QtBot, appliance: MakeAppliance, service: MakeService, screenshots: Path) -> None:
    watching = service(appliance().home)
    qtbot.waitUntil(lambda: watching.overview is not None, timeout=WAIT_MS)
    assert watching.overview is not None and not watching.overview["owner_exists"]
    app()
    wizard = Wizard(watching)
    qtbot.addWidget(wizard)
    wizard.show()
    wizard.forward()
    assert "name is missing" in wizard.problem.text()
    for part, text in ((wizard.name, "Asha"), (wizard.email, "asha@example.in"), (wizard.password, "a long password")):
        part.setText(text)
    wizard.again.setText("a long password")
    wizard.problem.clear()
    wizard.grab().save(str(screenshots / "wizard_1.png"))
    with qtbot.waitSignal(wizard.stepped, timeout=WAIT_MS):
        wizard.forward()
    wizard.grab().save(str(screenshots / "wizard_2.png"))
    wizard.forward()
    assert wizard.pages.currentIndex() == 2
    wizard.grab().save(str(screenshots / "wizard_3.png"))
    qtbot.waitUntil(lambda: watching.overview["owner_exists"], timeout=WAIT_MS)


def test_start_and_stop_from_the_app(
    qtbot: QtBot, home: Path, free_port: int, service: MakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEHOUSE_PORT", str(free_port))
    watching = service(home)
    watching.start()
    qtbot.waitUntil(lambda: watching.phase == "running", timeout=30_000)
    watching.stop()
    qtbot.waitUntil(lambda: watching.phase == "stopped", timeout=30_000)
    assert watching.failure is None


def test_a_start_that_fails_says_why(qtbot: QtBot, home: Path, service: MakeService) -> None:
    home.mkdir(mode=0o700)
    (home / "gatehouse.toml").write_text("port = 'many'\n")
    watching = service(home)
    watching.start()
    qtbot.waitUntil(lambda: watching.failure is not None, timeout=30_000)
    assert watching.phase == "stopped"
    assert watching.failure is not None and "port" in watching.failure.message


def test_painting_leaves_the_references_of_none_alone(qtbot: QtBot) -> None:
    image = QImage(20, 20, QImage.Format.Format_ARGB32)
    painter = QPainter(image)
    before = sys.getrefcount(None)
    for _ in range(1_000):
        painter.drawRect(QRectF(1, 1, 5, 5))
    after = sys.getrefcount(None)
    painter.end()
    assert abs(after - before) < 100


def owned(running: Appliance) -> Appliance:
    assert running.owner_token
    return running


def test_a_local_models_answer_appears_as_it_is_written_and_can_be_stopped(
    qtbot: QtBot, appliance: MakeAppliance, service: MakeService, screenshots: Path
) -> None:
    running = owned(appliance(model=True))
    watching = service(running.home)
    desktop = Desktop(app(), watching, tray=False)
    window = desktop.window
    qtbot.addWidget(window)
    window.show()
    window.nav.setCurrentRow(1)
    playground = window.playground
    assert playground is not None
    qtbot.waitUntil(playground.send_button.isEnabled, timeout=WAIT_MS)
    playground.question.setText("Write a long story about the sea, in many paragraphs.")
    playground.send_button.click()
    messages = playground.conversation.messages
    qtbot.waitUntil(lambda: messages[-1]["role"] == "assistant", timeout=WAIT_MS)
    window.grab().save(str(screenshots / "playground_streaming.png"))
    playground.stop_button.click()
    assert playground.note.text() == "Stopped."
    said = playground.said.toPlainText()
    qtbot.wait(300)
    assert playground.said.toPlainText() == said
    qtbot.waitUntil(lambda: watching.overview["in_flight"] == 0, timeout=WAIT_MS)  # the model was let go of
    playground.question.setText("Hello!")
    playground.send_button.click()
    qtbot.waitUntil(lambda: "tokens in" in playground.note.text(), timeout=WAIT_MS)


def test_quitting_gives_the_playgrounds_key_back(qtbot: QtBot, served: Appliance, service: MakeService) -> None:
    watching = service(owned(served).home)
    desktop = Desktop(app(), watching, tray=False)
    desktop._wizard_offered = True
    qtbot.addWidget(desktop.window)
    desktop.window.nav.setCurrentRow(1)
    playground = desktop.window.playground
    assert playground is not None
    qtbot.waitUntil(playground.send_button.isEnabled, timeout=WAIT_MS)
    playground.question.setText("Hello!")
    playground.send_button.click()
    qtbot.waitUntil(lambda: "tokens in" in playground.note.text(), timeout=WAIT_MS)
    key = playground._key
    assert served.call("GET", "/v1/models", token=key).status == 200
    quits: list[bool] = []
    desktop._app = type("App", (), {"quit": lambda self: quits.append(True)})()  # the tests' own application must live on
    desktop.quit()
    qtbot.waitUntil(lambda: bool(quits), timeout=WAIT_MS)
    assert served.call("GET", "/v1/models", token=key).status == 401
    assert served.is_running


def test_the_wizard_opens_the_local_network_and_ends_with_a_chat(
    qtbot: QtBot, appliance: MakeAppliance, service: MakeService, free_port: int, screenshots: Path
) -> None:
    running = appliance(settings={"lan_port": free_port}, model=True)
    watching = service(running.home)
    qtbot.waitUntil(lambda: watching.overview is not None, timeout=WAIT_MS)
    app()
    wizard = Wizard(watching)
    qtbot.addWidget(wizard)
    wizard.show()
    for part, text in ((wizard.name, "Asha"), (wizard.email, "asha@example.in")):
        part.setText(text)
    wizard.password.setText("a long password")
    wizard.again.setText("a long password")
    with qtbot.waitSignal(wizard.stepped, timeout=WAIT_MS):
        wizard.forward()
    wizard.lan.setChecked(True)
    wizard.forward()
    qtbot.waitUntil(wizard.next.isEnabled, timeout=WAIT_MS)
    shown = running.call("GET", "/api/v1/admin/lan", token=watching.client.token).json
    assert shown["on"]
    told = wizard.lan_note.text()
    assert shown["fingerprint"] in told.replace("\n", "")
    assert not shown["join_urls"] or shown["join_urls"][0] in told
    wizard.grab().save(str(screenshots / "wizard_2_lan.png"))
    wizard.forward()
    qtbot.waitUntil(wizard.chat.send_button.isEnabled, timeout=WAIT_MS)
    wizard.chat.question.setText("Hello!")
    qtbot.keyClick(wizard.chat.question, Qt.Key.Key_Return)
    assert wizard.isVisible()  # Return sends the message there
    qtbot.waitUntil(lambda: "tokens in" in wizard.chat.note.text(), timeout=WAIT_MS)
    wizard.grab().save(str(screenshots / "wizard_3.png"))
    wizard.forward()
    assert not wizard.isVisible()


def test_the_overview_shows_every_endpoint_once_the_lan_is_open(
    qtbot: QtBot, appliance: MakeAppliance, service: MakeService, free_port: int, screenshots: Path
) -> None:
    running = owned(appliance(settings={"lan_port": free_port, "lan": True}, model=True))
    watching = service(running.home)
    desktop = Desktop(app(), watching, tray=False)
    qtbot.addWidget(desktop.window)
    desktop.window.show()
    qtbot.waitUntil(lambda: watching.overview is not None, timeout=WAIT_MS)
    urls = watching.overview["endpoints"]
    shown = [endpoint.url.text() for endpoint in desktop.window.overview.endpoints if endpoint.isVisible()]
    assert shown == urls[: len(shown)]
    assert len(shown) == min(len(urls), 3)
    desktop.window.overview.endpoints[0].copy.click()
    assert QApplication.clipboard().text() == urls[0]
    desktop.window.grab().save(str(screenshots / "overview_lan.png"))


def test_an_appliance_of_another_version_is_said_and_does_no_harm(qtbot: QtBot, home: Path, service: MakeService) -> None:
    watching = service(home)
    desktop = Desktop(app(), watching, tray=False)
    qtbot.addWidget(desktop.window)
    for body in ({}, {"state": "running"}, [], None, {"last_hour": 3}):
        watching._event("overview", body)
    assert watching.overview is None
    assert "another version" in desktop.window.problem.text()
