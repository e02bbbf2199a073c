"""A file under the policies of whoever sends it: read in a worker, judged here as any text is."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from appliance.errors import GuardrailFailed
from appliance.files.document import Change, Document, FileError, Redacted
from appliance.gateway.file_changes import changes_for
from appliance.gateway.file_fate import Fate, fates, hidden, located
from appliance.gateway.file_leaks import hidden_values, says
from appliance.gateway.file_lines import HYPHEN
from appliance.gateway.file_misread import put_right
from appliance.gateway.file_pages import Level, insist_on_walls
from appliance.gateway.file_search import Search
from appliance.gateway.file_text import Part, Placed
from appliance.gateway.file_twice import told_once
from appliance.gateway.file_verdict import (
    FileFinding,
    FileProblem,
    FileVerdict,
    Scanned,
    Verdict,
    around,
    boxes_of,
)
from appliance.gateway.tally import Tally
from appliance.guardrails.custom import CustomScanner
from appliance.guardrails.finding import Finding
from appliance.guardrails.guard import Guard
from appliance.guardrails.placeholders import Placeholders
from appliance.guardrails.policy import FILE_STRICTNESS, FileAction
from appliance.guardrails.policy_set import PolicySet
from appliance.guardrails.redaction import Mark, redacted
from appliance.guardrails.verdict import Judged, apart
from appliance.telemetry.logs import get_logger

TOLD_MAX = 2_000
_log = get_logger("files")


Progress = Callable[[int, int], None]  # pages that were read, of pages


class Reads(Protocol):
    """Whatever reads files: worker processes (files/pool.py). Errors: FileError, Overloaded, GuardrailFailed."""

    async def read(self, path: Path, *, name: str = "", password: str = "", on_progress: Progress | None = None) -> Document: ...

    async def redact(
        self, path: Path, changes: Sequence[Change], result: Path, *, password: str = "", document: Document | None = None
    ) -> Redacted: ...

    async def level(self) -> Level:
        """How well its workers are confined."""
        ...


class FileScan:
    """Files of one request. placeholders: of the request; None: values are masked where the policy would tokenise them."""

    def __init__(
        self,
        reads: Reads,
        guard: Guard,
        policy: PolicySet,
        custom: CustomScanner | None = None,
        placeholders: Placeholders | None = None,
        *,
        with_values: bool = False,
        tally: Tally | None = None,
    ) -> None:
        self.tally = tally or Tally(policy.label)
        self._counts_unread = tally is None  # whoever gives one has counted what may not be read
        self._reads = reads
        self._policy = policy
        self._search = Search(guard, policy, custom)
        self._placeholders = placeholders
        self._with_values = with_values

    async def scan(self, path: Path, name: str, password: str = "", on_progress: Progress | None = None) -> Scanned:
        """Errors: Overloaded; GuardrailFailed: nobody could read it, or it could not be judged."""
        try:
            await insist_on_walls(self._policy, self._reads)
            document = await self._reads.read(path, name=name, password=password, on_progress=on_progress)
        except FileError as error:
            return self._unreadable(name, error)
        try:
            return await self.judged(document, name)
        except Exception as error:
            _log.error("a file could not be judged", error=type(error).__name__)
            raise GuardrailFailed("the inspection of a file failed", fix="Try again; the log says what failed.") from None

    async def redact(self, path: Path, scanned: Scanned, result: Path, password: str = "") -> Redacted:
        """Write the file without what was found to `result`, and read that: it says none of it any more.

        Errors:  FileError; then there is no `result`.
        """
        done = await self._reads.redact(path, scanned.changes, result, password=password, document=scanned.document)
        try:
            await self._check(scanned, result)
        except BaseException:
            await asyncio.to_thread(result.unlink, missing_ok=True)
            raise
        return done

    async def _check(self, scanned: Scanned, result: Path) -> None:
        assert scanned.document is not None
        left = await self._reads.read(result)
        if not left.unread and not says(left, hidden_values(scanned.document, scanned.changes)):
            return
        raise FileError(
            "UNSUPPORTED", "the file can't be redacted: something that was to be hidden can still be read", "Send it as text."
        )

    async def judged(self, document: Document, name: str) -> Scanned:
        """What the policies say of what was read."""
        if self._policy.is_idle:
            return Scanned(_told(document, name, "clean", [], 0), "pass", document)
        await asyncio.to_thread(put_right, document)
        placed = await self._search.found(document)
        named = await asyncio.to_thread(self._search.found_in_names, document)
        in_texts = [*fates(document, placed, self._policy), *hidden(document, self._policy), *located(document, self._policy)]
        in_texts.sort(key=_place)
        changes = changes_for(document, in_texts, self._policy, self._placeholders)
        listed = told_once(document, in_texts)
        listed += [fate for number, found, _ in named for fate in fates(document, [Placed(found, (number,))], self._policy)]
        listed.sort(key=_place)
        self.tally.add("input", [_judged(fate) for fate in listed])
        kept_here = self._policy.kept_here(fate.placed.finding for fate in listed)
        self.tally.kept_here = sorted({*self.tally.kept_here, *kept_here})
        self.tally.record("input", [fate.placed.finding for fate in listed], self._policy.shadow)
        becomes: FileAction = max((fate.becomes for fate in listed), key=FILE_STRICTNESS.__getitem__, default="pass")
        if document.unread:
            self._count_unread()
            becomes = max(becomes, self._policy.unreadable, key=FILE_STRICTNESS.__getitem__)
        verdict = _verdict(document, listed)
        in_names = {id(found) for _, found, _ in named}
        shown = self._shown_names(document, named)
        findings = [
            _finding(document, fate, shown, in_name=id(fate.placed.finding) in in_names, with_value=self._with_values)
            for fate in listed[:TOLD_MAX]
        ]
        told = _told(document, name, verdict, findings, max(0, len(listed) - TOLD_MAX))
        return Scanned(told, becomes, document, tuple(changes))

    def _unreadable(self, name: str, error: FileError) -> Scanned:
        problem = FileProblem(error.code, error.message, error.fix)
        told = FileVerdict(name=name, kind=None, verdict="unreadable", findings=[], warnings=[], error=problem, engine=None)
        self._count_unread()
        return Scanned(told, self._policy.unreadable, error=error)

    def _count_unread(self) -> None:
        if self._counts_unread:
            self.tally.unread["file"] = self.tally.unread.get("file", 0) + 1

    def _shown_names(self, document: Document, named: Iterable[tuple[Part, Finding, str]]) -> dict[str, str]:
        marks: dict[str, list[Mark]] = {}
        for part, one, name in named:
            if not self._with_values:
                marks.setdefault(name, []).append(Mark(part.start, part.end, f"[{one.type}]"))
        return {name: redacted(name, apart(found)) for name, found in marks.items()}


def _judged(fate: Fate) -> Judged:
    one = fate.placed.finding
    return Judged(type=one.type, start=one.start, end=one.end, score=one.score, detector=one.detector, action=fate.action)


def _place(fate: Fate) -> tuple[int, int, str]:
    first = fate.placed.parts[0]
    return first.piece, first.start, fate.placed.finding.type


def _verdict(document: Document, listed: Sequence[Fate]) -> Verdict:
    if any(fate.becomes == "block" for fate in listed):
        return "blocked"
    if listed:
        return "flagged"
    return "unreadable" if document.unread else "clean"


def _told(document: Document, name: str, verdict: Verdict, findings: list[FileFinding], left_out: int) -> FileVerdict:
    engines = sorted({piece.engine for piece in document.pieces if piece.engine})
    problem = None
    if verdict == "unreadable":
        problem = FileProblem(
            "UNSUPPORTED", f"not all of the file could be read: {document.unread[0]}", "Send it without that part, or as text."
        )
    return FileVerdict(
        name=name,
        kind=document.kind,
        verdict=verdict,
        findings=findings,
        warnings=list(dict.fromkeys(notice.code for notice in document.notices)),
        error=problem,
        engine=", ".join(engines) or None,
        pages=document.pages,
        unread=list(document.unread),
        findings_left_out=left_out,
    )


def _finding(document: Document, fate: Fate, shown_names: dict[str, str], *, in_name: bool, with_value: bool) -> FileFinding:
    one, first = fate.placed.finding, fate.placed.parts[0]
    piece = document.pieces[first.piece]
    boxes = [] if in_name else boxes_of(piece, first)
    value: str | msgspec.UnsetType = msgspec.UNSET
    if with_value and in_name:
        value = piece.where.name[first.start : first.end]
    elif with_value:
        value = "\n".join(document.pieces[part.piece].text[part.start : part.end] for part in fate.placed.parts)
        value = value.replace(HYPHEN, "-")
    return FileFinding(
        type=one.type,
        start=first.start,
        end=first.end,
        score=one.score,
        detector=one.detector,
        action=fate.action,
        part=piece.where.part,
        page=piece.where.page,
        name=shown_names.get(piece.where.name, piece.where.name),
        in_name=in_name,
        box=around(boxes) if boxes else msgspec.UNSET,
        boxes=boxes if len(boxes) > 1 else msgspec.UNSET,
        hidden=piece.hidden,
        engine="" if in_name else piece.engine,
        value=value,
    )
