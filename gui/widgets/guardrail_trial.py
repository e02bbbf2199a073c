"""Trying a policy, or a draft of one, on a text: what would become of it, while it is typed. Nothing is kept or sent on."""

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPlainTextEdit, QSplitter, QVBoxLayout, QWidget

from gui import trial_state as words
from gui.client import Failure
from gui.guardrails_state import Json
from gui.guardrails_watch import GuardrailsWatch
from gui.plain_text import breakable, many_lines, sentences
from gui.tables.lines_view import LOW, LinesView
from gui.trial_state import Tried
from gui.watch import UNREADABLE
from gui.widgets.form_field import combo
from gui.widgets.marked_text import MarkedText, seen_text
from gui.widgets.marker import Marker
from gui.widgets.parts import label

PAUSE_MS = 300  # of typing
PRIVACY = "Nothing you type here is kept or sent to a model."


class GuardrailTrial(QWidget):
    """`draft`: tried instead of a policy that is chosen. One question at a time is under way; the last text wins."""

    def __init__(self, watch: GuardrailsWatch, draft: Callable[[], Json] | None = None) -> None:
        super().__init__()
        self._watch, self._draft = watch, draft
        self._asked_about: tuple[str, bool] | None = None
        self._is_due = False
        self.policy, self.direction = combo("Policy"), combo("Direction")
        self.text = MarkedText("Text to try", "Type or paste a text, for example: Write to asha.verma@mail.example.in")
        self.seen, self.findings = seen_text("What would be seen"), LinesView("Findings", words.COLUMNS, {2: 150, 3: 64}, {}, LOW)
        self.title, self.outcome, self.took = label("", "dim"), label(wraps=True), label(PRIVACY, "dim", wraps=True)
        self.marker = Marker()
        for is_input, title in words.DIRECTIONS.items():
            self.direction.addItem(title, is_input)
        self._pause = QTimer(self, singleShot=True, interval=PAUSE_MS)
        self._lay_out()
        self._connect()
        self._show(None)

    def _lay_out(self) -> None:
        layout, said = QVBoxLayout(self), QHBoxLayout()
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        said.setSpacing(8)
        said.addWidget(self.marker, 0, Qt.AlignmentFlag.AlignTop)
        said.addWidget(self.outcome, 1)
        halves = QSplitter(Qt.Orientation.Horizontal)
        halves.setChildrenCollapsible(False)
        halves.addWidget(_titled(label("Given", "dim"), self.text))
        halves.addWidget(_titled(self.title, self.seen))
        layout.addLayout(self._choices())
        layout.addWidget(halves, 3)
        layout.addLayout(said)
        layout.addWidget(self.findings, 2)
        layout.addWidget(self.took)

    def _choices(self) -> QHBoxLayout:
        top = QHBoxLayout()
        self.policy_title, direction_title = label("Polic&y"), label("Te&xt is")
        self.policy_title.setBuddy(self.policy)
        direction_title.setBuddy(self.direction)
        for part, stretch in ((self.policy_title, 0), (self.policy, 2), (direction_title, 0), (self.direction, 1)):
            top.addWidget(part, stretch)
        for one in (self.policy, self.direction):
            one.setMinimumContentsLength(15 if one is self.direction else 8)
            one.setSizeAdjustPolicy(one.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.policy_title.setVisible(self._draft is None)
        self.policy.setVisible(self._draft is None)
        return top

    def _connect(self) -> None:
        self._pause.timeout.connect(self.ask)
        self.text.textChanged.connect(self._typed)
        self.policy.currentIndexChanged.connect(lambda _: self.ask())
        self.direction.currentIndexChanged.connect(lambda _: self.ask())
        for signal in (self.findings.chosen, self.findings.opened, self.findings.clicked):
            signal.connect(self._go_to_chosen)
        self._watch.tried.connect(self._tried)

    def offer_policies(self, named: list[tuple[str, str]]) -> None:
        """As they are called, and their names. What was chosen stays."""
        if named == [(self.policy.itemText(n), self.policy.itemData(n)) for n in range(self.policy.count())]:
            return
        chosen = self.policy.currentData()
        self.policy.blockSignals(True)
        self.policy.clear()
        for text, name in named:
            self.policy.addItem(text, name)
        self.policy.setCurrentIndex(max(0, self.policy.findData(chosen)))
        self.policy.blockSignals(False)
        self.ask()

    @property
    def is_input(self) -> bool:
        return bool(self.direction.currentData())

    # Asking

    def _typed(self) -> None:
        """What was found stood in another text."""
        self.text.show_spans([])
        self._pause.start()

    def ask(self) -> None:
        """About what stands here now; after the question that is under way."""
        self._pause.stop()
        text = self.text.given
        if not text.strip():
            self._show(None)
            return
        if len(text) > words.CHARACTERS_MAX:
            self._show(None)
            self._say("warned", f"At most {words.CHARACTERS_MAX:,} characters can be tried here.", PRIVACY)
            return
        if self._asked_about is not None:
            self._is_due = True
            return
        self._asked_about = (text, self.is_input)
        draft = self._draft() if self._draft is not None else None
        policy = str(self.policy.currentData() or "")
        self._watch.try_text(self._ticket, words.body(text, is_input=self.is_input, policy=policy, draft=draft))

    @property
    def _ticket(self) -> str:
        return f"trial {id(self)}"

    def _tried(self, ticket: str, answer: Any, failure: Failure | None) -> None:
        if ticket != self._ticket or self._asked_about is None:
            return
        (text, is_input), self._asked_about = self._asked_about, None
        tried = words.tried_of(answer) if failure is None else None
        if self._is_due:  # another text stands here meanwhile
            self._is_due = False
            self.ask()
        elif text != self.text.given or is_input != self.is_input:
            return  # it will be asked after the pause
        elif tried is not None:
            self._show(tried)
        else:
            shown = failure or UNREADABLE
            self._show(None)
            self._say("failed", sentences(shown.message, shown.fix), PRIVACY)

    # What it shows

    def _show(self, tried: Tried | None) -> None:
        text, is_input = self.text.given, self.is_input
        self.title.setText(words.seen_title(is_input=is_input))
        is_stopped = tried is not None and not tried.allowed
        self.seen.setPlaceholderText("Nothing: it is stopped." if is_stopped else "")
        self.seen.setPlainText(many_lines(tried.text, words.CHARACTERS_MAX * 2) if tried is not None and tried.allowed else "")
        self.text.show_spans(words.spans(text, tried.findings) if tried is not None else [])
        self.findings.blockSignals(True)  # a finding that is chosen by itself doesn't move the cursor of who types
        self.findings.show_rows(words.lines(text, tried) if tried is not None else [], "Findings are listed here.")
        self.findings.blockSignals(False)
        if tried is None:
            self._say("", "", PRIVACY)
        else:
            marker, told, took = words.outcome(tried, is_input=is_input)
            self._say(marker, told, f"{took} {PRIVACY}")

    def _say(self, marker: str, told: str, more: str) -> None:
        self.marker.setVisible(bool(marker))
        self.marker.show_marker(marker)
        self.outcome.setText(breakable(told))
        self.outcome.setVisible(bool(told))
        self.took.setText(breakable(more))

    def _go_to_chosen(self) -> None:
        if self.findings.chosen_id:
            self.text.go_to(int(self.findings.chosen_id))


def _titled(title: QLabel, box: QPlainTextEdit) -> QWidget:
    made = QWidget()
    column = QVBoxLayout(made)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(4)
    column.addWidget(title)
    column.addWidget(box, 1)
    box.setMinimumSize(120, 60)
    return made
