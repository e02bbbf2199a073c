"""The playground: a chat with any model, streamed, through a key of its own that lives for 12 hours at most."""

import datetime
import time
from collections.abc import Callable
from typing import Any

from PySide6.QtWidgets import QComboBox, QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from gui.client import ChatStream, Failure
from gui.playground_state import Conversation, key_expiry, summary
from gui.service import Service
from gui.widgets.parts import button, field, label


class Playground(QWidget):
    def __init__(self, service: Service) -> None:
        super().__init__()
        self._service = service
        self.conversation = Conversation()
        self._key = self._key_id = self._key_home = ""
        self._stream: ChatStream | None = None
        self._began = 0.0
        self.model = QComboBox()
        self.model.setAccessibleName("Model")
        self.said = QPlainTextEdit()
        self.said.setObjectName("field")
        self.said.setReadOnly(True)
        self.said.setAccessibleName("Conversation")
        self.said.setPlaceholderText("Ask something below: the answer appears here as it is written.")
        self.question = field("Message")
        self.question.setPlaceholderText("Message")
        self.question.returnPressed.connect(self.send)
        self.send_button = button("&Send", self.send, "primary")
        self.stop_button = button("S&top", self.stop)
        self.clear_button = button("&New chat", self.clear)
        self.note = label(name="dim", wraps=True)
        self._lay_out()
        service.changed.connect(self.refresh)
        self.refresh()

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(10)
        top, foot = QHBoxLayout(), QHBoxLayout()
        top.addWidget(label("Model"))
        top.addWidget(self.model, 1)
        top.addWidget(self.clear_button)
        for part in (self.send_button, self.stop_button):
            foot.addWidget(part)
        foot.insertWidget(0, self.question, 1)
        layout.addLayout(top)
        layout.addWidget(self.said, 1)
        layout.addWidget(self.note)
        layout.addLayout(foot)

    def refresh(self) -> None:
        names = list((self._service.overview or {}).get("models", ()))
        if names and names != [self.model.itemText(place) for place in range(self.model.count())]:
            chosen = self.model.currentText()
            self.model.clear()
            self.model.addItems(names)
            self.model.setCurrentText(chosen)
        busy = self.conversation.is_answering
        self.send_button.setEnabled(self._service.phase == "running" and self.model.count() > 0 and not busy)
        self.stop_button.setEnabled(busy)
        self.clear_button.setEnabled(not busy)

    def send(self) -> None:
        if not self.send_button.isEnabled() or not self.conversation.ask(self.question.text()):
            return
        self._append(f"You: {self.conversation.messages[-1]['content']}\n\n")
        self.question.clear()
        self.note.setText("Answering…")
        self.refresh()
        if self._key and self._key_home == self._service.client.url:
            self._chat()
            return
        body = {"name": "Playground", "environment": "development", "expires_at": key_expiry(datetime.datetime.now(datetime.UTC))}
        self._service.client.call("POST", "/api/v1/admin/machine/api-keys", self._got_key, self._failed, body)

    def _got_key(self, made: Any) -> None:
        self._key, self._key_id, self._key_home = str(made["key"]), str(made["id"]), self._service.client.url
        if self.conversation.is_answering:
            self._chat()

    def _chat(self) -> None:
        self._began = time.monotonic()
        self._append(f"{self.model.currentText()}: ")
        stream = ChatStream(self._service.client, self._key, self.model.currentText(), list(self.conversation.messages))
        stream.text.connect(self._text)
        stream.ended.connect(self._ended)
        stream.failed.connect(self._failed)
        self._stream = stream

    def _text(self, text: str) -> None:
        self.conversation.add(text)
        self._append(text)

    def _append(self, text: str) -> None:
        bar = self.said.verticalScrollBar()
        at_end = bar.value() >= bar.maximum() - 4
        cursor = self.said.textCursor()
        cursor.movePosition(cursor.MoveOperation.End)
        cursor.insertText(text)
        if at_end:
            bar.setValue(bar.maximum())

    def _ended(self, tokens_in: int, tokens_out: int) -> None:
        self._over(summary(tokens_in, tokens_out, time.monotonic() - self._began))

    def _failed(self, failure: Failure) -> None:
        if failure.status == 401:  # revoked or run out: the next question makes a new one
            self._key = self._key_id = ""
        self.conversation.fail()
        self._over(f"{failure.message}. {failure.fix}")

    def stop(self) -> None:
        if self._stream is not None:
            self._stream.stop()
        self.conversation.fail()
        self._over("Stopped.")

    def _over(self, note: str) -> None:
        self.conversation.end()
        if self._stream is not None:
            self._stream.deleteLater()
            self._stream = None
        self._append("\n\n")
        self.note.setText(note)
        self.refresh()

    def clear(self) -> None:
        self.conversation = Conversation()
        self.said.clear()
        self.note.clear()

    def revoke(self, then: Callable[[], None]) -> None:
        """Give the key back, then go on; two seconds at most."""
        key_id, self._key, self._key_id = self._key_id, "", ""
        if not key_id or self._service.phase != "running":
            then()
            return
        path = f"/api/v1/admin/api-keys/{key_id}"
        self._service.client.call("DELETE", path, lambda _: then(), lambda _: then(), deadline_ms=2_000)
