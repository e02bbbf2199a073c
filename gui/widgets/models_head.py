"""The top of the models page: memory, and what to begin with while there is no model."""

from collections.abc import Callable

from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout

from gui.model_row_state import engine_line, first_words, memory_line
from gui.models_state import Model, Models
from gui.plain_text import breakable
from gui.widgets.elided import Elided
from gui.widgets.memory_bar import MemoryBar
from gui.widgets.parts import button, label


class MemoryCard(QFrame):
    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("card")
        self.used, self.loaded, self.engine, self.bar = Elided("h2"), Elided("dim"), Elided("dim"), MemoryBar()
        layout, foot = QVBoxLayout(self), QHBoxLayout()
        layout.setContentsMargins(16, 11, 16, 11)
        layout.setSpacing(7)
        foot.setSpacing(16)
        foot.addWidget(self.loaded, 1)
        foot.addWidget(self.engine)
        layout.addWidget(self.used)
        layout.addWidget(self.bar)
        layout.addLayout(foot)

    def show_models(self, models: Models) -> None:
        used, loaded = memory_line(models)
        pieces = [max(model.rss_bytes or 0, model.memory_bytes) for model in models.loaded]  # the gateway counts so too
        self.used.setText(used)
        self.loaded.setText(loaded)
        self.engine.setText(engine_line(models))
        self.bar.show_memory(pieces, models.memory.used_bytes, models.memory.budget_bytes, used)


class FirstModel(QFrame):
    """Recommends one while none is here. Hidden where there is nothing to recommend."""

    def __init__(self, get: Callable[[], None]) -> None:
        super().__init__()
        self.setObjectName("hint")
        self.model_id = ""
        self.title, self.text = label(name="h2", wraps=True), label(wraps=True)
        self.get = button("Get it", get, "primary")
        row, column = QHBoxLayout(self), QVBoxLayout()
        row.setContentsMargins(16, 12, 16, 12)
        row.setSpacing(16)
        column.setSpacing(3)
        column.addWidget(self.title)
        column.addWidget(self.text)
        row.addLayout(column, 1)
        row.addWidget(self.get)

    def show_model(self, model: Model | None, models: Models) -> None:
        self.setVisible(model is not None)
        if model is None:
            return
        self.model_id = model.id
        self.title.setText(breakable(f"No model is here yet. A good first one: {model.title}"))
        self.text.setText(breakable(first_words(model)))
        self.get.setEnabled(models.job_for(model.id) is None and model.id not in models.asked)
        self.get.setAccessibleName(f"Get {model.title}")
