"""The buttons for the chosen model. Where there is no room for all, the rest stands in a menu."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QSizePolicy, QWidget

from gui.lines_state import Action
from gui.model_row_state import WAYS
from gui.plain_text import tooltip
from gui.widgets.parts import button

PRIMARY = ("load", "unload", "get")


class ModelActions(QWidget):
    """`pressed` is told the verb. A button that is off says why, in its tooltip and to screen readers."""

    def __init__(self, pressed: Callable[[str], None], *more: QPushButton) -> None:
        super().__init__()
        self._pressed = pressed
        self._actions: list[Action] = []
        self.buttons = {
            verb: button(text, partial(pressed, verb), "primary" if verb in PRIMARY else "button") for verb, text in WAYS.items()
        }
        self.more = button("M&ore", lambda: None)
        self.menu = QMenu(self.more)
        self.menu.setToolTipsVisible(True)
        self.more.setMenu(self.menu)
        self._last = more
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        for part in (*self.buttons.values(), self.more):
            row.addWidget(part)
        row.addStretch()
        for part in more:
            row.addWidget(part)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        least = [self.buttons["unload"], self.more, *self._last]
        return QSize(sum(part.sizeHint().width() + 8 for part in least), self.more.sizeHint().height())

    def show_actions(self, actions: list[Action]) -> None:
        if actions != self._actions:
            self._actions = actions
            self._lay_out()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        super().resizeEvent(event)
        self._lay_out()

    def _lay_out(self) -> None:
        wanted = {action.verb: action for action in self._actions}
        parts = [self.buttons[verb] for verb in wanted]
        is_tight = sum(part.sizeHint().width() + 8 for part in (*parts, *self._last)) > self.width()
        self.menu.clear()
        for verb, part in self.buttons.items():
            action = wanted.get(verb)
            in_menu = is_tight and verb not in PRIMARY
            part.setVisible(action is not None and not in_menu)
            if action is None:
                continue
            part.setEnabled(not action.why)
            part.setToolTip(tooltip(action.why))
            part.setAccessibleDescription(action.why)
            if in_menu:
                entry = self.menu.addAction(action.text, partial(self._pressed, verb))
                entry.setEnabled(not action.why)
                entry.setToolTip(tooltip(action.why))
        self.more.setVisible(not self.menu.isEmpty())
