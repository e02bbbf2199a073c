"""One tray app a home: a second start raises the first one's window."""

import hashlib
from pathlib import Path

from PySide6.QtCore import QLockFile, QObject, Signal
from PySide6.QtNetwork import QLocalServer, QLocalSocket

ANSWER_MS = 2_000


class OneAHome(QObject):
    """The lock decides who is first, even when both start at once; the socket carries the wish."""

    raised = Signal()

    def __init__(self, home: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._name = "gatehouse-tray-" + hashlib.sha256(str(home).encode()).hexdigest()[:16]
        run = home / "run"
        run.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = QLockFile(str(run / "tray.lock"))
        self._lock.setStaleLockTime(0)  # only a process that is gone makes it stale
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)

    def is_first(self) -> bool:
        """Hold the home; or ask the one who does to show its window."""
        if not self._lock.tryLock(100):
            socket = QLocalSocket()
            socket.connectToServer(self._name)
            if socket.waitForConnected(ANSWER_MS):
                socket.waitForDisconnected(ANSWER_MS)
            return False
        QLocalServer.removeServer(self._name)
        self._server.newConnection.connect(self._asked)
        self._server.listen(self._name)
        return True

    def _asked(self) -> None:
        socket = self._server.nextPendingConnection()
        if socket is not None:
            socket.disconnectFromServer()
            socket.deleteLater()
        self.raised.emit()

    def close(self) -> None:
        self._server.close()
        self._lock.unlock()
