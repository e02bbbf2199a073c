"""Which kind of text a file holds, and whether it holds text at all."""

import codecs
import re
from pathlib import PurePosixPath

from appliance.files.document import Kind

HTML_SUFFIXES = frozenset({"html", "htm", "xhtml", "xht", "shtml", "svg", "xml"})
_HTML_START = re.compile(  # groups that give nothing back: a thousand comments would be tried in all ways else
    rb"(?>(?><!--.{0,4000}?-->)|(?><\?[^>]{0,400}\?>)|\s)*+"
    rb"<(?:!doctype|html|head|body|script|iframe|h[1-6]|div|font|table|a|style|title|b|br|p|meta|form|svg|link|span|ul|ol)\b",
    re.IGNORECASE | re.DOTALL,
)
_XML_START = re.compile(rb"\s*<\?xml[\s?]", re.IGNORECASE)
_TAGS = re.compile(rb"<(?:html|body|div|p|span|table|script|a|h[1-6]|ul|li|img|br|meta|style)\b[^<>]{0,400}>", re.IGNORECASE)
_MARKDOWN = re.compile(
    r"^(?:#{1,6} \S|```|~~~|\* \S|- \[[ xX]\] |> \S|\|(?: ?:?-+:? ?\|)+|={3,}\s*$)"
    r"|\[[^\]\n]{1,200}\]\([^)\s]{1,500}\)|\*\*\S",
    re.MULTILINE,
)


def text_kind(head: bytes, size: int, name: str) -> tuple[Kind, str]:
    """`head`: of a file of `size` bytes. Among texts, which all can be read as each other, the name's end tells Markdown and HTML
    apart where the content leaves it open."""
    if looks_binary(head, whole=size <= len(head)):
        return "other", "binary data"
    plain = _as_ascii(head)
    suffix = PurePosixPath(name).suffix.lower().lstrip(".")
    if _HTML_START.match(plain) and suffix not in {"md", "markdown"}:
        return "html", "HTML"
    if _XML_START.match(plain) or (suffix in HTML_SUFFIXES and _TAGS.search(plain)):
        return "html", "XML" if _XML_START.match(plain) else "HTML"
    text = plain.decode("latin-1")
    if _looks_like_table(text, whole=size <= len(head)):
        return "csv", "CSV"
    if suffix in {"md", "markdown"} or len(_MARKDOWN.findall(text)) >= 2:
        return "markdown", "Markdown"
    return "text", "plain text"


def _as_ascii(head: bytes) -> bytes:
    """Marks of UTF and the NULs of UTF-16 and UTF-32 taken out: what is ASCII in it then stands side by side."""
    return (
        head.replace(b"\0", b"").removeprefix(codecs.BOM_UTF8).removeprefix(codecs.BOM_UTF16_LE).removeprefix(codecs.BOM_UTF16_BE)
    )


def looks_binary(head: bytes, *, whole: bool) -> bool:
    """Neither text in UTF-8, UTF-16 or UTF-32, nor in an older encoding: too many bytes that no text has."""
    if head.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)):
        return False
    zeros = head.count(0)
    if zeros > len(head) // 20:
        return not _zeros_are_regular(head)
    controls = sum(head.count(code) for code in (*range(1, 9), 14, 15, *range(16, 27), 28, 29, 30, 31, 127))
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head, final=whole)
    except UnicodeDecodeError:
        return controls > max(2, len(head) // 50)
    return controls > max(8, len(head) // 10)


def _zeros_are_regular(head: bytes) -> bool:
    """As in UTF-16 (every second byte) and UTF-32; or so few letters that nobody can tell."""
    for width in (2, 4):
        usable = head[: len(head) // width * width]
        counts = sorted(usable[phase::width].count(0) for phase in range(width))
        if usable and counts[0] <= max(1, counts[-1] // 8) and counts[-1] >= len(usable) // width // 8:
            return True
    return False


def _looks_like_table(text: str, *, whole: bool) -> bool:
    """Two lines or more, each with equally many commas, semicolons, tabs or bars outside of quotation marks."""
    lines = [re.sub(r'"(?:[^"]|"")*"', '""', line) for line in text.splitlines() if line.strip()]
    lines = lines[:50] if whole or len(lines) < 2 else lines[:-1][:50]
    if len(lines) < 2:
        return False
    for mark in ",;\t|":
        counts = {line.count(mark) for line in lines}
        if len(counts) == 1 and counts.pop() >= 1 and not (mark in ",;" and any(mark + " " in line for line in lines[1:])):
            return True
    return False
