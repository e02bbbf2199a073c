"""What is said of a file: a verdict, and findings with their places. Shapes alone; file_scan.py fills them."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from appliance.files.document import Change, Document, FileError, Kind, Piece
from appliance.guardrails.policy import Action, FileAction

if TYPE_CHECKING:
    from appliance.gateway.file_text import Part

Verdict = Literal["clean", "flagged", "blocked", "unreadable"]
BOXES_MAX = 100


class FileFinding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that was found in a file."""

    type: str
    start: Annotated[int, Meta(description="Unicode code points of the text in that place; `end` likewise.")]
    end: int
    score: float
    detector: str
    action: Annotated[Action, Meta(description="What the policy says of it.")]
    part: Annotated[str, Meta(description="Such as body, comment, metadata, picture.")]
    page: Annotated[int, Meta(description="From 1 on; left out: it belongs to none.")] = 0
    name: Annotated[str, Meta(description="The property's, field's or attachment's, with what policies hide in it hidden.")] = ""
    in_name: Annotated[bool, Meta(description="It stands in that name, not under it.")] = False
    box: Annotated[
        tuple[float, float, float, float] | UnsetType,
        Meta(description="Left, top, right, bottom on the page, in parts of 1."),
    ] = UNSET
    boxes: Annotated[
        list[tuple[float, float, float, float]] | UnsetType, Meta(description="A line each, where it goes over several.")
    ] = UNSET
    hidden: Annotated[str, Meta(description="Why nobody who looks at the page sees it, such as `white on white`.")] = ""
    engine: Annotated[str, Meta(description="What read it in a picture.")] = ""
    value: Annotated[str | UnsetType, Meta(description="Only for callers that may have it and ask.")] = UNSET


class FileProblem(msgspec.Struct, frozen=True):
    """Why a file could not be read. `code` never changes."""

    code: str
    message: str
    fix: str


class FileVerdict(msgspec.Struct, kw_only=True, frozen=True):
    """Of one file.

    verdict: `clean`: nothing was found. `flagged`: something was, and it is told or can be hidden. `blocked`: the policy doesn't
             let the file pass. `unreadable`: it, or a part of it, could not be read.
    """

    name: str
    kind: Annotated[Kind | None, Meta(description="By its content, never by its name; null: that could not be told.")]
    verdict: Verdict
    findings: list[FileFinding]
    warnings: Annotated[list[str], Meta(description="Codes, such as TYPE_MISMATCH and JAVASCRIPT.")]
    error: FileProblem | None
    engine: Annotated[str | None, Meta(description="What read pictures in it, with version and weights; null: there were none.")]
    pages: int = 0
    unread: Annotated[list[str], Meta(description="What could not be read, in words.")] = []
    findings_left_out: Annotated[int, Meta(description="How many more there are than are told.")] = 0


class Scanned(msgspec.Struct, frozen=True):
    """A file that was judged, and what can be done with it.

    becomes: what the policy makes of it on its way to a model.
    changes: what hides all that was found.
    error:   it could not be read.
    """

    told: FileVerdict
    becomes: FileAction
    document: Document | None = None
    changes: tuple[Change, ...] = ()
    error: FileError | None = None


def boxes_of(piece: Piece, part: "Part") -> list[tuple[float, float, float, float]]:
    """Where characters of a piece stand on its page: one a line."""
    lines: list[tuple[float, float, float, float]] = []
    for span in piece.spans:
        if span.start >= part.end or span.end <= part.start:
            continue
        box = (span.left, span.top, span.right, span.bottom)
        if lines and _on_one_line(lines[-1], box):
            lines[-1] = around([lines[-1], box])
        elif len(lines) < BOXES_MAX:
            lines.append(box)
    return lines


def _on_one_line(one: tuple[float, float, float, float], two: tuple[float, float, float, float]) -> bool:
    """They overlap in height by half of the lower one."""
    common = min(one[3], two[3]) - max(one[1], two[1])
    return common > 0 and common >= 0.5 * min(one[3] - one[1], two[3] - two[1])


def around(boxes: list[tuple[float, float, float, float]]) -> tuple[float, float, float, float]:
    return (
        round(min(box[0] for box in boxes), 5),
        round(min(box[1] for box in boxes), 5),
        round(max(box[2] for box in boxes), 5),
        round(max(box[3] for box in boxes), 5),
    )


def told(verdict: FileVerdict) -> dict[str, Any]:
    """As JSON has it."""
    found: dict[str, Any] = msgspec.to_builtins(verdict)
    return found


class FileScanAnswer(msgspec.Struct, kw_only=True, frozen=True):
    """In the order in which the files came. policy: which one they were judged by, with its version."""

    files: list[FileVerdict]
    policy: str
