"""Files: dropped or chosen, looked into on this machine, shown with what was found on their pages, and saved without it."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QMimeData, Qt, QTimer
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QSplitter, QStackedLayout, QVBoxLayout, QWidget

from gui import file_words_state as words
from gui.files_saving import Saving
from gui.files_state import FILES_MAX, Item, Told, redacted_name
from gui.files_watch import FilesWatch
from gui.plain_text import breakable
from gui.service import Service
from gui.tables.lines_view import LinesView
from gui.widgets.file_card import FileCard
from gui.widgets.files_head import FilesHead
from gui.widgets.lines_part import Empty
from gui.widgets.page_part import PagePart
from gui.widgets.parts import label

FEW, SOON_MS = 20, 150
SHARES = (410, 430)  # of the width: lists, page


class FilesPage(QWidget):
    def __init__(self, service: Service) -> None:
        super().__init__()
        self._service, self.watch = service, FilesWatch(service)
        self.saving: Saving | None = None
        self._was_there = False
        self._listed: tuple[Told | None, str] | None = None
        self.head = FilesHead(
            {
                "choose": self.choose,
                "save": self.save,
                "folder": self.save_in_folder,
                "zip": self.save_as_zip,
                "remove": self._remove,
                "clear": self.watch.clear,
                "again": self.watch.again,
            }
        )
        self.empty, self.waiting = Empty(*words.EMPTY, self.choose), label(name="warn", wraps=True)
        self.stale, self.problem, self.done = (
            label(name="warn", wraps=True),
            label(name="bad", wraps=True),
            label(name="ok", wraps=True),
        )
        self.files = LinesView("Files", words.COLUMNS, {1: 146})
        self.findings = LinesView("What was found", words.FOUND_COLUMNS, {1: 118, 2: 80}, {2: 280})
        self.card, self.leaf = FileCard(self._open_with, self._show_values), PagePart(self.watch)
        self.setAcceptDrops(True)
        self._lay_out()
        self._connect()
        self.refresh()

    def _lay_out(self) -> None:
        self._stack = QStackedLayout(self)
        self._stack.setContentsMargins(0, 0, 0, 0)
        nothing, something, lists = QWidget(), QWidget(), QWidget()
        middle, across = QVBoxLayout(nothing), QHBoxLayout()
        across.addStretch(1)
        across.addWidget(self.empty, 6)
        across.addStretch(1)
        middle.addStretch(2)
        middle.addWidget(self.waiting, 0, Qt.AlignmentFlag.AlignHCenter)
        middle.addLayout(across)
        middle.addStretch(3)
        column, left, halves = QVBoxLayout(something), QVBoxLayout(lists), QSplitter(Qt.Orientation.Horizontal)
        for each in (column, left):
            each.setContentsMargins(0, 0, 0, 0)
            each.setSpacing(10)
        left.addWidget(self.files, 2)
        left.addWidget(self.card)
        left.addWidget(self.findings, 3)
        halves.setChildrenCollapsible(False)
        halves.addWidget(lists)
        halves.addWidget(self.leaf)
        for place, share in enumerate(SHARES):
            halves.setStretchFactor(place, share)
        halves.setSizes(list(SHARES))
        halves.setHandleWidth(12)
        for part in (self.head, self.stale, self.problem, self.done):
            column.addWidget(part)
        column.addWidget(halves, 1)
        self._stack.addWidget(nothing)
        self._stack.addWidget(something)

    def _connect(self) -> None:
        self._soon = QTimer(self, singleShot=True, interval=SOON_MS)
        self._soon.timeout.connect(self.refresh)
        self.watch.changed.connect(self._changed)
        self.files.chosen.connect(self._turn_to_chosen)
        self.files.removed.connect(self._remove)
        for signal in (self.findings.chosen, self.findings.opened, self.findings.clicked):
            signal.connect(self._go_to_chosen)
        self.leaf.chosen.connect(lambda place: self.findings.choose(str(place)))
        QShortcut(QKeySequence.StandardKey.Open, self, self.choose)
        QShortcut(QKeySequence.StandardKey.Save, self, self.save)

    # What it shows

    @property
    def chosen(self) -> Item | None:
        return self.watch.files.get(self.files.chosen_id)

    def _changed(self) -> None:
        """A thousand files change thousands of times: not each of these draws all of them anew."""
        if len(self.watch.files.items) <= FEW:
            self.refresh()
        elif not self._soon.isActive():
            self._soon.start()

    def refresh(self) -> None:
        files, phase = self.watch.files, self._service.phase
        self._stack.setCurrentIndex(1 if files.items else 0)
        waits = words.waiting_words(phase, files.count("waiting"))
        self.waiting.setText(waits if not files.items else "")
        self.waiting.setVisible(bool(self.waiting.text()))
        self.stale.setText(waits if files.items else "")
        self.files.blockSignals(True)
        self.files.show_rows([words.line(one) for one in files.items])
        self.files.blockSignals(False)
        chosen = self.chosen
        self.head.show_files(files, chosen, is_there=self.watch.is_there and self.saving is None)
        self.card.show_item(chosen)
        self._show_findings(chosen)
        self.leaf.show_item(chosen)
        if self.watch.is_there and not self._was_there:
            self.leaf.ask_again()
        self._was_there = self.watch.is_there
        for part in (self.stale, self.problem, self.done):
            part.setVisible(bool(part.text()))

    def _turn_to_chosen(self) -> None:
        self.refresh()
        QTimer.singleShot(0, self, self._keep_in_sight)

    def _keep_in_sight(self) -> None:
        """What is said beside the list may have made it lower."""
        self.files.scrollTo(self.files.currentIndex())

    def _show_findings(self, item: Item | None) -> None:
        """Made anew only where others are told: there may be thousands."""
        told = item.told if item is not None else None
        shown = (told, item.id if item is not None else "")
        if self._listed is not None and self._listed[0] is told and self._listed[1] == shown[1]:
            return
        is_another = self._listed is None or self._listed[1] != shown[1]
        self._listed = shown
        self.findings.blockSignals(True)  # that the first one is chosen by itself moves no page
        self.findings.show_rows(words.found_lines(told), words.no_findings(item))
        if is_another:
            self.findings.choose("0")
            self.findings.scrollToTop()
        self.findings.blockSignals(False)

    def _go_to_chosen(self) -> None:
        if self.findings.chosen_id:
            self.leaf.go_to(int(self.findings.chosen_id))

    def _say(self, done: str = "", problem: str = "") -> None:
        self.done.setText(breakable(done))
        self.problem.setText(breakable(problem))
        self._turn_to_chosen()

    # What it does

    def choose(self) -> None:
        names, _ = QFileDialog.getOpenFileNames(self, "Choose files", "", words.CHOICE)
        self.add([Path(name) for name in names])

    def add(self, paths: Sequence[Path]) -> None:
        if not paths:
            return
        added, left_out = self.watch.add(paths)
        self._say(problem=words.left_out_words(left_out, FILES_MAX) if left_out else "" if added else words.NOTHING_NEW)
        if added and not any(one.step == "done" for one in self.watch.files.items if one not in added):
            self.files.choose(added[0].id)

    def _remove(self) -> None:
        if self.chosen is not None:
            self.watch.remove(self.chosen.id)
            self._say()

    def _open_with(self, password: str) -> None:
        if self.chosen is not None:
            self.watch.look_again(self.chosen, password=password)

    def _show_values(self, on: bool) -> None:
        item = self.chosen
        if item is not None and on:
            self.watch.look_again(item, with_values=True)
        elif item is not None:
            self.watch.forget_values(item)

    def save(self) -> None:
        item = self.chosen
        if item is None or not self.head.save.isEnabled():
            return
        wanted = str(item.path.with_name(redacted_name(item.name)))
        name, _ = QFileDialog.getSaveFileName(self, "Save the redacted file", wanted)
        if name:
            self.save_to(Saving(self.watch, [item], Path(name)))

    def save_in_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "Save redacted files into")
        if name:
            self.save_to(Saving(self.watch, self.watch.files.savable, Path(name), is_folder=True))

    def save_as_zip(self) -> None:
        name, _ = QFileDialog.getSaveFileName(self, "Save redacted files as", "redacted.zip", "ZIP (*.zip)")
        if name:
            self.save_to(Saving(self.watch, self.watch.files.savable, Path(name), is_zip=True))

    def save_to(self, saving: Saving) -> None:
        if self.saving is not None:
            return
        self.saving = saving
        saving.moved.connect(lambda done, whole: self._say(words.saving_words(done, whole)))
        saving.over.connect(self._saved)
        saving.begin()

    def _saved(self, done: str, problem: str) -> None:
        self.saving = None
        left = [one for one in self.watch.files.items if not one.can_be_saved]
        self._say(done, problem or (words.without_words(left) if len(self.watch.files.items) > 1 and len(left) else ""))

    # What is dropped

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802 (Qt's name)
        if _dropped(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802 (Qt's name)
        event.acceptProposedAction()
        self.add(_dropped(event.mimeData()))


def _dropped(data: QMimeData) -> list[Path]:
    """Of this machine: an address elsewhere isn't fetched."""
    return [Path(one.toLocalFile()) for one in data.urls() if one.isLocalFile() and one.toLocalFile()]
