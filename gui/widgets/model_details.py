"""The drawer at the side of the table: everything known about one model, as plain text."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QPlainTextEdit, QScrollArea, QVBoxLayout, QWidget

from gui.model_facts_state import facts, hash_lines, need_line, need_parts
from gui.model_job_state import Speed
from gui.model_row_state import Row
from gui.models_state import Details, Memory, Model
from gui.plain_text import breakable, one_line
from gui.widgets.marker import Marker
from gui.widgets.parts import button, label

WIDTH_MIN, WIDTH_MAX, TEMPLATE_HEIGHT, TITLE_CHARACTERS_MAX = 230, 380, 150, 120
LOADING = "Reading the file's details…"


class ModelDetails(QScrollArea):
    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("card")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMinimumWidth(WIDTH_MIN)
        self.setMaximumWidth(WIDTH_MAX)
        self.setAccessibleName("Details")
        self.title, self.good_for, self.state = label(name="h2", wraps=True), label(name="dim", wraps=True), label(wraps=True)
        self.marker, self.problem = Marker(), label(name="warn", wraps=True)
        self.facts, self.needs = QGridLayout(), QGridLayout()
        self.need, self.speed = label(wraps=True), label(wraps=True)
        self.speed_title = label("Speed", "h2")
        self.sha256, self.copy = label(name="mono", wraps=True), button("Copy", self._copy, "small")
        self.copy.setAccessibleName("Copy SHA-256")
        self.template = QPlainTextEdit()
        self.template.setObjectName("mono")
        self.template.setReadOnly(True)
        self.template.setTabChangesFocus(True)
        self.template.setFixedHeight(TEMPLATE_HEIGHT)
        self.template.setAccessibleName("Chat template")
        self.template_title = label("Chat template", "h2")
        self._sha256 = ""
        self._shown: tuple[list[tuple[str, str]], list[tuple[str, str]]] = ([], [])
        self._lay_out()

    def _lay_out(self) -> None:
        inside, state, digest = QWidget(), QHBoxLayout(), QHBoxLayout()
        inside.setObjectName("clear")
        column = QVBoxLayout(inside)
        column.setContentsMargins(16, 14, 16, 14)
        column.setSpacing(7)
        state.setSpacing(7)
        state.addWidget(self.marker)
        state.addWidget(self.state, 1)
        digest.addWidget(label("SHA-256", "h2"), 1)
        digest.addWidget(self.copy)
        for grid in (self.facts, self.needs):
            grid.setHorizontalSpacing(12)
            grid.setVerticalSpacing(5)
            grid.setColumnStretch(1, 1)
            grid.setColumnMinimumWidth(0, 86)
        for part in (
            self.title, state, self.good_for, self.problem, self.facts, label("Memory", "h2"), self.need, self.needs,
            self.speed_title, self.speed, digest, self.sha256, self.template_title, self.template,
        ):  # fmt: skip
            column.addWidget(part) if isinstance(part, QWidget) else column.addLayout(part)
        column.addStretch()
        self.setWidget(inside)

    def show_model(self, model: Model, row: Row, memory: Memory, details: Details | None, speeds: list[Speed]) -> None:
        """`details` of None: they are being asked for."""
        self.title.setText(breakable(one_line(row.title, TITLE_CHARACTERS_MAX)))
        self.marker.show_marker(row.marker)
        self.state.setText(breakable(row.state))
        self.good_for.setText(breakable(row.note))
        self.problem.setText(breakable(row.problem))
        self.problem.setVisible(bool(row.problem))
        self._fill(
            facts(model, details), need_parts(details.memory) if details is not None and details.memory is not None else []
        )
        self.need.setText(breakable(need_line(model, memory, details.memory if details is not None else None)))
        self.speed.setText("\n".join(f"{one.tokens_per_second:.0f} tokens a second with {callers(one)}" for one in speeds))
        self.speed.setVisible(bool(speeds))
        self.speed_title.setVisible(bool(speeds))
        self._sha256 = model.sha256 or ""
        self.sha256.setText(hash_lines(model.sha256) or "—")
        self.copy.setEnabled(bool(self._sha256))
        template = LOADING if details is None else details.chat_template or "The file has none."
        if template != self.template.toPlainText():  # set anew, it would scroll to its beginning
            self.template.setPlainText(template)
        for part in (self.template, self.template_title):
            part.setVisible(model.is_here and model.kind != "embedding")

    def _fill(self, told: list[tuple[str, str]], needs: list[tuple[str, str]]) -> None:
        if (told, needs) == self._shown:
            return
        self._shown = (told, needs)
        for grid, rows in ((self.facts, told), (self.needs, needs)):
            while (item := grid.takeAt(0)) is not None:
                if (old := item.widget()) is not None:
                    old.deleteLater()
            for place, (name, value) in enumerate(rows):
                shown = label(breakable(value), wraps=True)
                shown.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
                grid.addWidget(label(name, "dim"), place, 0, Qt.AlignmentFlag.AlignTop)
                grid.addWidget(shown, place, 1)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._sha256)


def callers(speed: Speed) -> str:
    return f"{speed.callers} caller{'s' if speed.callers != 1 else ''}"
