"""Where answers come from: providers with a test of their connection, and routes over them. Live."""

from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QVBoxLayout, QWidget

from gui import provider_row_state, route_row_state
from gui.explain_dialog import ExplainDialog
from gui.pages.lists_page import ListsPage
from gui.plain_text import one_line, sentences
from gui.provider_dialog import ProviderDialog
from gui.providers_state import Imported
from gui.providers_watch import FILE_BYTES_MAX, PROVIDERS, ROUTES, ProvidersWatch
from gui.route_dialog import RouteDialog
from gui.route_form_state import import_question, imported_words
from gui.service import Service
from gui.tables.lines_view import LOW, LinesView
from gui.widgets.elided import Elided
from gui.widgets.lines_part import Empty, LinesPart
from gui.widgets.providers_head import ProvidersHead

FILES = "Routes (*.toml);;All files (*)"


class ProvidersPage(ListsPage):
    def __init__(self, service: Service) -> None:
        self.watch = ProvidersWatch(service)
        super().__init__(service, self.watch, "providers", self.watch.ask)
        self.head = ProvidersHead(self.refresh, self._add, self._take_in, self._give_out)
        self.providers = self._providers_part()
        self.targets = LinesView("Deployments", route_row_state.TARGET_COLUMNS, {1: 136, 2: 190}, {1: 460}, LOW)
        self.targets_head = Elided("h2")
        self.routes = self._routes_part()
        self._lay_out(self.head, self.head.search, self.providers, self.routes)
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

    def _connect(self) -> None:
        self.head.search.textChanged.connect(lambda _: self.refresh())
        self.providers.view.chosen.connect(self._show_chosen)
        self.providers.view.opened.connect(lambda: self._act("edit"))
        self.providers.view.removed.connect(lambda: self._act("remove"))
        self.routes.view.chosen.connect(self._show_chosen_route)
        self.routes.view.opened.connect(lambda: self._act_route("edit"))
        self.routes.view.removed.connect(lambda: self._act_route("remove"))

    # What it shows

    def refresh(self) -> None:
        known = self.watch.providers
        if not self._is_there(told=known.told):
            return
        self.parts.setCurrentIndex(self.head.place)
        self.head.show_counts(len(known.providers()), len(known.routes()))
        sought = one_line(self.head.search.text(), 60)
        self.providers.show_lines([provider_row_state.line(one, known) for one in known.providers(sought)], sought)
        self.routes.show_lines([route_row_state.line(one, known) for one in known.routes(sought)], sought)
        self._show_said()
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
