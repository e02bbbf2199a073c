"""The models of this machine: memory, the table, what may be done with each, what is under way. Live."""

import time
from collections.abc import Callable

import msgspec
from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent, QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import QDialog, QFileDialog, QHBoxLayout, QMenu, QStackedLayout, QVBoxLayout, QWidget

from gui import model_row_state as words
from gui.add_dialog import AddDialog
from gui.client import Failure
from gui.confirm_dialog import ConfirmDialog
from gui.model_job_state import job_shown, speeds_of
from gui.models_state import Details, Model
from gui.models_watch import ModelsWatch
from gui.pages.lists_page import waiting_note
from gui.plain_text import breakable, one_line, sentences
from gui.service import Service
from gui.tables.models_view import ModelsView
from gui.widgets.job_lines import JobLines
from gui.widgets.model_actions import ModelActions
from gui.widgets.model_details import ModelDetails
from gui.widgets.models_head import FirstModel, MemoryCard
from gui.widgets.parts import button, field, label


class ModelsPage(QWidget):
    def __init__(self, service: Service) -> None:
        super().__init__()
        self._service = service
        self.watch = ModelsWatch(service)
        self._known: dict[str, tuple[Model, Details]] = {}
        self._asked_for = ""
        self._wanted: dict[str, str] = {}  # unload or remove, by model: how much each has to do now is asked first
        self.dialog: QDialog | None = None
        self.note, self.again = label(name="dim", wraps=True), button("Try &again", self.watch.ask)
        self.memory, self.first = MemoryCard(), FirstModel(lambda: self._act("get", self.first.model_id))
        self.search, self.add = field("Find a model"), button("&Add a file…", self._add)
        self.bring_in, self.menu = button("&Import", lambda: None), QMenu(self)
        self.problem, self.view, self.why = label(name="bad", wraps=True), ModelsView(), label(name="warn", wraps=True)
        self.details_button, self.details = button("&Details", self.refresh), ModelDetails()
        self.buttons = ModelActions(self._act, self.details_button)
        self.jobs = JobLines(self.watch.cancel, self._dismiss)
        self._lay_out()
        self._connect()
        self.refresh()

    # Its parts

    def _lay_out(self) -> None:
        self._stack = QStackedLayout(self)
        self._stack.setContentsMargins(0, 0, 0, 0)
        empty, content = QWidget(), QWidget()
        middle, column, middle_row = QVBoxLayout(empty), QVBoxLayout(content), QHBoxLayout()
        middle.addStretch(2)
        self.note.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        middle.addWidget(self.note)
        middle.addWidget(self.again, 0, Qt.AlignmentFlag.AlignHCenter)
        middle.addStretch(3)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        middle_row.setSpacing(12)
        middle_row.addWidget(self.view, 3)
        middle_row.addWidget(self.details, 2)
        for part in (self.memory, self.first, self._tools(), self.problem):
            column.addWidget(part)
        column.addLayout(middle_row, 1)
        for part in (self.why, self.buttons, self.jobs):
            column.addWidget(part)
        self._stack.addWidget(empty)
        self._stack.addWidget(content)

    def _tools(self) -> QWidget:
        made = QWidget()
        row = QHBoxLayout(made)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        self.search.setPlaceholderText("Find a model")
        self.search.setClearButtonEnabled(True)
        self.menu.addAction("From &Ollama", lambda: self._bring_in("ollama"))
        self.menu.addAction("From &LM Studio", lambda: self._bring_in("lmstudio"))
        self.menu.addAction("From a &folder…", lambda: self._ask_folder("Import models from a folder", self._bring_in_folder))
        self.bring_in.setMenu(self.menu)
        row.addWidget(self.search, 1)
        row.addWidget(self.add)
        row.addWidget(self.bring_in)
        return made

    def _connect(self) -> None:
        self.details_button.setCheckable(True)
        self.search.textChanged.connect(lambda _: self.refresh())
        self.view.chosen.connect(self._show_chosen)
        self.view.opened.connect(self.details_button.click)
        self.view.removed.connect(lambda: self._act("remove"))
        self.watch.changed.connect(self.refresh)
        self.watch.failed.connect(self._tell)
        self.watch.detailed.connect(self._got_details)
        QShortcut(QKeySequence.StandardKey.Find, self, self.search.setFocus)
        QShortcut(QKeySequence.StandardKey.Refresh, self, self.watch.ask)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 (Qt's name)
        super().showEvent(event)
        self.watch.watch(on=True)

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 (Qt's name)
        super().hideEvent(event)
        self.watch.watch(on=False)

    # What it shows

    def refresh(self) -> None:
        models, failure = self.watch.models, self.watch.failure
        if not models.told or self._service.phase != "running":
            has_failed = failure is not None and self._service.phase == "running"
            self.note.setText(waiting_note("models", self._service.phase, failure))
            self.note.setObjectName("bad" if has_failed else "dim")
            self.note.style().polish(self.note)
            self.again.setVisible(has_failed)
            self._stack.setCurrentIndex(0)
            return
        self._stack.setCurrentIndex(1)
        self.memory.show_models(models)
        self.first.show_model(words.first_model(models), models)
        self.problem.setVisible(bool(self.problem.text()))
        sought = one_line(self.search.text(), 60)
        nothing = (
            f"No model has “{sought}” in it."
            if sought
            else "No model is here. Add a GGUF file, or import what is on this machine."
        )
        self.view.show_rows([words.row(model, models) for model in models.found(sought)], nothing)
        now = time.monotonic()
        self.jobs.show_jobs([job_shown(job, models, now) for job in models.shown_jobs()])
        self._show_chosen()

    def _show_chosen(self) -> None:
        """The buttons and the details of the chosen model."""
        models = self.watch.models
        model = models.get(self.view.chosen_id)
        self.details_button.setEnabled(model is not None)
        is_open = self.details_button.isChecked() and model is not None
        self.details.setVisible(is_open)
        self.buttons.show_actions(words.actions(model, models) if model is not None else [])
        problem = words.problem(model, models.memory) if model is not None else ""
        self.why.setText(breakable(problem))
        self.why.setVisible(bool(problem) and not is_open)
        if model is None or not is_open:
            return
        details = self._details_of(model)
        self.details.show_model(model, words.row(model, models), models.memory, details, speeds_of(models.speed(model.id)))

    def _details_of(self, model: Model) -> Details | None:
        """What is known; asked for anew where the model has changed since."""
        known = self._known.get(model.id)
        if known is None or (known[0].state, known[0].sha256) != (model.state, model.sha256):
            self._ask_details(model)
        return known[1] if known is not None else None

    def _ask_details(self, model: Model) -> None:
        asked = f"{model.id} {model.state} {model.sha256}"
        if self._asked_for != asked:
            self._asked_for = asked
            self.watch.ask_details(model.id)

    def _got_details(self, model_id: str, details: Details) -> None:
        model, verb = self.watch.models.get(model_id), self._wanted.pop(model_id, "")
        if model is None:
            return
        self._known[model_id] = (model, details)
        self._asked_for = ""
        if verb:
            self._confirm(verb, msgspec.structs.replace(model, running=details.running, waiting=details.waiting), details)
        self._show_chosen()

    def _tell(self, failure: Failure) -> None:
        self._wanted.clear()
        self.problem.setText(breakable(sentences(failure.message, failure.fix)))
        self.refresh()

    # What it does

    def _act(self, verb: str, model_id: str = "") -> None:
        model = self.watch.models.get(model_id or self.view.chosen_id)
        if model is None or words.why_not(verb, model, self.watch.models) or (verb == "remove" and not model.is_here):
            return
        self.problem.clear()
        if verb == "get_from":
            self._ask_folder("Get the model from a folder", lambda folder: self.watch.get(model.id, folder))
        elif verb == "get":
            self.watch.get(model.id)
        elif verb in ("unload", "remove"):
            self._wanted[model.id] = verb
            self.watch.ask_details(model.id)
        else:
            self.watch.wish(verb, model.id)

    def _confirm(self, verb: str, model: Model, details: Details) -> None:
        """Ask once more, where somebody loses something by it."""
        if verb == "unload" and not (model.running or model.waiting):
            self.watch.wish(verb, model.id)
            return
        question, consequence = (
            words.unload_question(model)
            if verb == "unload"
            else words.remove_question(model, details.path, str(self._service.home / "models"))
        )
        self._open(ConfirmDialog(question, consequence, verb.capitalize(), lambda: self.watch.wish(verb, model.id), self))

    def _add(self) -> None:
        self.problem.clear()
        self._open(AddDialog(lambda path, name, link: self.watch.add(path, name, link=link), self))

    def _bring_in(self, source: str) -> None:
        self.problem.clear()
        self.watch.bring_in(source)

    def _bring_in_folder(self, folder: str) -> None:
        self.problem.clear()
        self.watch.bring_in("folder", folder)

    def _ask_folder(self, title: str, chosen: Callable[[str], None]) -> None:
        picker = QFileDialog(self, title)
        picker.setFileMode(QFileDialog.FileMode.Directory)
        picker.setOption(QFileDialog.Option.ShowDirsOnly)
        picker.fileSelected.connect(chosen)
        self._open(picker)

    def _open(self, dialog: QDialog) -> None:
        """Not `exec`: events go on being read while it is open."""
        self.dialog = dialog
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _dismiss(self, job_id: str) -> None:
        self.watch.models.dismiss(job_id)
        self.refresh()
