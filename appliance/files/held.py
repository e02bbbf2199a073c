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
from appliance.files.document import FileError, Pixels, Redacted
from appliance.files.orders import Draw, Read, Redact

Answer = TypeVar("Answer")
PIXELS_BYTES_MAX = 256 * 1024 * 1024
RESULT_BYTES_MAX = 512 * 1024 * 1024
_ANEW = "Save it anew with the program that made it."


class HeldFile:
    def __init__(self, path: Path, crew: Crew, how: FilesHow) -> None:
        self._path = path
        self._crew = crew
        self._how = how
        self._copies: dict[Member, Path] = {}
        self._last: Member | None = None

    async def ask(self, method: str, order: Read | Draw, answer: type[Answer]) -> Answer:
        """Errors: FileError, OSError, those of Crew.member."""
        async with self._crew.member(self._last) as member:
            copy = await self._copied(member)
            order = msgspec.structs.replace(order, path=str(copy))
            return self._placed(await called(member, method, order, answer, self._how.seconds_max), member)

    async def rewrite(self, order: Redact, result: Path) -> Redacted:
        """Errors: as ask."""
        async with self._crew.member(self._last) as member:
            copy = await self._copied(member)
            written = copy.with_name(f"result-{secrets.token_hex(8)}")
            order = msgspec.structs.replace(order, path=str(copy), result=str(written))
            try:
                redacted = await called(member, "redact", order, Redacted, self._how.seconds_max * REDACTION_COSTS)
                await asyncio.to_thread(_take, written, result, RESULT_BYTES_MAX)
            finally:
                written.unlink(missing_ok=True)
        return redacted

    async def handed(self, pixels: Pixels, to: Member) -> Pixels:
        """A drawn picture, moved to the folder of the worker that looks at it.

        Errors:  FileError where it isn't what it says.
        """
        place = to.worker.folder / f"pixels-{secrets.token_hex(8)}"
        size = pixels.width * pixels.height * pixels.channels
        if not (pixels.width > 0 and pixels.height > 0 and pixels.channels in (1, 3) and size <= PIXELS_BYTES_MAX):
            raise _senseless()
        await asyncio.to_thread(_take, Path(pixels.file), place, size)
        if place.stat().st_size != size:
            place.unlink()
            raise _senseless()
        return msgspec.structs.replace(pixels, file=str(place))

    async def let_go(self) -> None:
        """Remove what lies in workers' folders of it."""
        copies, self._copies = list(self._copies.values()), {}
        await asyncio.to_thread(_remove, copies)

    async def _copied(self, member: Member) -> Path:
        self._last = member
        if member not in self._copies:
            place = member.worker.folder / f"file-{secrets.token_hex(8)}"
            self._copies[member] = place  # before it is whole, so that it is removed in any case
            await asyncio.to_thread(shutil.copyfile, self._path, place)
        return self._copies[member]

    @staticmethod
    def _placed(answer: Answer, member: Member) -> Answer:
        """A picture's file is one in the worker's folder, by its bare name, whatever it says."""
        if not isinstance(answer, Pixels):
            return answer
        return msgspec.structs.replace(answer, file=str(member.worker.folder / Path(answer.file).name))


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


def _remove(paths: list[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _senseless() -> FileError:
    return FileError("MALFORMED", "what was read in the file makes no sense", _ANEW)
