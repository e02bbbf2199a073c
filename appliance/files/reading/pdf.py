"""Reads, draws and redacts PDFs. Runs in the worker room only: what it reads may be made to break it.

`read` gives every text a PDF holds and names what must be looked at; `picture` draws one of those; `redact` makes a PDF in which
changed texts are nowhere.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from appliance.files.document import (
    CHARACTERS_MAX,
    PICTURES_MAX,
    PIECES_MAX,
    Change,
    Document,
    Notice,
    Piece,
    Pixels,
    Redacted,
    Span,
)
from appliance.files.reading import pdf_pictures
from appliance.files.reading.pdf_bounds import Deadline, Limits, malformed, too_large
from appliance.files.reading.pdf_content import Contents
from appliance.files.reading.pdf_fonts import UNKNOWN, Fonts
from appliance.files.reading.pdf_hidden import mark_hidden
from appliance.files.reading.pdf_leftovers import EARLIER
from appliance.files.reading.pdf_lines import by_place
from appliance.files.reading.pdf_objects import Found, texts_of_objects
from appliance.files.reading.pdf_opening import OpenPdf, drawn_alone, open_pdf, translated
from appliance.files.reading.pdf_page import Page, Pixel
from appliance.files.reading.pdf_pieces import pieces_of
from appliance.files.reading.pdf_redaction import redacted
from appliance.files.reading.pdf_second import second_reading, squeezed
from appliance.files.reading.pdf_shapes import odd_shapes
from appliance.files.reading.pdf_text import page_text
from appliance.files.reading.pdf_undrawn import by_codes, odd_text, undrawn

DEFAULT = Limits()
SHOWN_PIXELS_MAX = 8_000_000
_LETTERS_MAX = 500_000  # of a page: two hundred times a full one
_MISNAMED = "letters that aren't what they are called"


def read(path: Path | str, password: str | None = None, *, limits: Limits = DEFAULT) -> Document:
    """Every text and what must be looked at.

    Shapes:  pieces of the pages' text first, in the order of reading, then what stands beside them. `Piece.hidden` says why a
             person doesn't see it; "under a picture" is the text that OCR leaves under a scan, where the picture shows
             something: what is read in the picture tells whether it says the same.
    Errors:  FileError EMPTY_FILE, MALFORMED, ENCRYPTED, TOO_LARGE, TIMEOUT.
    """
    with translated(), open_pdf(Path(path), password, limits) as pdf:
        return _document(pdf)


def picture(path: Path | str, password: str | None, number: int, dpi: int, *, limits: Limits = DEFAULT) -> Pixels:
    """Draws picture `number` of a document that `read` gave, at `dpi` or what the bound on its pixels allows. The file is the
    caller's to remove."""
    with translated(), drawn_alone(Path(path), password) as drawn:
        page_number, place = divmod(number, pdf_pictures.PAGE_STEP)
        if not 1 <= page_number <= len(drawn):
            raise malformed("the PDF has no such page")
        with Page(drawn, page_number, Deadline(limits.seconds_max)) as page:
            pixels = pdf_pictures.drawn(page, place, max(1, dpi), limits.picture_pixels_max)
    return _written(pixels)


def page(path: Path | str, password: str | None, number: int, width: int, *, limits: Limits = DEFAULT) -> Pixels:
    """Page `number`, from 1 on, as people see it: `width` pixels wide, fewer where it is very high. The file is the caller's to
    remove. Errors: as `read`."""
    with translated(), drawn_alone(Path(path), password) as drawn:
        if not 1 <= number <= len(drawn):
            raise malformed("the PDF has no such page")
        with Page(drawn, number, Deadline(limits.seconds_max)) as opened:
            dpi = max(1, width) * 72 / opened.shown_size[0]
            return _written(pdf_pictures.drawn(opened, 0, dpi, SHOWN_PIXELS_MAX))


def _written(pixels: Pixel) -> Pixels:
    height, width, _ = pixels.shape
    is_grey = bool((pixels[:, :, 0] == pixels[:, :, 1]).all() and (pixels[:, :, 1] == pixels[:, :, 2]).all())
    with tempfile.NamedTemporaryFile(prefix="picture-", suffix=".pixels", delete=False) as file:
        file.write((pixels[:, :, :1] if is_grey else pixels).tobytes())
    return Pixels(file.name, width, height, 1 if is_grey else 3)


def redact(
    path: Path | str,
    password: str | None,
    document: Document,
    changes: Sequence[Change],
    result: Path | str,
    *,
    limits: Limits = DEFAULT,
) -> Redacted:
    """Writes the PDF without what `changes` name to `result`. `document`: what the numbers of `changes` count in, pieces that
    OCR gave among them."""
    with translated(), open_pdf(Path(path), password, limits) as pdf:
        return redacted(pdf, document, changes, Path(result))


def _document(pdf: OpenPdf) -> Document:
    if pdf.depth == 0:
        pdf.read_attached = _attached
    beside = texts_of_objects(pdf)
    document = Document("pdf", pages=len(pdf.drawn), notices=beside.notices, unread=pdf.unread)
    spans: dict[int, list[Span]] = {}
    further: list[Piece] = []  # behind all pages: a text goes on from one to the next
    contents, fonts = Contents(pdf.deadline), Fonts()
    for number in range(1, len(pdf.drawn) + 1):
        pdf.deadline.check()
        content = contents.of(pdf.pages[number - 1]) if number <= len(pdf.pages) else b""
        with Page(pdf.drawn, number, pdf.deadline) as page:
            if number <= len(pdf.pages) and (why := odd_text(pdf.pages[number - 1])):
                beside.looks.setdefault(number, why)
            told = fonts.told(pdf.pages[number - 1]) if number <= len(pdf.pages) else UNKNOWN
            if told.contradicts:
                beside.looks.setdefault(number, _MISNAMED)
                further += by_codes(content, number)
            further += _read_page(pdf, page, beside, document, content, draws=told.draws)
            spans |= _spans(page, beside)
        if len(document.pieces) > PIECES_MAX or sum(len(piece.text) for piece in document.pieces) > CHARACTERS_MAX:
            raise too_large("too much text")
    document.pieces += further
    document.pieces += undrawn(pdf, contents)
    _forget_what_stayed(beside, document)
    for index, piece in enumerate(beside.pieces):
        piece.spans = spans.get(index, [])
    document.pieces += beside.pieces
    document.unread += sorted(set(beside.unread))
    _note_what_surrounds(pdf, document)
    if len(document.pictures) > PICTURES_MAX:
        document.unread.append(f"{len(document.pictures) - PICTURES_MAX} pictures: there are too many")
        del document.pictures[PICTURES_MAX:]
    return document


def _read_page(pdf: OpenPdf, page: Page, beside: Found, document: Document, content: bytes, *, draws: bool) -> list[Piece]:
    """What it says in another reading than that of its content's order. `draws`: as of fonts."""
    with page.text_page() as text_page:
        text = page_text(text_page, pdf.deadline)
        mark_hidden(page, text_page, text, pdf.deadline)
        if len(text.text) > _LETTERS_MAX:
            further = None
            document.unread.append(f"page {page.number}: it has too many letters to be read in the order of their places")
        else:
            further = by_place(page, text_page, text, content, pdf.deadline)
            if draws and odd_shapes(page, text_page, text):
                beside.looks.setdefault(page.number, _MISNAMED)
    pieces = pieces_of(page, text)
    document.pieces += pieces
    document.pieces += second_reading(pdf, page.number, text.text, content)
    document.pictures += pdf_pictures.pictures_of(page, text, beside.looks.get(page.number, ""))
    if page.objects().oversized:
        document.unread.append(f"page {page.number}: a picture with too many pixels")
    if pdf_pictures.is_blurred(page, pdf.limits.picture_pixels_max):
        document.unread.append(f"page {page.number}: it is too large to be looked at closely")
    return [further] if further else []


def _spans(page: Page, beside: Found) -> dict[int, list[Span]]:
    """Of annotations and fields, which have a box on the page."""
    placed = [index for index in beside.rects if beside.pieces[index].where.page == page.number]
    boxes = page.shown([beside.rects[index] for index in placed]).clip(0, 1).tolist()
    return {index: [Span(0, len(beside.pieces[index].text), *box)] for index, box in zip(placed, boxes, strict=True)}


def _forget_what_stayed(beside: Found, document: Document) -> None:
    """Of earlier states, what the pages say still."""
    earlier = [piece for piece in beside.pieces if piece.where.name == EARLIER]
    said = squeezed("".join(piece.text for piece in document.pieces)) if earlier else ""
    for piece in earlier:
        piece.text = "\n".join(line for line in piece.text.splitlines() if squeezed(line) not in said)


def _note_what_surrounds(pdf: OpenPdf, document: Document) -> None:
    if pdf.data.find(b"%PDF-") > 0:
        document.notices.append(Notice("TYPE_MISMATCH", "something stands before the PDF begins"))
    after = pdf.data[pdf.data.rfind(b"%%EOF") + 5 :] if b"%%EOF" in pdf.data else b""
    if after.strip(b"\0 \t\r\n"):
        document.notices.append(Notice("TYPE_MISMATCH", "something stands after the PDF's end"))
        document.unread.append("what stands after the PDF's end")


def _attached(path: Path, limits: Limits) -> Document:
    with translated(), open_pdf(path, None, limits) as pdf:
        pdf.depth = 1
        return _document(pdf)
