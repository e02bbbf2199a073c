"""The top of the Providers page: which of its two parts is seen, a search, and what may be added, taken in or written out."""

from collections.abc import Callable

from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QMenu, QWidget

from gui.widgets.parts import button, field

NAMES = ("Pro&viders", "Ro&utes")


class ProvidersHead(QWidget):
    def __init__(
        self,
        turned: Callable[[], object],
        add: Callable[[], object],
        take_in: Callable[[], object],
        give_out: Callable[[], object],
    ) -> None:
        super().__init__()
        self.tabs = [button(name, turned) for name in NAMES]
        self.search, self.add, self.file = field("Find"), button("&Add…", add), button("&File", lambda: None)
        self.search.setPlaceholderText("Find")
        self.search.setClearButtonEnabled(True)
        self.search.setMinimumWidth(90)
        self._group = QButtonGroup(self)
        for tab in self.tabs:
            tab.setCheckable(True)
            self._group.addButton(tab)
        self.tabs[0].setChecked(True)
        self.menu = QMenu(self)
        self.menu.addAction("&Import providers and routes…", take_in)
        self.menu.addAction("E&xport providers and routes…", give_out)
        self.file.setMenu(self.menu)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        for part in (*self.tabs, self.search, self.add, self.file):
            row.addWidget(part, 1 if part is self.search else 0)

    @property
    def place(self) -> int:
        return 1 if self.tabs[1].isChecked() else 0

    def show_counts(self, providers: int, routes: int) -> None:
        for tab, name, count in zip(self.tabs, NAMES, (providers, routes), strict=True):
            tab.setText(f"{name}  {count}" if count else name)
            tab.setAccessibleName(f"{name.replace('&', '')}, {count}")
