"""The table of models on the screen."""

from typing import ClassVar

from gui.model_row_state import Row
from gui.tables.model_cells import ROW_HEIGHT, ModelCells
from gui.tables.models_table import LICENCE, MEMORY, SIZE, STATE, ModelsTable
from gui.tables.rows_view import RowsView

WIDTHS = {STATE: 156, SIZE: 82, MEMORY: 96, LICENCE: 116}
HIDDEN_BELOW = {LICENCE: 600, SIZE: 500, MEMORY: 420}  # narrower than this, a column goes: the details have it too


class ModelsView(RowsView[Row]):
    """The name takes what the other columns leave."""

    height_min: ClassVar[int] = 100

    def __init__(self) -> None:
        super().__init__("Models", ModelsTable(), ModelCells(), WIDTHS, HIDDEN_BELOW, ROW_HEIGHT)
