"""A text to type in, with parts of it marked: by colour, and by the kind of line below, for who sees no colours."""

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QColor, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QPlainTextEdit, QTextEdit

from gui import theme
from gui.trial_state import Span, sendable

UNDERLINES = {
    "block": ("bad", QTextCharFormat.UnderlineStyle.WaveUnderline),
    "mask": ("accent", QTextCharFormat.UnderlineStyle.SingleUnderline),
    "tokenise": ("accent", QTextCharFormat.UnderlineStyle.DashUnderline),
    "flag": ("warn", QTextCharFormat.UnderlineStyle.DotLine),
}
TINT = 46  # of 255: the text stays readable in both themes


class MarkedText(QPlainTextEdit):
    def __init__(self, name: str, hint: str = "") -> None:
        super().__init__()
        self._spans: list[Span] = []
        self.setObjectName("field")
        self.setAccessibleName(name)
        self.setPlaceholderText(hint)
        self.setTabChangesFocus(True)

    @property
    def given(self) -> str:
        """As it can be sent, character for character: `toPlainText` would turn some into others."""
        return sendable(self.document().toRawText())

    def show_spans(self, spans: list[Span]) -> None:
        """None of them: nothing is marked."""
        self._spans = spans
        self.setExtraSelections([self._marked(one) for one in spans])

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 (Qt's name)
        """In other colours, when the system turns dark or light."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and self._spans:
            self.show_spans(self._spans)

    def go_to(self, place: int) -> None:
        """One of the spans, chosen and seen."""
        if 0 <= place < len(self._spans):
            self.setTextCursor(self._cursor(self._spans[place]))
            self.ensureCursorVisible()

    def _cursor(self, span: Span) -> QTextCursor:
        cursor = QTextCursor(self.document())
        end = self.document().characterCount() - 1
        cursor.setPosition(min(span.start, end))
        cursor.setPosition(min(span.end, end), QTextCursor.MoveMode.KeepAnchor)
        return cursor

    def _marked(self, span: Span) -> QTextEdit.ExtraSelection:
        name, underline = UNDERLINES.get(span.action, ("dim", QTextCharFormat.UnderlineStyle.DotLine))
        colour = QColor(theme.colours()[name])
        tint = QColor(colour)
        tint.setAlpha(TINT)
        made = QTextEdit.ExtraSelection()
        shown = QTextCharFormat()
        shown.setBackground(tint)
        shown.setUnderlineStyle(underline)
        shown.setUnderlineColor(colour)
        made.cursor, made.format = self._cursor(span), shown
        return made


def seen_text(name: str) -> QPlainTextEdit:
    """One to read and to copy from."""
    made = QPlainTextEdit()
    made.setObjectName("field")
    made.setAccessibleName(name)
    made.setReadOnly(True)
    made.setTabChangesFocus(True)
    made.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard)
    return made
