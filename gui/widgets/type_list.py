"""What a rule looks for: groups and types to tick, found by a part of their name."""

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from gui.listed_state import has
from gui.plain_text import one_line, tooltip
from gui.policy_form_state import TYPE
from gui.rule_words_state import GROUPS, begun, type_title
from gui.widgets.parts import field, label

LIST_HEIGHT, ITEM_HEIGHT = 148, 25
NAME = Qt.ItemDataRole.UserRole


class TypeList(QWidget):
    """`notes`: what is said of some types, such as that they can't be found in streams."""

    changed = Signal()

    def __init__(self, offered: list[str], chosen: list[str], notes: dict[str, str]) -> None:
        super().__init__()
        self.search, self.list, self.told = field("Find a kind"), QListWidget(), label(name="dim", wraps=True)
        self.search.setPlaceholderText("Find a kind; SECRET_A* are all that begin so")
        self.search.setClearButtonEnabled(True)
        self.list.setObjectName("ticks")
        self.list.setAccessibleName("What it looks for")
        self.list.setFrameShape(QFrame.Shape.StyledPanel)
        self.list.setFixedHeight(LIST_HEIGHT)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        for name in dict.fromkeys([*chosen, *offered]):  # what is ticked stands above
            self._add(name, notes.get(name, ""), is_chosen=name in chosen)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for part in (self.search, self.list, self.told):
            layout.addWidget(part)
        self.search.textChanged.connect(self._narrow)
        self.list.itemChanged.connect(lambda _: self._changed())
        self._order = list(chosen)
        self._tell()

    def _add(self, name: str, note: str, *, is_chosen: bool) -> None:
        title = begun(type_title(name))
        shown = (
            f"{title}  ·  a whole group" if name in GROUPS else title if title == name else f"{title}  ·  {one_line(name, 64)}"
        )
        item = QListWidgetItem(shown, self.list)
        item.setData(NAME, name)
        item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsUserCheckable)
        item.setCheckState(Qt.CheckState.Checked if is_chosen else Qt.CheckState.Unchecked)
        item.setSizeHint(QSize(0, ITEM_HEIGHT))
        item.setToolTip(tooltip(note))

    def _items(self) -> list[QListWidgetItem]:
        return [self.list.item(row) for row in range(self.list.count())]

    @property
    def types(self) -> list[str]:
        """Those that were there before in their order, then the others."""
        ticked = [str(one.data(NAME)) for one in self._items() if one.checkState() == Qt.CheckState.Checked]
        return [*(name for name in self._order if name in ticked), *(name for name in ticked if name not in self._order)]

    def _narrow(self, words: str) -> None:
        named = words.strip().upper()
        if named.endswith("*") and TYPE.match(named) and not any(one.data(NAME) == named for one in self._items()):
            self._add(named, "", is_chosen=False)  # all types that begin so
        for one in self._items():
            one.setHidden(not has(words, [one.text()]))

    def _changed(self) -> None:
        self._tell()
        self.changed.emit()

    def _tell(self) -> None:
        titles = [type_title(name) for name in self.types]
        self.told.setText(f"Ticked: {', '.join(titles[:6])}{f' and {len(titles) - 6} more' if len(titles) > 6 else ''}."
                          if titles else "Nothing is ticked yet.")  # fmt: skip
