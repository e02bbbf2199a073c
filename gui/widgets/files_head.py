"""The top of the Files page: what can be done, and how far it is."""

from collections.abc import Callable

from PySide6.QtWidgets import QHBoxLayout, QMenu, QProgressBar, QVBoxLayout, QWidget

from gui import file_words_state as words
from gui.files_state import Files, Item
from gui.widgets.parts import button, label

BAR_HEIGHT = 6


class FilesHead(QWidget):
    """`ways`: what its buttons do: choose, save, folder, zip, remove, clear, again."""

    def __init__(self, ways: dict[str, Callable[[], object]]) -> None:
        super().__init__()
        self.choose = button("&Choose files…", ways["choose"])
        self.save, self.save_all = button("&Save the redacted file…", ways["save"], "primary"), button("Save &all", lambda: None)
        self.remove, self.clear = button("Re&move", ways["remove"]), button("C&lear", ways["clear"])
        self.again = button("&Try again", ways["again"])
        self.menu = QMenu(self)
        self.menu.addAction("Into a &folder…", ways["folder"])
        self.menu.addAction("As a &ZIP…", ways["zip"])
        self.save_all.setMenu(self.menu)
        self.bar, self.told = QProgressBar(), label(name="dim")
        self.bar.setObjectName("progress")
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(BAR_HEIGHT)
        self.bar.setRange(0, 1000)
        self._lay_out()

    def _lay_out(self) -> None:
        column, row, below = QVBoxLayout(self), QHBoxLayout(), QHBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        row.setSpacing(8)
        for part in (self.choose, self.save, self.save_all, self.again):
            row.addWidget(part)
        row.addStretch()
        for part in (self.remove, self.clear):
            row.addWidget(part)
        below.addWidget(self.told)
        below.addWidget(self.bar, 1)
        column.addLayout(row)
        column.addLayout(below)

    def show_files(self, files: Files, chosen: Item | None, *, is_there: bool) -> None:
        """`is_there`: the gateway runs."""
        told, savable, over = words.summary(files), files.savable, files.count("done", "failed")
        self.save.setEnabled(chosen is not None and chosen.can_be_saved and is_there)
        self.save.setAccessibleDescription(words.why_not_saved(chosen, is_there=is_there))
        self.save.setToolTip(words.why_not_saved(chosen, is_there=is_there))
        self.save_all.setVisible(len(files.items) > 1)
        self.save_all.setEnabled(bool(savable) and is_there and over == len(files.items))
        self.again.setVisible(files.count("failed") > 0)
        self.again.setEnabled(is_there)
        self.remove.setEnabled(chosen is not None)
        self.told.setText(told)
        self.told.setVisible(bool(told))
        self.bar.setVisible(over < len(files.items))
        is_one = len(files.items) == 1 and files.count("reading") == 1
        self.bar.setRange(0, 0 if is_one else 1000)  # nobody knows how long one takes
        if not is_one:
            self.bar.setValue(round(files.share * 1000))
        self.bar.setAccessibleName(told or "Reading")
