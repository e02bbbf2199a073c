"""Lines that were read in a picture, as a piece of the document that the picture is in."""

from appliance.files.document import Document, Picture, Piece, Seen, Span


def pieces(picture: Picture, seen: Seen) -> list[Piece]:
    """One piece a picture, a line of text each line: a value may go on in the next one. None where nothing was read.

    `score`: of the average character. Boxes are carried from the picture to its page.
    """
    texts: list[str] = []
    spans: list[Span] = []
    place, certainty = 0, 0.0
    for line in seen.lines:
        whole = Span(0, len(line.text), line.left, line.top, line.right, line.bottom)
        spans += [_on_page(picture, span, place) for span in line.spans or [whole]]
        texts.append(line.text)
        place += len(line.text) + 1
        certainty += line.score * len(line.text)
    if not any(texts):
        return []
    score = certainty / max(1, sum(map(len, texts)))
    return [Piece("\n".join(texts), picture.where, engine=seen.engine or "OCR", score=round(score, 4), spans=spans)]


def _on_page(picture: Picture, span: Span, place: int) -> Span:
    across, down = picture.right - picture.left, picture.bottom - picture.top
    return Span(
        place + span.start,
        place + span.end,
        picture.left + span.left * across,
        picture.top + span.top * down,
        picture.left + span.right * across,
        picture.top + span.bottom * down,
    )


def place_of(picture: Picture) -> str:
    """In words, such as "page 3: a picture"."""
    what = picture.why or "a picture"
    return f"page {picture.where.page}, {what}" if picture.where.page else what


class Pages:
    """How many pages are read: those without pictures at once, the others when the last of theirs is."""

    def __init__(self, document: Document) -> None:
        self._left: dict[int, int] = {}
        for picture in document.pictures:
            page = picture.where.page or -picture.number - 1  # of no page: counted as one of its own
            self._left[page] = self._left.get(page, 0) + 1
        self.all = max(document.pages, len(self._left), 1)

    @property
    def done(self) -> int:
        return self.all - len(self._left)

    def finish(self, picture: Picture) -> None:
        page = picture.where.page or -picture.number - 1
        self._left[page] = self._left.get(page, 1) - 1
        if self._left[page] <= 0:
            del self._left[page]
