"""Private keys: whole blocks, and what is left of one that was cut up by lines, as logs and code do it."""

import re
from collections.abc import Iterable

from appliance.guardrails.detectors.web_tokens import decoded
from appliance.guardrails.entropy import bits, classes
from appliance.guardrails.grouped_pattern import grouped
from appliance.guardrails.pattern import Found, Match, Pattern

_PRIVATE = "SECRET_PRIVATE_KEY"
# One match for a whole block, of certificates and public keys too: so that the lines of those are nobody's any more.
_BLOCK = r"-----BEGIN [0-9A-Z .]{1,48}-----(?:[^-]|-{1,4}[^-])*(?:-----END [0-9A-Z .]{1,48}-----)?"
_END = r"-----END [0-9A-Z .]{0,40}PRIVATE KEY(?: BLOCK)?-----"
_PUTTY = r"PuTTY-User-Key-File-[0-9]: [^\n]{1,80}\n(?:[^P]|P[^r])*(?:Private-Lines: [0-9]{1,4}\r?\n[0-9A-Za-z+/=\r\n]*)?"
_LINE = r"(?:^|[^0-9A-Za-z+/=])([0-9A-Za-z+/]{40,}={0,2})"
_NAME = re.compile(r"-----BEGIN ([0-9A-Z .]+)-----")
_CHUNK = re.compile(r"[0-9A-Za-z+/]{16,}={0,2}")
_BODY = re.compile(r"(?:(?:[^0-9A-Za-z]|\\+[nrt]|[A-Z][A-Za-z-]{2,12}: [^\n]{0,80}\n){0,24}[0-9A-Za-z+/]{16,}={0,2})+")
# What may stand beside a key's line on its own line: the marks of comments and strings, a log's time, escaped ends of lines.
_BEFORE = re.compile(r"""(?:^|[\n\r]|\\+[nr])(?:[\s"'`+*/#;,:>|.=()\[\]{}-]|\d{1,4}[-/:.T,]|\d{2}\s|Z\s){0,48}$""")
_AFTER = re.compile(r"""[\s"'`+*/#;,>|()\[\]{}\\-]{0,24}(?:(?:\\+[nr]){1,4}|$|[\n\r])|[\s"'`+\\]{1,12}$""")
_ENDS_CODED = re.compile(r"""\s{0,8}(?:\\+[nr]|["'`]{1,3}\s{0,4}\+|\\+\s*(?:$|\n)|["'`])""")
_LINE_MAX = 128
_WIDTHS = frozenset({64, 70})
# Beginnings of keys' DER and of OpenSSH's own form, in base64.
_HEADS = re.compile(
    r"MII.{2}[AQgw]IBA(?:A[JK][BC]|DAN)|MI[GH].AgEAMB[AM]G|MI[GH].AgEBB[DE]|MHcCAQEE|MC4CAQAw"
    r"|MII.{2}DB.BgkqhkiG9w0BBQ|b3BlbnNzaC1rZXktdjE"
)
_READABLE = re.compile(rb"[\t\n\r -~]{12,}")


def _judge(match: Match) -> Iterable[Found]:
    start = match.start
    if match.text.startswith("-----BEGIN", start):
        return _block(match)
    if match.text.startswith("-----END", start):
        return [Found(_PRIVATE, 0.6)]
    if match.text.startswith("PuTTY", start):
        return [Found(_PRIVATE, 0.95)] if "Private-Lines" in match.value else []
    return _line(match)


def _block(match: Match) -> Iterable[Found]:
    value = match.value
    head = _NAME.match(value)
    if head is None or "PRIVATE KEY" not in head.group(1):
        return []
    end = value.find("-----END ", head.end())
    if end >= 0:
        return [Found(_PRIVATE, 0.98)] if _CHUNK.search(value, head.end(), end) else []
    body = _BODY.match(value, head.end())
    if body is not None:
        return [Found(_PRIVATE, 0.95, (match.start, match.start + body.end()))]
    if _is_last_of_line(value[head.end() : head.end() + 40]):
        return [Found(_PRIVATE, 0.7, (match.start, match.start + head.end()))]
    return []


def _is_last_of_line(rest: str) -> bool:
    """Prose that names the line goes on behind it; a key's text does not."""
    return re.match(r"""(?:\\+[nr]|[\s"'+\\]){0,16}$|[ \t"'+\\nr]{0,16}\r?\n(?!\.\.\.)""", rest) is not None


def _line(match: Match) -> Iterable[Found]:
    start, end = match.span(1)
    value = match.text[start:end]
    if end < len(match.text) and match.text[end] in "_-=%.@:?&~$!":
        return []
    if _is_head(value):
        return [Found(_PRIVATE, 0.85, (start, end))]
    if len(value) > _LINE_MAX or classes(value) < 3:
        return []
    after = match.text[end : end + 32]
    if not _AFTER.match(after) or not (len(value) in _WIDTHS or (_ENDS_CODED.match(after) and _is_wide(value))):
        return []
    if (
        not _BEFORE.search(match.text[max(0, start - 56) : start])
        or bits(value) < 4.2
        or value.startswith(("AAAA", "eyJ"))
        or _is_text(value)
    ):
        return []
    return [Found(_PRIVATE, 0.55, (start, end))]


def _is_head(value: str) -> bool:
    """The first line of a key in DER or in OpenSSH's form; or all of a PEM file once more in base64, as Kubernetes keeps it."""
    if value.startswith("LS0tLS1CRUdJTi"):
        return b"PRIVATE KEY" in decoded(value[:80])
    return _HEADS.match(value) is not None and bits(value) > 3.5


def _is_wide(value: str) -> bool:
    return len(value) >= 56 and ("+" in value or "/" in value)


def _is_text(value: str) -> bool:
    """A mail's or a file's words in base64: keys read as noise, wherever one begins to read."""
    return any(_READABLE.search(decoded(value[skipped:].rstrip("="))) for skipped in range(4))


PATTERNS: tuple[Pattern, ...] = (
    grouped(
        name="private_keys",
        types=(_PRIVATE,),
        regex=f"{_BLOCK}|{_END}|{_PUTTY}|{_LINE}",
        judge=_judge,
        length_max=4_096,
        is_open=True,
        looks_after=40,
    ),
)
