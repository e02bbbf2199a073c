"""A policy's rules as one says them, without Qt: what is looked for, and what becomes of it."""

from collections.abc import Iterable

from gui.guardrails_state import Content, Custom, Rule
from gui.lines_state import Cell, Line
from gui.plain_text import one_line

# Each action: in a cell, what it means, and as a verb before what it is about.
ACTIONS = {
    "allow": ("Let through", "Nothing is done about it.", "lets through"),
    "flag": ("Noted", "It goes on as it is; that it was there is counted.", "notes"),
    "tokenise": (
        "Hidden, given back",
        "The model sees a placeholder; in the answer that the caller gets, the value stands again.",
        "hides and gives back",
    ),
    "mask": ("Masked", "Its kind stands there instead, for good.", "masks"),
    "block": ("Stopped", "The whole request, or the whole answer, is refused.", "stops"),
}
# What becomes of a file on its way to a model: in a cell, what it means, and behind "its file".
FILE_ACTIONS = {
    "pass": ("Goes on as it is", "The model gets the file with all that stands in it.", "goes on as it is"),
    "redact": ("Redacted", "The model gets the file without what was found.", "goes on redacted"),
    "as_text": ("As its text", "The model gets the file's text, with what was found hidden.", "goes on as its text"),
    "block": ("Stopped", "The whole request is refused.", "is stopped"),
}
STRICTEST_FIRST = ("block", "mask", "tokenise", "flag")
FORMS = {
    "label": ("Its kind, as [EMAIL]", ""),
    "last4": ("All but the last four characters", "the last four remain"),
    "first6last4": ("All but the first six and last four digits", "the first six and last four remain"),
    "initial": ("All but the first letter", "the first letter remains"),
}
GROUPS = {
    "PII": "personal data",
    "SECRETS": "secrets",
    "ATTACKS": "attacks",
    "CUSTOM": "own expressions",
    "FILES": "what hides in files",
    "*": "everything that is found",
}
TYPES = {
    "EMAIL": "e-mail addresses", "PHONE": "telephone numbers", "PERSON": "names of persons", "ADDRESS": "postal addresses",
    "DATE_OF_BIRTH": "dates of birth", "IP_ADDRESS": "IP addresses", "MAC_ADDRESS": "MAC addresses",
    "CREDIT_CARD": "card numbers", "IBAN": "IBANs", "BANK_ACCOUNT": "bank accounts", "IFSC": "bank branch codes (IFSC)",
    "UPI_ID": "UPI ids", "PASSPORT": "passport numbers", "MRN": "medical record numbers", "AADHAAR": "Aadhaar numbers",
    "PAN": "PAN tax numbers", "GSTIN": "GST numbers", "IN_VOTER_ID": "Indian voter ids", "US_SSN": "US social security numbers",
    "US_ITIN": "US tax numbers", "UK_NHS": "UK NHS numbers", "UK_NINO": "UK national insurance numbers",
    "CARD_CVV": "card verification codes", "CARD_PIN": "card PINs", "CARD_TRACK": "magnetic stripes of cards",
    "CARD_*": "cards' secret data",
    "AU_TFN": "Australian tax numbers", "BE_NATIONAL_NUMBER": "Belgian national numbers", "BG_EGN": "Bulgarian civil numbers",
    "BR_CNPJ": "Brazilian company numbers", "BR_CPF": "Brazilian tax numbers", "CA_SIN": "Canadian social insurance numbers",
    "CH_AHV": "Swiss social insurance numbers", "CL_RUT": "Chilean tax numbers", "DE_TAX_ID": "German tax numbers",
    "DK_CPR": "Danish personal numbers", "ES_NIF": "Spanish tax numbers", "FI_HETU": "Finnish personal codes",
    "FR_NIR": "French social security numbers", "IE_PPS": "Irish PPS numbers", "IT_FISCAL_CODE": "Italian tax codes",
    "KR_RRN": "Korean resident numbers", "MX_CURP": "Mexican CURP codes", "NL_BSN": "Dutch citizen numbers",
    "NO_FODSELSNUMMER": "Norwegian birth numbers", "PL_PESEL": "Polish PESEL numbers", "RO_CNP": "Romanian personal codes",
    "SE_PERSONNUMMER": "Swedish personal numbers", "TR_KIMLIK": "Turkish identity numbers", "ZA_ID": "South African ids",
    "PROMPT_INJECTION": "prompt injections", "JAILBREAK": "jailbreaks", "SECRET_PASSWORD": "passwords",
    "HIDDEN_TEXT": "text in files that nobody sees", "GPS_LOCATION": "where pictures were taken",
    "SECRET_API_KEY": "API keys", "SECRET_PRIVATE_KEY": "private keys", "SECRET_JWT": "signed tokens (JWT)",
}  # fmt: skip
SECRET = "SECRET_"
COLUMNS = ("Looked for", "Sent to the model", "In the answer", "Answers to")
CUSTOM_COLUMNS = ("Name", "Expression", "What it finds")
TITLES_TOLD_MAX, TITLES_ABOVE = 3, 2
REGEX_TOLD_MAX = 200


def type_title(name: str) -> str:
    """What a type or a group is called, in a sentence."""
    if name in GROUPS or name in TYPES:
        return GROUPS.get(name) or TYPES[name]
    if name.endswith("*"):
        return f"all that begin with {one_line(name[:-1], 60)}"
    if name.startswith(SECRET) and len(name) > len(SECRET):
        words = one_line(name[len(SECRET) :], 60).split("_")
        return f"secrets ({' '.join(word if len(word) < 4 else word.capitalize() for word in words)})"
    return one_line(name, 80)


def begun(text: str) -> str:
    return text[:1].upper() + text[1:]


def listed(titles: Iterable[str], most: int = TITLES_TOLD_MAX) -> str:
    """In their order, each once."""
    found = list(dict.fromkeys(titles))
    more = f" and {len(found) - most} more" if len(found) > most else ""
    return ", ".join(found[:most]) + more


def file_title(action: str) -> str:
    return FILE_ACTIONS[action][0] if action in FILE_ACTIONS else one_line(action, 40)


def file_deed(action: str) -> str:
    return FILE_ACTIONS[action][2] if action in FILE_ACTIONS else one_line(action, 40)


def action_title(action: str) -> str:
    return ACTIONS[action][0] if action in ACTIONS else one_line(action, 40)


def does(content: Content) -> str:
    """All of a policy in one line: the strictest first."""
    return begun("; ".join(_deeds(content))) or "Inspects nothing"


def does_cell(content: Content) -> Cell:
    """The strictest above, the others below."""
    deeds = _deeds(content)
    if not deeds:
        return Cell("Inspects nothing", tone="dim")
    return Cell(begun(deeds[0]), "; ".join(deeds[1:]), hint=does(content))


def _deeds(content: Content) -> list[str]:
    """What becomes of what is sent; of answers only where nothing becomes of that."""
    told: dict[str, list[str]] = {}
    for rule in content.rules:
        told.setdefault(rule.output if rule.input == "allow" else rule.input, []).extend(map(type_title, rule.types))
    return [f"{ACTIONS[one][2]} {listed(told[one])}" for one in STRICTEST_FIRST if one in told]


def line(place: int, rule: Rule, problem: str = "") -> Line:
    """`problem`: what the gateway complains of."""
    titles = list(map(type_title, rule.types))
    sure = f"if {round(rule.min_score * 100)}% sure or more" if rule.min_score != 0.5 else ""
    files = f"a file with it {file_deed(rule.files)}" if rule.files is not None else ""
    note = " · ".join(part for part in (listed(titles[TITLES_ABOVE:], 3), sure, files) if part)
    whole = begun(listed(titles, 40))
    article, _, meaning = one_line(rule.answers_to).partition(": ")
    return Line(
        str(place),
        (
            Cell(begun(listed(titles[:TITLES_ABOVE])), problem or note, marker="warned" if problem else "", hint=whole),
            _cell(rule.input, rule.form),
            _cell(rule.output, rule.form),
            Cell(article or "—", meaning, tone="text" if article else "dim", hint=one_line(rule.answers_to)),
        ),
    )


def _cell(action: str, form: str) -> Cell:
    explained = ACTIONS[action][1] if action in ACTIONS else ""
    tone = {"block": "bad", "mask": "accent", "tokenise": "accent", "flag": "warn"}.get(action, "dim")
    note = FORMS[form][1] if action == "mask" and form in FORMS else ""
    return Cell(action_title(action), note, tone=tone, hint=explained)


def facts(rule: Rule) -> str:
    """A rule in sentences, for who doesn't read tables."""
    what = begun(listed(map(type_title, rule.types), 40))
    told = [
        f"{what}: {fate(rule)}.",
        f"It answers to {one_line(rule.answers_to).removesuffix('.')}." if rule.answers_to else "",
        f"A file with it {file_deed(rule.files)}." if rule.files is not None else "",
        "Requests with it go to models on this machine only." if rule.stays_here else "",
        "Its law's report counts it." if rule.regulated else "",
        _examples(rule),
    ]
    return " ".join(part for part in told if part)


def fate(rule: Rule) -> str:
    """What becomes of a finding, each way."""
    there, back = action_title(rule.input).lower(), action_title(rule.output).lower()
    if rule.input == "tokenise":
        return f"hidden from the model and given back to the caller; {back} where the model writes some of its own"
    return f"{there} both ways" if there == back else f"{there} on the way to the model, {back} in the answer"


def _examples(rule: Rule) -> str:
    catch, passes = len(rule.must_catch), len(rule.must_pass)
    if not catch and not passes:
        return ""
    return f"Tried with {catch + passes} {'example' if catch + passes == 1 else 'examples'} at each change."


def custom_line(place: int, custom: Custom, problem: str = "") -> Line:
    name, regex = f"CUSTOM_{one_line(custom.name, 64)}", one_line(custom.regex, REGEX_TOLD_MAX)
    about = one_line(custom.description)
    return Line(
        str(place),
        (
            Cell(name, problem, marker="warned" if problem else "", hint=name),
            Cell(regex, "large and small letters alike" if custom.ignore_case else "", hint=regex),
            Cell(about or "—", tone="text" if about else "dim", hint=about),
        ),
    )
