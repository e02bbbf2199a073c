"""Numbers that an engine misread in a picture, put right where check digits, or their form and the words beside them, prove it.

Engines put blanks into long runs of digits, leave others out, and take 0 for O and 1 for l. What is changed: blanks are dropped,
characters replaced by those that look like them; so every character keeps its place on the page. Nothing is changed that the sum
or form doesn't confirm: cards (Luhn, range), Aadhaar (Verhoeff), IBAN (97), PAN, SSN, and AWS's keys (base32: no 0, 1 and 8).
"""

import re
from collections.abc import Callable, Iterator
from itertools import pairwise

import msgspec

from appliance.files.document import Document, Piece, Span
from appliance.guardrails.check_digits import luhn, mod_97, verhoeff
from appliance.guardrails.context import label
from appliance.guardrails.detectors.bank import LENGTHS
from appliance.guardrails.detectors.india import HOLDERS
from appliance.guardrails.numbers.cards import in_range

_DIGITS = str.maketrans("OoQDIl|!SsBZzG", "00001111558226")
_LETTERS = str.maketrans("01|!5826", "OIIISBZG")
_BASE32 = str.maketrans("01|!l8", "OIIIIB")
_LIKE_A_DIGIT = r"[0-9OoQDIl|!SsBZzG]"
_REPLACED_MAX = 2
_REPLACED_IN_IBAN_MAX = 3

_NUMBER = re.compile(rf"(?<![\w@]){_LIKE_A_DIGIT}(?:[ .\-]{{0,2}}{_LIKE_A_DIGIT}){{11,22}}(?![\w@])")
_DASH = r" ?[-\u2013\u2014] ?"
_SSN = re.compile(rf"(?<!\w){_LIKE_A_DIGIT}{{3}}{_DASH}{_LIKE_A_DIGIT}{{2}}{_DASH}{_LIKE_A_DIGIT}{{4}}(?!\w)")
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z0-9]{2} ?[0-9OoQDIlSBZG]{2}(?:[ .\-]{0,2}[A-Z0-9lo|]){11,32}(?![A-Za-z0-9])")
_PAN = re.compile(r"(?<!\w)[A-Z0-9|]{4,5} ?[A-Z0-9|]{1,5} ?[A-Z0-9|]{1,5}(?!\w)")
_AWS = re.compile(r"(?<![A-Za-z0-9])A[KS][I1l|]A(?: ?[A-Z0-9l|]){16}(?![A-Za-z0-9])")
_PART_MAX = 44
_LINES_END = re.compile(r"(?<=[A-Z0-9]{2})[ \-]?\n(?=[A-Z0-9]{2})")
_TAIL = re.compile(r"(?<![^\s:=#])[A-Z0-9]+(?:[ \-][A-Z0-9]+)*[ \-]?\Z")
_HEAD = re.compile(r"[A-Z0-9]+(?:[ \-][A-Z0-9]+)*(?![^\s.,;)])")
_WORD = re.compile(r"[A-Z0-9]+")
# Letters (a), digits (n), either (c) of a country's account numbers, as SWIFT's registry has them; others are all "c".
_FORMS_TEXT = """
DE:18n GB:4a14n IE:4a14n NL:4a10n ES:20n AT:16n BE:12n FR:10n11c2n MC:10n11c2n IT:1a10n12c SM:1a10n12c CH:5n12c LI:5n12c
PT:21n PL:24n DK:14n SE:20n FI:14n NO:11n LU:3n13c CZ:20n SK:20n HU:24n EE:16n LT:16n SI:15n HR:17n IS:22n GR:7n16c
RO:4a16c BG:4a6n8c LV:4a13c MT:4a5n18c CY:8n16c TR:6n16c AE:19n SA:2n18c IL:19n
"""
_FORMS = {country: re.findall(r"(\d+)([anc])", form) for country, form in (one.split(":") for one in _FORMS_TEXT.split())}
Changed = tuple[int, str]
"""Where a character stands in the text, and what it is to be; "": dropped."""


def put_right(document: Document) -> None:
    """All that engines read in its pictures."""
    document.pieces = [mended(piece) if piece.engine else piece for piece in document.pieces]


def mended(piece: Piece) -> Piece:
    """The piece with its misread numbers put right; the same where there are none. For what engines read alone."""
    changes: dict[int, str] = {}
    for expression, judge in _RULES:
        for match in expression.finditer(piece.text):
            if not any(place in changes for place in range(match.start(), match.end())):
                changes.update(judge(piece.text, match.start(), match.end()))
    for place in (match.end() - 1 for match in _LINES_END.finditer(piece.text)):
        found = dict(_over(piece.text, place))
        if not found.keys() & changes.keys():
            changes.update(found)
    return _with(piece, changes) if changes else piece


def _with(piece: Piece, changes: dict[int, str]) -> Piece:
    places, length, parts = [], 0, []
    for place, one in enumerate(piece.text):
        places.append(length)
        new = changes.get(place, one)
        parts.append(new)
        length += len(new)
    places.append(length)
    spans = [Span(places[span.start], places[span.end], span.left, span.top, span.right, span.bottom) for span in piece.spans]
    return msgspec.structs.replace(piece, text="".join(parts), spans=[span for span in spans if span.end > span.start])


def _packed(text: str, start: int, end: int) -> tuple[str, list[int]]:
    """Letters and digits alone, and where each stands."""
    places = [place for place in range(start, end) if text[place] not in " .-\u2013\u2014\n"]
    return "".join(text[place] for place in places), places


def _put(text: str, places: list[int], code: str) -> Iterator[Changed]:
    """`code` where `places` are, and nothing between them."""
    for place, one in zip(places, code, strict=True):
        if text[place] != one:
            yield place, one
    for before, after in pairwise(places):
        yield from ((place, "") for place in range(before + 1, after))


def _replaced(one: str, other: str) -> int:
    return sum(before != after for before, after in zip(one, other, strict=True))


def _number(text: str, start: int, end: int) -> Iterator[Changed]:
    """A card or an Aadhaar, with words of the run before and behind it that aren't its own."""
    words = [word.span() for word in re.finditer(r"[^ ]+", text[start:end])]
    for first in range(len(words)):
        for last in range(len(words) - 1, first - 1, -1):
            begin, stop = start + words[first][0], start + words[last][1]
            if _is_misread(text, begin, stop, is_all=(first, last) == (0, len(words) - 1)):
                code, places = _packed(text, begin, stop)
                yield from _put(text, places, code.translate(_DIGITS))
                return


def _is_misread(text: str, start: int, end: int, *, is_all: bool) -> bool:
    code, _ = _packed(text, start, end)
    digits = code.translate(_DIGITS)
    replaced = _replaced(code, digits)
    if replaced > _REPLACED_MAX or not (12 <= len(digits) <= 16):
        return False
    if len(digits) == 12:
        kind, is_right, usual = "AADHAAR", digits[0] not in "01" and verhoeff(digits), {4, 8}
    else:
        kind, is_right = "CREDIT_CARD", len(digits) > 13 and in_range(digits) and luhn(digits)
        usual = {4, 8, 12} if len(digits) == 16 else {4, 10}
    if not is_right:
        return False
    cuts = _cuts(text[start:end])
    if not replaced and (cuts == usual or not cuts):
        return False  # it reads well as it is
    named = label(text, start, end)
    if named:
        return named == kind
    return is_all and not replaced and len(digits) > 14 and len(cuts - usual) < 2 and len(cuts & usual) > 0


def _cuts(value: str) -> set[int]:
    """After how many digits something stands between them."""
    found, count = set(), 0
    for one in value:
        if one in " .-":
            found.add(count)
        else:
            count += 1
    return found


def _over(text: str, place: int) -> Iterator[Changed]:
    """A number that goes over the line's end at `place`: in a narrow column, on a card."""
    tail, head = _TAIL.search(text, max(0, place - _PART_MAX), place), _HEAD.match(text, place + 1, place + _PART_MAX)
    if tail is None or head is None:
        return
    for begin in (tail.start() + word.start() for word in _WORD.finditer(tail[0])):
        for end in (head.start() + word.end() for word in _WORD.finditer(head[0])):
            code, places = _packed(text, begin, end)
            is_iban = len(code) == LENGTHS.get(code[:2]) and mod_97(code)
            if is_iban or (code.isdigit() and _kind(code) and _kind(code) == label(text, begin, end)):
                yield from _put(text, places, code)
                return


def _kind(digits: str) -> str:
    """What a number's length and sum make of it; "": nothing."""
    if len(digits) == 12:
        return "AADHAAR" if digits[0] not in "01" and verhoeff(digits) else ""
    return "CREDIT_CARD" if 14 < len(digits) < 17 and in_range(digits) and luhn(digits) else ""


def _ssn(text: str, start: int, end: int) -> Iterator[Changed]:
    code, places = _packed(text, start, end)
    digits = code.translate(_DIGITS)
    replaced = _replaced(code, digits)
    if (replaced or end - start > 11) and replaced <= _REPLACED_MAX and label(text, start, end) == "US_SSN":
        dashes = [place for place in range(start, end) if text[place] in "-\u2013\u2014"]
        yield from zip(places, digits, strict=True)
        yield from ((place, "-") for place in dashes)
        yield from ((place, "") for place in range(start, end) if text[place] == " ")


def _iban(text: str, start: int, end: int) -> Iterator[Changed]:
    code, places = _packed(text, start, end)
    country = code[:2].translate(_LETTERS)
    length = LENGTHS.get(country)
    if length is None or len(code) < length:
        return
    behind = places[length - 1] + 1
    if text[behind : behind + 1].isalnum():
        return
    code, places = code[:length], places[:length]
    right = next((one for one in _alike(country, code) if mod_97(one)), None)
    is_known = right is not None and code[:2] == country and country in _FORMS
    is_like_one = is_known and _replaced(code, right or code) <= _REPLACED_IN_IBAN_MAX
    if right != code and not is_like_one and label(text, start, behind) != "IBAN":
        return  # one sum of a hundred is right by chance
    if right is not None and (right != code or not _is_grouped(text[start:behind])):
        yield from _put(text, places, right)


def _alike(country: str, code: str) -> Iterator[str]:
    """The code in the country's form; where letters and digits may stand, as it is and with one of them changed."""
    form = "".join(kind * int(count) for count, kind in _FORMS.get(country, [(str(len(code) - 4), "c")]))
    number = "".join(
        one.translate(_DIGITS) if kind == "n" else one.translate(_LETTERS) if kind == "a" else one if one != "l" else "1"
        for one, kind in zip(code[4:], form, strict=True)
    ).upper()
    head = country + code[2:4].translate(_DIGITS)
    if not head[2:].isdigit() or not number.isalnum() or not number.isascii():
        return
    yield head + number
    for place, kind in enumerate(form):
        if kind == "c":
            one = number[place]
            other = one.translate(_LETTERS) if one.isdigit() else one.translate(_DIGITS)
            if other != one:
                yield head + number[:place] + other + number[place + 1 :]


def _is_grouped(value: str) -> bool:
    """In fours, or without a blank: as detectors expect it."""
    groups = re.split(r"[ .\-]+", value)
    return len(groups) == 1 or (all(len(group) == 4 for group in groups[:-1]) and len(groups[-1]) <= 4)


def _pan(text: str, start: int, end: int) -> Iterator[Changed]:
    code, places = _packed(text, start, end)
    if len(code) != 10:
        return
    right = code[:5].translate(_LETTERS) + code[5:9].translate(_DIGITS) + code[9].translate(_LETTERS)
    is_one = right[:5].isalpha() and right[5:9].isdigit() and right[9].isalpha() and right[3] in HOLDERS
    if is_one and 0 < _replaced(code, right) <= _REPLACED_MAX and label(text, start, end) == "PAN":
        yield from _put(text, places, right)


def _aws(text: str, start: int, end: int) -> Iterator[Changed]:
    code, places = _packed(text, start, end)
    right = code.translate(_BASE32)
    if len(code) == 20 and "9" not in code and (sum(one in "18" for one in code) < 2 or " " in text[start:end]):
        yield from _put(text, places, right)


_RULES: tuple[tuple[re.Pattern[str], Callable[[str, int, int], Iterator[Changed]]], ...] = (
    (_AWS, _aws),
    (_IBAN, _iban),
    (_PAN, _pan),
    (_SSN, _ssn),
    (_NUMBER, _number),
)
