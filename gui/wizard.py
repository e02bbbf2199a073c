"""The first run: an owner, who may use the gateway, a first chat."""

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QHBoxLayout, QRadioButton, QStackedWidget, QVBoxLayout, QWidget

from gui.client import Failure
from gui.pages.playground import Playground
from gui.service import Service
from gui.widgets.parts import button, field, label
from gui.wizard_state import lan_told, owner_problem

TITLES = ("Who owns this gateway?", "Who may use it?", "A first chat")
LAN_MS = 60_000  # making certificates and asking itself from every address takes a while


class Wizard(QDialog):
    stepped = Signal(int)

    def __init__(self, service: Service, playground: Playground | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Welcome to Gatehouse")
        self.resize(620, 480)
        self._service = service
        self.title, self.step, self.problem = label(TITLES[0], "h1"), label("Step 1 of 3", "dim"), label("", "bad", wraps=True)
        self.problem.setAccessibleName("Problem")
        self.name, self.email = field("Your name"), field("E-mail address")
        self.password, self.again = field("Password", secret=True), field("Password again", secret=True)
        self.only_me, self.lan = QRadioButton("&This machine only"), QRadioButton("The local net&work (over HTTPS)")
        self.only_me.setChecked(True)
        self.lan_note = label("", wraps=True)
        self.chat = playground or Playground(service)
        self.pages = QStackedWidget()
        for page in (self._owner_page(), self._reach_page(), self.chat):
            self.pages.addWidget(page)
        self.next = button("&Next", self.forward, "primary")
        self.next.setDefault(True)
        self._has_asked_lan = False
        self._lay_out()

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 20, 24, 20)
        layout.setSpacing(10)
        foot = QHBoxLayout()
        foot.addWidget(button("&Later", self.reject))
        foot.addStretch()
        foot.addWidget(self.next)
        for part in (self.step, self.title):
            layout.addWidget(part)
        layout.addWidget(self.pages, 1)
        layout.addWidget(self.problem)
        layout.addLayout(foot)

    def _owner_page(self) -> QWidget:
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(label("The owner may do everything, and invites the others.", "dim", wraps=True))
        fields = (("Na&me", self.name), ("&E-mail", self.email), ("&Password", self.password), ("Password &again", self.again))
        for text, part in fields:
            caption = label(text)
            caption.setBuddy(part)
            layout.addWidget(caption)
            layout.addWidget(part)
            part.textEdited.connect(lambda _: self.problem.clear())
        layout.addStretch()
        return page

    def _reach_page(self) -> QWidget:
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        for part in (self.only_me, self.lan, self.lan_note):
            layout.addWidget(part)
        layout.addStretch()
        return page

    def forward(self) -> None:
        self.problem.clear()
        (self._make_owner, self._open_lan, self.accept)[self.pages.currentIndex()]()

    def _make_owner(self) -> None:
        name, email, password = self.name.text(), self.email.text(), self.password.text()
        if problem := owner_problem(name, email, password, self.again.text()):
            self.problem.setText(problem)
            return
        self.next.setEnabled(False)
        body = {"name": name.strip(), "email": email.strip(), "password": password}
        self._service.client.call("POST", "/api/v1/admin/machine/owner", lambda _: self._owner_made(), self._failed, body)

    def _owner_made(self) -> None:
        self.password.clear()
        self.again.clear()
        self._go(1)

    def _open_lan(self) -> None:
        if self.only_me.isChecked() or self._has_asked_lan:
            self._go(2)
            return
        self.next.setEnabled(False)
        self.lan_note.setText("Making certificates and asking itself from every address…")
        self._service.client.call("POST", "/api/v1/admin/lan/on", self._lan_is_on, self._lan_failed, deadline_ms=LAN_MS)

    def _lan_is_on(self, lan: Any) -> None:
        self.lan_note.setText(lan_told(lan["join_urls"], lan["fingerprint"], lan["problems"]))
        self._has_asked_lan = True
        self.next.setEnabled(True)

    def _lan_failed(self, failure: Failure) -> None:
        self.lan_note.clear()
        self.only_me.setChecked(True)
        self._failed(failure)

    def _failed(self, failure: Failure) -> None:
        self.next.setEnabled(True)
        self.problem.setText(f"{failure.message}. {failure.fix}")

    def _go(self, step: int) -> None:
        self.pages.setCurrentIndex(step)
        self.title.setText(TITLES[step])
        self.step.setText(f"Step {step + 1} of {len(TITLES)}")
        self.next.setText("&Done" if step == 2 else "&Next")
        self.next.setEnabled(True)
        self.next.setDefault(step != 2)
        self.next.setAutoDefault(step != 2)  # Return sends the message there
        if step == 2:
            self.chat.question.setFocus()
        self.stepped.emit(step)
