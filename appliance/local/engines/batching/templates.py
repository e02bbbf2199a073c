"""Chat templates, rendered in a process of their own (template_room.py)."""

import contextlib
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import msgspec

from appliance.workers import frames, launch
from appliance.workers.frames import FrameError, FrameReader, FrameTooLarge
from appliance.workers.process import Limits

ROOM = "chat-template"
TOO_LARGE = "too_large"  # also template_room's
RENDER_SECONDS_MAX = 5.0
START_SECONDS_MAX = 30.0
MEMORY_BYTES_MAX = 512 * 1024 * 1024  # address space; Python with Jinja takes some 150 MB of it
_READ_BYTES = 256 * 1024

# Where a file brings no template; the form that most small models know.
CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


class TemplateRefused(Exception):
    """The template can't be used, or not for these messages. `code` is template_room's; the words quote no message."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(words)
        self.code = code
        self.words = words


class TemplateProcess:
    """One process; started anew when it died or took too long."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._reader = FrameReader()
        self._folder = ""
        self._last_id = 0

    def render(self, template: str, values: dict[str, Any], characters_max: int) -> str:
        """The prompt's text. Errors: TemplateRefused."""
        with self._lock:
            self._last_id += 1
            body = {"template": template, "values": values, "characters_max": characters_max}
            try:
                call = frames.encode(frames.Call(self._last_id, "render", body))
            except FrameTooLarge:
                raise TemplateRefused(TOO_LARGE, "the messages are too large") from None
            process = self._running()
            timer = threading.Timer(RENDER_SECONDS_MAX, process.kill)
            timer.start()
            try:
                self._say(process, call)
                answer = self._answer(process)
            finally:
                timer.cancel()
        if isinstance(answer, frames.Error):
            raise TemplateRefused(answer.code, answer.message)
        assert isinstance(answer.body, str)
        return answer.body

    def start(self) -> None:
        """Have the process made before it is needed."""
        with self._lock:
            self._running()

    def close(self) -> None:
        """End the process. A later `render` makes another."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            with contextlib.suppress(OSError):  # what was not sent any more
                pipe.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is not None and self._process.poll() is None:
            return self._process
        self._end()
        self._folder = folder = tempfile.mkdtemp(prefix="templates-")
        self._reader = FrameReader()
        self._process = subprocess.Popen(
            launch.command_line(ROOM),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=launch.working_folder(Path(folder)),
            env=launch.environment({}),
        )
        limits = Limits(memory_bytes=MEMORY_BYTES_MAX, files=0 if sys.platform == "win32" else 64)
        started = {"folder": folder, "limits": msgspec.to_builtins(limits)}
        self._say(self._process, frames.encode(frames.Event("start", started)))
        return self._process

    @staticmethod
    def _say(process: "subprocess.Popen[bytes]", data: bytes) -> None:
        assert process.stdin is not None
        try:
            process.stdin.write(data)
            process.stdin.flush()
        except OSError as error:
            raise TemplateRefused("broken", "its process ended") from error

    def _answer(self, process: "subprocess.Popen[bytes]") -> frames.End | frames.Error:
        assert process.stdout is not None
        while data := process.stdout.read1(_READ_BYTES):  # type: ignore[attr-defined]  # a pipe's reader is buffered
            try:
                for frame in self._reader.feed(data):
                    if isinstance(frame, frames.End | frames.Error) and frame.id == self._last_id:
                        return frame
            except FrameError:
                process.kill()
                break
        process.wait()
        raise TemplateRefused("broken", "it takes too long, or too much memory")
