"""The server's side of reading files: workers that read them, workers that look at pictures, and what both say as one Document.

    pool = FilePool(how, clock=clock)
    document = await pool.read(path, name="letter.pdf")
    redacted = await pool.redact(path, changes, result, document=document)
    await pool.close()

Each call in a worker has an end: by the clock (the worker is killed), by processor time and memory (the kernel). What a
worker says is believed no more than the file that it read.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from appliance.clock import Clock
from appliance.errors import GuardrailFailed, Overloaded
from appliance.files import joining, text_layers
from appliance.files.calls import called
from appliance.files.confined import REDACTION_COSTS, FilesHow, Task, start_worker
from appliance.files.crew import Crew, CrewBounds
from appliance.files.document import PICTURES_MAX, Change, Document, FileError, Pixels, Redacted, Seen
from appliance.files.held import HeldFile
from appliance.files.orders import Draw, EngineHere, Look, Read, Redact, Show, Warm
from appliance.files.png import write_png
from appliance.files.watching import watch_of
from appliance.workers.sandbox import Level

Progress = Callable[[int, int], None]
"""Pages that were read, of pages."""


class FilePool:
    """One an appliance. Nothing runs until the first file comes, or `warm`."""

    def __init__(self, how: FilesHow, *, clock: Clock) -> None:
        self._how = how
        self._waiting = 0

        def crew(task: Task, workers: int) -> Crew:
            watch = watch_of(how.folder_bytes_max, how.ocr_memory_bytes if task == "ocr" else how.memory_bytes)
            bounds = CrewBounds(workers, how.files_per_worker, how.idle_seconds, watch)
            return Crew(task, lambda: start_worker(task, how, clock), bounds, clock)

        self._reading, self._looking = crew("files", how.workers), crew("ocr", how.ocr_workers)

    async def read(self, path: Path, *, name: str = "", password: str = "", on_progress: Progress | None = None) -> Document:
        """What stands in a file: its own pieces, then those of its pictures.

        Errors:  FileError; Overloaded when too many files wait; GuardrailFailed when no worker can be started.
        """
        async with self._in_turn(), self._held(path) as file:
            order = Read("", name, password, self._how.cpu_seconds_max)
            document = await file.read(order)
            await self._look_at_pictures(file, order, document, on_progress or _nobody)
        return document

    async def redact(
        self, path: Path, changes: Sequence[Change], result: Path, *, password: str = "", document: Document | None = None
    ) -> Redacted:
        """Write the file anew without what `changes` name; nothing is at `result` where that fails.

        Shapes:  `document`: what `read` gave, pieces and all; where it is left out the file is read again.
        Errors:  as read.
        """
        if document is None:
            document = await self.read(path, password=password)
        order = Redact("", "", list(changes), document, password, self._how.cpu_seconds_max * REDACTION_COSTS)
        async with self._in_turn(), self._held(path) as file:
            return await file.rewrite(order, result)

    async def show(self, path: Path, target: Path, *, page: int, width: int, name: str = "", password: str = "") -> None:
        """Draw a page as people see it, `width` pixels wide at most, and write it to `target` as a PNG. A worker gives plain
        pixels, and the PNG is made here: whoever opens it opens nothing that a worker wrote.

        Errors:  as read; FileError UNSUPPORTED for what has no pages, MALFORMED where there is no such page.
        """
        async with self._in_turn(), self._held(path) as file:
            pixels = await file.show(Show("", page, width, name, password, self._how.cpu_seconds_max))
            await asyncio.to_thread(write_png, pixels, target)

    async def warm(self) -> None:
        """Start a worker of each kind and load the engines for pictures. Errors: as read."""
        async with self._reading.member():
            pass
        await self.engines()

    async def engines(self) -> list[EngineHere]:
        """What reads pictures here, loaded. Errors: as read."""
        order = Warm(self._how.ocr_engine, self._how.ocr_languages, self._how.ocr_cpu_seconds_max)
        async with self._looking.member() as member:
            return await called(member, "warm", order, list[EngineHere], self._how.ocr_seconds_max)

    async def level(self) -> Level:
        """How well both kinds of workers are confined: what either lacks. Errors: GuardrailFailed, ShuttingDown."""
        for crew in (self._reading, self._looking):
            if crew.level is None:
                async with crew.member():
                    pass
        levels = [crew.level or Level() for crew in (self._reading, self._looking)]
        lacks = list(dict.fromkeys(lack for level in levels for lack in level.lacks))
        return Level([wall for wall in levels[0].has if wall in levels[1].has], lacks)

    async def close(self) -> None:
        await asyncio.gather(self._reading.close(), self._looking.close())

    @asynccontextmanager
    async def _in_turn(self) -> AsyncIterator[None]:
        """A bound for the files that wait."""
        if self._waiting >= self._how.queue_max:
            raise Overloaded("too many files wait to be read", fix="Send them one after another.", retry_after_seconds=5)
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1

    @asynccontextmanager
    async def _held(self, path: Path) -> AsyncIterator[HeldFile]:
        file = HeldFile(path, self._reading, self._how)
        try:
            yield file
        except OSError as error:
            raise GuardrailFailed(
                f"a file can't be handed to the worker that reads it: {error.strerror}", fix="Make room on the disk."
            ) from None
        finally:
            await file.let_go()

    async def _look_at_pictures(self, file: HeldFile, read: Read, document: Document, on_progress: Progress) -> None:
        """Draw and read each picture in turn: no more than one is on the disk, however many a file has."""
        pages = joining.Pages(document)
        on_progress(pages.done, pages.all)
        pictures = document.pictures[:PICTURES_MAX]
        if len(document.pictures) > PICTURES_MAX:
            document.unread.append(f"all but the first {PICTURES_MAX} of its pictures")
        for picture in pictures:
            order = Draw("", picture.number, picture.dpi, read.name, read.password, read.cpu_seconds)
            try:
                pixels = await file.draw(order)
                seen = await self._seen(file, pixels)
            except FileError as error:
                if error.code == "TIMEOUT":
                    raise
                document.unread.append(f"{joining.place_of(picture)}: {error.message}")
            else:
                document.pieces += joining.pieces(picture, seen)
            pages.finish(picture)
            on_progress(pages.done, pages.all)
        text_layers.confirm(document)

    async def _seen(self, file: HeldFile, pixels: Pixels) -> Seen:
        async with self._looking.member() as member:
            moved = await file.hand(pixels, member)
            order = Look(moved, self._how.ocr_engine, self._how.ocr_languages, self._how.ocr_cpu_seconds_max)
            try:
                return await file.timed(member, "lines", order, Seen, self._how.ocr_seconds_max)
            finally:
                await asyncio.to_thread(_remove, moved.file)


def _remove(path: str) -> None:
    Path(path).unlink(missing_ok=True)


def _nobody(done: int, pages: int) -> None:
    pass
