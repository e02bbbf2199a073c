"""Images: what their files say, the pictures to look at, and redaction by painting over.

A picture's number is frame x `VIEWS` + view, see `images_opening.shown`. Files are written anew from pixels alone: nothing that
stood beside them is carried over.
"""

import io
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, TiffImagePlugin

from appliance.files.document import Change, Document, FileError, Kind, Picture, Piece, Pixels, Redacted, Span, Where
from appliance.files.reading import images_metadata
from appliance.files.reading.images_opening import (
    ANIMATED_FRAMES_MAX,
    FRAMES_MAX,
    FRAMES_PIXELS_MAX,
    Array,
    go_to,
    is_animated,
    kind_of,
    malformed,
    opened,
    refusals,
    shown,
    too_large,
    views_of,
)

VIEWS = 4
JPEG_QUALITY = 90
SHOWN_PIXELS_MAX = 8_000_000
LETTER_PIXELS_MIN = 5  # no letter is smaller
_SEEN_CHANGE = 12
_SAVED_AS: dict[Kind, str] = {"png": "PNG", "jpeg": "JPEG", "webp": "WEBP", "tiff": "TIFF", "bmp": "BMP", "gif": "GIF"}


@dataclass(frozen=True, slots=True)
class Limits:
    """`frames_pixels_max`: of all frames together."""

    frames_max: int = FRAMES_MAX
    animated_frames_max: int = ANIMATED_FRAMES_MAX
    frames_pixels_max: int = FRAMES_PIXELS_MAX


LIMITS = Limits()


def read(path: Path | str, password: str | None = None, *, limits: Limits = LIMITS) -> Document:
    """Its metadata as pieces, and each frame that shows something new as a picture. Images have no passwords.

    Errors:  FileError: EMPTY_FILE, MALFORMED (damaged or incomplete), TOO_LARGE.
    """
    with opened(Path(path)) as image:
        document = Document(kind_of(image))
        animated = is_animated(image)
        frames_max = limits.animated_frames_max if animated else limits.frames_max
        before: Array | None = None
        pixels = 0
        while document.pages < frames_max and go_to(image, document.pages):
            pixels += image.width * image.height
            if pixels > limits.frames_pixels_max:
                break
            frame = shown(image)
            if before is None or not animated or differs(before, frame):
                _list_frame(document, image, frame)
                before = frame
            if document.pages == 0 or not animated:
                document.pieces += images_metadata.pieces(image, document.pages + 1)
            document.pages += 1
        if go_to_next(image, document.pages):
            if not animated:  # before anybody looks at a thousand pages of a file that counts as unread then
                raise FileError("TOO_LARGE", f"the image has more pages than {document.pages:,} of that size", "send it in parts")
            document.unread.append(f"what comes after frame {document.pages}: there are too many")
    document.pieces += _beside(document.pieces, Path(path).read_bytes(), document.kind)
    return document


def _beside(pieces: Sequence[Piece], data: bytes, kind: Kind) -> list[Piece]:
    """What no frame tells of."""
    known = {piece.text for piece in pieces}
    return [piece for piece in images_metadata.pieces_beside(data, kind) if piece.text not in known]


def go_to_next(image: Image.Image, number: int) -> bool:
    """Whether there is one more."""
    try:
        image.seek(number)
    except EOFError:
        return False
    return True


def _list_frame(document: Document, image: Image.Image, frame: Array) -> None:
    height, width = frame.shape[:2]
    if min(height, width) < LETTER_PIXELS_MIN:
        return
    number = document.pages
    for view in views_of(image):
        why = ("", "on a dark ground", "under its transparency")[view]
        place = Where("picture", number + 1)
        document.pictures.append(Picture(number * VIEWS + view, place, width, height, why=f"picture {why}".strip()))


def differs(one: Array, other: Array) -> bool:
    """Whether an eye could see it."""
    if one.shape != other.shape:
        return True
    return bool((np.abs(one.astype(np.int16) - other) > _SEEN_CHANGE).any())


def picture(path: Path | str, password: str | None, number: int, dpi: int = 0) -> Pixels:
    """Picture `number` of a document that `read` gave, with its own pixels: `dpi` is for files that are drawn. The file is the
    caller's to remove."""
    with opened(Path(path)) as image:
        frame, view = divmod(number, VIEWS)
        if not go_to(image, frame):
            raise malformed("the image has no such frame")
        return _written(shown(image, view))


def page(path: Path | str, password: str | None, number: int, width: int) -> Pixels:
    """Frame `number`, from 1 on, as people see it: turned upright, on white, and no wider than `width` pixels. The file is the
    caller's to remove. Errors: as `read`."""
    with opened(Path(path)) as image:
        if number < 1 or not go_to(image, number - 1):
            raise malformed("the image has no such frame")
        frame = Image.fromarray(shown(image))
        share = min(1.0, width / frame.width, (SHOWN_PIXELS_MAX / (frame.width * frame.height)) ** 0.5)
        size = max(1, round(frame.width * share)), max(1, round(frame.height * share))
        return _written(np.asarray(frame.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0) if share < 1 else frame))


def decode(data: bytes) -> Pixels:
    """An image inside another file; of several frames the first. Errors: FileError, as `read`."""
    with opened(data) as image:
        return _written(shown(image))


def pieces_of(data: bytes) -> list[Piece]:
    """What an image inside another file says beside its pixels."""
    with opened(data) as image:
        image.load()
        pieces = images_metadata.pieces(image, 0)
        return [*pieces, *_beside(pieces, data, kind_of(image))]


def _written(pixels: Array) -> Pixels:
    with tempfile.NamedTemporaryFile(prefix="picture-", suffix=".pixels", delete=False) as file:
        file.write(np.ascontiguousarray(pixels).tobytes())
    return Pixels(file.name, pixels.shape[1], pixels.shape[0], 1 if pixels.ndim == 2 else 3)


def paint(pixels: Array, boxes: Iterable[Span]) -> Array:
    """The same with boxes (parts of 1) painted black, a little larger than they are: letters reach over the boxes that engines
    give."""
    painted = pixels.copy()
    height, width = pixels.shape[:2]
    for box in boxes:
        edge = max(2.0, (box.bottom - box.top) * height * 0.12)
        top, bottom = int(box.top * height - edge), int(np.ceil(box.bottom * height + edge))
        left, right = int(box.left * width - edge), int(np.ceil(box.right * width + edge))
        painted[max(0, top) : max(0, bottom), max(0, left) : max(0, right)] = 0
    return painted


def painted(data: bytes, spans: Sequence[Span]) -> bytes:
    """An image inside another file, painted over, of the same kind, its first frame alone. Errors: FileError."""
    with opened(data) as image:
        frame, kind = paint(shown(image), spans), kind_of(image)
        with io.BytesIO() as file:
            Image.fromarray(frame).save(file, _SAVED_AS[kind], **_options(kind))
            return file.getvalue()


def redact(
    path: Path | str, password: str | None, changes: Sequence[Change], result: Path | str, *, seen: Sequence[Piece] = ()
) -> Redacted:
    """Writes the image without what `changes` name, and without all metadata, to `result`.

    Shapes:  piece numbers count the pieces that `read` gives, then those of `seen`, which an engine read in the pictures.
    """
    document = read(path)
    boxes = boxes_by_frame(changes, len(document.pieces), seen)
    with opened(Path(path)) as image:
        if document.unread:
            raise too_large("the image has too many frames")
        frames = (_frame(image, number, boxes.get(number, [])) for number in range(document.pages))
        _save(frames, document.kind, document.pages, Path(result), int(image.info.get("duration") or 100))
    dropped = ["metadata"] if document.pieces else []
    return Redacted(document.kind, document.pages, dropped)


def boxes_by_frame(changes: Iterable[Change], first: int, seen: Sequence[Piece]) -> dict[int, list[Span]]:
    """Where to paint, by frame from 0 on. What has no place is painted over with its whole frame."""
    boxes: dict[int, list[Span]] = {}
    for change in changes:
        if change.piece < first:
            continue  # metadata, which is dropped
        if change.piece - first >= len(seen):
            raise malformed("the image has no such text")
        piece = seen[change.piece - first]
        hit = [span for span in piece.spans if span.start < change.end and change.start < span.end]
        boxes.setdefault(max(0, piece.where.page - 1), []).extend(hit or [Span(change.start, change.end, 0.0, 0.0, 1.0, 1.0)])
    return boxes


def _frame(image: Image.Image, number: int, boxes: Sequence[Span]) -> Image.Image:
    if not go_to(image, number):
        raise malformed("the image has no such frame")
    return Image.fromarray(paint(shown(image), boxes))


def _save(frames: Iterable[Image.Image], kind: Kind, count: int, result: Path, duration: int) -> None:
    with refusals():
        if kind == "tiff":
            with TiffImagePlugin.AppendingTiffWriter(str(result), True) as file:
                for frame in frames:
                    frame.save(file, "TIFF", compression="tiff_deflate")
                    file.newFrame()
            return
        first, *others = [frame.quantize(64) if kind == "gif" and count > 1 else frame for frame in frames]
        several = {"save_all": True, "append_images": others, "duration": duration, "loop": 0} if others else {}
        first.save(result, _SAVED_AS[kind] if kind != "jpeg" or not others else "MPO", **_options(kind), **several)


def _options(kind: Kind) -> dict[str, int]:
    return {"quality": JPEG_QUALITY} if kind in ("jpeg", "webp") else {}
