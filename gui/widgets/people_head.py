"""The top of the People page: which of its three parts is seen, a search, who is listed, and what may be made."""

from collections.abc import Callable

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QVBoxLayout, QWidget

from gui.people_state import ROLES, Organisation
from gui.plain_text import one_line
from gui.widgets.form_field import combo
from gui.widgets.parts import button, field

NAMES = ("Pe&ople", "Depar&tments", "Invitations")
PAUSE_MS = 250  # of typing, before the gateway is asked
INDENT = "\u2003"
STATES = {"": "Everybody", "false": "Not suspended", "true": "Suspended"}


class PeopleHead(QWidget):
    """`narrowed` tells the filters of the list of accounts."""

    def __init__(
        self,
        turned: Callable[[], object],
        narrowed: Callable[[dict[str, str]], object],
        invite: Callable[[], object],
        add: Callable[[], object],
        take_in: Callable[[], object],
    ) -> None:
        super().__init__()
        self._narrowed, self._turned = narrowed, turned
        self.tabs = [button(name, self._turn) for name in NAMES]
        self.search = field("Find")
        self.role, self.unit, self.suspended = combo("Role"), combo("Department"), combo("Which people")
        self.invite, self.add, self.take_in = (
            button("&Invite…", invite, "primary"),
            button("&Add…", add),
            button("Import…", take_in),
        )
        self.search.setPlaceholderText("Name or e-mail address")
        self.search.setClearButtonEnabled(True)
        self.search.setMinimumWidth(90)
        self.role.addItem("Every role", "")
        for name, (title, _) in ROLES.items():
            self.role.addItem(title, name)
        for name, title in STATES.items():
            self.suspended.addItem(title, name)
        self.unit.addItem("Every department", "")
        self._group = QButtonGroup(self)
        for tab in self.tabs:
            tab.setCheckable(True)
            self._group.addButton(tab)
        self.tabs[0].setChecked(True)
        self._pause = QTimer(self, singleShot=True, interval=PAUSE_MS)
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        column, upper, lower = QVBoxLayout(self), QHBoxLayout(), QHBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        for row in (upper, lower, column):
            row.setSpacing(8)
        for part in (*self.tabs, self.take_in, self.add, self.invite):
            upper.addWidget(part)
        upper.insertStretch(len(self.tabs))
        lower.addWidget(self.search, 1)
        for choice in (self.role, self.unit, self.suspended):
            lower.addWidget(choice)
        column.addLayout(upper)
        column.addLayout(lower)

    def _connect(self) -> None:
        self._pause.timeout.connect(self._narrow)
        self.search.textChanged.connect(lambda _: self._pause.start())
        for part in (self.role, self.unit, self.suspended):
            part.currentIndexChanged.connect(lambda _: self._narrow())

    def _turn(self) -> None:
        self._narrow()
        self._turned()

    def _narrow(self) -> None:
        """Only the list of accounts is so long that the gateway has to look for us."""
        self._turned()
        if self.place == 0:
            unit = str(self.unit.currentData() or "")
            filters = {
                "q": self.search.text().strip()[:200],
                "role": str(self.role.currentData()),
                "team_id" if unit.startswith("team_") else "department_id": unit,
                "suspended": str(self.suspended.currentData()),
            }
            self._narrowed({name: value for name, value in filters.items() if value})

    @property
    def place(self) -> int:
        return next((place for place, tab in enumerate(self.tabs) if tab.isChecked()), 0)

    def offer_units(self, organisation: Organisation) -> None:
        """Departments with their teams; what was chosen stays."""
        wanted = [("Every department", ""), *((_indented(one.name, is_team=one.is_team), one.id) for one in organisation.tree())]
        shown = [(self.unit.itemText(n), self.unit.itemData(n)) for n in range(self.unit.count())]
        if wanted == shown:
            return
        chosen = self.unit.currentData()
        self.unit.blockSignals(True)
        self.unit.clear()
        for text, its_id in wanted:
            self.unit.addItem(text, its_id)
        self.unit.setCurrentIndex(max(0, self.unit.findData(chosen)))
        self.unit.blockSignals(False)

    def show_counts(self, *counts: str) -> None:
        """How many there are, as far as is known: people, departments and teams, invitations."""
        for tab, name, count in zip(self.tabs, NAMES, counts, strict=True):
            tab.setText(f"{name}  {count}" if count not in ("", "0") else name)
            tab.setAccessibleName(f"{name.replace('&', '')}, {count}")
        for part in (self.role, self.unit, self.suspended):
            part.setVisible(self.place == 0)
        self.search.setPlaceholderText("Name or e-mail address" if self.place == 0 else "Find")
        self.take_in.setVisible(self.place == 0)
        self.add.setVisible(self.place != 2)


def _indented(name: str, *, is_team: bool) -> str:
    return (INDENT if is_team else "") + one_line(name, 60)
