"""A page's picture with findings marked on it: by colour, and by the kind of line, for who sees no colours.

The picture is a PNG that the gateway wrote itself from plain pixels (files/png.py): no file that somebody chose is decoded here.
"""

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QImage, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QToolTip, QWidget

from gui import theme
from gui.file_page_state import Mark, mark_at
from gui.plain_text import tooltip

LINES = {
    "block": ("bad", Qt.PenStyle.SolidLine),
    "mask": ("accent", Qt.PenStyle.SolidLine),
    "tokenise": ("accent", Qt.PenStyle.DashLine),
    "flag": ("warn", Qt.PenStyle.DotLine),
}
TINT, CHOSEN_TINT = 40, 90  # of 255
SIDE_MAX = 20_000
MARGIN = 3  # around a box, in pixels of the screen


class PagePicture(QWidget):
    """`chosen`: a finding's place in the list, whose box was clicked."""

    chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._image = QImage()
        self._marks: list[Mark] = []
        self._titles: list[str] = []
        self._place = -1
        self.setMouseTracking(True)

    def show_picture(self, png: bytes) -> bool:
        """Whether it is one. It stands there until another does."""
        image = QImage()
        if not image.loadFromData(png, "PNG") or max(image.width(), image.height()) > SIDE_MAX:
            return False
        self._image = image
        self.update()
        return True

    def clear(self) -> None:
        self._image = QImage()
        self.show_marks([], [])

    @property
    def is_empty(self) -> bool:
        return self._image.isNull()

    @property
    def picture(self) -> QImage:
        return self._image

    @property
    def proportion(self) -> float:
        """Its height, of its width."""
        return self._image.height() / self._image.width() if not self._image.isNull() else 1.414

    def fit(self, width: int) -> None:
        self.setFixedSize(QSize(max(1, width), max(1, round(width * self.proportion))))

    def show_marks(self, marks: list[Mark], titles: list[str]) -> None:
        """`titles`: of all findings, by their place."""
        self._marks, self._titles = marks, titles
        self.update()

    def choose(self, place: int) -> None:
        self._place = place
        self.update()

    def box_of(self, place: int) -> QRectF | None:
        """Around all its boxes here, in this widget's own pixels; None: it has none on this page."""
        boxes = [self._rect(one) for one in self._marks if one.place == place]
        whole = QRectF()
        for box in boxes:
            whole = whole.united(box)
        return whole if boxes else None

    def _rect(self, mark: Mark) -> QRectF:
        left, top, right, bottom = mark.box
        width, height = self.width(), self.height()
        box = QRectF(QPointF(left * width, top * height), QPointF(right * width, bottom * height))
        return box.adjusted(-MARGIN, -MARGIN, MARGIN, MARGIN)

    def _at(self, where: QPointF) -> int:
        return mark_at(self._marks, where.x() / max(1, self.width()), where.y() / max(1, self.height()))

    def paintEvent(self, _: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.fillRect(self.rect(), QColor("white"))  # paper, in both themes
        if not self._image.isNull():
            painter.drawImage(QRectF(self.rect()), self._image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for mark in sorted(self._marks, key=lambda one: one.place == self._place):  # the chosen one above
            self._paint_mark(painter, mark, is_chosen=mark.place == self._place)
        painter.end()

    def _paint_mark(self, painter: QPainter, mark: Mark, *, is_chosen: bool) -> None:
        name, line = LINES.get(mark.action, ("dim", Qt.PenStyle.DotLine))
        colour = QColor(theme.LIGHT[name])  # on paper, which is white
        tint = QColor(colour)
        tint.setAlpha(CHOSEN_TINT if is_chosen else TINT)
        painter.setBrush(tint)
        painter.setPen(QPen(colour, 2.6 if is_chosen else 1.4, line))
        painter.drawRoundedRect(self._rect(mark), 2, 2)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 (Qt's name)
        place = self._at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and place >= 0:
            self.chosen.emit(place)
        else:
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 (Qt's name)
        over = self._at(event.position()) >= 0
        self.setCursor(Qt.CursorShape.PointingHandCursor if over else Qt.CursorShape.ArrowCursor)
        super().mouseMoveEvent(event)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            place = self._at(QPointF(event.pos()))
            text = self._titles[place] if 0 <= place < len(self._titles) else ""
            QToolTip.showText(event.globalPos(), tooltip(text), self)
            return True
        return super().event(event)
