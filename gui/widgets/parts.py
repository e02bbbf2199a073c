"""Labels, buttons, cards: the small parts of every page, named for the theme and for screen readers."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from gui.overview_state import Card


def label(text: str = "", name: str = "", *, wraps: bool = False) -> QLabel:
    """Plain text always: what a server or a model says is never read as HTML."""
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setObjectName(name)
    made.setWordWrap(wraps)
    return made


def button(text: str, pressed: Callable[[], object], name: str = "button") -> QPushButton:
    made = QPushButton(text)
    made.setObjectName(name)
    made.setAccessibleName(text.replace("&", ""))
    made.clicked.connect(lambda _checked: pressed())
    return made


def field(accessible_name: str, *, secret: bool = False) -> QLineEdit:
    made = QLineEdit()
    made.setObjectName("field")
    made.setAccessibleName(accessible_name)
    if secret:
        made.setEchoMode(QLineEdit.EchoMode.Password)
    return made


def card(*parts: QWidget, fills: bool = False) -> QFrame:
    """`fills`: its last part takes what room there is; otherwise all stand at the top."""
    made = QFrame()
    made.setObjectName("card")
    layout = QVBoxLayout(made)
    layout.setContentsMargins(16, 12, 16, 12)
    layout.setSpacing(4)
    for part in parts:
        layout.addWidget(part)
    if not fills:
        layout.addStretch()
    return made


class FigureCard(QFrame):
    """One number with its title and a note."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("card")
        self._title, self._value, self._note = label(name="dim"), label(name="big"), label(name="dim")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 12, 16, 12)
        layout.setSpacing(2)
        for part in (self._title, self._value, self._note):
            layout.addWidget(part)

    def show_card(self, shown: Card) -> None:
        self._title.setText(shown.title)
        self._value.setText(shown.value)
        self._note.setText(shown.note)
        self.setAccessibleName(f"{shown.title}: {shown.value}, {shown.note}")
