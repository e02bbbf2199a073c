"""Puts the desktop app together: service, tray, window."""

import argparse
import signal
import sys
import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QSystemTrayIcon

from gui import theme
from gui.home import home_folder
from gui.one_a_home import OneAHome
from gui.service import Service
from gui.tray import Tray, icon
from gui.tray_state import Steady, look, wanted_icon
from gui.window import Window

if TYPE_CHECKING:
    from gui.pages.playground import Playground
    from gui.wizard import Wizard

SETTLE_MS = 500


class Desktop(QObject):
    """One tray app. Closing the window leaves the icon; without a tray, closing it ends the app. The gateway stays either way."""

    def __init__(self, app: QApplication, service: Service, *, tray: bool) -> None:
        super().__init__()
        self._app, self.service = app, service
        self._steady = Steady()
        self._wizard_offered = False
        self.wizard: Wizard | None = None
        self.window = Window(service)
        self.setParent(self.window)  # nothing of it outlives the window
        self.window.closed.connect(self._window_closed)
        self.tray = Tray() if tray else None
        if self.tray is not None:
            self._connect(self.tray)
        service.changed.connect(self.refresh)
        self._timer = QTimer(self, interval=SETTLE_MS)  # busy ends without an event
        self._timer.timeout.connect(self.refresh)
        self._timer.start()
        self.refresh()

    def _connect(self, tray: Tray) -> None:
        tray.start.triggered.connect(self.service.start)
        tray.stop.triggered.connect(self.service.stop)
        tray.open.triggered.connect(self.window.bring_to_front)
        tray.copy.triggered.connect(self._copy)
        tray.key.triggered.connect(self._new_key)
        tray.quit.triggered.connect(self.quit)
        tray.activated.connect(self._clicked)

    def refresh(self) -> None:
        service = self.service
        chosen = self._steady.icon(wanted_icon(service.phase, service.overview, is_silent=service.is_silent), time.monotonic())
        shown = look(service.phase, service.overview, chosen, service.failure.message if service.failure else "")
        self.window.show_look(shown)
        if self.tray is not None:
            self.tray.show_look(shown)
            if not self.tray.isVisible():
                self.tray.show()
        if service.overview is not None and not service.overview["owner_exists"] and not self._wizard_offered:
            self._wizard_offered = True
            QTimer.singleShot(0, self._welcome)

    def _welcome(self) -> None:
        from gui.wizard import Wizard

        self.wizard = Wizard(self.service, parent=self.window)
        self.wizard.finished.connect(self._welcomed)
        self.window.show()
        self.wizard.open()

    def _welcomed(self) -> None:
        if self.wizard is not None:
            self.wizard.chat.revoke(lambda: None)

    def _clicked(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        if reason in (QSystemTrayIcon.ActivationReason.Trigger, QSystemTrayIcon.ActivationReason.DoubleClick):
            self.window.bring_to_front()

    def _copy(self) -> None:
        endpoints = (self.service.overview or {}).get("endpoints") or [self.service.client.url + "/v1"]
        QGuiApplication.clipboard().setText(str(endpoints[0]))

    def _new_key(self) -> None:
        from gui.key_dialog import KeyDialog

        self._dialog = KeyDialog(self.service.client)
        self._dialog.show()

    def _window_closed(self) -> None:
        if self.tray is None:
            self.quit()

    def quit(self) -> None:
        """End the app; the gateway stays. Keys that were made for chats are given back first, two seconds at most."""
        chats = [self.window.playground, self.wizard.chat if self.wizard is not None else None]
        self._give_back([chat for chat in chats if chat is not None])

    def _give_back(self, chats: "list[Playground]") -> None:
        if not chats:
            self._app.quit()
            return
        chats[0].revoke(lambda: self._give_back(chats[1:]))


def run(chosen: argparse.Namespace) -> int:
    app = QApplication(sys.argv[:1])
    app.setStyle("Fusion")
    app.setApplicationName("Gatehouse")
    app.setQuitOnLastWindowClosed(False)
    home = home_folder()
    try:
        one = OneAHome(home)
    except OSError as problem:
        _refuse(f"The home folder can't be used: {problem}", "Set GATEHOUSE_HOME to a folder that you may write to.")
        return 1
    if not one.is_first():
        print("Gatehouse's desktop app already runs for this home: its window is in front now.")
        return 0
    theme.follow(app)
    app.setWindowIcon(icon("running"))
    has_tray = not chosen.no_tray and QSystemTrayIcon.isSystemTrayAvailable()
    desktop = Desktop(app, Service(home), tray=has_tray)
    one.raised.connect(desktop.window.bring_to_front)
    if chosen.announce:
        desktop.window.painted.connect(lambda: print("painted", flush=True))
    if not (chosen.hidden and has_tray):
        desktop.window.show()
    for name in (signal.SIGINT, signal.SIGTERM):  # the timer above lets Python see them
        signal.signal(name, lambda *_: desktop.quit())
    QTimer.singleShot(0, lambda: desktop.service.begin(start=not chosen.no_start))
    code = app.exec()
    one.close()
    return code


def _refuse(message: str, fix: str) -> None:
    """In the terminal; and in a window of its own where there is no terminal, since nobody would see it."""
    print(f"Error: {message}\nFix: {fix}", file=sys.stderr)
    if not sys.stderr.isatty() and QGuiApplication.platformName() != "offscreen":
        from PySide6.QtWidgets import QMessageBox

        QMessageBox.critical(None, "Gatehouse", f"{message}\n\n{fix}")
