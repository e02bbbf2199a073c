"""A new API key: shown once, with a button that copies it."""

from typing import Any

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QHBoxLayout, QVBoxLayout, QWidget

from gui.client import Client, Failure
from gui.widgets.parts import button, field, label


class KeyDialog(QDialog):
    def __init__(self, client: Client, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("New API key")
        self.setMinimumWidth(460)
        self._client = client
        self.name, self.key = field("Name of the key"), field("The new key")
        self.name.setPlaceholderText("What is it for?")
        self.key.setReadOnly(True)
        self.key.hide()
        self.note = label("A key lets one program send requests.", "dim", wraps=True)
        self.make, self.copy = button("&Make key", self._make, "primary"), button("&Copy", self._copy, "primary")
        self.copy.hide()
        row = QHBoxLayout()
        row.addStretch()
        for pressed in (self.make, self.copy, button("C&lose", self.close)):
            row.addWidget(pressed)
        layout = QVBoxLayout(self)
        for part in (self.note, self.name, self.key):
            layout.addWidget(part)
        layout.addLayout(row)

    def _make(self) -> None:
        self.make.setEnabled(False)
        body = {"name": self.name.text().strip() or "From the tray", "environment": "production", "expires_at": None}
        self._client.call("POST", "/api/v1/admin/machine/api-keys", self._made, self._failed, body)

    def _made(self, made: Any) -> None:
        self.name.hide()
        self.make.hide()
        self.key.setText(str(made["key"]))
        self.key.show()
        self.copy.show()
        self.copy.setFocus()
        self.note.setText("Copy it now: it is shown this once and can't be read again.")

    def _failed(self, failure: Failure) -> None:
        self.make.setEnabled(True)
        self.note.setText(f"{failure.message}. {failure.fix}")

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.key.text())
        self.note.setText("Copied. It can't be shown again after this window.")
