"""The window: pages at the left, the gateway's state above."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent, QGuiApplication, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QListWidget, QListWidgetItem, QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from gui.pages.overview import Overview
from gui.service import Service
from gui.tray_state import Look
from gui.widgets.parts import button, label

if TYPE_CHECKING:
    from gui.pages.files import FilesPage
    from gui.pages.guardrails import GuardrailsPage
    from gui.pages.keys import KeysPage
    from gui.pages.models import ModelsPage
    from gui.pages.people import PeoplePage
    from gui.pages.playground import Playground
    from gui.pages.providers import ProvidersPage


PAGES = ("Overview", "Playground", "Models", "Providers", "Keys", "People", "Guardrails", "Files")
WANTED, FRAME = QSize(1040, 700), QSize(16, 48)


class Window(QMainWindow):
    """Pages after the first are made when they are first opened: that keeps the start short."""

    painted = Signal()
    closed = Signal()

    def __init__(self, service: Service) -> None:
        super().__init__()
        self.setWindowTitle("Gatehouse")
        # Not `self.screen()`: PySide 6.11 makes the screen the window's child, and the collector frees it with the window.
        self.resize(WANTED.boundedTo(QGuiApplication.primaryScreen().availableSize() - FRAME))
        self._service = service
        self.nav = QListWidget()
        self.nav.setObjectName("nav")
        self.nav.setFrameShape(QFrame.Shape.NoFrame)
        self.nav.setFixedWidth(172)
        self.nav.setAccessibleName("Pages")
        for name in PAGES:
            item = QListWidgetItem(name, self.nav)
            item.setSizeHint(QSize(0, 40))  # else it is measured before the style sheet's padding is known
        self.title, self.state = label("Overview", "h1"), label("Stopped", "state")
        self.problem = label("", "bad", wraps=True)
        self.start, self.stop = button("Sta&rt", service.start, "primary"), button("Sto&p gateway", service.stop)
        self.pages = QStackedWidget()
        self.overview = Overview(service)
        self.playground: Playground | None = None
        self.models: ModelsPage | None = None
        self.providers: ProvidersPage | None = None
        self.keys: KeysPage | None = None
        self.people: PeoplePage | None = None
        self.guardrails: GuardrailsPage | None = None
        self.files: FilesPage | None = None
        self.pages.addWidget(self.overview)
        self._lay_out()
        self.nav.setCurrentRow(0)
        self.nav.currentRowChanged.connect(self._turn)

    def _lay_out(self) -> None:
        root = QWidget()
        outer, page, head = QHBoxLayout(root), QVBoxLayout(), QHBoxLayout()
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        page.setContentsMargins(20, 16, 20, 16)
        page.setSpacing(12)
        outer.addWidget(self.nav)
        self.nav.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)
        self.nav.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        outer.addLayout(page, 1)
        head.addWidget(self.title)
        head.addStretch()
        for part in (self.state, self.start, self.stop):
            head.addWidget(part)
        page.addLayout(head)
        page.addWidget(self.problem)
        page.addWidget(self.pages, 1)
        self.setCentralWidget(root)

    def open_playground(self) -> None:
        if self.playground is None:
            from gui.pages.playground import Playground

            self.playground = Playground(self._service)
            self.pages.addWidget(self.playground)

    def open_models(self) -> None:
        if self.models is None:
            from gui.pages.models import ModelsPage

            self.models = ModelsPage(self._service)
            self.pages.addWidget(self.models)

    def open_providers(self) -> None:
        if self.providers is None:
            from gui.pages.providers import ProvidersPage

            self.providers = ProvidersPage(self._service)
            self.pages.addWidget(self.providers)

    def open_keys(self) -> None:
        if self.keys is None:
            from gui.pages.keys import KeysPage

            self.keys = KeysPage(self._service)
            self.pages.addWidget(self.keys)

    def open_people(self) -> None:
        if self.people is None:
            from gui.pages.people import PeoplePage

            self.people = PeoplePage(self._service)
            self.pages.addWidget(self.people)

    def open_guardrails(self) -> None:
        if self.guardrails is None:
            from gui.pages.guardrails import GuardrailsPage

            self.guardrails = GuardrailsPage(self._service)
            self.pages.addWidget(self.guardrails)

    def open_files(self) -> None:
        if self.files is None:
            from gui.pages.files import FilesPage

            self.files = FilesPage(self._service)
            self.pages.addWidget(self.files)

    def _turn(self, row: int) -> None:
        name = PAGES[row]
        openers = {
            "Playground": self.open_playground,
            "Models": self.open_models,
            "Providers": self.open_providers,
            "Keys": self.open_keys,
            "People": self.open_people,
            "Guardrails": self.open_guardrails,
            "Files": self.open_files,
        }
        if name in openers:
            openers[name]()
        made = {
            "Playground": self.playground,
            "Models": self.models,
            "Providers": self.providers,
            "Keys": self.keys,
            "People": self.people,
            "Guardrails": self.guardrails,
            "Files": self.files,
        }
        shown = made.get(name) or self.overview
        self.pages.setCurrentWidget(shown)
        self.title.setText(name)

    def show_look(self, look: Look) -> None:
        self.state.setText(
            {"running": "●", "busy": "◐", "degraded": "▲", "stopped": "○"}[look.icon] + "  " + look.line.partition(":")[0]
        )
        self.state.setAccessibleName(look.line)
        if self.state.property("icon") != look.icon:
            self.state.setProperty("icon", look.icon)
            self.state.style().polish(self.state)
        self.start.setVisible(look.can_start)
        self.stop.setVisible(look.can_stop)
        failure = self._service.failure
        reason = look.line.partition(": ")[2] if look.icon == "degraded" else ""
        self.problem.setText(f"{failure.message}. {failure.fix}" if failure else reason)
        self.problem.setVisible(bool(self.problem.text()))

    def bring_to_front(self) -> None:
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.show()
        self.raise_()
        self.activateWindow()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        super().paintEvent(event)
        self.painted.emit()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 (Qt's name)
        event.accept()
        self.closed.emit()
