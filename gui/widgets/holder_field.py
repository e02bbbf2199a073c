"""Whose a new key is to be: a person, a service account, or nobody."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from gui.key_form_state import HOLDERS
from gui.keys_watch import KeysWatch
from gui.plain_text import one_line
from gui.widgets.form_field import combo
from gui.widgets.person_field import PersonField


class HolderField(QWidget):
    """`account_id`: for this service account, unless another holder is chosen."""

    changed = Signal()

    def __init__(self, watch: KeysWatch, account_id: str = "") -> None:
        super().__init__()
        self.kind, self.account, self.person = combo("Whose"), combo("Service account"), PersonField(watch)
        for name, (title, _) in HOLDERS.items():
            self.kind.addItem(title, name)
        for one in watch.keys.found_accounts():
            suspended = " (suspended)" if one.suspended_at is not None else ""
            self.account.addItem(f"{one_line(one.name, 80)}{suspended}", one.id)
        self.account.setCurrentIndex(max(0, self.account.findData(account_id)) if self.account.count() else -1)
        self.account.setPlaceholderText("There is none yet")
        self.kind.setCurrentIndex(self.kind.findData("account" if account_id else "user"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        for part in (self.kind, self.account, self.person):
            layout.addWidget(part)
        self.kind.currentIndexChanged.connect(lambda _: self._turned())
        self.account.currentIndexChanged.connect(lambda _: self.changed.emit())
        self.person.chosen.connect(self.changed)
        self._turned()

    def _turned(self) -> None:
        self.account.setVisible(self.chosen_kind == "account")
        self.person.setVisible(self.chosen_kind == "user")
        self.changed.emit()

    @property
    def chosen_kind(self) -> str:
        return str(self.kind.currentData())

    @property
    def user_id(self) -> str:
        return self.person.user_id

    @property
    def account_id(self) -> str:
        return str(self.account.currentData() or "")

    @property
    def explanation(self) -> str:
        return HOLDERS[self.chosen_kind][1]

    @property
    def first_part(self) -> QWidget:
        return {"user": self.person.search, "account": self.account}.get(self.chosen_kind, self.kind)
