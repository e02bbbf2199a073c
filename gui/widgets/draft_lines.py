"""The rules of a draft, or its expressions: a table, what the chosen one says in sentences, and buttons to change them."""

from collections.abc import Callable, Mapping

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from gui.guardrails_state import Json
from gui.lines_state import Line
from gui.plain_text import breakable
from gui.tables.lines_view import LinesView
from gui.widgets.parts import button, label

Edited = Callable[[Json], None]
Opened = Callable[[Json, Edited, dict[str, str]], None]


class DraftLines(QWidget):
    """`items`: as JSON, in their order. `line`, `facts`: how one is told; `open_one`: its dialog, which tells what became of it.
    `changed`: by somebody's hand."""

    changed = Signal()

    def __init__(
        self,
        view: LinesView,
        line: Callable[[int, Json, str], Line],
        facts: Callable[[Json], str],
        open_one: Opened,
        new: Json,
        nothing: str,
        *,
        is_shown_only: bool,
    ) -> None:
        super().__init__()
        self.view, self._line, self._facts, self._open_one, self._new = view, line, facts, open_one, new
        self._nothing, self._is_shown_only = nothing, is_shown_only
        self.items: list[Json] = []
        self.problems: dict[int, dict[str, str]] = {}
        self.told = label(name="dim", wraps=True)
        self.add, self.edit = button("&Add…", self._add), button("&Edit…", self._edit)
        self.remove = button("Remo&ve", self._remove)
        self._lay_out()
        view.chosen.connect(self._show_chosen)
        view.opened.connect(self._edit)
        view.removed.connect(self._remove)

    def _lay_out(self) -> None:
        layout, row = QVBoxLayout(self), QHBoxLayout()
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        row.setSpacing(8)
        for one in (self.add, self.edit, self.remove):
            one.setVisible(not self._is_shown_only)
            row.addWidget(one)
        row.addStretch()
        layout.addWidget(self.view, 1)
        layout.addWidget(self.told)
        layout.addLayout(row)

    def show_items(self, items: list[Json], problems: Mapping[int, dict[str, str]] | None = None) -> None:
        """`problems`: by place, then by field."""
        self.items, self.problems = items, dict(problems or {})
        told = dict.fromkeys(self.problems, "See what is wrong with it")
        self.view.show_rows([self._line(n, one, told.get(n, "")) for n, one in enumerate(items)], self._nothing)
        self._show_chosen()

    def go_to(self, place: int) -> None:
        """Its dialog, at the field that the gateway complains of."""
        if 0 <= place < len(self.items):
            self.view.choose(str(place))
            self._edit()

    @property
    def _place(self) -> int:
        chosen = self.view.chosen_id
        return int(chosen) if chosen and int(chosen) < len(self.items) else -1

    def _show_chosen(self) -> None:
        place = self._place
        self.told.setText(breakable(self._facts(self.items[place])) if place >= 0 else "")
        self.told.setVisible(place >= 0 and bool(self.told.text()))
        for one in (self.edit, self.remove):
            one.setEnabled(place >= 0)

    def _add(self) -> None:
        self._open_one(self._new, self._added, {})

    def _added(self, item: Json) -> None:
        self._put([*self.items, item], len(self.items))

    def _edit(self) -> None:
        place = self._place
        if place >= 0:

            def edited(item: Json) -> None:
                self._put([*self.items[:place], item, *self.items[place + 1 :]], place)

            self._open_one(self.items[place], edited, self.problems.get(place, {}))

    def _remove(self) -> None:
        place = self._place
        if place >= 0 and not self._is_shown_only:
            self._put([*self.items[:place], *self.items[place + 1 :]], min(place, len(self.items) - 2))

    def _put(self, items: list[Json], place: int) -> None:
        self.show_items(items)
        if place >= 0:
            self.view.choose(str(place))
        self.view.setFocus()
        self.changed.emit()
