"""Files sent to the appliance on this machine as forms, from disk; and answers that are files, to disk. Beside client.py the only
file that speaks HTTP."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from PySide6.QtCore import QByteArray, QFile, QIODevice, QObject, QTimer
from PySide6.QtNetwork import QHttpMultiPart, QHttpPart, QNetworkReply

from gui.client import Client, Failed, Failure, failure_of, status_of

SILENCE_MS = 1_900_000  # a long scan says nothing until it is read; the gateway's own bound is 30 minutes
USUAL_BYTES_MAX = 64 * 1024 * 1024  # of a file, as the gateway is installed
ANSWER_BYTES_MAX = 24 * 1024 * 1024
SAVED_BYTES_MAX = 2 * 1024 * 1024 * 1024
ITS_FILE = "file"  # a failure's `param`, where another gateway, or the same one later, would help nothing
CUT = Failure(
    "the gateway ended the call before it had all of the file",
    "is the file larger than it takes (64 MiB, unless set otherwise)?",
    param=ITS_FILE,
)
TOO_MUCH = Failure("the gateway's answer is larger than this app takes", "use `gatehouse guard scan`", param=ITS_FILE)


class Upload(msgspec.Struct, frozen=True):
    """`where`: the path on the appliance. `to`: a file that the answer is written to; without it the answer comes in memory."""

    where: str
    file: Path
    name: str
    password: str = ""
    to: Path | None = None


class Sending(QObject):
    """One call under way. Exactly one of `done` (the answer, empty where it went to a file) and `failed` follows, unless it is
    dropped before. `sent` is told how much of the file is away, from 0 to 1."""

    def __init__(
        self,
        client: Client,
        upload: Upload,
        done: Callable[[bytes], None],
        failed: Failed,
        sent: Callable[[float], None] = lambda _: None,
    ) -> None:
        super().__init__(client)
        self._upload, self._done, self._failed, self._sent = upload, done, failed, sent
        self._reply: QNetworkReply | None = None
        self._answer = bytearray()
        self._target: Any = None
        self._size = 0
        self._is_over = False
        self._too_much = False

    def begin(self, client: Client) -> None:
        file = QFile(str(self._upload.file))
        if not self._upload.file.is_file() or not file.open(QIODevice.OpenModeFlag.ReadOnly):
            self._end_later(Failure("the file can't be opened", "is it still there, and may you read it?", param=ITS_FILE))
            return
        if self._upload.to is not None:
            try:
                self._target = self._upload.to.open("xb")
            except OSError as error:
                self._end_later(
                    Failure(f"nothing can be written there: {error.strerror}", "choose another place", param=ITS_FILE)
                )
                return
        self._size = file.size()
        form = _form(self._upload, file)
        request = client.request(self._upload.where, client.token)
        request.setRawHeader(b"Content-Type", b'multipart/form-data; boundary="' + form.boundary().data() + b'"')
        request.setTransferTimeout(SILENCE_MS)
        reply = client.network.post(request, form)
        form.setParent(reply)  # and the file with it
        self._reply = reply
        reply.uploadProgress.connect(self._progressed)
        reply.readyRead.connect(self._read)
        reply.finished.connect(self._finished)

    def _end_later(self, failure: Failure) -> None:
        """Never before `begin` has returned: a thousand of them would stand in each other."""
        QTimer.singleShot(0, self, lambda: None if self._is_over else self._end(failure))

    def drop(self) -> None:
        """Nobody wants it any more."""
        self._is_over = True
        self._close(keep=False)
        if self._reply is not None:
            self._reply.abort()

    def _progressed(self, sent: int, whole: int) -> None:
        if whole > 0 and not self._is_over:
            self._sent(min(1.0, sent / whole))

    def _read(self) -> None:
        if self._is_over or self._reply is None:
            return
        data = bytes(self._reply.readAll().data())
        to_file = self._target is not None and status_of(self._reply) == 200
        if to_file:
            try:
                self._target.write(data)
            except OSError as error:
                self._end(Failure(f"it can't be written: {error.strerror}", "make room on the disk, or choose another place"))
                self._reply.abort()
                return
            self._too_much = self._target.tell() > SAVED_BYTES_MAX
        else:
            self._answer += data
            self._too_much = len(self._answer) > ANSWER_BYTES_MAX
        if self._too_much:
            self._reply.abort()

    def _finished(self) -> None:
        reply = self._reply
        if reply is None:
            return
        if reply.isOpen():
            self._read()
        reply.deleteLater()
        if self._is_over:
            self.deleteLater()
            return
        failure = TOO_MUCH if self._too_much else failure_of(reply, bytes(self._answer))
        if failure is not None and not failure.status and not failure.is_late and self._size > USUAL_BYTES_MAX:
            failure = CUT  # the gateway refuses it while it arrives: seldom does its answer come through
        self._end(failure)

    def _end(self, failure: Failure | None) -> None:
        self._is_over = True
        if self._target is not None and failure is None:
            try:
                self._target.close()
            except OSError as error:
                failure = Failure(f"it can't be written: {error.strerror}", "make room on the disk, or choose another place")
        self._close(keep=failure is None)
        if failure is not None:
            self._failed(failure)
        else:
            self._done(bytes(self._answer))
        self.deleteLater()

    def _close(self, *, keep: bool) -> None:
        target, self._target = self._target, None
        if target is None:
            return
        try:
            target.close()
        except OSError:
            keep = False
        if not keep and self._upload.to is not None:
            self._upload.to.unlink(missing_ok=True)


def _form(upload: Upload, file: QFile) -> QHttpMultiPart:
    form = QHttpMultiPart(QHttpMultiPart.ContentType.FormDataType)
    if upload.password:
        word = QHttpPart()
        word.setRawHeader(b"Content-Disposition", b'form-data; name="password"')
        word.setBody(QByteArray(upload.password.encode()))
        form.append(word)
    part = QHttpPart()
    name = "".join(one if one.isprintable() and one not in '"\\' else "_" for one in upload.name) or "file"
    part.setRawHeader(b"Content-Disposition", f'form-data; name="file"; filename="{name}"'.encode(errors="replace"))
    part.setRawHeader(b"Content-Type", b"application/octet-stream")
    part.setBodyDevice(file)
    file.setParent(form)
    form.append(part)
    return form
