"""Lines of plain text as a Qt item model: providers, routes, deployments."""

from typing import Any

from PySide6.QtCore import Qt

from gui.lines_state import Cell, Line
from gui.plain_text import tooltip
from gui.tables.rows_table import Index, RowsTable

CELL = Qt.ItemDataRole.UserRole + 1


class LinesTable(RowsTable[Line]):
    """A cell gives its Cell under the role CELL."""

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        line = self.row_at(index.row()) if index.isValid() else None
        if line is None:
            return None
        cell = line.cells[index.column()]
        if role == CELL:
            return cell
        if role == Qt.ItemDataRole.DisplayRole:
            return cell.text
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{self._columns[index.column()]}: {_spoken(cell)}"
        if role == Qt.ItemDataRole.ToolTipRole:
            return tooltip(cell.hint)
        return None


def _spoken(cell: Cell) -> str:
    return f"{cell.text}, {cell.note}" if cell.note else cell.text
