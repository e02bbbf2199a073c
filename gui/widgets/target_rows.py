"""The deployments of a route in its dialog: a row each of provider, model and weight."""

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QCompleter, QDoubleSpinBox, QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from gui.plain_text import breakable
from gui.providers_watch import ProvidersWatch
from gui.route_form_state import OWN, TargetForm
from gui.widgets.form_field import PART_HEIGHT, combo
from gui.widgets.parts import button, label

WEIGHT_MAX, WEIGHT_WIDTH = 1_000_000, 116
ROW_HEIGHT, SHOWN_MAX = 36, 4


class TargetRow(QWidget):
    """Models are offered in a list; another name may be typed. `changed`: by somebody's hand."""

    changed = Signal()

    def __init__(self, number: int, providers: list[str], target: TargetForm, remove: Callable[["TargetRow"], None]) -> None:
        super().__init__()
        self.provider, self.model, self.weight = combo("Provider"), combo("Model"), QDoubleSpinBox()
        self.remove = button("Remo&ve" if number == 0 else "Remove", lambda: remove(self), "small")
        self.problem = label(name="bad", wraps=True)
        for name in providers:
            self.provider.addItem(name, name)
            self.provider.setItemData(self.provider.count() - 1, OWN.get(name, ""), Qt.ItemDataRole.ToolTipRole)
        self.provider.setCurrentIndex(max(0, self.provider.findData(target.provider)))
        self.model.setEditable(True)
        self.model.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self._complete_anywhere()
        self.model.setEditText(target.model)
        self.weight.setRange(0, WEIGHT_MAX)
        self.weight.setPrefix("weight ")
        self.weight.setMinimumHeight(PART_HEIGHT)
        self.weight.setFixedWidth(WEIGHT_WIDTH)
        self.weight.setDecimals(2 if target.weight % 1 else 0)
        self.weight.setValue(target.weight)
        self.weight.setToolTip("Its share of the requests, by weight. 0: nothing new goes there.")
        self.name_parts(number)
        self._show_beginning()
        self.provider.currentIndexChanged.connect(lambda _: self._edited())
        self.model.activated.connect(lambda _: self._show_beginning())
        self.model.editTextChanged.connect(lambda _: self._edited())
        self.weight.valueChanged.connect(lambda _: self._edited())
        column, row = QVBoxLayout(self), QHBoxLayout()
        column.setContentsMargins(0, 2, 0, 2)
        column.setSpacing(2)
        row.setSpacing(8)
        for part, stretch in ((self.provider, 2), (self.model, 3), (self.weight, 0), (self.remove, 0)):
            row.addWidget(part, stretch)
        column.addLayout(row)
        column.addWidget(self.problem)
        self.problem.hide()

    def _complete_anywhere(self) -> None:
        """A part of the name is enough: those of some providers all begin alike."""
        completer = self.model.completer()
        assert completer is not None  # an editable box has one
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        completer.setCompletionMode(QCompleter.CompletionMode.PopupCompletion)
        for part in (self.provider, self.model):
            part.setMinimumContentsLength(8)
            part.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)

    def _show_beginning(self) -> None:
        if (edit := self.model.lineEdit()) is not None:
            edit.setCursorPosition(0)

    def name_parts(self, number: int) -> None:
        for part, name in ((self.provider, "Provider"), (self.model, "Model"), (self.weight, "Weight"), (self.remove, "Remove")):
            part.setAccessibleName(f"{name} of deployment {number + 1}")

    def offer(self, models: list[str], note: str) -> None:
        edit = self.model.lineEdit()
        assert edit is not None
        edit.setPlaceholderText(note)
        if models != [self.model.itemText(place) for place in range(self.model.count())]:
            typed = self.model.currentText()
            self.model.blockSignals(True)
            self.model.clear()
            self.model.addItems(models)
            self.model.setEditText(typed)
            self.model.blockSignals(False)

    def _edited(self) -> None:
        self.show_problem("")
        self.changed.emit()

    @property
    def now(self) -> TargetForm:
        return TargetForm(str(self.provider.currentData() or ""), self.model.currentText().strip(), self.weight.value())

    @property
    def height_needed(self) -> int:
        layout = self.layout()
        assert layout is not None
        layout.activate()
        return layout.totalSizeHint().height()

    def show_problem(self, text: str) -> None:
        self.problem.setText(breakable(text))
        self.problem.setVisible(bool(text))
        self.model.setAccessibleDescription(text)


class TargetRows(QWidget):
    """All of them. A provider's models are asked from it when it is chosen, once."""

    changed = Signal()

    def __init__(self, watch: ProvidersWatch) -> None:
        super().__init__()
        self._watch = watch
        self._providers: list[str] = []
        self._asked: set[str] = set()
        self.rows: list[TargetRow] = []
        self.add = button("Add a &deployment", self._add, "small")
        self.area = QScrollArea()
        self.area.setObjectName("rows")
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        inside = QWidget()
        inside.setObjectName("clear")
        self._column = QVBoxLayout(inside)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self._column.addStretch()
        self.area.setWidget(inside)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.area, 1)
        layout.addWidget(self.add, 0, Qt.AlignmentFlag.AlignLeft)
        watch.changed.connect(self._offer)

    def show_targets(self, providers: list[str], targets: list[TargetForm]) -> None:
        self._providers = providers
        for target in targets or [TargetForm(providers[0])]:
            self._put(target)

    @property
    def now(self) -> list[TargetForm]:
        return [row.now for row in self.rows]

    def has(self, name: str) -> bool:
        return name in (f"targets[{place}]" for place in range(len(self.rows)))

    def show_problems(self, problems: dict[str, str]) -> None:
        for place, row in enumerate(self.rows):
            row.show_problem(problems.get(f"targets[{place}]", ""))
        self._fit()

    def _add(self) -> None:
        last = self.rows[-1].now.provider if self.rows else self._providers[0]
        self._put(TargetForm(last))
        self.changed.emit()
        self.rows[-1].model.setFocus()
        self.area.ensureWidgetVisible(self.rows[-1])

    def _put(self, target: TargetForm) -> None:
        row = TargetRow(len(self.rows), self._providers, target, self._remove)
        row.provider.currentIndexChanged.connect(lambda _: self._provider_chosen(row))
        row.changed.connect(self._changed)
        self.rows.append(row)
        self._column.insertWidget(self._column.count() - 1, row)
        self._offer()
        self._fit()

    def _remove(self, row: TargetRow) -> None:
        self.rows.remove(row)
        self._column.removeWidget(row)
        row.deleteLater()
        for number, left in enumerate(self.rows):
            left.name_parts(number)
        self._changed()
        (self.rows[-1].model if self.rows else self.add).setFocus()

    def _changed(self) -> None:
        self._fit()
        self.changed.emit()

    def _provider_chosen(self, row: TargetRow) -> None:
        """Another provider has other models."""
        row.model.setEditText("")
        self._offer()

    def _offer(self) -> None:
        for row in self.rows:
            name = row.now.provider
            provider = self._watch.providers.named(name)
            models = self._watch.local_models if name in OWN else self._watch.providers.models_of(name)
            if provider is not None and not models and name not in self._asked and provider.id not in self._watch.providers.asked:
                self._asked.add(name)
                self._watch.test(provider.id)
            is_asked = provider is not None and provider.id in self._watch.providers.asked
            row.offer(models, "Asking for its models…" if is_asked else "Choose a model" if models else "Its model's name")

    def _fit(self) -> None:
        """About four are seen at once."""
        needed = sum(row.height_needed for row in self.rows)
        self.area.setFixedHeight(min(max(ROW_HEIGHT, needed), ROW_HEIGHT * SHOWN_MAX))
