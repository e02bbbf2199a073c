"""One row of a form: what is asked, where it is typed, and what is wrong with it, right below."""

from typing import TypeVar

from PySide6.QtWidgets import QFormLayout, QLabel, QVBoxLayout, QWidget

from gui.plain_text import breakable
from gui.widgets.parts import label

Part = TypeVar("Part", bound=QWidget)


def form_layout() -> QFormLayout:
    made = QFormLayout()
    made.setContentsMargins(0, 0, 0, 0)
    made.setHorizontalSpacing(14)
    made.setVerticalSpacing(9)
    made.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
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
        self.title.setContentsMargins(0, 6, 0, 0)  # on one line with the text in the field
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
