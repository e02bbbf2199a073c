"""The buttons for the chosen line of a table."""

from collections.abc import Callable, Mapping
from functools import partial

from PySide6.QtWidgets import QHBoxLayout, QWidget

from gui.lines_state import Action
from gui.plain_text import tooltip
from gui.widgets.parts import button


class LineActions(QWidget):
    """`pressed` is told the verb. A button that is off says why, in its tooltip and to screen readers."""

    def __init__(self, ways: Mapping[str, str], pressed: Callable[[str], None]) -> None:
        super().__init__()
        self.buttons = {verb: button(text, partial(pressed, verb)) for verb, text in ways.items()}
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        for one in self.buttons.values():
            row.addWidget(one)
        row.addStretch()

    def show_actions(self, actions: list[Action]) -> None:
        why = {action.verb: action.why for action in actions}
        for verb, one in self.buttons.items():
            one.setEnabled(verb in why and not why[verb])
            one.setToolTip(tooltip(why.get(verb, "")))
            one.setAccessibleDescription(why.get(verb, ""))
