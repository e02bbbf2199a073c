"""Texts that PDFs carry in streams of their own: XMP, attached files. What isn't text is said to be unread."""

import html
import re

_TAG = re.compile(r"<(/?)([^\s<>/!?]+)((?:[^<>\"']|\"[^\"]*\"|'[^']*')*)>|<[!?][^>]*>")
_ATTRIBUTE = re.compile(r"([^\s=]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_NOISE = re.compile(
    r"(?i)(?:D:\d{4,14}|(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[0-2]\d(?:[0-5]\d){2})?)(?:[-+Z]\S{0,8})?|\d{4}-\d\d(?:-\d\d(?:T[\d:.]+(?:Z|[-+]\d\d:?\d\d)?)?)?|"
    r"(?:(?:urn:)?uuid:|xmp\.(?:iid|did|id):|adobe:docid:\S*?:)?\{?[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\}?|"
    r"https?://(?:ns\.adobe\.com|www\.w3\.org|purl\.org|www\.aiim\.org)/\S*"
)
_ENCODINGS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_PRINTED_MIN = 0.97
_NOBODYS = ("xmlns", "rdf:", "xml:lang")  # names of XML's own
_DEPTH_MAX, _NAME_MAX = 1_000, 100


def is_noise(text: str) -> bool:
    """Moments, identifiers that programs make up, and names of XML's own: nobody's words, and they look like numbers of cards."""
    return _NOISE.fullmatch(text.strip()) is not None


def xml_text(data: bytes) -> str:
    """The words of an XML text and its attributes, a line each, whatever state it is in. No entity but a character's is
    resolved, nothing nested is followed."""
    return "\n".join(text for _, text in xml_texts(data))


def xml_texts(data: bytes) -> list[tuple[str, str]]:
    """The same, each with the name of the element or attribute that it stands in; lists and languages aren't names."""
    text = plain_text(data) or data.decode("utf-8", "replace")
    found: list[tuple[str, str]] = []
    around: list[str] = []
    at = 0
    for tag in _TAG.finditer(text):
        found.append((_name_of(around), text[at : tag.start()]))
        at = tag.end()
        if tag.group(2) is None:
            continue  # a comment or the like
        if tag.group(3):
            found += [
                (_local(name), one or other)
                for name, one, other in _ATTRIBUTE.findall(tag.group(3))
                if not name.startswith(_NOBODYS)
            ]
        if tag.group(1):
            del around[-1:]
        elif not tag.group(3).endswith("/") and len(around) < _DEPTH_MAX:
            around.append(tag.group(2))
    found.append((_name_of(around), text[at:]))
    words = ((name, html.unescape(line).strip()) for name, line in found)
    return [(name, word) for name, word in words if word and not is_noise(word)]


def _name_of(around: list[str]) -> str:
    return next((_local(name) for name in reversed(around) if not name.startswith(_NOBODYS)), "")


def _local(name: str) -> str:
    return name.rpartition(":")[2][:_NAME_MAX]


def plain_text(data: bytes) -> str | None:
    """None: this isn't text."""
    if data.startswith(b"%PDF-"):
        return None
    for mark, encoding in _ENCODINGS:
        if data.startswith(mark):
            return data.decode(encoding, "replace")
    for encoding in ("utf-8", "utf-16-le", "utf-16-be", "cp1252"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if _is_printed(text) and (not encoding.startswith("utf-16") or _has_latin(text)):
            return text
    return None


def string_text(raw: str | bytes) -> str:
    """A string of a PDF's; "": it holds no words, such as a key or a checksum."""
    text = raw if isinstance(raw, str) else plain_text(raw) or ""
    text = text.replace("\0", "")
    return text if _is_printed(text) and sum(map(str.isalnum, text)) >= 2 and not is_noise(text) else ""


def _has_latin(text: str) -> bool:
    """Any bytes look like characters of two bytes each. Without a mark in front, only what has letters that are common is one."""
    sample = text[:20_000]
    return sum(one.isascii() and (one.isalnum() or one == " ") for one in sample) >= 0.3 * len(sample)


def _is_printed(text: str) -> bool:
    sample = text[:20_000]
    if not sample:
        return False
    printed = sum(c.isprintable() or c in "\r\n\t\f" for c in sample)
    strange = sum("\u0700" <= c < "\u0900" or "\u1200" <= c < "\u1e00" or "\ua000" <= c < "\uac00" for c in sample)
    return printed >= _PRINTED_MIN * len(sample) and strange < 0.3 * len(sample)
