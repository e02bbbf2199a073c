"""Adding a GGUF file: which, copied or left where it is, under which name."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QDialog, QFileDialog, QHBoxLayout, QRadioButton, QVBoxLayout, QWidget

from gui.widgets.parts import button, field, label

Chosen = Callable[[str, str, bool], None]


class AddDialog(QDialog):
    """`chosen` is told the path, the name (empty: from the file's) and whether the file stays where it is."""

    def __init__(self, chosen: Chosen, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Add a model file")
        self.setMinimumWidth(480)
        self._chosen = chosen
        self._picker: QFileDialog | None = None
        self.path, self.name = field("Model file"), field("Name")
        self.path.setPlaceholderText("A GGUF file on this machine")
        self.name.setPlaceholderText("From the file's name, unless you give one")
        self.copies = QRadioButton("&Copy it: Gatehouse keeps a file of its own")
        self.links = QRadioButton("&Leave it where it is: no room taken, but it mustn't be moved")
        for choice in (self.copies, self.links):
            choice.setObjectName("choice")
        self.copies.setChecked(True)
        self.problem = label(name="bad", wraps=True)
        self.add = button("&Add", self._add, "primary")
        self.add.setDefault(True)
        self._lay_out()
        self.path.textChanged.connect(lambda _: self._look())
        self._look()

    def _lay_out(self) -> None:
        layout, row, foot = QVBoxLayout(self), QHBoxLayout(), QHBoxLayout()
        layout.setContentsMargins(20, 18, 20, 18)
        layout.setSpacing(10)
        row.addWidget(self.path, 1)
        row.addWidget(button("&Browse…", self.browse))
        foot.addStretch()
        foot.addWidget(button("Cancel", self.reject))
        foot.addWidget(self.add)
        layout.addWidget(label("File", "h2"))
        layout.addLayout(row)
        layout.addWidget(self.copies)
        layout.addWidget(self.links)
        layout.addWidget(label("Name that programs use", "h2"))
        layout.addWidget(self.name)
        layout.addWidget(self.problem)
        layout.addLayout(foot)

    def browse(self) -> None:
        self._picker = QFileDialog(self, "Choose a model file", "", "Model files (*.gguf);;All files (*)")
        self._picker.setFileMode(QFileDialog.FileMode.ExistingFile)
        self._picker.fileSelected.connect(self.path.setText)
        self._picker.open()

    def _look(self) -> None:
        """What can be seen from here; the gateway looks into the file itself."""
        path = self.path.text().strip()
        wrong = bool(path) and not Path(path).expanduser().is_file()
        self.problem.setText("There is no such file on this machine." if wrong else "")
        self.add.setEnabled(bool(path) and not wrong)

    def _add(self) -> None:
        path = str(Path(self.path.text().strip()).expanduser().absolute())
        self.accept()
        self._chosen(path, self.name.text().strip(), self.links.isChecked())
