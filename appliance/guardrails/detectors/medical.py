"""Numbers of patients' records (MRN): whatever stands behind the words."""

from collections.abc import Iterable

from appliance.guardrails.pattern import Found, Match, Pattern


def judge(match: Match) -> Iterable[Found]:
    start, end = match.span(2)
    value = match.group(2)
    if match.after(1).isalnum() or sum(one.isdigit() for one in value) < 4 or match.before(1).isalnum():
        return
    word_start, word_end = match.span(1)
    if match.text[word_end:start] == "-" and match.group(1).upper() == "MRN":
        start = word_start
    yield Found("MRN", 0.9, (start, end))


PATTERNS = (
    Pattern(
        name="medical",
        types=("MRN",),
        regex=r"(?i)(\bmrn|\bmr ?#|\bmed\.? ?rec\.?(?: ?(?:no|#))?"
        r"|[_\"']mrn|\bmedical[ _-]?rec(?:ord)?s?(?:[ _-](?:no|num|number|id))?"
        r"|\bpatient[ _-](?:id|no|num|number)|\buhid"
        r"|\bhospital[ _-](?:id|no|num|number)|\bchart[ _-](?:no|num|number)|\bpatientennummer|\bfallnummer|dossier m\xe9dical"
        r"|historia cl\xe9nica)(?:[ \t]{0,3}(?:no|number|num|id|is|was|#|n\xb0|:|=|\"|'|\.|\(|\)|>|-|\|))*[ \t]{0,3}"
        r"[\"'(\[]?((?:MRN[ \-:]?)?[A-Z]{0,4}-?[0-9][A-Z0-9]{0,12}(?:-[A-Z0-9]{1,10}){0,3})",
        judge=judge,
        length_max=160,
        looks_after=1,
    ),
)
