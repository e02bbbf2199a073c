"""A table on the screen: one row chosen, which stays chosen while others come and go."""

from collections.abc import Mapping
from typing import ClassVar, Generic

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemDelegate, QAbstractItemView, QFrame, QHeaderView, QTableView

from gui import theme
from gui.tables.rows_table import R, RowsTable


class RowsView(QTableView, Generic[R]):
    """`chosen`: another row, or none, is chosen. `opened`: Return or a double click. `removed`: the Delete key.

    widths: of the columns that don't stretch. hidden_below: narrower than this, a column goes; its text is elsewhere.
    height: of each row.
    """

    chosen = Signal()
    opened = Signal()
    removed = Signal()

    height_min: ClassVar[int] = 96

    def __init__(
        self,
        name: str,
        table: RowsTable[R],
        cells: QAbstractItemDelegate,
        widths: Mapping[int, int],
        hidden_below: Mapping[int, int],
        height: int,
    ) -> None:
        super().__init__()
        self.setObjectName("table")
        self.setAccessibleName(name)
        self._widths, self._hidden_below = dict(widths), dict(hidden_below)
        self._wanted = self._note = ""
        self.table = table
        for part in (table, cells):
            part.setParent(self)
        self.setModel(table)
        self.setItemDelegate(cells)
        self._dress()
        self._set_up_headers(height)
        self.selectionModel().currentRowChanged.connect(self._current_changed)
        self.doubleClicked.connect(lambda _: self.opened.emit())

    def _dress(self) -> None:
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setShowGrid(False)
        self.setMouseTracking(True)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def _set_up_headers(self, height: int) -> None:
        down, across = self.verticalHeader(), self.horizontalHeader()
        down.hide()
        down.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)  # all alike: hundreds of them are not measured
        down.setDefaultSectionSize(height)
        across.setHighlightSections(False)
        across.setSectionsClickable(False)
        across.setMinimumSectionSize(60)
        for column in range(self.table.columnCount()):
            is_fixed = column in self._widths
            across.setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed if is_fixed else QHeaderView.ResizeMode.Stretch)
            if is_fixed:
                self.setColumnWidth(column, self._widths[column])

    def minimumSizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        return QSize(160, self.height_min)

    def show_rows(self, rows: list[R], note: str = "") -> None:
        """The chosen row stays chosen, and the view where it was scrolled to. `note`: what stands where there are none."""
        self._note = note
        wanted, at = self._wanted, self.verticalScrollBar().value()
        self.table.show_rows(rows)
        place = self.table.place_of(wanted)
        if self.currentIndex().row() == place and place >= 0:
            return
        if rows:
            self._choose(max(0, place))
            self.verticalScrollBar().setValue(at)

    def choose(self, row_id: str) -> None:
        if (place := self.table.place_of(row_id)) >= 0:
            self._choose(place)

    @property
    def chosen_id(self) -> str:
        """Empty where no row is chosen."""
        row = self.table.row_at(self.currentIndex().row())
        return row.id if row is not None else ""

    def _choose(self, place: int) -> None:
        flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
        self.selectionModel().setCurrentIndex(self.table.index(place, 0), flags)

    def _current_changed(self, current: QModelIndex, _: QModelIndex) -> None:
        if current.isValid():
            self._wanted = self.chosen_id
        self.chosen.emit()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        super().paintEvent(event)
        if self.table.rowCount() == 0:
            painter = QPainter(self.viewport())
            painter.setPen(QColor(theme.colours()["dim"]))
            area = self.viewport().rect().adjusted(24, 0, -24, 0)
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._note)
            painter.end()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 (Qt's name)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.opened.emit()
        elif event.key() == Qt.Key.Key_Delete:
            self.removed.emit()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        super().resizeEvent(event)
        for column, width in self._hidden_below.items():
            self.setColumnHidden(column, self.width() < width)
