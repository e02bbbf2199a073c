"""What is being got, added, verified or measured: how far it is, and a button that cancels it or puts it away."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QProgressBar, QScrollArea, QVBoxLayout, QWidget

from gui.model_job_state import JobShown
from gui.plain_text import breakable
from gui.widgets.elided import Elided
from gui.widgets.marker import Marker
from gui.widgets.parts import button, label

LINE_HEIGHT, HEIGHT_MAX, STEPS = 40, 126, 1000
BAR, BAR_NARROW, NARROW = 130, 56, 520  # in a narrow line the figures need the room
Pressed = Callable[[str], None]


class JobLine(QWidget):
    """One job. Its button says Cancel while it runs, and Dismiss afterwards. Why one failed is never cut short."""

    def __init__(self, cancel: Pressed, dismiss: Pressed) -> None:
        super().__init__()
        self._cancel, self._dismiss = cancel, dismiss
        self._shown = JobShown("", "", "", None, False)
        self.marker, self.text, self.why, self.bar = Marker(), Elided(), label(wraps=True), QProgressBar()
        self.bar.setObjectName("progress")
        self.bar.setTextVisible(False)
        self.bar.setFixedSize(BAR, 6)
        self.button = button("Cancel", self._press, "small")
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 4, 8, 4)
        row.setSpacing(9)
        for part in (self.marker, self.text, self.why, self.bar, self.button):
            row.addWidget(part, 1 if part in (self.text, self.why) else 0)
        self.why.hide()

    def show_job(self, shown: JobShown) -> None:
        if shown == self._shown:
            return
        self._shown = shown
        self.marker.show_marker(shown.mark)
        has_failed = shown.mark == "failed"
        self.text.setText(shown.text)
        self.why.setText(breakable(shown.text))
        self.text.setVisible(not has_failed)
        self.why.setVisible(has_failed)
        self.bar.setVisible(shown.is_running)
        self.bar.setRange(0, 0 if shown.share is None else STEPS)
        self.bar.setValue(int((shown.share or 0) * STEPS))
        self.bar.setAccessibleName(f"Progress: {shown.share:.0%}" if shown.share is not None else "Progress: not known")
        self.button.setText("Cancel" if shown.is_running else "Dismiss")
        self.button.setAccessibleName(f"{self.button.text()}: {shown.text}")

    def fit(self, width: int) -> int:
        """As high as its text needs in this width; returns that."""
        self.bar.setFixedWidth(BAR_NARROW if width < NARROW else BAR)
        layout = self.layout()
        needed = layout.heightForWidth(width) if layout is not None and self._shown.mark == "failed" else 0
        self.setFixedHeight(max(LINE_HEIGHT, needed))
        return self.height()

    def _press(self) -> None:
        (self._cancel if self._shown.is_running else self._dismiss)(self._shown.id)


class JobLines(QScrollArea):
    """All lines; about three are seen at once, the newest last. Gone where there are none."""

    def __init__(self, cancel: Pressed, dismiss: Pressed) -> None:
        super().__init__()
        self.setObjectName("card")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("Work in progress")
        self._pressed = (cancel, dismiss)
        self.lines: list[JobLine] = []
        inside = QWidget()
        inside.setObjectName("clear")
        self._column = QVBoxLayout(inside)
        self._column.setContentsMargins(0, 2, 0, 2)
        self._column.setSpacing(0)
        self.setWidget(inside)
        self.hide()

    def show_jobs(self, shown: list[JobShown]) -> None:
        grew = len(shown) > len(self.lines)
        while len(self.lines) < len(shown):
            self.lines.append(JobLine(*self._pressed))
            self._column.addWidget(self.lines[-1])
        while len(self.lines) > len(shown):
            line = self.lines.pop()
            self._column.removeWidget(line)
            line.deleteLater()
        for line, job in zip(self.lines, shown, strict=True):
            line.show_job(job)
        self._fit()
        self.setVisible(bool(shown))
        if grew:
            self.ensureWidgetVisible(self.lines[-1])

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        self.setFixedHeight(min(HEIGHT_MAX, sum(line.fit(self.viewport().width()) for line in self.lines) + 6))
