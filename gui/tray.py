"""The tray icon and its menu. Four shapes, so that colour is never the only difference."""

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPen, QPixmap, QPolygonF
from PySide6.QtWidgets import QMenu, QSystemTrayIcon

from gui.tray_state import Look

COLOURS = {"running": "#1f9d61", "busy": "#2f6fed", "degraded": "#e08a1e", "stopped": "#7a838e"}


def icon(name: str) -> QIcon:
    """running: a full disc; busy: three dots in it; degraded: a triangle with a mark; stopped: an empty ring with a bar."""
    made = QIcon()
    for size in (16, 22, 32, 64):
        made.addPixmap(_picture(name, size))
    return made


def _picture(name: str, size: int) -> QPixmap:
    pixmap = QPixmap(size, size)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.scale(size / 32, size / 32)
    colour, white = QColor(COLOURS[name]), QColor("white")
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    if name == "degraded":
        painter.drawPolygon(QPolygonF([QPointF(16, 2), QPointF(31, 29), QPointF(1, 29)]))
        painter.setBrush(white)
        painter.drawRect(QRectF(14.2, 11, 3.6, 9))
        painter.drawEllipse(QRectF(14, 22, 4, 4))
    elif name == "stopped":
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(colour, 4))
        painter.drawEllipse(QRectF(4, 4, 24, 24))
        painter.drawLine(QPointF(9, 23), QPointF(23, 9))
    else:
        painter.drawEllipse(QRectF(2, 2, 28, 28))
        painter.setBrush(white)
        if name == "busy":
            for x in (7, 14, 21):
                painter.drawEllipse(QRectF(x, 14, 4.5, 4.5))
        else:
            painter.drawPolygon(QPolygonF([QPointF(12, 9), QPointF(12, 23), QPointF(24, 16)]))
    painter.end()
    return pixmap


class Tray(QSystemTrayIcon):
    """Shows a look; `actions` by name are connected by the app."""

    def __init__(self) -> None:
        super().__init__()
        self._icons = {name: icon(name) for name in COLOURS}
        self._shown = ""
        self.menu = QMenu()
        self.status = self.menu.addAction("Stopped")
        self.status.setEnabled(False)
        self.menu.addSeparator()
        self.start = self.menu.addAction("Start")
        self.stop = self.menu.addAction("Stop")
        self.menu.addSeparator()
        self.open = self.menu.addAction("Open")
        self.copy = self.menu.addAction("Copy endpoint")
        self.key = self.menu.addAction("New API key…")
        self.menu.addSeparator()
        self.quit = self.menu.addAction("Quit (the gateway keeps running)")
        self.setContextMenu(self.menu)

    def show_look(self, look: Look) -> None:
        if look.icon != self._shown:  # set anew, a tray repaints: that is what flickers
            self._shown = look.icon
            self.setIcon(self._icons[look.icon])
        self.setToolTip(look.tooltip)
        self.status.setText(look.line)
        self.start.setEnabled(look.can_start)
        self.stop.setEnabled(look.can_stop)
        self.copy.setEnabled(look.can_use)
        self.key.setEnabled(look.can_use)
        self.quit.setText("Quit (the gateway keeps running)" if look.can_use else "Quit")
