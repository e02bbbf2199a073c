"""How much of the memory for models is used, and by which."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui import theme

HEIGHT, RADIUS, GAP = 10, 5, 2
FULL_SHARE = 0.9  # from here on the bar warns


class MemoryBar(QWidget):
    """One piece a model; the rest of what is used is one more."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[int] = []
        self._whole = 0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Memory for models")

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        return QSize(200, HEIGHT)

    def show_memory(self, pieces: list[int], used: int, whole: int, told: str) -> None:
        rest = used - sum(pieces)
        self._pieces, self._whole = [*pieces, *([rest] if rest > 0 else [])], whole
        self.setAccessibleDescription(told)
        self.update()

    def paintEvent(self, _: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        colours = theme.colours()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area, outline = QRectF(self.rect()), QPainterPath()
        outline.addRoundedRect(area, RADIUS, RADIUS)
        painter.setClipPath(outline)
        painter.fillRect(area, QColor(colours["line"]))
        painter.setPen(Qt.PenStyle.NoPen)
        left = area.left()
        is_full = self._whole > 0 and sum(self._pieces) >= FULL_SHARE * self._whole
        for piece in self._pieces if self._whole > 0 else ():
            width = area.width() * min(1.0, piece / self._whole)
            painter.fillRect(
                QRectF(left, area.top(), max(1.0, width - GAP), area.height()), QColor(colours["warn" if is_full else "accent"])
            )
            left += width
        painter.end()
