"""Choosing a department or a team."""

from PySide6.QtWidgets import QComboBox

from gui.people_state import Unit
from gui.plain_text import one_line


def offer(part: QComboBox, units: list[Unit], chosen: str | None) -> None:
    """None, and each of these."""
    part.blockSignals(True)
    part.clear()
    part.addItem("None", None)
    for one in units:
        part.addItem(f"{one_line(one.name, 80)}{' (suspended)' if one.suspended_at is not None else ''}", one.id)
    if chosen is not None and part.findData(chosen) < 0:
        part.addItem("As it is", chosen)  # this app's list is older than it
    part.setCurrentIndex(max(0, part.findData(chosen)))
    part.blockSignals(False)
