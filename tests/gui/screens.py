"""The app's window at one of its pages, its tables' texts, and pictures of it."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QSize
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from gui import theme
from gui.desktop import Desktop
from gui.service import Service
from gui.tables.lines_view import LinesView
from gui.window import PAGES, Window


def opener(qtbot: QtBot, service: Callable[[Path], Service], home: Path, page: str, size: QSize) -> Callable[[], Window]:
    """Opens it. A stand-in stands for the gateway from before."""
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
        desktop.window.resize(size)
        desktop.window.show()
        desktop.window.nav.setCurrentRow(PAGES.index(page))
        return desktop.window

    return make


def cells(view: LinesView, column: int) -> list[str]:
    return [str(view.table.index(place, column).data()) for place in range(view.table.rowCount())]


def cell(view: LinesView, line_id: str, column: int) -> str:
    """Empty where there is no such line."""
    place = view.table.place_of(line_id)
    return str(view.table.index(place, column).data()) if place >= 0 else ""


def pictures(shown: QWidget, screenshots: Path, name: str) -> None:
    """Dark and light."""
    found = QApplication.instance()
    assert isinstance(found, QApplication)
    for tone, colours in (("dark", theme.DARK), ("light", theme.LIGHT)):
        theme.apply(found, colours)
        QTest.qWait(30)
        assert shown.grab().save(str(screenshots / f"{name}_{tone}.png"))
