"""The page of a file that is seen: turned, enlarged, with findings marked on it. Pages are asked for when they are looked at."""

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QSpinBox, QStackedLayout, QVBoxLayout, QWidget

from gui import file_words_state as words
from gui.client import Failure
from gui.file_page_state import Leaf, marks
from gui.files_state import Item, Told
from gui.files_watch import FilesWatch
from gui.plain_text import breakable, sentences
from gui.rule_words_state import begun, type_title
from gui.widgets.page_picture import PagePicture
from gui.widgets.parts import button, label


class PageArea(QScrollArea):
    """`turned`: by a page forth or back. `zoomed`: larger or smaller. `resized`: there is another width now."""

    turned = Signal(int)
    zoomed = Signal(int)
    resized = Signal()

    def __init__(self, picture: PagePicture) -> None:
        super().__init__()
        self.setObjectName("rows")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setWidget(picture)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 (Qt's name)
        turns = {Qt.Key.Key_PageDown: 1, Qt.Key.Key_PageUp: -1}
        zooms = {Qt.Key.Key_Plus: 1, Qt.Key.Key_Equal: 1, Qt.Key.Key_Minus: -1}
        if event.key() in turns:
            self.turned.emit(turns[Qt.Key(event.key())])
        elif event.key() in zooms:
            self.zoomed.emit(zooms[Qt.Key(event.key())])
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        super().resizeEvent(event)
        self.resized.emit()


class PagePart(QWidget):
    """`chosen`: a finding's place in the list, whose box was clicked."""

    chosen = Signal(int)

    def __init__(self, watch: FilesWatch) -> None:
        super().__init__()
        self._watch = watch
        self._item: Item | None = None
        self._told: Told | None = None
        self.leaf, self._place = Leaf(), -1
        self.picture, self.note = PagePicture(), label(name="dim", wraps=True)
        self.area = PageArea(self.picture)
        self.back, self.forth = button("◂", lambda: self._turn(-1), "small"), button("▸", lambda: self._turn(1), "small")
        self.smaller, self.larger = button("-", lambda: self._zoom(-1), "small"), button("+", lambda: self._zoom(1), "small")
        self.number, self.of = QSpinBox(), label(name="dim")
        self._name_parts()
        self._lay_out()
        self.area.turned.connect(self._turn)
        self.area.zoomed.connect(self._zoom)
        self.area.resized.connect(self._refit)
        self.number.valueChanged.connect(self._go_to)
        self.picture.chosen.connect(self.chosen)
        watch.drawn.connect(self._drawn)
        self._show_page()

    def _name_parts(self) -> None:
        named = ((self.back, "Page before"), (self.forth, "Next page"), (self.smaller, "Smaller"), (self.larger, "Larger"))
        for part, name in named:
            part.setAccessibleName(name)
            part.setToolTip(name)
        self.number.setAccessibleName("Page")
        self.number.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)
        self.number.setFixedWidth(56)
        self.number.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.number.setKeyboardTracking(False)

    def _lay_out(self) -> None:
        column, row, self.bar = QVBoxLayout(self), QHBoxLayout(), QWidget()
        body, nothing = QWidget(), QFrame()
        self._stack = QStackedLayout(body)
        self._stack.setContentsMargins(0, 0, 0, 0)
        nothing.setObjectName("card")
        middle = QVBoxLayout(nothing)
        middle.setContentsMargins(24, 12, 24, 12)
        self.note.setAlignment(Qt.AlignmentFlag.AlignCenter)
        middle.addWidget(self.note)
        self.bar.setLayout(row)
        row.setContentsMargins(0, 0, 0, 0)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        row.setSpacing(4)
        for part in (self.back, self.number, self.of, self.forth):
            row.addWidget(part)
        row.addStretch()
        for part in (self.smaller, self.larger):
            row.addWidget(part)
        column.addWidget(self.bar)
        column.addWidget(body, 1)
        self._stack.addWidget(self.area)
        self._stack.addWidget(nothing)

    # What it shows

    def show_item(self, item: Item | None) -> None:
        """Another file, or the same with something else told of it."""
        told = item.told if item is not None and item.step == "done" else None
        if item is self._item and told is self._told:
            return
        is_another = item is not self._item
        self._item, self._told = item, told
        if is_another or told is None:
            self._place = -1
            self.picture.clear()
            self.leaf.open(item.pages if item is not None and told is not None else 0)
        elif item is not None:
            self.leaf.pages = item.pages
            self.leaf.go_to(self.leaf.page)
        self._show_page()

    def ask_again(self) -> None:
        """For a page that couldn't be had before."""
        if self._item is not None and self.picture.is_empty:
            self._show_page()

    def go_to(self, place: int) -> None:
        """To a finding: its page, and its box on it."""
        findings = self._told.findings if self._told is not None else []
        if not 0 <= place < len(findings) or not self.leaf.pages:
            return
        self._place = place
        if findings[place].page and findings[place].page != self.leaf.page:
            self.leaf.go_to(findings[place].page)
            self._show_page()
        self._show_marks()
        self._see_chosen()

    def _show_page(self) -> None:
        item, leaf = self._item, self.leaf
        self.bar.setVisible(item is not None and leaf.pages > 0)
        if item is None or not leaf.pages:
            self.note.setText(breakable(words.page_note(item)))
            self._stack.setCurrentIndex(1)
            return
        self._stack.setCurrentIndex(0)
        self.number.blockSignals(True)
        self.number.setRange(1, leaf.pages)
        self.number.setValue(leaf.page)
        self.number.blockSignals(False)
        self.of.setText(f"of {leaf.pages:,}")
        for part, can in ((self.back, leaf.page > 1), (self.forth, leaf.page < leaf.pages)):
            part.setEnabled(can)
        self._show_marks()
        self._refit()

    def _show_marks(self) -> None:
        item, told = self._item, self._told
        if item is None or told is None:
            return
        found = marks(told, self.leaf.page)
        self.picture.show_marks(found, [begun(type_title(one.type)) for one in told.findings])
        self.picture.choose(self._place)
        name = words.page_name(item, self.leaf.page, len({one.place for one in found}))
        self.area.setAccessibleName(name)
        self.picture.setAccessibleName(name)

    def _refit(self) -> None:
        """As wide as there is room, times the zoom; and asked for that sharply."""
        item = self._item
        if item is None or not self.leaf.pages:
            return
        width = round((self.area.viewport().width() - 2) * self.leaf.zoom)
        self.picture.fit(width)
        self._watch.ask_page(item, self.leaf.page, self.leaf.width_for(width * self.devicePixelRatioF()))

    def _drawn(self, item_id: str, page: int, _width: int, answer: object) -> None:
        item = self._item
        if item is None or item.id != item_id or page != self.leaf.page or not self.leaf.pages:
            return
        if isinstance(answer, bytes) and self.picture.show_picture(answer):
            self._stack.setCurrentIndex(0)
            self.picture.fit(self.picture.width())
            self._see_chosen()
            return
        told = sentences(answer.message, answer.fix) if isinstance(answer, Failure) else "Its picture can't be read."
        self.picture.clear()
        self.note.setText(breakable(f"Page {page:,} can't be shown. {told}"))
        self._stack.setCurrentIndex(1)

    def _see_chosen(self) -> None:
        box = self.picture.box_of(self._place)
        if box is not None:
            self.area.ensureVisible(round(box.center().x()), round(box.center().y()), 60, 90)

    # What it does

    def _turn(self, by: int) -> None:
        self._go_to(self.leaf.page + by)

    def _go_to(self, page: int) -> None:
        before = self.leaf.page
        self.leaf.go_to(page)
        if self.leaf.page != before:
            self.area.verticalScrollBar().setValue(0)
            self._show_page()

    def _zoom(self, by: int) -> None:
        self.leaf.zoom_by(by)
        self._refit()
        self._see_chosen()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 (Qt's name)
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.picture.update()
