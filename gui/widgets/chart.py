"""Sixty minutes as bars, drawn with QPainter: a chart library would cost more memory than the whole window."""

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui import theme
from gui.overview_state import Bar, axis_top

LEFT, TOP, RIGHT, BOTTOM = 44, 8, 8, 22


class Chart(QWidget):
    """Answered and failed requests a minute; or a sentence where there are none."""

    def __init__(self) -> None:
        super().__init__()
        self._bars: list[Bar] = []
        self._note = ""
        self.setMinimumHeight(180)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def show_bars(self, bars: list[Bar], note: str) -> None:
        self._bars, self._note = bars, note
        total = sum(bar.ok + bar.failed for bar in bars)
        self.setAccessibleName(note or f"{total} requests in the last hour, minute by minute")
        self.update()

    def paintEvent(self, _: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        colours = {name: QColor(value) for name, value in theme.colours().items()}
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._note:
            painter.setPen(colours["dim"])
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(QRectF(self.rect()).adjusted(40, 0, -40, 0), flags, self._note)
        else:
            self._draw(painter, colours)
        painter.end()

    def _draw(self, painter: QPainter, colours: dict[str, QColor]) -> None:
        area = QRectF(self.rect()).adjusted(LEFT, TOP, -RIGHT, -BOTTOM)
        top = axis_top(self._bars)
        font = self.font()
        font.setPointSizeF(font.pointSizeF() * 0.85)
        painter.setFont(font)
        for quarter in range(5):
            y = area.bottom() - area.height() * quarter / 4
            painter.setPen(colours["line"])
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            painter.setPen(colours["dim"])
            right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(QRectF(0, y - 8, LEFT - 8, 16), right, f"{top * quarter // 4:,}")
        width = area.width() / max(1, len(self._bars))
        for place, bar in enumerate(self._bars):
            left = area.left() + place * width
            if place % 10 == 0:
                painter.setPen(colours["dim"])
                painter.drawText(QRectF(left - 20, area.bottom() + 4, width + 40, 16), Qt.AlignmentFlag.AlignCenter, bar.at)
            painter.setPen(Qt.PenStyle.NoPen)
            ok, failed = area.height() * bar.ok / top, area.height() * bar.failed / top
            painter.setBrush(colours["accent"])
            painter.drawRoundedRect(QRectF(left + width * 0.16, area.bottom() - ok, width * 0.68, ok), 2, 2)
            painter.setBrush(colours["warn"])
            painter.drawRoundedRect(QRectF(left + width * 0.16, area.bottom() - ok - failed, width * 0.68, failed), 2, 2)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 (Qt's name)
        place = int((event.position().x() - LEFT) / max(1, self.width() - LEFT - RIGHT) * len(self._bars))
        inside = 0 <= place < len(self._bars) and not self._note
        self.setToolTip(
            f"{self._bars[place].at}: {self._bars[place].ok} answered, {self._bars[place].failed} failed" if inside else ""
        )
