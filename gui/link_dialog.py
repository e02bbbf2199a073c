"""A link that lets somebody in, shown once."""

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QHBoxLayout, QVBoxLayout, QWidget

from gui.plain_text import breakable, one_line
from gui.widgets.parts import button, field, label

WIDTH = 560
_LEFT = "It hasn't been copied, and can't be shown again. Close once more to leave it."
_TRUST = (
    "Send it by a way that only they read. On their machine a browser asks whether to trust this gateway's certificate; its "
    "fingerprint is on the network page (/join)."
)


class LinkDialog(QDialog):
    """`whom`: for whom it is; `until`: in words. It closes at the second try, unless it was copied."""

    def __init__(self, link: str, whom: str, until: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Invitation")
        self.setMinimumWidth(WIDTH)
        self._is_copied = self._is_warned = False
        self.title = label(breakable(f"The link for {one_line(whom, 120)}" if whom else "The link"), "h2", wraps=True)
        self.note = label(f"It works once, {until}. It is shown this once and kept nowhere.", wraps=True)
        self.link, self.copy = field("The link"), button("&Copy link", self._copy, "primary")
        self.link.setText(link)
        self.link.setReadOnly(True)
        self.link.setCursorPosition(0)
        self.trust, self.said = label(_TRUST, "dim", wraps=True), label(name="warn", wraps=True)
        self.local = label(
            "It leads to this machine only. Open the gateway to the local network first (`gatehouse lan on`, or the wizard).",
            "warn",
            wraps=True,
        )
        self.local.setVisible(is_local(link))
        self.close_it = button("Close", self.reject)
        layout, value, foot = QVBoxLayout(self), QHBoxLayout(), QHBoxLayout()
        layout.setContentsMargins(20, 18, 20, 18)
        layout.setSpacing(10)
        value.addWidget(self.link, 1)
        value.addWidget(self.copy)
        foot.addWidget(self.said, 1)
        foot.addWidget(self.close_it)
        for part in (self.title, self.note):
            layout.addWidget(part)
        layout.addLayout(value)
        layout.addWidget(self.local)
        layout.addWidget(self.trust)
        layout.addLayout(foot)
        self.copy.setDefault(True)
        self.copy.setFocus()

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.link.text())
        self._is_copied = True
        self.said.setText("Copied.")

    def reject(self) -> None:
        if self._is_copied or self._is_warned:
            super().reject()
            return
        self._is_warned = True
        self.said.setText(_LEFT)
        self.copy.setFocus()


def is_local(link: str) -> bool:
    return link.split("://")[-1].startswith(("127.", "localhost", "[::1]"))
