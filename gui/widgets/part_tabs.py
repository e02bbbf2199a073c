"""Parts of a dialog, one of them seen, with a button for each above."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from gui.widgets.parts import button


class PartTabs(QWidget):
    """`parts`: by name, with the button's text. `turned` tells the name of the part that is seen now."""

    turned = Signal(str)

    def __init__(self, parts: dict[str, tuple[str, QWidget]]) -> None:
        super().__init__()
        self.names = list(parts)
        self.stack = QStackedWidget()
        self.tabs = {name: button(text, self._turn) for name, (text, _) in parts.items()}
        self._group = QButtonGroup(self)
        layout, row = QVBoxLayout(self), QHBoxLayout()
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(10)
        row.setSpacing(8)
        for name, (_, part) in parts.items():
            self.tabs[name].setCheckable(True)
            self._group.addButton(self.tabs[name])
            row.addWidget(self.tabs[name])
            self.stack.addWidget(part)
        row.addStretch()
        layout.addLayout(row)
        layout.addWidget(self.stack, 1)
        self.tabs[self.names[0]].setChecked(True)

    @property
    def name(self) -> str:
        return next(name for name, tab in self.tabs.items() if tab.isChecked())

    def show_part(self, name: str) -> None:
        self.tabs[name].setChecked(True)
        self._turn()

    def _turn(self) -> None:
        self.stack.setCurrentIndex(self.names.index(self.name))
        self.turned.emit(self.name)
