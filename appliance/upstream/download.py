"""One large file over HTTP: continued where it broke off, and kept only when its sha256 is the expected one.

What has come stands in a `.part` file, so that neither a cut line nor kill -9 begins it anew. A server is not believed:
its lengths are bounds to check, its redirects are held to download_reach.py, and what it sent counts by its hash alone.
"""

import asyncio
import errno
import hashlib
import os
import re
import shutil
import ssl
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO, Literal
from urllib.parse import urljoin

import msgspec

from appliance.errors import GatehouseError, UpstreamCut, UpstreamFailed, UpstreamTimeout
from appliance.upstream.client import Answer, HttpClient
from appliance.upstream.download_reach import DownloadReach
from appliance.upstream.origin import NotReachable

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

REDIRECTS_MAX = 5
ATTEMPTS_MAX = 5  # without a step forward
ATTEMPTS_AT_FIRST_MAX = 2  # while the server has sent nothing at all
STEP_BYTES = 1024 * 1024
SPARE_BYTES = 50_000_000
PIECE_BYTES = 1024 * 1024
CANCEL_LOOK_SECONDS = 0.2
PROGRESS_SECONDS = 0.1
_LOCK_AT = 2**40  # Windows locks bytes, also against reading: one that no file has

OnProgress = Callable[[int, int], None]
Why = Literal["not_found", "not_reachable", "not_trusted", "refused", "other_file", "disk_full", "busy", "cancelled"]

_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


class DownloadFailed(Exception):
    """The file did not come. `why` for programs, the message for people."""

    def __init__(self, why: Why, message: str) -> None:
        super().__init__(message)
        self.why = why
        self.message = message


class Wanted(msgspec.Struct, frozen=True):
    """What must come.

    size:    0 where nobody knows it; then `size_max` bounds what is taken.
    begins:  the first bytes, so that a login page in place of the file ends at once.
    """

    sha256: str
    size: int
    size_max: int
    begins: bytes = b""


class Patience(msgspec.Struct, frozen=True):
    """How long a server may take, in seconds."""

    connect_seconds_max: float = 15.0
    first_byte_seconds_max: float = 60.0
    between_bytes_seconds_max: float = 30.0
    answer_bytes_max: int = 2**62
    again_seconds: float = 1.0


async def download(
    url: str,
    part: Path,
    wanted: Wanted,
    reach: DownloadReach,
    *,
    ca_file: str = "",
    on_progress: OnProgress | None = None,
    is_cancelled: Callable[[], bool] | None = None,
    patience: Patience | None = None,
) -> None:
    """Have the whole, checked file at `part`; `ca_file` is upstream_ca_file.

    Errors:  DownloadFailed, OSError; CannotStart where `ca_file` can't be used. `part` stays for the next time, unless what came
             is another file.
    """
    patience = patience or Patience()
    client = HttpClient(patience, reach, ca_file=ca_file)
    work = asyncio.ensure_future(_Download(url, part, wanted, reach, client, on_progress, patience).run())
    while not work.done():
        await asyncio.wait({work}, timeout=CANCEL_LOOK_SECONDS)
        if is_cancelled is not None and is_cancelled() and not work.done():
            work.cancel()
            await asyncio.wait({work})
            raise DownloadFailed("cancelled", "stopped; what has come is kept for the next time")
    work.result()


class _Download:
    def __init__(
        self,
        url: str,
        part: Path,
        wanted: Wanted,
        reach: DownloadReach,
        client: HttpClient,
        on_progress: OnProgress | None,
        patience: Patience,
    ) -> None:
        self._url = url
        self._part = part
        self._wanted = wanted
        self._reach = reach
        self._on_progress = on_progress
        self._patience = patience
        self._client = client
        self._digest = hashlib.sha256()
        self._at = 0
        self._came = 0  # in this run
        self._total = wanted.size
        self._told_at = 0.0

    async def run(self) -> None:
        with _opened(self._part) as file:
            if not _locked(file):
                raise DownloadFailed("busy", "another process is fetching it just now")
            await self._take_up(file)
            await self._client.open()
            try:
                await self._until_whole(file)
            except DownloadFailed as error:
                if error.why == "other_file":
                    self._begin_anew(file)
                raise
            finally:
                await self._client.close()
            file.flush()
            os.fsync(file.fileno())
            if self._on_progress is not None:
                self._on_progress(self._at, self._at)

    async def _until_whole(self, file: BinaryIO) -> None:
        await self._all(file)
        if not self._is_whole() and self._came < self._at:  # what came in an earlier run may be what is wrong
            self._begin_anew(file)
            await self._all(file)
        if not self._is_whole():
            raise DownloadFailed("other_file", "what came is not the file that was asked for (its sha256 differs)")

    async def _all(self, file: BinaryIO) -> None:
        """Ask until the whole of it is here. Errors: DownloadFailed, OSError."""
        failures, before = 0, self._at
        while not self._is_whole() and not (self._at and self._at == self._total):
            try:
                if await self._once(file):
                    return
            except (UpstreamCut, UpstreamTimeout, UpstreamFailed) as error:
                failures = 1 if self._at - before >= STEP_BYTES else failures + 1
                before = self._at
                if failures >= (ATTEMPTS_MAX if self._came else ATTEMPTS_AT_FIRST_MAX):
                    raise DownloadFailed("not_reachable", error.message) from error
                await asyncio.sleep(self._patience.again_seconds * 2 ** (failures - 1))

    async def _take_up(self, file: BinaryIO) -> None:
        """Hash what came before. More of it than there should be is no beginning of ours."""
        bound = self._wanted.size or self._wanted.size_max
        if os.fstat(file.fileno()).st_size > bound:
            file.truncate(0)
        while piece := file.read(PIECE_BYTES):
            self._digest.update(piece)
            self._at += len(piece)
            self._tell()
            await asyncio.sleep(0)
        if self._wanted.begins and self._at:
            file.seek(0)
            if not file.read(len(self._wanted.begins)).startswith(self._wanted.begins[: self._at]):
                self._begin_anew(file)
        file.seek(self._at)

    def _begin_anew(self, file: BinaryIO) -> None:
        file.seek(0)
        file.truncate(0)
        self._digest = hashlib.sha256()
        self._at = 0

    async def _once(self, file: BinaryIO) -> bool:
        """One request for what is missing. True: the answer came to its end, and there is no more.

        Errors:  DownloadFailed for what trying again won't mend; the upstream's errors for what it may.
        """
        answer = await self._asked()
        try:
            if answer.status == 416 and self._at:
                self._begin_anew(file)
                raise UpstreamCut("the server has nothing behind what came before", fix="")
            self._place(file, answer)
            self._check_room()
            while piece := await answer.piece():
                self._keep(file, piece)
        finally:
            answer.close()
        if self._total and self._at < self._total:
            raise UpstreamCut(f"the line broke off after {self._at} of {self._total} bytes", fix="")
        return True

    async def _asked(self) -> Answer:
        """The answer behind all redirects, of status 200, 206, or 416."""
        url = self._url
        for _ in range(REDIRECTS_MAX + 1):
            answer = await self._sent(url)
            if answer.status in (200, 206, 416):
                return answer
            answer.close()
            if answer.status not in (301, 302, 303, 307, 308):
                raise _refusal(answer.status)
            try:
                url = urljoin(url, answer.headers.get("location", ""))
                self._reach.follow(url)
            except ValueError as error:
                raise DownloadFailed("refused", "the server redirects to no http or https address") from error
            except NotReachable as error:
                raise DownloadFailed("refused", error.message) from error
        raise DownloadFailed("refused", f"the server redirects more than {REDIRECTS_MAX} times")

    async def _sent(self, url: str) -> Answer:
        headers = {"accept": "*/*", "user-agent": "gatehouse"}
        if self._at:
            headers["range"] = f"bytes={self._at}-"
        try:
            return await self._client.send("GET", url, headers, b"", "the server")
        except UpstreamFailed as error:
            if isinstance(error.__cause__, NotReachable):
                raise DownloadFailed("refused", error.__cause__.message) from error
            if isinstance(error.__cause__, ssl.SSLCertVerificationError):
                raise DownloadFailed("not_trusted", error.message) from error
            raise

    def _place(self, file: BinaryIO, answer: Answer) -> None:
        """Be where the answer begins; know how long all of it is."""
        length = _length(answer.headers)
        total = length
        if answer.status == 206:
            match = _CONTENT_RANGE.fullmatch(answer.headers.get("content-range", ""))
            if match is None or int(match[1]) != self._at:
                self._begin_anew(file)
                raise UpstreamCut("the server sent another piece than the one asked for", fix="")
            total = int(match[3]) if match[3] != "*" else self._at + length if length else 0
        elif self._at:
            self._begin_anew(file)  # it ignores Range
        if self._wanted.size and total and total != self._wanted.size:
            raise DownloadFailed(
                "other_file", f"the file there has {total} bytes instead of {self._wanted.size}: it is another one"
            )
        if total > self._wanted.size_max:
            raise DownloadFailed("other_file", f"the file there has {total} bytes, far more than expected")
        self._total = self._wanted.size or total

    def _check_room(self) -> None:
        missing = max(self._total - self._at, 0) + SPARE_BYTES
        free = shutil.disk_usage(self._part.parent).free
        if free < missing:
            raise DownloadFailed(
                "disk_full", f"the disk has no room: {missing // 1_000_000:,} MB are needed, {free // 1_000_000:,} MB are free"
            )

    def _keep(self, file: BinaryIO, piece: bytes) -> None:
        if self._at == 0 and not piece.startswith(self._wanted.begins[: len(piece)]):
            raise DownloadFailed("other_file", "what the server sends is no model (a login page, perhaps)")
        if self._at + len(piece) > (self._total or self._wanted.size_max):
            raise DownloadFailed("other_file", "the server sends more than the file has")
        try:
            file.write(piece)
            file.flush()
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise DownloadFailed("disk_full", "the disk is full; what has come is kept for the next time") from error
            raise
        self._digest.update(piece)
        self._at += len(piece)
        self._came += len(piece)
        self._tell()

    def _is_whole(self) -> bool:
        return self._digest.hexdigest() == self._wanted.sha256

    def _tell(self) -> None:
        if self._on_progress is not None and time.monotonic() - self._told_at >= PROGRESS_SECONDS:
            self._told_at = time.monotonic()
            self._on_progress(self._at, self._total or self._at)


def _opened(path: Path) -> BinaryIO:
    """The part file as it is, or a new one that only its owner may read. A link in its place is not followed."""
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
    return open(os.open(path, flags, 0o600), "r+b")


if sys.platform == "win32":

    def _locked(file: BinaryIO) -> bool:
        try:
            file.seek(_LOCK_AT)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            file.seek(0)
        return True

else:

    def _locked(file: BinaryIO) -> bool:
        """Whether the file is ours alone, until it is closed."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


def _length(headers: Mapping[str, str]) -> int:
    value = headers.get("content-length", "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 19 else 0


def _refusal(status: int) -> GatehouseError | DownloadFailed:
    """What a status means: some mend themselves."""
    if status == 429 or status >= 500:
        return UpstreamFailed(f"the server answers with status {status}", fix="")
    if status in (404, 410):
        return DownloadFailed("not_found", "the server has no such file")
    if status in (401, 403, 407):
        return DownloadFailed("refused", f"the server wants credentials (status {status})")
    return DownloadFailed("refused", f"the server answers with status {status}")
