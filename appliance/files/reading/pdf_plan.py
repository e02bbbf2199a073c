"""What of which page is to be painted over."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from appliance.files.document import Change, Document, Piece
from appliance.files.reading import pdfium as calls
from appliance.files.reading.pdf_opening import OpenPdf
from appliance.files.reading.pdf_page import Box, Image, Page
from appliance.files.reading.pdf_pictures import same_image_marks
from appliance.files.reading.pdf_pieces import characters_of
from appliance.files.reading.pdf_text import around, character_boxes, page_text

_AGAIN_LETTERS_MIN = 5  # a value of so many letters and digits is painted over wherever it stands again


@dataclass
class Paint:
    box: Box
    label: str = ""


@dataclass
class Plan:
    """`pages`: those that are drawn anew, with what is painted on them. `values`: what must be nowhere in the result."""

    pages: dict[int, list[Paint]] = field(default_factory=dict)
    values: set[str] = field(default_factory=set)


def planned(pdf: OpenPdf, document: Document, changes: Sequence[Change]) -> Plan:
    plan = Plan()
    for change in changes:
        said = document.pieces[change.piece].text[change.start : change.end].strip()
        if sum(map(str.isalnum, said)) >= _AGAIN_LETTERS_MIN:
            plan.values.add(said)
    by_page: dict[int, list[Change]] = {}
    for change in [*changes, *_again(document, plan.values, changes)]:
        number = document.pieces[change.piece].where.page
        if 1 <= number <= len(pdf.drawn):
            by_page.setdefault(number, []).append(change)
    for number, of_page in sorted(by_page.items()):
        with Page(pdf.drawn, number, pdf.deadline) as page:
            plan.pages[number] = _paints(pdf, page, document, of_page)
    _same_pictures(pdf, document, by_page, plan)
    return plan


def _again(document: Document, values: Iterable[str], changes: Sequence[Change]) -> list[Change]:
    """The same values where no change was asked for: a value that is left once has leaked."""
    labels = {document.pieces[change.piece].text[change.start : change.end].strip(): change.text for change in changes}
    found = []
    for index, piece in enumerate(document.pieces):
        for value in values:
            at = piece.text.find(value)
            while at >= 0:
                found.append(Change(index, at, at + len(value), labels.get(value, "")))
                at = piece.text.find(value, at + len(value))
    return found


def _paints(pdf: OpenPdf, page: Page, document: Document, changes: list[Change]) -> list[Paint]:
    paints: list[Paint] = []
    with page.text_page() as text_page:
        text = page_text(text_page, pdf.deadline).text
        for change in changes:
            piece = document.pieces[change.piece]
            boxes = _exact(page, text_page, text, piece, change) or _spanned(piece, change)
            paints += [Paint(box, change.text if index == 0 else "") for index, box in enumerate(boxes)]
    return paints


def _exact(page: Page, text_page: int, text: str, piece: Piece, change: Change) -> list[Box]:
    """Around the changed characters, a box for each line. []: the piece isn't of the page's text, or not of this file's."""
    number, _, start = piece.handle.partition(":")
    if not start.isdigit() or number != str(page.number):
        return []
    characters = characters_of(text, int(start), change.start, change.end)
    if "".join(text[index] for index in characters) != piece.text[change.start : change.end]:
        return []
    lines: list[calls.Rect] = []
    for index in characters:
        if text[index].isspace():
            continue
        box = character_boxes(text_page, index, index + 1)[0]
        if lines and _is_beside(lines[-1], box):
            lines[-1] = around(lines[-1], box)
        else:
            lines.append(box)
    found: list[Box] = [tuple(box) for box in page.shown(lines).clip(0, 1).tolist()]
    return found


def _is_beside(line: calls.Rect, box: calls.Rect) -> bool:
    """In the same line, as far as whichever way it runs tells: close by, and not much else between."""
    size = max(box[3] - box[1], box[2] - box[0], 1.0)
    return all(
        one - size <= other and mine - size <= theirs
        for one, other, mine, theirs in ((line[0], box[2], box[0], line[2]), (line[1], box[3], box[1], line[3]))
    ) and (min(line[3], box[3]) > max(line[1], box[1]) or min(line[2], box[2]) > max(line[0], box[0]))


def _spanned(piece: Piece, change: Change) -> list[Box]:
    return [
        (span.left, span.top, span.right, span.bottom)
        for span in piece.spans
        if span.start < max(change.end, change.start + 1) and span.end > change.start
    ]


def _same_pictures(pdf: OpenPdf, document: Document, by_page: dict[int, list[Change]], plan: Plan) -> None:
    """A picture with a value may be on other pages too, where nobody has looked at it a second time: it is painted there, all."""
    seen = {number for number, changes in by_page.items() if any(document.pieces[each.piece].engine for each in changes)}
    marks: set[bytes] = set()
    for number in seen:
        with Page(pdf.drawn, number, pdf.deadline) as page:
            painted = [paint.box for paint in plan.pages[number]]
            marks |= set(same_image_marks([image for image in page.objects().images if _meets(page, image, painted)]))
    if not marks:
        return
    for number in range(1, len(pdf.drawn) + 1):
        if number in seen:
            continue
        pdf.deadline.check()
        with Page(pdf.drawn, number, pdf.deadline) as page:
            images = page.objects().images
            same = [image.box for image, mark in zip(images, same_image_marks(images), strict=True) if mark in marks]
            if same:
                boxes: list[Box] = [tuple(box) for box in page.shown(same).clip(0, 1).tolist()]
                plan.pages.setdefault(number, []).extend(Paint(box) for box in boxes)


def _meets(page: Page, image: Image, painted: list[Box]) -> bool:
    left, top, right, bottom = page.shown([image.box])[0].tolist()
    return any(box[0] < right and box[2] > left and box[1] < bottom and box[3] > top for box in painted)
