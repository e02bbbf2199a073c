"""Where answers come from: providers with a test of their connection, and routes over them. Live."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent, QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import QDialog, QFileDialog, QStackedLayout, QStackedWidget, QVBoxLayout, QWidget

from gui import provider_row_state, route_row_state
from gui.client import Failure
from gui.confirm_dialog import ConfirmDialog
from gui.explain_dialog import ExplainDialog
from gui.plain_text import breakable, one_line, sentences
from gui.provider_dialog import ProviderDialog
from gui.providers_state import Imported
from gui.providers_watch import FILE_BYTES_MAX, PROVIDERS, ROUTES, ProvidersWatch
from gui.route_dialog import RouteDialog
from gui.route_form_state import import_question, imported_words
from gui.service import Service
from gui.tables.lines_view import LOW, LinesView
from gui.widgets.elided import Elided
from gui.widgets.lines_part import Empty, LinesPart
from gui.widgets.parts import button, label
from gui.widgets.providers_head import ProvidersHead

FILES = "Routes (*.toml);;All files (*)"


class ProvidersPage(QWidget):
    def __init__(self, service: Service) -> None:
        super().__init__()
        self._service = service
        self.watch = ProvidersWatch(service)
        self.dialog: QDialog | None = None
        self.note, self.again = label(name="dim", wraps=True), button("Try &again", self.watch.ask)
        self.head = ProvidersHead(self.refresh, self._add, self._take_in, self._give_out)
        self.stale = label(name="warn", wraps=True)
        self.problem, self.done = label(name="bad", wraps=True), label(name="ok", wraps=True)
        self.providers = self._providers_part()
        self.targets = LinesView("Deployments", route_row_state.TARGET_COLUMNS, {1: 136, 2: 190}, {1: 460}, LOW)
        self.targets_head = Elided("h2")
        self.routes = self._routes_part()
        self._lay_out()
        self._connect()
        self.refresh()

    # Its parts

    def _providers_part(self) -> LinesPart:
        view = LinesView("Providers", provider_row_state.COLUMNS, {2: 160, 3: 160}, {1: 560, 2: 460})
        return LinesPart(view, Empty(*provider_row_state.EMPTY, self._add_provider), provider_row_state.WAYS, self._act)

    def _routes_part(self) -> LinesPart:
        below = QWidget()
        column = QVBoxLayout(below)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self.targets_head)
        column.addWidget(self.targets, 1)
        view = LinesView("Routes", route_row_state.COLUMNS, {2: 170}, {1: 480})
        return LinesPart(view, Empty(*route_row_state.EMPTY, self._add_route), route_row_state.WAYS, self._act_route, below)

    def _lay_out(self) -> None:
        self._stack = QStackedLayout(self)
        self._stack.setContentsMargins(0, 0, 0, 0)
        empty, content = QWidget(), QWidget()
        middle, column = QVBoxLayout(empty), QVBoxLayout(content)
        middle.addStretch(2)
        self.note.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        middle.addWidget(self.note)
        middle.addWidget(self.again, 0, Qt.AlignmentFlag.AlignHCenter)
        middle.addStretch(3)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        self.parts = QStackedWidget()
        self.parts.addWidget(self.providers)
        self.parts.addWidget(self.routes)
        for part in (self.head, self.stale, self.problem, self.done):
            column.addWidget(part)
        column.addWidget(self.parts, 1)
        self._stack.addWidget(empty)
        self._stack.addWidget(content)

    def _connect(self) -> None:
        self.head.search.textChanged.connect(lambda _: self.refresh())
        self.providers.view.chosen.connect(self._show_chosen)
        self.providers.view.opened.connect(lambda: self._act("edit"))
        self.providers.view.removed.connect(lambda: self._act("remove"))
        self.routes.view.chosen.connect(self._show_chosen_route)
        self.routes.view.opened.connect(lambda: self._act_route("edit"))
        self.routes.view.removed.connect(lambda: self._act_route("remove"))
        self.watch.changed.connect(self.refresh)
        self.watch.failed.connect(self._tell)
        QShortcut(QKeySequence.StandardKey.Find, self, self.head.search.setFocus)
        QShortcut(QKeySequence.StandardKey.Refresh, self, self.watch.ask)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 (Qt's name)
        super().showEvent(event)
        self.watch.watch(on=True)

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 (Qt's name)
        super().hideEvent(event)
        self.watch.watch(on=False)

    # What it shows

    def refresh(self) -> None:
        known, failure = self.watch.providers, self.watch.failure
        if not known.told or self._service.phase != "running":
            has_failed = failure is not None and self._service.phase == "running"
            self.note.setText(breakable(waiting_note(self._service.phase, failure)))
            self.note.setObjectName("bad" if has_failed else "dim")
            self.note.style().polish(self.note)
            self.again.setVisible(has_failed)
            self._stack.setCurrentIndex(0)
            return
        self._stack.setCurrentIndex(1)
        self.parts.setCurrentIndex(self.head.place)
        self.head.show_counts(len(known.providers()), len(known.routes()))
        sought = one_line(self.head.search.text(), 60)
        self.providers.show_lines([provider_row_state.line(one, known) for one in known.providers(sought)], sought)
        self.routes.show_lines([route_row_state.line(one, known) for one in known.routes(sought)], sought)
        old = f"This may be out of date. {sentences(failure.message, failure.fix)}" if failure is not None else ""
        self.stale.setText(breakable(old))
        self.stale.setVisible(bool(old))
        self.problem.setVisible(bool(self.problem.text()))
        self.done.setVisible(bool(self.done.text()))
        self._show_chosen()
        self._show_chosen_route()

    def _show_chosen(self) -> None:
        known = self.watch.providers
        one = known.provider(self.providers.view.chosen_id)
        actions = provider_row_state.actions(one, known) if one is not None else []
        self.providers.show_chosen(actions, provider_row_state.problem(one, known) if one is not None else "")

    def _show_chosen_route(self) -> None:
        known = self.watch.providers
        one = known.route(self.routes.view.chosen_id)
        if one is not None and self.head.place:
            self.watch.look_once(one)
        actions = route_row_state.actions(one, known) if one is not None else []
        self.routes.show_chosen(actions, route_row_state.problem(one, known) if one is not None else "")
        self.targets_head.setText(route_row_state.head(one) if one is not None else "")
        self.targets.show_rows(route_row_state.target_lines(one, known) if one is not None else [])

    def _tell(self, failure: Failure) -> None:
        self._say(sentences(failure.message, failure.fix))

    def _say(self, problem: str = "", done: str = "") -> None:
        self.problem.setText(breakable(problem))
        self.done.setText(breakable(done))
        self.refresh()

    # What it does

    def _add(self) -> None:
        (self._add_route if self.head.place else self._add_provider)()

    def _add_provider(self) -> None:
        self._open_provider(ProviderDialog(self.watch, parent=self))

    def _open_provider(self, dialog: ProviderDialog) -> None:
        self._say()
        dialog.saved.connect(self.providers.view.choose)
        self._open(dialog)

    def _act(self, verb: str) -> None:
        known = self.watch.providers
        one = known.provider(self.providers.view.chosen_id)
        if one is None or (why := provider_row_state.why_not(verb, one, known)):
            self._say(why if one is not None else "")
        elif verb == "edit":
            self._open_provider(ProviderDialog(self.watch, one, self))
        elif verb == "test":
            self._say()
            self.watch.test(one.id)
        elif used := provider_row_state.used_words(one):
            self._say(used)
        else:
            question = provider_row_state.remove_question(one)
            self._confirm(question, "Remove", lambda: self.watch.remove(PROVIDERS, one.id))

    def _add_route(self) -> None:
        self._open_route(RouteDialog(self.watch, parent=self))

    def _open_route(self, dialog: RouteDialog) -> None:
        self._say()
        dialog.saved.connect(self.routes.view.choose)
        self._open(dialog)

    def _act_route(self, verb: str) -> None:
        known = self.watch.providers
        one = known.route(self.routes.view.chosen_id)
        if one is None or one.id in known.asked:
            return
        self._say()
        if verb == "edit":
            self._open_route(RouteDialog(self.watch, one, self))
        elif verb == "explain":
            self._open(ExplainDialog(self.watch, one.name, self))
        else:
            self._confirm(route_row_state.remove_question(one), "Remove", lambda: self.watch.remove(ROUTES, one.id))

    def _confirm(self, question: tuple[str, str], verb: str, confirmed: Callable[[], None]) -> None:
        self._say()
        self._open(ConfirmDialog(*question, verb, confirmed, self))

    def _open(self, dialog: QDialog) -> None:
        """Not `exec`: events go on being read while it is open."""
        self.dialog = dialog
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    # Files

    def _take_in(self) -> None:
        self._say()
        picker = QFileDialog(self, "Import providers and routes", "", FILES)
        picker.setFileMode(QFileDialog.FileMode.ExistingFile)
        picker.fileSelected.connect(self._read)
        self._open(picker)

    def _read(self, path: str) -> None:
        """What it would change is asked first."""
        try:
            with open(path, "rb") as source:
                file = source.read(FILE_BYTES_MAX + 1)
        except OSError as problem:
            self._say(sentences(f"the file can't be read: {problem.strerror}", "choose another one"))
            return
        if len(file) > FILE_BYTES_MAX:
            self._say("The file is larger than 1 MB, which no file of routes is. Choose another one.")
            return
        self.watch.take_in(file, lambda found: self._ask_import(file, found), dry_run=True)

    def _ask_import(self, file: bytes, found: Imported) -> None:
        question = import_question(found)
        if not question[0]:
            self._say(done="All that the file says is here already.")
            return
        self._confirm(question, "Import", lambda: self.watch.take_in(file, self._imported, dry_run=False))

    def _imported(self, found: Imported) -> None:
        self._say(done=imported_words(found))

    def _give_out(self) -> None:
        self._say()
        picker = QFileDialog(self, "Export providers and routes", "routes.toml", FILES)
        picker.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        picker.setDefaultSuffix("toml")
        picker.fileSelected.connect(lambda path: self.watch.give_out(lambda file: self._write(path, file)))
        self._open(picker)

    def _write(self, path: str, file: bytes) -> None:
        try:
            Path(path).write_bytes(file)
        except OSError as problem:
            self._say(sentences(f"the file can't be written: {problem.strerror}", "choose another folder"))
            return
        self._say(done=f"Written to {one_line(path, 400)}, without the keys.")


def waiting_note(phase: str, failure: Failure | None) -> str:
    """What stands in place of the page while there is nothing to show."""
    if phase == "running":
        return (
            f"The providers can't be shown. {sentences(failure.message, failure.fix)}"
            if failure
            else "Asking the gateway for its providers…"
        )
    return {
        "starting": "The gateway is starting…",
        "stopping": "The gateway is stopping…",
    }.get(phase, "The gateway is stopped. Start it to see its providers.")
