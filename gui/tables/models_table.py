"""The models as a Qt item model: one row each, texts as plain text."""

from typing import Any

from PySide6.QtCore import QObject, Qt

from gui.model_row_state import Row
from gui.plain_text import tooltip
from gui.tables.rows_table import Index, RowsTable

COLUMNS = ("Model", "State", "Size", "Memory", "Licence")
NAME, STATE, SIZE, MEMORY, LICENCE = range(5)
ROW = Qt.ItemDataRole.UserRole + 1


class ModelsTable(RowsTable[Row]):
    """A cell gives its whole Row under the role ROW."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(COLUMNS, parent)

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
