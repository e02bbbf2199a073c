"""A small sign beside a state's word. Each has a shape of its own, so that colour is never the only difference."""

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from gui import theme

SIZE = 12
COLOURS = {
    "ready": "ok", "done": "ok", "loading": "accent", "working": "accent", "failed": "bad", "unloaded": "dim", "not_here": "dim",
    "cancelled": "dim", "warned": "warn", "stopped": "bad", "unread": "dim",
}  # fmt: skip


def paint_marker(painter: QPainter, area: QRectF, name: str) -> None:
    """A disc: ready; half of one: at work; a triangle: failed, warned; a ring: at rest; an arrow down: not here; a square with a
    bar: stopped; a ring that is crossed: unread."""
    colour = QColor(theme.colours()[COLOURS.get(name, "dim")])
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.translate(area.center() - QPointF(SIZE / 2, SIZE / 2))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    if name in ("ready", "done"):
        painter.drawEllipse(QRectF(1, 1, 10, 10))
    elif name in ("failed", "warned"):
        painter.drawPolygon(QPolygonF([QPointF(6, 0.5), QPointF(12, 11.5), QPointF(0, 11.5)]))
    elif name == "stopped":
        painter.drawRoundedRect(QRectF(0.5, 0.5, 11, 11), 2.5, 2.5)
        painter.setBrush(QColor(theme.colours()["card"]))
        painter.drawRect(QRectF(3, 5, 6, 2))
    else:
        _paint_outlined(painter, name, colour)
    painter.restore()


def _paint_outlined(painter: QPainter, name: str, colour: QColor) -> None:
    if name in ("loading", "working"):
        painter.drawPie(QRectF(1.5, 1.5, 9, 9), 90 * 16, 180 * 16)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(colour, 1.6, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin))
    if name == "not_here":
        painter.drawPolyline(QPolygonF([QPointF(2.5, 5.5), QPointF(6, 9), QPointF(9.5, 5.5)]))
        painter.drawLine(QPointF(6, 1), QPointF(6, 8.6))
    elif name == "cancelled":
        painter.drawLine(QPointF(2.5, 6), QPointF(9.5, 6))
    else:
        painter.drawEllipse(QRectF(1.5, 1.5, 9, 9))
    if name == "unread":
        painter.drawLine(QPointF(3, 9), QPointF(9, 3))


class Marker(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self._name = ""
        self.setFixedSize(SIZE + 2, SIZE + 2)

    def show_marker(self, name: str) -> None:
        if name != self._name:
            self._name = name
            self.update()

    def paintEvent(self, _: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        painter = QPainter(self)
        paint_marker(painter, QRectF(self.rect()), self._name)
        painter.end()
