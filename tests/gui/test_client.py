"""Reading lines off the network, and the key that is shown once."""

import socket

from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from gui.client import Client, Failure, Lines
from gui.key_dialog import KeyDialog
from tests.gui.conftest import MakeService
from tests.running import Appliance

WAIT_MS = 15_000


@given(st.text(alphabet="a\u2028\r\né", max_size=40), st.integers(0, 80))
def test_lines_read_the_same_wherever_the_network_cuts_them(text: str, cut: int) -> None:
    data = text.encode() + b"\n"
    cut_lines, whole = Lines(), Lines()
    assert cut_lines.feed(data[:cut]) + cut_lines.feed(data[cut:]) == whole.feed(data)


def test_an_answer_that_does_not_come_in_time_is_told_as_late_and_not_as_unreachable(qtbot: QtBot) -> None:
    failures: list[Failure] = []
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = Client()
        client.url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        client.call("GET", "/health", lambda _: None, failures.append, deadline_ms=300)
        qtbot.waitUntil(lambda: bool(failures), timeout=WAIT_MS)
    assert failures[0].is_late
    assert "in time" in failures[0].message


def test_a_new_key_is_shown_and_copied(qtbot: QtBot, served: Appliance, service: MakeService) -> None:
    watching = service(served.home)
    qtbot.waitUntil(lambda: watching.phase == "running", timeout=WAIT_MS)
    dialog = KeyDialog(watching.client)
    qtbot.addWidget(dialog)
    dialog.show()
    dialog.make.click()
    qtbot.waitUntil(dialog.copy.isVisible, timeout=WAIT_MS)
    dialog.copy.click()
    assert dialog.key.text().startswith("gh-")
    assert QGuiApplication.clipboard().text() == dialog.key.text()
