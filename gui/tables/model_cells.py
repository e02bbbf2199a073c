"""How a model's cells look: two lines of name, a marker with its word and progress, plain figures. All text is cut to fit."""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from gui import theme
from gui.model_row_state import Row
from gui.tables.models_table import NAME, ROW, STATE
from gui.widgets.marker import SIZE as MARKER
from gui.widgets.marker import paint_marker

ROW_HEIGHT, PAD, BAR = 48, 12, 4
Index = QModelIndex | QPersistentModelIndex


class ModelCells(QStyledItemDelegate):
    def sizeHint(self, _: QStyleOptionViewItem, __: Index) -> QSize:  # noqa: N802 (Qt's name)
        return QSize(80, ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        row = index.data(ROW)
        if not isinstance(row, Row):
            return
        colours, area = theme.colours(), option.rect
        font: QFont = option.font
        is_chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        painter.save()
        painter.setClipRect(area)
        if is_chosen:
            painter.fillRect(area, QColor(colours["soft"]))
            if index.column() == NAME:
                painter.fillRect(QRect(area.left(), area.top(), 3, area.height()), QColor(colours["accent"]))
        painter.setPen(QColor(colours["line"]))
        painter.drawLine(area.bottomLeft(), area.bottomRight())
        inner = area.adjusted(PAD, 0, -PAD // 2, 0)
        if index.column() == NAME:
            _paint_name(painter, inner, row, font)
        elif index.column() == STATE:
            _paint_state(painter, inner, row, font)
        else:
            paint_line(painter, inner, index.data() or "", font, colours["text" if row.marker != "not_here" else "dim"])
        painter.restore()


def _paint_name(painter: QPainter, area: QRect, row: Row, font: QFont) -> None:
    colours, middle = theme.colours(), area.center().y()
    strong, small = QFont(font), QFont(font)
    strong.setWeight(QFont.Weight.DemiBold)
    small.setPointSizeF(font.pointSizeF() * 0.88)
    tone = colours["text" if row.marker != "not_here" else "dim"]  # what is here stands out
    paint_line(painter, QRect(area.left(), middle - 19, area.width(), 20), row.title, strong, tone)
    paint_line(painter, QRect(area.left(), middle + 1, area.width(), 18), row.note, small, colours["dim"])


def _paint_state(painter: QPainter, area: QRect, row: Row, font: QFont) -> None:
    colours = theme.colours()
    has_bar = row.share is not None
    line = area.adjusted(0, 0, 0, -10 if has_bar else 0)
    paint_marker(painter, QRectF(line.left(), line.center().y() - MARKER / 2 + 1, MARKER, MARKER), row.marker)
    tone = {"ready": "ok", "failed": "bad", "loading": "accent", "working": "accent"}.get(row.marker, "dim")
    paint_line(
        painter, line.adjusted(MARKER + 7, 0, 0, 0), row.state, font, colours["warn" if row.problem and tone == "dim" else tone]
    )
    if row.share is None:
        return
    track = QRectF(area.left(), area.center().y() + 9, area.width(), BAR)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    for width, name in ((track.width(), "line"), (track.width() * row.share, "accent")):
        painter.setBrush(QColor(colours[name]))
        painter.drawRoundedRect(QRectF(track.left(), track.top(), width, BAR), BAR / 2, BAR / 2)


def paint_line(painter: QPainter, area: QRect, text: str, font: QFont, colour: str) -> None:
    painter.setFont(font)
    painter.setPen(QColor(colour))
    shown = QFontMetrics(font).elidedText(text, Qt.TextElideMode.ElideRight, area.width())
    painter.drawText(area, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine, shown)
