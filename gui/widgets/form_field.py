"""One row of a form: what is asked, where it is typed, and what is wrong with it, right below."""

from collections.abc import Iterable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from gui.plain_text import breakable
from gui.widgets.parts import label

PART_HEIGHT = 30  # as high as a line to type in
SCREEN_MARGIN = 60  # a title bar, and room to see that it is a dialog
AREA_HEIGHT_MIN = 120


class FormArea(QScrollArea):
    """The rows of a form. It scrolls where the screen is too low for all of them."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("rows")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        inside = QWidget()
        inside.setObjectName("clear")
        self.rows = QFormLayout(inside)
        self.rows.setContentsMargins(0, 0, 0, 0)
        self.rows.setHorizontalSpacing(14)
        self.rows.setVerticalSpacing(9)
        self.rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.setWidget(inside)

    def fit(self, dialog: QDialog) -> None:
        """The dialog as high as what it shows now needs: Qt does not count wrapped lines by itself."""
        layout = dialog.layout()
        if layout is None:
            return
        for part in reversed(dialog.findChildren(QWidget)):  # the inner ones first: each tells the one around it
            if (inner := part.layout()) is not None:
                inner.invalidate()
                inner.activate()
                part.updateGeometry()
        margins = layout.contentsMargins()
        needed = _height(self.rows, dialog.width() - margins.left() - margins.right())
        self.setFixedHeight(needed)
        whole = _height(layout, dialog.width())
        room = dialog.screen().availableSize().height() - SCREEN_MARGIN
        if whole > room:
            self.setFixedHeight(max(AREA_HEIGHT_MIN, needed - whole + room))
            whole = _height(layout, dialog.width())
        dialog.setMinimumHeight(whole)
        dialog.resize(dialog.width(), whole)

    def stay_at_top(self) -> None:
        """Where it has more room than it needs, its rows aren't spread over it."""
        above = QWidget()
        above.setObjectName("clear")
        column = QVBoxLayout(above)
        column.setContentsMargins(0, 0, 6, 0)
        column.addWidget(self.takeWidget())
        column.addStretch(1)
        self.setWidget(above)

    def go_to(self, part: QWidget) -> None:
        part.setFocus()
        self.ensureWidgetVisible(part)


def lay_out_form(dialog: QDialog, form: FormArea, rows: Iterable["FormField"], problem: QLabel, *buttons: QPushButton) -> None:
    """A form's rows, below them what is wrong with none of these alone, and the buttons."""
    layout, foot = QVBoxLayout(dialog), QHBoxLayout()
    layout.setContentsMargins(20, 18, 20, 18)
    layout.setSpacing(12)
    for row in rows:
        row.add_to(form.rows)
    foot.setSpacing(8)
    foot.addStretch()
    for one in buttons:
        foot.addWidget(one)
    layout.addWidget(form)
    layout.addWidget(problem)
    layout.addLayout(foot)
    problem.hide()


def _height(layout: QLayout, width: int) -> int:
    layout.invalidate()
    layout.activate()
    return layout.totalHeightForWidth(width) if layout.hasHeightForWidth() else layout.totalSizeHint().height()


def combo(accessible_name: str) -> QComboBox:
    made = QComboBox()
    made.setAccessibleName(accessible_name)
    made.setMinimumHeight(PART_HEIGHT)
    return made


class FormField(QWidget):
    """Around a part that is typed into, or several. `note`: a sentence that explains the choice."""

    def __init__(self, title: str, part: QWidget) -> None:
        super().__init__()
        self.part = part
        self.title: QLabel = label(title)
        self.title.setBuddy(part)
        self.note, self.problem = label(name="dim", wraps=True), label(name="bad", wraps=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        for one in (part, self.note, self.problem):
            layout.addWidget(one)
        self.note.hide()
        self.problem.hide()

    def add_to(self, form: QFormLayout) -> None:
        self.title.setContentsMargins(0, 7, 0, 0)  # on one line with the text in the field
        self.title.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self.title.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        form.addRow(self.title, self)

    def explain(self, text: str) -> None:
        self.note.setText(text)
        self.note.setVisible(bool(text))

    def show_problem(self, text: str) -> None:
        """Marked, said to screen readers, and told in words; empty: all is well."""
        self.problem.setText(breakable(text))
        self.problem.setVisible(bool(text))
        self.part.setAccessibleDescription(text)
        if self.part.property("wrong") != bool(text):
            self.part.setProperty("wrong", bool(text))
            self.part.style().polish(self.part)
