"""A file while it is read: copied to the worker that has it in hand, and to another where that one is gone or busy.

Copied, not linked: a worker can write to its folder, and what was inspected must be what is sent.
"""

import asyncio
import secrets
import shutil
import stat
from pathlib import Path
from typing import TypeVar

import msgspec

from appliance.files.calls import called
from appliance.files.confined import REDACTION_COSTS, FilesHow
from appliance.files.crew import Crew, Member
from appliance.files.document import Document, FileError, Pixels, Redacted
from appliance.files.orders import Draw, Read, Redact, Show
from appliance.workers import launch

Answer = TypeVar("Answer")
PIXELS_BYTES_MAX = 256 * 1024 * 1024
RESULT_BYTES_MAX = 512 * 1024 * 1024
_ANEW = "Save it anew with the program that made it."


class HeldFile:
    """`crew`: those who read and draw it."""

    def __init__(self, path: Path, crew: Crew, how: FilesHow) -> None:
        self._path = path
        self._crew = crew
        self._how = how
        self._copies: dict[Member, Path] = {}
        self._last: Member | None = None
        self._seconds_left = how.file_seconds_max
        self._folder: Path | None = None  # ours alone, for what workers made

    async def read(self, order: Read) -> Document:
        """Errors: FileError, OSError, those of Crew.member."""
        async with self._crew.member(self._last) as member:
            order = msgspec.structs.replace(order, path=str(await self._copied(member)))
            return await self.timed(member, "read", order, Document, self._how.seconds_max)

    async def draw(self, order: Draw) -> Pixels:
        """Errors: as read."""
        async with self._crew.member(self._last) as member:
            order = msgspec.structs.replace(order, path=str(await self._copied(member)))
            return await self._taken(await self.timed(member, "picture", order, Pixels, self._how.seconds_max), member)

    async def show(self, order: Show) -> Pixels:
        """Errors: as read."""
        async with self._crew.member(self._last) as member:
            order = msgspec.structs.replace(order, path=str(await self._copied(member)))
            return await self._taken(await self.timed(member, "page", order, Pixels, self._how.seconds_max), member)

    async def rewrite(self, order: Redact, result: Path) -> Redacted:
        """Errors: as read."""
        async with self._crew.member(self._last) as member:
            copy = await self._copied(member)
            written = copy.with_name(f"result-{secrets.token_hex(8)}")
            order = msgspec.structs.replace(order, path=str(copy), result=str(written))
            try:
                redacted = await self.timed(member, "redact", order, Redacted, self._how.seconds_max * REDACTION_COSTS)
                await asyncio.to_thread(_take, written, result, RESULT_BYTES_MAX)
            finally:
                written.unlink(missing_ok=True)
        return redacted

    async def timed(self, member: Member, method: str, order: msgspec.Struct, answer: type[Answer], seconds_max: float) -> Answer:
        """A call whose time is the file's; waiting for a worker is not. Errors: those of `called`."""
        began = asyncio.get_running_loop().time()
        try:
            return await called(member, method, order, answer, min(seconds_max, max(0.0, self._seconds_left)))
        finally:
            self._seconds_left -= asyncio.get_running_loop().time() - began

    async def hand(self, pixels: Pixels, to: Member) -> Pixels:
        """A drawn picture, moved to the folder of the worker that looks at it. Errors: OSError."""
        place = to.worker.folder / Path(pixels.file).name
        await asyncio.to_thread(shutil.move, pixels.file, place)
        return msgspec.structs.replace(pixels, file=str(place))

    async def let_go(self) -> None:
        """Remove what lies in workers' folders of it, and our own."""
        copies, self._copies = list(self._copies.values()), {}
        await asyncio.to_thread(_remove, copies, self._folder)

    async def _copied(self, member: Member) -> Path:
        self._last = member
        if member not in self._copies:
            place = member.worker.folder / f"file-{secrets.token_hex(8)}"
            self._copies[member] = place  # before it is whole, so that it is removed in any case
            await asyncio.to_thread(shutil.copyfile, self._path, place)
        return self._copies[member]

    async def _taken(self, pixels: Pixels, member: Member) -> Pixels:
        """A picture out of the reach of the worker that drew it, which may end now. It is one of its folder, whatever it says."""
        size = pixels.width * pixels.height * pixels.channels
        if not (pixels.width > 0 and pixels.height > 0 and pixels.channels in (1, 3) and size <= PIXELS_BYTES_MAX):
            raise _senseless()
        self._folder = self._folder or launch.new_folder()
        place = self._folder / f"pixels-{secrets.token_hex(8)}"
        await asyncio.to_thread(_take, member.worker.folder / Path(pixels.file).name, place, size)
        if place.stat().st_size != size:
            raise _senseless()
        return msgspec.structs.replace(pixels, file=str(place))


def _take(source: Path, target: Path, bytes_max: int) -> None:
    """Move a worker's file. It is looked at once it is out of the worker's reach: a link, or too large, is none."""
    try:
        source.rename(target)
    except FileNotFoundError:
        raise _senseless() from None
    except OSError:  # another disk
        if source.is_symlink():
            raise _senseless() from None
        shutil.copyfile(source, target, follow_symlinks=False)
    facts = target.lstat()
    if not stat.S_ISREG(facts.st_mode) or facts.st_nlink != 1 or facts.st_size > bytes_max:
        target.unlink()
        raise _senseless()


def _remove(paths: list[Path], folder: Path | None) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)


def _senseless() -> FileError:
    return FileError("MALFORMED", "what was read in the file makes no sense", _ANEW)
