"""Redacted versions on their way to the disk: one after another, into a file, a folder or a ZIP. Nothing that is there is
overwritten but what the person chose to."""

import contextlib
import secrets
import zipfile
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from gui import file_words_state as words
from gui.client import Failure
from gui.files_state import Item, free_name, redacted_name
from gui.files_watch import FilesWatch
from gui.plain_text import sentences
from gui.uploads import Sending


class Saving(QObject):
    """`over`: what was saved, and what wasn't, in words. `target`: a file; or, of several, a folder or (`is_zip`) a ZIP."""

    over = Signal(str, str)
    moved = Signal(int, int)  # how many are done, of how many

    def __init__(
        self, watch: FilesWatch, items: Sequence[Item], target: Path, *, is_folder: bool = False, is_zip: bool = False
    ) -> None:
        super().__init__(watch)
        self._watch, self._left, self._target = watch, list(items), target
        self._is_folder, self._is_zip, self._count = is_folder, is_zip, len(items)
        self._folder = target if is_folder else target.parent
        self._part = self._folder / f".{secrets.token_hex(6)}.part"
        self._zip = self._folder / f".{secrets.token_hex(6)}.zip.part"
        self._taken: set[str] = set()
        self._saved: list[str] = []
        self._missing: list[tuple[str, str]] = []
        self._sending: Sending | None = None
        self._is_over = False

    def begin(self) -> None:
        try:
            if self._is_folder:
                self._taken = {one.name.lower() for one in self._folder.iterdir()}
        except OSError as error:
            self._missing = [(one.name, error.strerror or "the folder can't be read") for one in self._left]
            self._left = []
        self._next()

    def stop(self) -> None:
        """What is saved stays, but for a ZIP that isn't whole."""
        if self._sending is not None:
            self._sending.drop()
        self._missing += [(one.name, "stopped") for one in self._left]
        self._left = []
        self._end()

    def _next(self) -> None:
        self.moved.emit(self._count - len(self._left), self._count)
        if not self._left:
            self._end()
            return
        item = self._left[0]

        def done(_: bytes) -> None:
            self._left.pop(0)
            try:
                self._keep(item)
            except OSError as error:
                self._missing.append((item.name, error.strerror or "it can't be written"))
            self._next()

        def failed(failure: Failure) -> None:
            self._left.pop(0)
            self._missing.append((item.name, sentences(failure.message, failure.fix)))
            if not failure.status:  # the gateway is gone, or the disk is full: so it is for the others
                self._missing += [(one.name, sentences(failure.message)) for one in self._left]
                self._left = []
            self._next()

        self._sending = self._watch.save(item, self._part, done, failed)

    def _keep(self, item: Item) -> None:
        """Errors: OSError."""
        name = free_name(redacted_name(item.name), self._taken) if self._is_folder or self._is_zip else self._target.name
        if self._is_zip:
            with zipfile.ZipFile(self._zip, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
                archive.write(self._part, name)
            self._part.unlink()
        else:
            self._part.replace(self._folder / name)
        self._saved.append(name)

    def _end(self) -> None:
        if self._is_over:
            return
        self._is_over = True
        if self._is_zip and self._saved:
            try:
                self._zip.replace(self._target)
            except OSError as error:
                self._missing = [(self._target.name, error.strerror or "it can't be written")]
                self._saved = []
        for rest in (self._part, self._zip):
            with contextlib.suppress(OSError):
                rest.unlink(missing_ok=True)
        where = str(self._folder if self._is_folder else self._target)
        if self._is_folder and len(self._saved) == 1:
            where = str(self._folder / self._saved[0])
        self.over.emit(*words.saved_words(self._saved, where, self._missing))
        self.deleteLater()
