"""How a line's cells look: a sign, a text, a second line, a bar. All text is cut to fit."""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from gui import theme
from gui.lines_state import Cell
from gui.tables.lines_table import CELL
from gui.tables.model_cells import PAD, paint_line
from gui.widgets.marker import SIZE as MARKER
from gui.widgets.marker import paint_marker

BAR, BAR_WIDTH, FIGURE = 5, 72, 52
Index = QModelIndex | QPersistentModelIndex


class LineCells(QStyledItemDelegate):
    def sizeHint(self, _: QStyleOptionViewItem, __: Index) -> QSize:  # noqa: N802 (Qt's name)
        return QSize(80, 32)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        cell = index.data(CELL)
        if not isinstance(cell, Cell):
            return
        colours, area = theme.colours(), option.rect
        painter.save()
        painter.setClipRect(area)
        if bool(option.state & QStyle.StateFlag.State_Selected):
            painter.fillRect(area, QColor(colours["soft"]))
            if index.column() == 0:
                painter.fillRect(QRect(area.left(), area.top(), 3, area.height()), QColor(colours["accent"]))
        painter.setPen(QColor(colours["line"]))
        painter.drawLine(area.bottomLeft(), area.bottomRight())
        font = QFont(option.font)
        if index.column() == 0:
            font.setWeight(QFont.Weight.DemiBold)
        _paint_cell(painter, area.adjusted(PAD, 0, -PAD // 2, 0), cell, font, option.font)
        painter.restore()


def _paint_cell(painter: QPainter, area: QRect, cell: Cell, font: QFont, plain: QFont) -> None:
    colours, middle = theme.colours(), area.center().y()
    upper = QRect(area.left(), middle - 19, area.width(), 20) if cell.note else QRect(area)
    shift = MARKER + 7 if cell.marker else 0
    if cell.marker:
        spot = QRectF(upper.left(), upper.center().y() - MARKER / 2 + 1, MARKER, MARKER)
        paint_marker(painter, spot, cell.marker)
    if cell.share is not None:
        upper.setWidth(FIGURE)
        _paint_bar(painter, QRectF(area.left() + FIGURE, middle - BAR / 2 + 1, area.width() - FIGURE, BAR), cell.share)
    paint_line(painter, upper.adjusted(shift, 0, 0, 0), cell.text, font, colours[cell.tone])
    if cell.note:
        small = QFont(plain)
        small.setPointSizeF(plain.pointSizeF() * 0.88)
        lower = QRect(area.left() + shift, middle + 1, area.width() - shift, 18)
        paint_line(painter, lower, cell.note, small, colours["dim"])


def _paint_bar(painter: QPainter, track: QRectF, share: float) -> None:
    track.setWidth(min(track.width(), BAR_WIDTH))
    colours = theme.colours()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    for width, name in ((track.width(), "line"), (max(BAR if share else 0, track.width() * share), "accent")):
        painter.setBrush(QColor(colours[name]))
        painter.drawRoundedRect(QRectF(track.left(), track.top(), width, BAR), BAR / 2, BAR / 2)
