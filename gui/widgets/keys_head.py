"""The top of the Keys page: which of its two parts is seen, a search, which keys are listed, what may be made or taken back."""

from collections.abc import Callable

from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QVBoxLayout, QWidget

from gui.keys_state import FILTERS
from gui.widgets.form_field import combo
from gui.widgets.parts import button, field

NAMES = ("&Keys", "Service acco&unts")


class KeysHead(QWidget):
    def __init__(
        self,
        turned: Callable[[], object],
        narrowed: Callable[[str], object],
        add: Callable[[], object],
        leaked: Callable[[], object],
    ) -> None:
        super().__init__()
        self.tabs = [button(name, turned) for name in NAMES]
        self.search, self.narrow = field("Find"), combo("Which keys")
        self.add, self.leaked = button("&Add…", add), button("&Leaked key…", leaked)
        self.search.setPlaceholderText("Find")
        self.search.setClearButtonEnabled(True)
        self.search.setMinimumWidth(90)
        self.leaked.setToolTip("Revoke a key by its value")
        self._group = QButtonGroup(self)
        for tab in self.tabs:
            tab.setCheckable(True)
            self._group.addButton(tab)
        self.tabs[0].setChecked(True)
        for name, (title, _) in FILTERS.items():
            self.narrow.addItem(title, name)
        self.narrow.currentIndexChanged.connect(lambda _: narrowed(str(self.narrow.currentData())))
        column, upper, lower = QVBoxLayout(self), QHBoxLayout(), QHBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        for row in (upper, lower, column):
            row.setSpacing(8)
        for part in (*self.tabs, self.leaked, self.add):
            upper.addWidget(part)
        upper.insertStretch(len(self.tabs))
        lower.addWidget(self.search, 1)
        lower.addWidget(self.narrow)
        column.addLayout(upper)
        column.addLayout(lower)

    @property
    def place(self) -> int:
        return 1 if self.tabs[1].isChecked() else 0

    def show_counts(self, keys: str, accounts: str) -> None:
        """`keys`, `accounts`: how many there are, as far as is known."""
        for tab, name, count in zip(self.tabs, NAMES, (keys, accounts), strict=True):
            tab.setText(f"{name}  {count}" if count not in ("", "0") else name)
            tab.setAccessibleName(f"{name.replace('&', '')}, {count}")
        for part in (self.narrow, self.leaked):
            part.setVisible(self.place == 0)
