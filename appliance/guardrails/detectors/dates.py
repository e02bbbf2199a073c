"""Dates of birth. A date is one where the words before it say so, and nothing between says otherwise (`DOB required since …`)."""

import re
from collections.abc import Iterable

from appliance.guardrails.context import Words
from appliance.guardrails.pattern import Found, Match, Pattern

_BORN = Words(
    r"(?:\b|_)d\.? ?o\.? ?b\b\.?|birth[ _-]?da(?:te|y)|date[ _]?of[ _]?birth|\bbirth\b|\bborn\b|geburtsdatum|\bgeboren\b|\bgeb\."
    r"|naissance|\bn(?:é|e\x{0301})(?:e|\(e\))?\s|nacimiento|\bnacid[oa]\b|\bnac(?:í|ió)\s|data di nascita|\bnat[oa] il\b|जन्म"
)
_OTHERWISE = re.compile(
    r"[.;!?\n](?:\s|$)|\[|\b(?:since|revised?|updated?|fields?|forms?"
    r"|mandatory|required|optional|valid|until|expir\w*|issued?|dated"
    r"|invoice|format|column|not|before|after|from|due|meeting|filed|changed?|added|signed|submitted"
    r"|released|published|received|verified|checked|as of|seit|gültig"
    r"|depuis|desde|से अनिवार्य)\b|[0-9]{3}",
    re.IGNORECASE,
)
_BEHIND = re.compile(
    r"\s{0,2}[(,\-]?\s{0,2}(?:d\.?o\.?b\b|date of birth"
    r"|is (?:my|his|her|their) (?:date of birth|birthday|dob)"
    r"|geboren\b|को जन्म|जन्म)",
    re.IGNORECASE,
)
_TIME = re.compile(r"T[0-9]{2}")
_YEAR = re.compile("[0-9]{4}")
YEARS = range(1890, 2031)
GAP = 36


def judge(match: Match) -> Iterable[Found]:
    before, after = match.before(1), match.after(1)
    if (
        before.isalnum()
        or (after.isalnum() and not _TIME.match(match.after(3)))
        or (before in ("-", "/", ".") and before)
        or (after in ("-", "/") and match.after(2)[1:].isalnum())
    ):
        return
    year = _YEAR.search(match.value)
    numbers = [int(one) for one in re.findall("[0-9]+", match.value)]
    if (year is not None and int(year[0]) not in YEARS) or any(one > 31 for one in numbers if one < 100 and year is not None):
        return
    if _BEHIND.match(match.text, match.end):
        yield Found("DATE_OF_BIRTH", 0.85)
        return
    line = match.before(GAP + 24).lower()
    found = _BORN.last(line)
    if found is None or len(line) - found[1] > GAP:
        return
    gap = line[found[1] :]
    if _OTHERWISE.search(gap) and not re.fullmatch(r"[\s:.\-=\"'*|]*", gap):
        return
    yield Found("DATE_OF_BIRTH", 0.95 if len(gap) < 12 else 0.8)


_WORD = r"[A-Za-z\xe9]{3,12}"
_DAY = r"[0-3]?[0-9]"

PATTERNS = (
    Pattern(
        name="dates",
        types=("DATE_OF_BIRTH",),
        regex=rf"[0-9]{{1,2}} [0-9]{{1,2}} (?:19|20)[0-9]{{2}}"
        rf"|[0-9]{{1,2}} ?[/.\-] ?[0-9]{{1,2}} ?[/.\-] ?[0-9]{{2}}(?:[0-9]{{2}})?"
        rf"|[0-9]{{4}}[/.\-][0-9]{{1,2}}[/.\-][0-9]{{1,2}}"
        rf"|{_DAY}(?:st|nd|rd|th|\.|er)?[ \-/](?:of |de )?{_WORD}\.?,?[ \-/](?:de |del )?[0-9]{{4}}"
        rf"|\b{_WORD}\.? {_DAY}(?:st|nd|rd|th)?,? [0-9]{{4}}",
        judge=judge,
        length_max=48,
        looks_after=36,
    ),
)
