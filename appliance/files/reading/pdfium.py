"""Calls of pdfium that pypdfium2's objects don't offer, or only slowly: handles are plain numbers here.

A page of text takes some thousand calls; with ctypes' typed pointers each costs three times as much.
"""

import ctypes
from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Any

import numpy as np
import numpy.typing as npt
import pypdfium2.raw as raw

TEXT, PATH, IMAGE, SHADING, FORM = 1, 2, 3, 4, 5


def _number_call(name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
    address = ctypes.cast(getattr(raw, name), ctypes.c_void_p).value
    assert address is not None
    call: Callable[..., Any] = ctypes.CFUNCTYPE(result, *arguments)(address)
    return call


_H, _I, _F = ctypes.c_void_p, ctypes.c_int, ctypes.c_float
_UINT = ctypes.c_uint
_FLOAT_TO = ctypes.POINTER(ctypes.c_float)
_DOUBLE_TO = ctypes.POINTER(ctypes.c_double)
_UINT_TO = ctypes.POINTER(ctypes.c_uint)

text_object = _number_call("FPDFText_GetTextObject", _H, _H, _I)
objects_in_page = _number_call("FPDFPage_CountObjects", _I, _H)
object_of_page = _number_call("FPDFPage_GetObject", _H, _H, _I)
objects_in_form = _number_call("FPDFFormObj_CountObjects", _I, _H)
object_of_form = _number_call("FPDFFormObj_GetObject", _H, _H, ctypes.c_ulong)
type_of = _number_call("FPDFPageObj_GetType", _I, _H)
set_active = _number_call("FPDFPageObj_SetIsActive", _I, _H, _I)
render_mode = _number_call("FPDFTextObj_GetTextRenderMode", _I, _H)
path_segments = _number_call("FPDFPath_CountSegments", _I, _H)
marks_of = _number_call("FPDFPageObj_CountMarks", _I, _H)
mark_of = _number_call("FPDFPageObj_GetMark", _H, _H, ctypes.c_ulong)
_unicode = _number_call("FPDFText_GetUnicode", _UINT, _H, _I)
_map_error = _number_call("FPDFText_HasUnicodeMapError", _I, _H, _I)
_mark_name = _number_call("FPDFPageObjMark_GetName", _I, _H, _H, ctypes.c_ulong, ctypes.POINTER(ctypes.c_ulong))
_font = _number_call("FPDFTextObj_GetFont", _H, _H)
_font_size = _number_call("FPDFTextObj_GetFontSize", _I, _H, _FLOAT_TO)
_matrix = _number_call("FPDFPageObj_GetMatrix", _I, _H, ctypes.POINTER(raw.FS_MATRIX))
_bounds = _number_call("FPDFPageObj_GetBounds", _I, _H, _FLOAT_TO, _FLOAT_TO, _FLOAT_TO, _FLOAT_TO)
_fill = _number_call("FPDFPageObj_GetFillColor", _I, _H, _UINT_TO, _UINT_TO, _UINT_TO, _UINT_TO)
_stroke = _number_call("FPDFPageObj_GetStrokeColor", _I, _H, _UINT_TO, _UINT_TO, _UINT_TO, _UINT_TO)
_image_size = _number_call("FPDFImageObj_GetImagePixelSize", _I, _H, _UINT_TO, _UINT_TO)
_image_data = _number_call("FPDFImageObj_GetImageDataRaw", ctypes.c_ulong, _H, _H, ctypes.c_ulong)
_char_box = _number_call("FPDFText_GetCharBox", _I, _H, _I, _DOUBLE_TO, _DOUBLE_TO, _DOUBLE_TO, _DOUBLE_TO)
_origin = _number_call("FPDFText_GetCharOrigin", _I, _H, _I, _DOUBLE_TO, _DOUBLE_TO)
_angle = _number_call("FPDFText_GetCharAngle", _F, _H, _I)
_loose_box = _number_call("FPDFText_GetLooseCharBox", _I, _H, _I, _H)

Rect = tuple[float, float, float, float]  # left, bottom, right, top, in points of the page's own system
Rects = npt.NDArray[np.float64]  # a row each
Colour = tuple[int, int, int, int]

_f = [ctypes.c_float() for _ in range(4)]
_d = [ctypes.c_double() for _ in range(4)]
_u = [ctypes.c_uint() for _ in range(4)]
_f_at, _d_at, _u_at = ([ctypes.byref(value) for value in values] for values in (_f, _d, _u))
_RECT_BYTES = 16


def handle(of: Any) -> int:
    """The number of a page, text page or object of pypdfium2."""
    return ctypes.cast(of.raw, ctypes.c_void_p).value or 0


def character(text_page: int, index: int) -> str:
    code = _unicode(text_page, index)
    return chr(code) if 0 < code < 0x110000 else "\ufffd"


def is_unmapped(text_page: int, index: int) -> bool:
    """Whether the font doesn't say which character this is."""
    return bool(_map_error(text_page, index) == 1)


def char_box(text_page: int, index: int) -> Rect:
    """Around the glyph's ink. All zero: it has none."""
    if not _char_box(text_page, index, *_d_at):
        return (0.0, 0.0, 0.0, 0.0)
    left, right, bottom, top = (value.value for value in _d)
    return (left, bottom, right, top)


def baseline(text_page: int, index: int) -> float:
    """How high the line of a character is on its page, in points."""
    return float(_d[1].value) if _origin(text_page, index, _d_at[0], _d_at[1]) else 0.0


def angle(text_page: int, index: int) -> float:
    """By which its line is turned with the clock, in radians from 0 on."""
    return max(0.0, float(_angle(text_page, index)))


def loose_boxes(text_page: int, indices: Sequence[int]) -> Rects:
    """As high as their font is, and as wide as they advance. All at once: what a call costs is Python's part of it."""
    found = np.zeros((len(indices), 4), dtype=np.float32)  # each as pdfium writes it: left, top, right, bottom
    begin: int = found.ctypes.data
    places = range(begin, begin + _RECT_BYTES * len(indices), _RECT_BYTES)
    told = list(map(_loose_box, repeat(text_page), indices, places))
    boxes = found[:, (0, 3, 2, 1)].astype(np.float64)
    for place, is_told in enumerate(told) if not all(told) else ():
        if not is_told:
            boxes[place] = char_box(text_page, indices[place])
    return boxes


def text_objects(text_page: int, indices: Sequence[int]) -> list[int]:
    """What draws each character; 0: nothing, as of blanks that pdfium adds."""
    return [found or 0 for found in map(text_object, repeat(text_page), indices)]


def bounds(of: int) -> Rect:
    if not _bounds(of, *_f_at):
        return (0.0, 0.0, 0.0, 0.0)
    return (_f[0].value, _f[1].value, _f[2].value, _f[3].value)


def matrix(of: int) -> tuple[float, float, float, float, float, float]:
    found = raw.FS_MATRIX()
    if not _matrix(of, ctypes.byref(found)):
        return (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
    return (found.a, found.b, found.c, found.d, found.e, found.f)


def font_size(of: int) -> float:
    return float(_f[0].value) if _font_size(of, _f_at[0]) else 0.0


def font(of: int) -> int:
    """The handle of a text object's font; 0: it has none."""
    return int(_font(of) or 0)


def fill(of: int) -> Colour | None:
    """None: a pattern, or none."""
    return _colour(_fill, of)


def stroke(of: int) -> Colour | None:
    return _colour(_stroke, of)


def _colour(call: Callable[..., Any], of: int) -> Colour | None:
    if not call(of, *_u_at):
        return None
    return (_u[0].value, _u[1].value, _u[2].value, _u[3].value)


def image_size(of: int) -> tuple[int, int]:
    return (_u[0].value, _u[1].value) if _image_size(of, _u_at[0], _u_at[1]) else (0, 0)


def image_bytes(of: int, bytes_max: int) -> bytes:
    """As they stand in the file. Empty: there are none, or too many."""
    length = _image_data(of, None, 0)
    if not 0 < length <= bytes_max:
        return b""
    buffer = ctypes.create_string_buffer(length)
    _image_data(of, buffer, length)
    return buffer.raw


def mark_names(of: int) -> list[str]:
    """Of the marks around an object, such as "OC" for a layer."""
    names = []
    for index in range(min(marks_of(of), 32)):
        buffer = ctypes.create_string_buffer(256)
        length = ctypes.c_ulong()
        if _mark_name(mark_of(of, index), buffer, 256, ctypes.byref(length)):
            names.append(buffer.raw[: max(0, min(256, length.value) - 2)].decode("utf-16-le", "replace"))
    return names
