"""A text as words: Unicode in one form, punctuation apart, and what must be the same letter by letter kept whole.

A word is a string. Three kinds begin with a sign of their own, and no rule looks inside them: VERBATIM (code, identifiers,
addresses, paths, operators: compared with their case) and QUOTED (what stands between quotation marks: it is mentioned, not
used). Punctuation that separates is `.` (any end of a sentence), `,`, `:`, `(` and `)`.
"""

import re
import unicodedata

from appliance.cache.sameness.listed import listed

VERBATIM, QUOTED = "`", '"'
MARKS = frozenset(".,:()")

_LOOKS = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201b\u02bc", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u00ab\u00bb", '"'),
        **dict.fromkeys("\u2010\u2011\u2012", "-"),
        **dict.fromkeys("\u00a0\u2009\u202f", " "),
        **dict.fromkeys("\u200b\u200e\u200f\ufeff\u00ad\u2060\r"),
        **dict.fromkeys("\u0964\u0965", " . "),
        "\u2013": "\u2014",
        "\u2026": "...",
    }
)
_DIGITS = {0x966 + digit: str(digit) for digit in range(10)}
_BRANDS = frozenset(
    listed(
        "javascript typescript github gitlab postgresql mysql mongodb graphql nosql linkedin youtube paypal whatsapp "
        "powerpoint sharepoint onedrive iphone ipad ios macos devops oauth saas paas iaas numpy pytorch tensorflow "
        "fastapi openai chatgpt macbook ebay wifi wi-fi vscode bigquery cloudformation dynamodb wordpress hubspot "
        "quickbooks youtuber airbnb facetime icloud airpods phpmyadmin stackoverflow bitbucket circleci sqlite mariadb "
        "rabbitmq elasticsearch phonepe esop esops phd mba apis sops slas faqs kpis dbs vms cvs pcs gpus cpus urls ids "
        "pdfs llms ndas t&c t&cs p&l r&d q&a a/p a/r c/o b2b gst tds"
    )
)
_FENCE = re.compile(r"```[\s\S]*?(?:```|$)")
_PIECE = re.compile(
    r"(?P<fence>```[\s\S]*?(?:```|$))|(?P<code>`[^`\n]+`)|(?P<quote>\"[^\"\n]+\")"
    r"|(?P<single>(?<![^\s(])'[^'\n]{1,80}'(?![^\s.,;:?!)]))|(?P<line>\n+)|(?P<chunk>[^\s`\"]+)|(?P<left>[`\"])"
)
_DOTTED = re.compile(
    r"^(?:e\.g|i\.e|a\.m|p\.m|u\.s|u\.k|u\.s\.a|etc|vs|approx|max|min|avg|dept|govt|no|rs|mr|mrs|ms|dr|temp)\.?$", re.IGNORECASE
)
_DOTTED_TO = {"a.m": "am", "p.m": "pm", "u.s": "usa", "u.s.a": "usa", "u.k": "uk", "e.g": "eg", "i.e": "i.e."}
_CODE = re.compile(
    r"[_{}\[\]=<>|&\\@#~^*+]|::|->|\(\)|\w\(|^/\w|\w/\w+/|^\.\w|[a-z][A-Z]|[A-Za-z]\.[A-Za-z]|^-{1,2}[A-Za-z]|^%\w|^\$[A-Za-z]|//|^-\d|^[-/%]$"
)
_WORD = re.compile(r"^[^\W\d_]+(?:['-][^\W\d_]+)*$")
_MONEY = re.compile(r"^([$₹€£])(\d.*)$")
_RUPEES = re.compile(r"^rs\.?(\d.*)$", re.IGNORECASE)
_LETTER_BY_LETTER = re.compile(
    r"\b(?:translat|rewrit|rephras|paraphras|proofread|correct|transcrib|edit|shorten|summari|spell|grammar|punctuat|polish|improve|"
    r"reword|simplif|classif|sentiment|count|fix|debug|refactor|अनुवाद|anuvad)",
    re.IGNORECASE,
)
_SQL = re.compile(r"\b(?:SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE TABLE|ALTER TABLE|DROP TABLE)\b")


def clean(text: str) -> str:
    """The text with one form for each character that Unicode writes in several ways, and single blanks."""
    text = unicodedata.normalize("NFC", text).translate(_LOOKS).translate(_DIGITS)
    if "`" in text or ("\n" in text and any(_CODE.search(chunk) for chunk in text.split())):
        return text.strip()  # blanks may be code's
    return re.sub(r" ?\n ?", "\n", re.sub(r"[^\S\n]+", " ", text)).strip()


def split(text: str) -> list[str]:
    """The words of a cleaned text, in order, case kept. Deterministic and linear in the text's length."""
    body, payload = _payload(text)
    out: list[str] = []
    for match in _PIECE.finditer(body):
        kind, value = match.lastgroup, match.group()
        if kind in {"fence", "code"}:
            out.append(VERBATIM + value.strip("`").strip())
        elif kind in {"quote", "single"}:
            out.append(QUOTED + value[1:-1].strip().rstrip(".,"))
        elif kind == "line":
            out.append(".")
        elif kind == "left":
            out.append(VERBATIM + value)
        else:
            out += _chunk(value)
    return [*out, VERBATIM + payload] if payload else out


def _payload(text: str) -> tuple[str, str]:
    """(what is asked, what it is asked about) where code follows on lines of its own or after a colon, without a fence."""
    if _FENCE.search(text):
        return text, ""
    first, newline, rest = text.partition("\n")
    if newline and any(_CODE.search(chunk) for chunk in rest.split()):
        return first, rest
    before, colon, after = re.sub(r":\n", ": ", text, count=1).partition(": ")
    if colon and (_SQL.search(after) or _LETTER_BY_LETTER.search(before)):
        return before + ":", after
    sql = _SQL.search(text)
    return (
        (text[: sql.start()], text[sql.start() :]) if sql and sql.start() > 0 and " " in text[sql.end() :].strip() else (text, "")
    )


def _chunk(chunk: str) -> list[str]:
    """A run without blanks, its punctuation split off at both ends."""
    before: list[str] = []
    after: list[str] = []
    while chunk and chunk[0] in "(,;:!?¿¡" and not _DOTTED.match(chunk):
        before += ["("] if chunk[0] == "(" else [] if chunk[0] in "¿¡" else [_mark(chunk[0])]
        chunk = chunk[1:]
    while chunk and not _DOTTED.match(chunk) and _ends_in_mark(chunk):
        after.insert(0, _mark(chunk[-1]))
        chunk = chunk[:-1]
    if not chunk:
        return [*before, *after]
    return [*before, *_core(chunk), *after]


def _ends_in_mark(chunk: str) -> bool:
    if chunk[-1] == ")":
        return chunk.count(")") > chunk.count("(")
    return chunk[-1] in ".,;:!?" and not (chunk[-1] == "!" and chunk == "!")


def _mark(sign: str) -> str:
    return {"(": "(", ")": ")", ",": ",", ";": ",", ":": ":"}.get(sign, ".")


def _core(chunk: str) -> list[str]:
    dotted = chunk.lower().rstrip(".")
    if _DOTTED.match(chunk) and ("." in dotted or chunk.endswith(".")):
        return [_DOTTED_TO.get(dotted, dotted)]
    if chunk in {"-", "\u2014", "--", "%"}:
        return ["%" if chunk == "%" else "-"]
    if money := _MONEY.match(chunk) or _RUPEES.match(chunk):
        return [money.group(1) if chunk[0] in "$₹€£" else "rs", *_core(money.group(2) if chunk[0] in "$₹€£" else money.group(1))]
    if chunk.endswith("%") and chunk[:-1].replace(",", "").replace(".", "").isdigit():
        return [chunk[:-1], "%"]
    return _plain_core(chunk)


def _plain_core(chunk: str) -> list[str]:
    folded = chunk.lower()
    if folded in _BRANDS or folded in {"w/", "w/o", "&"}:
        return [folded]
    if _WORD.match(chunk) and not _CODE.search(chunk):
        return _hyphenated(chunk)
    if re.match(r"^\d+-[A-Za-z]+$", chunk):
        return chunk.split("-")
    if "\u2014" in chunk:
        return [part for piece in chunk.split("\u2014") for part in (*(_core(piece) if piece else []), "-")][:-1]
    if _CODE.search(chunk):
        return [VERBATIM + chunk]
    if re.match(r"^[^\W\d_]+(?:'[^\W\d_]+)?/[^\W\d_]+$", chunk):
        return [folded]
    return [chunk]


def _hyphenated(chunk: str) -> list[str]:
    return [part for part in chunk.split("-") if part]
