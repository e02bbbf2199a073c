"""The models as a Qt item model: one row each, texts as plain text."""

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from gui.model_row_state import Row
from gui.plain_text import tooltip

COLUMNS = ("Model", "State", "Size", "Memory", "Licence")
NAME, STATE, SIZE, MEMORY, LICENCE = range(5)
ROW = Qt.ItemDataRole.UserRole + 1
Index = QModelIndex | QPersistentModelIndex
_NO_PARENT = QModelIndex()


class ModelsTable(QAbstractTableModel):
    """`show_rows` tells the view no more than what changed: progress comes five times a second."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[Row] = []

    def show_rows(self, rows: list[Row]) -> None:
        if [row.id for row in rows] != [row.id for row in self._rows]:
            self.beginResetModel()
            self._rows = rows
            self.endResetModel()
            return
        before, self._rows = self._rows, rows
        for place, (old, new) in enumerate(zip(before, rows, strict=True)):
            if old != new:
                self.dataChanged.emit(self.index(place, 0), self.index(place, len(COLUMNS) - 1))

    def row_at(self, place: int) -> Row | None:
        return self._rows[place] if 0 <= place < len(self._rows) else None

    def place_of(self, model_id: str) -> int:
        """-1 where it isn't."""
        return next((place for place, row in enumerate(self._rows) if row.id == model_id), -1)

    def rowCount(self, parent: Index = _NO_PARENT) -> int:  # noqa: N802 (Qt's name)
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = _NO_PARENT) -> int:  # noqa: N802 (Qt's name)
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: N802
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section]
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row = self.row_at(index.row()) if index.isValid() else None
        if row is None:
            return None
        if role == ROW:
            return row
        if role == Qt.ItemDataRole.DisplayRole:
            return _text(row, index.column())
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{COLUMNS[index.column()]}: {_text(row, index.column())}"
        if role == Qt.ItemDataRole.ToolTipRole:
            return tooltip(_hint(row, index.column()))
        return None


def _text(row: Row, column: int) -> str:
    return (row.title, row.state, row.size, row.memory, row.licence)[column]


def _hint(row: Row, column: int) -> str:
    """The whole of what a cell may have cut short."""
    if column == NAME:
        return f"{row.title}: {row.note}"
    if column in (STATE, MEMORY) and row.problem:
        return row.problem
    return row.licence if column == LICENCE else ""
