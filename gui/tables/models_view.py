"""The table of models on the screen: one row chosen, which stays chosen while rows come and go."""

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QTableView

from gui import theme
from gui.model_row_state import Row
from gui.tables.model_cells import ROW_HEIGHT, ModelCells
from gui.tables.models_table import LICENCE, MEMORY, NAME, SIZE, STATE, ModelsTable

WIDTHS = {STATE: 156, SIZE: 82, MEMORY: 96, LICENCE: 116}
HIDDEN_BELOW = {LICENCE: 600, SIZE: 500, MEMORY: 420}  # narrower than this, a column goes: the details have it too


class ModelsView(QTableView):
    """`chosen`: another row, or none, is chosen. `opened`: Return or a double click. `removed`: the Delete key."""

    chosen = Signal()
    opened = Signal()
    removed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("table")
        self.setAccessibleName("Models")
        self.table = ModelsTable(self)
        self.setModel(self.table)
        self.setItemDelegate(ModelCells(self))
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
        self._set_up_headers()
        self._wanted = self._note = ""
        self.selectionModel().currentRowChanged.connect(self._current_changed)
        self.doubleClicked.connect(lambda _: self.opened.emit())

    def _set_up_headers(self) -> None:
        down, across = self.verticalHeader(), self.horizontalHeader()
        down.hide()
        down.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)  # all rows alike: 200 of them are not measured
        down.setDefaultSectionSize(ROW_HEIGHT)
        across.setHighlightSections(False)
        across.setSectionsClickable(False)
        across.setMinimumSectionSize(60)
        across.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        across.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        for column, width in WIDTHS.items():
            self.setColumnWidth(column, width)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        return QSize(160, 100)

    def show_rows(self, rows: list[Row], note: str) -> None:
        """The chosen model stays chosen, and the view where it was scrolled to. `note`: what stands where there are no rows."""
        self._note = note
        wanted, at = self._wanted, self.verticalScrollBar().value()
        self.table.show_rows(rows)
        place = self.table.place_of(wanted)
        if self.currentIndex().row() == place and place >= 0:
            return
        if rows:
            self._choose(max(0, place))
            self.verticalScrollBar().setValue(at)

    def choose(self, model_id: str) -> None:
        if (place := self.table.place_of(model_id)) >= 0:
            self._choose(place)

    @property
    def chosen_id(self) -> str:
        """Empty where no row is chosen."""
        row = self.table.row_at(self.currentIndex().row())
        return row.id if row is not None else ""

    def _choose(self, place: int) -> None:
        flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
        self.selectionModel().setCurrentIndex(self.table.index(place, NAME), flags)

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
        for column, width in HIDDEN_BELOW.items():
            self.setColumnHidden(column, self.width() < width)
