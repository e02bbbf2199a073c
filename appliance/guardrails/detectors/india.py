"""India's codes of letters and digits: PAN, GSTIN, IFSC, voters' cards. (Aadhaar and telephones: numbers.py.)"""

import re
from collections.abc import Iterable

from appliance.guardrails import check_digits
from appliance.guardrails.context import AFTER, label
from appliance.guardrails.pattern import Found, Match, Pattern

_WORD = re.compile(r"\w+")

HOLDERS = frozenset("ABCEFGHJLPT")  # the fourth letter of a PAN: person, company, trust, …
STATES = frozenset([*range(1, 39), 96, 97, 99])
# The first four letters of the larger banks' codes (Reserve Bank of India's list); others count with digits behind.
BANKS = frozenset(
    _WORD.findall(
        """
        ABHY ALLA ANDB AUBL AIRP BARB BDBL BKID BCBM CBIN CITI CIUB CNRB CORP COSB CSBK DBSS DCBL DEUT DLXB ESFB ESMF
        FDRL FINO FSFB HDFC HSBC IBKL ICIC IDFB IDIB INDB IOBA IPOS JAKA JIOP JSFB KARB KKBK KVBL LAVB MAHB NKGS NSPB
        ORBC PMCB PSIB PUNB PYTM RATN SBIN SCBL SIBL SRCB STBP SVCB SYNB TJSB TMBL UBIN UCBA UJVN USFB UTBI UTIB UTKS
        VIJB YESB
        """
    )
)
_FOREIGN = frozenset({"OTHER", "VERSION"})


def _glued(match: Match) -> bool:
    """Part of a longer code."""
    before, after = match.before(2), match.after(2)
    outside = before[-1:] in ("-", "_") or before[-1:] == "/" or after[:1] in ("_", "/")
    return outside or (len(after) > 1 and after[0] == "-" and after[1].isalnum())


def pan(match: Match) -> Iterable[Found]:
    compact = "".join(one for one in match.value if one.isalnum())
    if compact[3].upper() not in HOLDERS or _touched(match):
        return
    spaced = len(match.value) - len(compact)
    kind = label(match.text, match.start, match.end)
    if kind == "PAN":
        yield Found("PAN", 0.97)
    elif spaced == 0 or spaced == 9:
        mixed = not (compact.isupper() or compact.islower())
        doubtful = mixed or _glued(match) or kind in _FOREIGN
        yield Found("PAN", 0.4 if doubtful else 0.8 if compact.isupper() and not spaced else 0.6)


def _touched(match: Match) -> bool:
    """RE2's word boundary takes letters outside ASCII for none."""
    return match.before(1).isalnum() or match.after(1).isalnum()


def gstin(match: Match) -> Iterable[Found]:
    compact = "".join(one for one in match.value if one.isalnum()).upper()
    if int(compact[:2]) not in STATES or _touched(match):
        return
    if check_digits.gstin(compact):
        yield Found("GSTIN", 0.95)
    elif label(match.text, match.start, match.end) == "GSTIN":
        yield Found("GSTIN", 0.45)


def ifsc(match: Match) -> Iterable[Found]:
    compact = "".join(one for one in match.value if one.isalnum()).upper()
    if _touched(match):
        return
    known, kind = compact[:4] in BANKS, label(match.text, match.start, match.end)
    if kind == "IFSC":
        yield Found("IFSC", 0.95 if known else 0.85)
        return
    numeric = compact[5:].isdigit()
    if _glued(match) or kind in _FOREIGN:
        yield Found("IFSC", 0.4)
    elif known:
        if numeric or len(match.value) - len(compact) in (0, 10):
            yield Found("IFSC", 0.85 if numeric else 0.7)
    elif numeric and len(compact) == len(match.value):
        yield Found("IFSC", 0.55 if match.value.isupper() else 0.4)


def voter(match: Match) -> Iterable[Found]:
    if _touched(match):
        return
    kind = label(match.text, match.start, match.end)
    if kind == "IN_VOTER_ID":
        yield Found("IN_VOTER_ID", 0.95)
    elif not kind and not _glued(match) and match.value.isupper():
        yield Found("IN_VOTER_ID", 0.45)


_GAP = r"[ .\-]?"

PATTERNS = (
    Pattern(
        name="pan",
        types=("PAN",),
        regex=r"\b[A-Za-z](?:[A-Za-z]{4}[ .\-]?[0-9]{4}[ .\-]?[A-Za-z]|(?:[ .\-][A-Za-z]){4}(?:[ .\-][0-9]){4}[ .\-][A-Za-z])\b",
        judge=pan,
        length_max=19,
        looks_after=AFTER,
    ),
    Pattern(
        name="gstin",
        types=("GSTIN",),
        regex=rf"\b[0-9]{_GAP}[0-9](?:{_GAP}[A-Za-z]){{5}}(?:{_GAP}[0-9]){{4}}{_GAP}[A-Za-z]{_GAP}[0-9A-Za-z]{_GAP}[Zz]{_GAP}[0-9A-Za-z]\b",
        judge=gstin,
        length_max=29,
        looks_after=AFTER,
    ),
    Pattern(
        name="ifsc",
        types=("IFSC",),
        regex=r"\b[A-Za-z](?:[A-Za-z]{3}[ .\-]?0[ .\-]?[A-Za-z0-9]{6}|(?:[ .\-][A-Za-z]){3}[ .\-]0(?:[ .\-][A-Za-z0-9]){6})\b",
        judge=ifsc,
        length_max=21,
        looks_after=AFTER,
    ),
    Pattern(
        name="voter",
        types=("IN_VOTER_ID",),
        regex=r"\b[A-Za-z]{3}[ /\-]?[0-9]{7}\b",
        judge=voter,
        length_max=11,
        looks_after=AFTER,
    ),
)
