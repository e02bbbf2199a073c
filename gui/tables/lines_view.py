"""A table of lines of plain text: providers, routes, deployments."""

from collections.abc import Mapping, Sequence

from gui.lines_state import Line
from gui.tables.line_cells import LineCells
from gui.tables.lines_table import LinesTable
from gui.tables.rows_view import RowsView

HIGH, LOW = 48, 34  # of two lines of text, and of one


class LinesView(RowsView[Line]):
    """Columns without a width share what is left."""

    def __init__(
        self,
        name: str,
        columns: Sequence[str],
        widths: Mapping[int, int],
        hidden_below: Mapping[int, int] | None = None,
        height: int = HIGH,
    ) -> None:
        super().__init__(name, LinesTable(columns), LineCells(), widths, hidden_below or {}, height)

    def choose(self, line_id: str) -> None:
        """Now, or as soon as it is there."""
        self._wanted = line_id
        super().choose(line_id)
