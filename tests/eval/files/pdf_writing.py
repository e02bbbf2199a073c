"""The ways in which a line of text may stand on a page: all look the same, and none is one string in the file."""

from collections.abc import Callable

from tests.eval.files.pdf_bytes import Pdf, hexed, text

Writer = Callable[[str, float, float], bytes]  # a line of ASCII, x, y


def line(words: str, x: float, y: float, font: str = "F1", size: float = 11) -> bytes:
    return b"BT /%s %g Tf 1 0 0 1 %g %g Tm %s Tj ET\n" % (font.encode(), size, x, y, text(words))


def several(words: str, x: float, y: float) -> bytes:
    """A string for every three letters."""
    parts = b" ".join(text(words[place : place + 3]) + b" Tj" for place in range(0, len(words), 3))
    return b"BT /F1 11 Tf %g %g Td %s ET\n" % (x, y, parts)


def kerned(words: str, x: float, y: float) -> bytes:
    parts = b" -20 ".join(text(words[place : place + 2]) for place in range(0, len(words), 2))
    return b"BT /F2 11 Tf %g %g Td [%s] TJ ET\n" % (x, y, parts)


def two_fonts(words: str, x: float, y: float) -> bytes:
    half = len(words) - 6
    return b"BT /F1 11 Tf %g %g Td %s Tj /F4 11 Tf %s Tj ET\n" % (x, y, text(words[:half]), text(words[half:]))


def lettered(words: str, x: float, y: float) -> bytes:
    """Each letter with a place of its own; Courier's letters are all 0.6 wide."""
    parts = b"".join(b"1 0 0 1 %g %g Tm %s Tj " % (x + place * 6.6, y, text(one)) for place, one in enumerate(words))
    return b"BT /F3 11 Tf %s ET\n" % parts


def objects(words: str, x: float, y: float) -> bytes:
    """A text object for every four letters."""
    return b"".join(line(words[at : at + 4], x + at * 6.6, y, "F3") for at in range(0, len(words), 4))


def backwards(words: str, x: float, y: float) -> bytes:
    """What stands on the right is written first."""
    return b"".join(reversed([line(words[at : at + 5], x + at * 6.6, y, "F3") for at in range(0, len(words), 5)]))


def from_both_ends(words: str, x: float, y: float) -> bytes:
    """Every five letters by themselves, the first, the last, the second …, with other words drawn in between."""
    parts = [line(words[at : at + 5], x + at * 6.6, y, "F3") for at in range(0, len(words), 5)]
    half = (len(parts) + 1) // 2
    mixed = [one for pair in zip(parts[:half], reversed(parts), strict=False) for one in pair][: len(parts)]
    return line(".", x, y - 300).join(mixed)


def stepping_back(words: str, x: float, y: float) -> bytes:
    """One text whose second half is drawn first."""
    half = len(words) // 2
    back = b"%d" % (len(words) * 600)
    ahead = b"%d" % (-half * 600)
    return b"BT /F3 11 Tf %g %g Td [%s %s %s %s] TJ ET\n" % (x, y, ahead, text(words[half:]), back, text(words[:half]))


def in_hex(words: str, x: float, y: float) -> bytes:
    return b"BT /F1 11 Tf %g %g Td %s Tj ET\n" % (x, y, hexed(words))


def octal(words: str, x: float, y: float) -> bytes:
    return b"BT /F1 11 Tf %g %g Td (%s) Tj ET\n" % (x, y, "".join(f"\\{ord(one):03o}" for one in words).encode())


def quoted(words: str, x: float, y: float) -> bytes:
    return b"BT /F1 11 Tf 14 TL %g %g Td %s ' ET\n" % (x, y + 14, text(words))


def double_quoted(words: str, x: float, y: float) -> bytes:
    return b'BT /F1 11 Tf 14 TL %g %g Td 0 0.2 %s " ET\n' % (x, y + 14, text(words))


def spaced(words: str, x: float, y: float) -> bytes:
    return b"BT /F1 9 Tf 2 Tc 3 Tw %g %g Td %s Tj ET\n" % (x, y, text(words))


def marked(words: str, x: float, y: float) -> bytes:
    """As a tagged file has it: each word in a tag of its own."""
    pieces = [b"/Span << /MCID %d >> BDC %s Tj EMC" % (n, text(one)) for n, one in enumerate(words.split(" "))]
    return b"BT /F1 11 Tf %g %g Td %s ET\n" % (x, y, b" ( ) Tj ".join(pieces))


WRITERS: dict[str, Writer] = {
    "one string": line,
    "several strings": several,
    "kerned": kerned,
    "two fonts": two_fonts,
    "letter by letter": lettered,
    "several text objects": objects,
    "right to left in the file": backwards,
    "from both ends": from_both_ends,
    "a text that steps back": stepping_back,
    "hexadecimal": in_hex,
    "octal": octal,
    "next-line operator": quoted,
    "spacing operator": double_quoted,
    "spaced out": spaced,
    "marked content": marked,
}

OUT_OF_ORDER = frozenset({"from both ends", "a text that steps back"})  # their places alone tell what they say


def scrambled_font(pdf: Pdf, alphabet: str) -> tuple[int, dict[str, int]]:
    """A font whose codes say nothing: only its table of glyphs' names and its ToUnicode tell the letters, as in subset fonts."""
    letters = sorted(set(alphabet))
    codes = {one: 1 + (place * 7) % 211 for place, one in enumerate(letters)}
    rows = "".join(f"<{code:02X}> <{ord(one):04X}>\n" for one, code in codes.items())
    table = pdf.stream(
        (
            "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /Own def /CMapType 2 def\n"
            f"1 begincodespacerange <00> <FF> endcodespacerange\n{len(codes)} beginbfchar\n{rows}endbfchar\nendcmap end end"
        ).encode()
    )
    names = " ".join(f"{code} /{glyph_name(one)}" for one, code in sorted(codes.items(), key=lambda item: item[1]))
    font = (
        f"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /ToUnicode {table} 0 R "
        f"/Encoding << /Type /Encoding /Differences [{names}] >> >>"
    )
    return pdf.add(font.encode()), codes


def glyph_name(one: str) -> str:
    digits = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    signs = {" ": "space", "-": "hyphen", "@": "at", ".": "period", ":": "colon", ",": "comma", "_": "underscore"}
    return digits[int(one)] if one.isdigit() else signs.get(one, one)
