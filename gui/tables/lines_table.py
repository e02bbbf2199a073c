"""Lines of plain text as a Qt item model: providers, routes, deployments."""

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from gui.lines_state import Cell, Line
from gui.plain_text import tooltip

CELL = Qt.ItemDataRole.UserRole + 1
Index = QModelIndex | QPersistentModelIndex
_NO_PARENT = QModelIndex()


class LinesTable(QAbstractTableModel):
    """`show_lines` tells the view no more than what changed: the chosen line stays chosen, and nothing flickers."""

    def __init__(self, columns: Sequence[str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._columns = tuple(columns)
        self._lines: list[Line] = []

    def show_lines(self, lines: list[Line]) -> None:
        if [line.id for line in lines] != [line.id for line in self._lines]:
            self.beginResetModel()
            self._lines = lines
            self.endResetModel()
            return
        before, self._lines = self._lines, lines
        for place, (old, new) in enumerate(zip(before, lines, strict=True)):
            if old != new:
                self.dataChanged.emit(self.index(place, 0), self.index(place, len(self._columns) - 1))

    def line_at(self, place: int) -> Line | None:
        return self._lines[place] if 0 <= place < len(self._lines) else None

    def place_of(self, line_id: str) -> int:
        """-1 where it isn't."""
        return next((place for place, line in enumerate(self._lines) if line.id == line_id), -1)

    def rowCount(self, parent: Index = _NO_PARENT) -> int:  # noqa: N802 (Qt's name)
        return 0 if parent.isValid() else len(self._lines)

    def columnCount(self, parent: Index = _NO_PARENT) -> int:  # noqa: N802 (Qt's name)
        return 0 if parent.isValid() else len(self._columns)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: N802
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self._columns[section]
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        line = self.line_at(index.row()) if index.isValid() else None
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
