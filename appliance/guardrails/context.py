"""What the words beside a value say it is. They move a score both ways: an order's number is not a social security number.

The nearest label decides: before the value on its line (or at the end of the line above, where nothing else stands before it),
with no other number between; else just behind it. Labels in English and Hindi, and some in German, French and Spanish.
"""

import re
from collections.abc import Iterator

import re2

BEFORE, AFTER = 64, 28
OTHERS = frozenset({"OTHER", "VERSION", "ID"})  # what is none of ours counts only where it stands close by
_CLOSE = re.compile(
    r"[\W_]*(?:(?:is|was|are|of|the|for|to|from|no|nr|num|number|id|code|says|at|in|by|our|your|with|has|value|count)\b[\W_]*){0,3}"
)

_LABELS = {
    "US_ITIN": r"\bitin\b|individual taxpayer",
    "US_SSN": r"\bssn|social[ -]?security|\bsoc\.? sec\b|\bss ?#",
    "AADHAAR": r"\baadhaa?r\b(?: card\b)?|\badhaa?r\b|\buidai\b|\buid\b|\bvid\b|आधार(?: कार्ड)?",
    "PASSPORT": r"passport|\bpasaporte|passeport|reisepass|पासपोर्ट",
    "IN_VOTER_ID": r"\bvoters?\b(?: id)?(?: card\b)?|\bepic\b|\belector|\belection card|मतदाता|वोटर|पहचान पत्र",
    "UPI_ID": r"\bupi\b|\bvpa\b|\bbhim\b|\bgpay\b|\bphonepe\b|यूपीआई",
    "GSTIN": r"\bgst(?:in)?\b|जीएसटी",
    "IFSC": r"\bifsc\b|आईएफएससी",
    "IBAN": r"\biban\b",
    "UK_NINO": r"national insurance|\bnino\b|\bni (?:number|no)\b",
    "UK_NHS": r"\bnhs\b",
    "MRN": r"\bmrn\b|medical record|\bpatient (?:id|no|number)|\buhid\b|hospital (?:id|no|number)|\bchart (?:no|number)"
    r"|patientennummer|fallnummer|numéro de dossier|historia clínica",
    "PAN": r"\bpan\b(?: card\b)?|permanent account|पैन(?: कार्ड)?",
    "CREDIT_CARD": r"\bcards?(?: ?n|\b)|credit|\bdebit\b|\bcc\b|\bvisa\b|master ?card|\bamex\b"
    r"|\brupay\b|\bccn\b|kreditkarte"
    r"|kartennummer|carte (?:bancaire|bleue|de cr)|\btarjeta|कार्ड",
    "BANK_ACCOUNT": r"\ba/c\b|\bac(?:coun)?t\b|\bacct\b|\bkonto|\bcuenta\b|\bcompte\b|खाता",
    "DATE_OF_BIRTH": r"\bd\.?o\.?b\b|\bbirth|\bborn\b|birth ?date|geburt|\bgeboren|naissance|nacimiento|\bnacid[oa]\b|जन्म",
    "IP_ADDRESS": r"\bips?\b|\bipv[46]\b|\bip-?addr|\bsubnet\b|\bgateway\b|आईपी",
    "EMAIL": r"\be-?mails?\b|\bcourriel\b|\bcorreo\b|ईमेल",
    "PHONE": r"\b(?:tele)?phone|\btel\b|\bmobile|\bmob\b|\bph\b|\bcell(?:ular)?\b|\bfax\b|\bcall(?:s|ed|ing|back)?\b"
    r"|\bdial\b|\bring\b|\bsms\b|whats ?app|\bcontacts?\b|\breach\b|\bhotline\b|\bhelpline\b|\bmessages? (?:to|from|at|on)\b"
    r"|\b(?:my|new|his|her|their|old|mein|mon|mi|meine) (?:number|nummer|numéro|número)\b|\btext (?:me|him|her|us)\b"
    r"|\banswering\b|\bt[ée]l[ée]phone|\btelefon|\bhandy\b|rufnummer|\btel[ée]fono|\bm[óo]vil\b|\bportable\b|\bllam|\bappel"
    r"|फोन|फ़ोन|मोबाइल|संपर्क|व्हाट्सएप|कॉल"
    r"|\b(?:office|desk|direct|home|work)\W{0,3}$|^\W{0,3}(?:office|desk|direct|home|work)\b",
    "VERSION": r"\bversions?\b|\bv\.? ?$|\bbuilds?\b|\bupgrad|\bdowngrad|\breleases?\b|\bfirmware\b|\bsections?\b|\bchapters?\b"
    r"|\btables?\b|\bfigures?\b|\bclauses?\b|\bkernel\b|\bdriver\b|\brfc\b|\bsdk\b|\boid\b|\bschema\b|\bpatch\b",
    "OTHER": r"\borders?\b|\binvoices?\b|\btickets?\b|\btracking\b|\bref(?:erence|s)?\b|\bserial\b|\bparts?\b|\bsku\b|\bpages?\b"
    r"|\bisbn\b|\bissn\b|\bdoi\b|\bcommits?\b|\bhash|\bsha\d*\b|\bmd5\b|\buuid\b|\bguid\b"
    r"|\btrace|\bspan\b|\brequest\b|\bsession\b|\btransaction\b"
    r"|\btxn\b|\butr\b|\bshipment\b|\bawb\b|\bconsignment\b|\bparcel\b|\bpo\b|\bcase\b|\bbatch\b|\blot\b|\bitem\b|\bproduct\b"
    r"|\bmodel\b|\bbarcode\b|\bimei\b|\bvin\b|\bean\b|\bupc\b"
    r"|\btimestamp\b|\bepoch\b|\bsize\b|\bbytes\b|\btotal\b|\bamount\b|\bprice\b|\brs\b|\binr\b|\busd\b|\beur\b|[$€£₹]|\bmeter\b|\bseed\b"
    r"|\bbooking\b|\bpnr\b|\bflight\b|\bcoordinates?\b|\blat(?:itude)?\b|\blon(?:gitude)?\b"
    r"|\bpopulation\b|\brevenue\b|\bcounter?\b"
    r"|\bbill\b|\breceipt\b"
    r"|\bcoupon\b|\bvoucher\b|\bfolio\b|\bche(?:que|ck) (?:no|number|#)|\bpromo\b|\blicense\b"
    r"|\bpolicy\b|\bclaim\b|\bjob\b|\btask\b|\bissue\b|\bbug\b|\bpin ?code\b|\bzip\b"
    r"|\bbestell|\brechnung|\bcommande\b|\bfacture\b|\bpedido\b|\bfactura\b|बिल|ऑर्डर|रुपये|राशि|बुकिंग",
    "ID": r"\bids?\b|\bcode\b|\bkey\b|\bnr\b",
}


class Words:
    """Words to look for in a few characters of text, in small letters: with RE2, which tries them all at once."""

    def __init__(self, expression: str) -> None:
        self._search = re2.compile(expression.encode())._regexp.Match  # its Match gives spans alone

    def all_in(self, text: str) -> Iterator[tuple[int, int]]:
        """Leftmost first, none overlapping another."""
        data = text.encode("utf-8", "replace")
        place, end = 0, len(data)
        while place < end:
            start, stop = self._search(re2._Anchor.UNANCHORED, data, place, end)[0]
            if start < 0:
                return
            place = max(stop, place + 1)
            yield (start, stop) if end == len(text) else (_characters(data, start), _characters(data, stop))

    def first(self, text: str) -> tuple[int, int] | None:
        return next(self.all_in(text), None)

    def last(self, text: str) -> tuple[int, int] | None:
        found = None
        for found in self.all_in(text):  # noqa: B007
            pass
        return found


def _characters(data: bytes, end: int) -> int:
    return len(data[:end].decode("utf-8"))


_KIND = re.compile("|".join(f"(?P<{kind}>{words})" for kind, words in _LABELS.items()), re.ASCII)
_LABEL = Words("|".join(_LABELS.values()))
VERSIONS = Words(_LABELS["VERSION"])
_WORD_OR_SIGN = re.compile(r"[^\W\d_]{2}|[#$€£₹]")
_NUMBER_BETWEEN = re.compile(r"[0-9][0-9 .\-]{4,}[0-9]")


def label(text: str, start: int, end: int) -> str:
    """The kind that the words beside this part of the text name; empty: none."""
    return nearest(text, start, end)[0]


def nearest(text: str, start: int, end: int) -> tuple[str, int]:
    """And how many characters lie between."""
    line = text[max(0, start - BEFORE) : start]
    if "\n" in line:
        head, _, line = line.rpartition("\n")
        if not line.strip(" \t\"'*_|>-:"):
            line = head.rpartition("\n")[2] + " " + line
    if _WORD_OR_SIGN.search(line):
        found = _before(_small(line))
        if found[0]:
            return found
    behind = text[end : end + AFTER].partition("\n")[0]
    if not _WORD_OR_SIGN.search(behind):
        return "", 0
    behind = _small(behind)
    after = _LABEL.first(behind)
    if after is None or _NUMBER_BETWEEN.search(behind, 0, after[0]) or ":" in behind[after[1] : after[1] + 3]:
        return "", 0  # `Name: 1, Phone: 2`: what stands behind names the next
    kind = _kind(behind, after[0])
    return (kind, after[0]) if kind not in OTHERS or after[0] < 3 else ("", 0)


def _before(line: str) -> tuple[str, int]:
    found = list(_LABEL.all_in(line))
    if not found or _NUMBER_BETWEEN.search(line, found[-1][1]):
        return "", 0
    start, end = found[-1]
    kind, gap = _kind(line, start), len(line) - end
    if kind == "ID" and len(found) > 1 and start - found[-2][1] < 3:
        kind = _kind(line, found[-2][0])  # an order's id
    return (kind, gap) if kind not in OTHERS or _CLOSE.fullmatch(line, end) else ("", 0)


def _small(text: str) -> str:
    """In small letters, names of fields as words; as long as the text, or nearly."""
    return text.replace("_", " ").lower()


def _kind(text: str, start: int) -> str:
    found = _KIND.match(text, start)
    return (found.lastgroup or "") if found else ""
