"""One row of a form: what is asked, where it is typed, and what is wrong with it, right below."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QDialog, QFormLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from gui.plain_text import breakable
from gui.widgets.parts import label

PART_HEIGHT = 30  # as high as a line to type in
SCREEN_MARGIN = 90  # a title bar and a task bar


def form_layout() -> QFormLayout:
    made = QFormLayout()
    made.setContentsMargins(0, 0, 0, 0)
    made.setHorizontalSpacing(14)
    made.setVerticalSpacing(9)
    made.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    return made


def combo(accessible_name: str) -> QComboBox:
    made = QComboBox()
    made.setAccessibleName(accessible_name)
    made.setMinimumHeight(PART_HEIGHT)
    return made


def fit(dialog: QDialog) -> None:
    """As high as what it shows now needs: Qt does not count wrapped lines by itself."""
    layout = dialog.layout()
    if layout is None:
        return
    for part in reversed(dialog.findChildren(QWidget)):  # the inner ones first: each tells the one around it
        if (inner := part.layout()) is not None:
            inner.invalidate()
            inner.activate()
            part.updateGeometry()
    layout.invalidate()
    layout.activate()
    needed = layout.totalHeightForWidth(dialog.width()) if layout.hasHeightForWidth() else layout.totalSizeHint().height()
    height = min(max(needed, layout.totalMinimumSize().height()), dialog.screen().availableSize().height() - SCREEN_MARGIN)
    dialog.setMinimumHeight(height)
    dialog.resize(dialog.width(), height)


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
