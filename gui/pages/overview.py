"""The overview: four figures, the last hour, where to send requests, which models there are. Live."""

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from gui import overview_state
from gui.service import Service
from gui.widgets.chart import Chart
from gui.widgets.parts import FigureCard, button, card, label

MODELS_SHOWN_MAX = 12
ENDPOINTS_SHOWN_MAX = 3


class Overview(QWidget):
    def __init__(self, service: Service) -> None:
        super().__init__()
        self._service = service
        self.cards = [FigureCard() for _ in range(4)]
        self.chart = Chart()
        self.endpoints = [Endpoint() for _ in range(ENDPOINTS_SHOWN_MAX)]
        self.models = label(overview_state.UNKNOWN, wraps=True)
        self.about = label(name="dim")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(12)
        row = QGridLayout()
        row.setSpacing(12)
        for place, one in enumerate(self.cards):
            row.addWidget(one, 0, place)
            row.setColumnStretch(place, 1)
        layout.addLayout(row)
        layout.addWidget(card(label("Requests per minute", "h2"), self.chart, fills=True), 1)
        layout.addLayout(self._foot())
        service.changed.connect(self.refresh)
        self.refresh()

    def _foot(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(12)
        row.addWidget(card(label("Base URL for your programs", "h2"), *self.endpoints, self.about), 1)
        row.addWidget(card(label("Models", "h2"), self.models), 1)
        return row

    def refresh(self) -> None:
        overview, phase = self._service.overview, self._service.phase
        for part, shown in zip(self.cards, overview_state.cards(overview), strict=True):
            part.show_card(shown)
        self.chart.show_bars(overview_state.bars(overview), overview_state.note(phase, overview))
        urls = overview["endpoints"][:ENDPOINTS_SHOWN_MAX] if overview is not None else []
        for place, endpoint in enumerate(self.endpoints):
            endpoint.show_url(urls[place] if place < len(urls) else "", is_first=place == 0)
        if overview is None:
            self.models.setText(overview_state.UNKNOWN)
            self.about.setText("")
            return
        loaded = set(overview["loaded_models"])
        names = [f"{name} (loaded)" if name in loaded else name for name in overview["models"]]
        more = f", and {len(names) - MODELS_SHOWN_MAX} more" if len(names) > MODELS_SHOWN_MAX else ""
        self.models.setText((", ".join(names[:MODELS_SHOWN_MAX]) + more) or "None yet: the Models page brings one.")
        reach = "this machine and the local network" if overview["lan_on"] else "this machine only"
        self.about.setText(
            f"For {reach} · up {overview_state.duration(overview['uptime_seconds'])} · version {overview['version']}"
        )


class Endpoint(QWidget):
    """One address with a button that copies it."""

    def __init__(self) -> None:
        super().__init__()
        self.url = label(overview_state.UNKNOWN)
        self.url.setAccessibleName("Endpoint")
        self.copy = button("Copy", self._copy)
        self.copy.setAccessibleName("Copy endpoint")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.url, 1)
        row.addWidget(self.copy)

    def show_url(self, url: str, *, is_first: bool) -> None:
        self.url.setText(url or overview_state.UNKNOWN)
        self.copy.setEnabled(bool(url))
        self.setVisible(bool(url) or is_first)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.url.text())
