"""Files without what was found in them: one by itself, several as a ZIP beside a report."""

import asyncio
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from appliance.errors import FileUnreadable
from appliance.files.document import FileError
from appliance.gateway.file_verdict import FileProblem, FileVerdict, Scanned

if TYPE_CHECKING:
    from appliance.gateway.file_scan import FileScan

REPORT = "scan.json"


class Redaction(msgspec.Struct, frozen=True):
    """path: the file without what was found; None: there is none, and `told` says why. dropped: what it lacks besides."""

    name: str
    told: FileVerdict
    path: Path | None
    dropped: list[str] = []


async def redaction(
    scan: "FileScan", path: Path, scanned: Scanned, name: str, password: str = "", result: Path | None = None
) -> Redaction:
    """A file that was scanned, written anew: to `result`, else beside itself. One in which nothing is to be hidden stays."""
    document = scanned.document
    if document is None or document.unread:
        return Redaction(name, scanned.told if document is None else _not_all_read(scanned.told), None)
    if not scanned.changes:
        return Redaction(name, scanned.told, path)
    result = result or path.with_suffix(".redacted")
    try:
        done = await scan.redact(path, scanned, result, password)
    except FileError as error:
        problem = FileProblem(error.code, error.message, error.fix)
        return Redaction(name, msgspec.structs.replace(scanned.told, verdict="unreadable", error=problem), None)
    return Redaction(name, scanned.told, result, done.dropped)


def _not_all_read(told: FileVerdict) -> FileVerdict:
    problem = FileProblem(
        "UNSUPPORTED", "a part of the file could not be read, so nothing can promise to hide all", "`unread` says which part."
    )
    return msgspec.structs.replace(told, error=problem)


def refuse_without(one: Redaction) -> None:
    """Errors: FileUnreadable."""
    if one.path is None:
        problem = one.told.error
        assert problem is not None
        raise FileUnreadable(problem.message, file_code=problem.code, param="file", fix=problem.fix)


async def zipped(found: Sequence[Redaction], target: Path) -> None:
    """All of them, and a report that tells of those that are missing too."""
    await asyncio.to_thread(_zip, found, target)


def _zip(found: Sequence[Redaction], target: Path) -> None:
    taken = {REPORT}
    with zipfile.ZipFile(target, "x", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for one in found:
            if one.path is not None:
                archive.write(one.path, _free(one.name, taken))
        report = {"files": [msgspec.to_builtins(one.told) | {"dropped": one.dropped} for one in found]}
        archive.writestr(REPORT, msgspec.json.format(msgspec.json.encode(report), indent=2))


def _free(name: str, taken: set[str]) -> str:
    """A name that no other file in the ZIP has, whether letters are large or small."""
    stem, dot, ending = name.rpartition(".")
    shown, number = name, 1
    while shown.lower() in taken:
        number += 1
        shown = f"{stem} ({number}){dot}{ending}" if stem else f"{name} ({number})"
    taken.add(shown.lower())
    return shown
