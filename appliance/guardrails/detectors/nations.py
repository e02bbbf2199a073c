"""Identifiers of other countries: passports, the United Kingdom's National Insurance, and those that python-stdnum checks.

Behind their own words only: eleven digits are much else. Italy's and Mexico's say enough by themselves.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from importlib import import_module
from typing import Any

from appliance.guardrails.context import AFTER, label
from appliance.guardrails.pattern import Found, Match, Pattern

# Words (RE2, in small letters; \xe9 stands for any letter outside ASCII), the type, and python-stdnum's modules that may say yes.
TABLE: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("nif|dni|nie", "ES_NIF", ("es.nif", "es.dni", "es.nie", "pt.nif")),
    ("nir|num\xe9ro de s\xe9curit\xe9 sociale|s\xe9curit\xe9 sociale|num\xe9ro de s\xe9cu", "FR_NIR", ("fr.nir",)),
    ("steuer-?id|steueridentifikationsnummer|steuernummer|idnr", "DE_TAX_ID", ("de.idnr",)),
    ("cpf", "BR_CPF", ("br.cpf",)),
    ("cnpj", "BR_CNPJ", ("br.cnpj",)),
    ("codice fiscale", "IT_FISCAL_CODE", ("it.codicefiscale",)),
    ("bsn|burgerservicenummer", "NL_BSN", ("nl.bsn",)),
    ("pesel", "PL_PESEL", ("pl.pesel",)),
    ("tfn|tax file", "AU_TFN", ("au.tfn",)),
    ("sin|social insurance", "CA_SIN", ("ca.sin",)),
    ("ahv|avs|sozialversicherungsnummer", "CH_AHV", ("ch.ssn",)),
    ("rijksregisternummer|registre national|insz|niss", "BE_NATIONAL_NUMBER", ("be.nn",)),
    ("personnummer", "SE_PERSONNUMMER", ("se.personnummer",)),
    ("hetu|henkil\xe9tunnus", "FI_HETU", ("fi.hetu",)),
    ("cpr", "DK_CPR", ("dk.cpr",)),
    ("f\xe9dselsnummer|fodselsnummer", "NO_FODSELSNUMMER", ("no.fodselsnummer",)),
    ("south african id|sa id|rsa id", "ZA_ID", ("za.idnr",)),
    ("rrn|resident registration", "KR_RRN", ("kr.rrn",)),
    ("curp", "MX_CURP", ("mx.curp",)),
    ("rut|run", "CL_RUT", ("cl.rut",)),
    ("tc kimlik|kimlik|tckn", "TR_KIMLIK", ("tr.tckimlik",)),
    ("egn", "BG_EGN", ("bg.egn",)),
    ("cnp", "RO_CNP", ("ro.cnp",)),
    ("pps|ppsn", "IE_PPS", ("ie.pps",)),
)
_SEPARATORS = str.maketrans("", "", " .-/")


@lru_cache(maxsize=64)
def _module(name: str) -> Any:
    return import_module(f"stdnum.{name}")


def _valid(modules: tuple[str, ...], value: str) -> bool:
    """In Finnish ones, the sign between tells the century."""
    bare = value.translate(_SEPARATORS)
    return any(_module(name).is_valid(one) for name in modules for one in (bare, value))


def _named(kind: str, modules: tuple[str, ...]) -> Pattern:
    words = next(words for words, one, _ in TABLE if one == kind)

    def judge(match: Match) -> Iterable[Found]:
        """The value may have run on into the next words: at most three of them."""
        start, end = match.span(1)
        for _ in range(4):
            value = match.text[start:end]
            if value.isascii() and sum(one.isdigit() for one in value) >= 6 and _valid(modules, value):
                if not match.text[end : end + 1].isalnum():
                    yield Found(kind, 0.9, (start, end))
                return
            shorter = value.rstrip(" ").rfind(" ")
            if shorter < 6:
                return
            end = start + shorter

    return Pattern(
        name=kind.lower(),
        types=(kind,),
        regex=rf"(?i)(?:\b|_)(?:{words})[\"']?(?:[ \t]{{0,2}}"
        rf"(?:no|number|num|nr|id|code|est|ist|is|es|was|#|n\xb0|:|=|\"|'|\.|\(|\)|>|-|\|))*"
        rf"[ \t]{{0,3}}[\"']?([0-9A-Z](?:[ .\-/]?[0-9A-Z]){{6,19}})",
        judge=judge,
        length_max=128,
        looks_after=1,
    )


def _fiscal_code(match: Match) -> Iterable[Found]:
    if match.value.isascii() and not match.before(1).isalnum() and _module("it.codicefiscale").is_valid(match.value.upper()):
        yield Found("IT_FISCAL_CODE", 0.85)


def _curp(match: Match) -> Iterable[Found]:
    if not match.before(1).isalnum() and _module("mx.curp").is_valid(match.value.upper()):
        yield Found("MX_CURP", 0.85)


_CODE_BEHIND = re.compile(r"\w|[-/]\w")
_NINO_NEVER = frozenset({"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"})


def nino(match: Match) -> Iterable[Found]:
    if match.value[:2].upper() in _NINO_NEVER or match.before(1).isalnum() or _CODE_BEHIND.match(match.after(2)):
        return
    kind = label(match.text, match.start, match.end)
    if kind == "UK_NINO":
        yield Found("UK_NINO", 0.97)
    elif kind not in ("OTHER", "VERSION") and match.before(1) not in ("-", "_", "/"):
        yield Found("UK_NINO", 0.7 if match.value.isupper() else 0.5)


def passport(match: Match) -> Iterable[Found]:
    if match.before(1).isalnum() or match.after(1).isalnum():
        return
    if label(match.text, match.start, match.end) == "PASSPORT":
        yield Found("PASSPORT", 0.9)


def passport_named(match: Match) -> Iterable[Found]:
    """Germany's and others' with letters inside."""
    value = match.group(1)
    digits = sum(one.isdigit() for one in value)
    if digits >= 2 and digits < len(value) and not match.after(1).isalnum():
        yield Found("PASSPORT", 0.85, match.span(1))


PATTERNS = (
    Pattern(
        name="passport",
        types=("PASSPORT",),
        regex=r"\b[A-Za-z]{1,2}[ \-]?[0-9]{6,8}\b",
        judge=passport,
        length_max=11,
        looks_after=AFTER,
    ),
    Pattern(
        name="passport_named",
        types=("PASSPORT",),
        regex=r"(?i)(?:passport|reisepass|passeport|pasaporte)(?:nummer)?[\"']?(?:[ \t]{0,2}"
        r"(?:no|number|num|nr|id|est|ist|is|es|#|n\xb0|:|=|\"|'|\.|\(|\)|>|-|\|))*"
        r"[ \t]{0,3}[\"']?([0-9A-Z]{7,10})\b",
        judge=passport_named,
        length_max=128,
        looks_after=1,
    ),
    Pattern(
        name="nino",
        types=("UK_NINO",),
        regex=r"(?i)\b[A-CEGHJ-PR-TW-Z][ \-]?[A-CEGHJ-NPR-TW-Z](?:[ \-]{0,3}[0-9]){6}[ \-]{0,3}[A-D]\b",
        judge=nino,
        length_max=40,
        looks_after=AFTER,
    ),
    Pattern(
        name="fiscal_code",
        types=("IT_FISCAL_CODE",),
        regex=r"(?i)\b[A-Z]{6}[0-9]{2}[A-EHLMPRST][0-9]{2}[A-Z][0-9]{3}[A-Z]\b",
        judge=_fiscal_code,
        length_max=16,
    ),
    Pattern(
        name="curp", types=("MX_CURP",), regex=r"(?i)\b[A-Z]{4}[0-9]{6}[HMX][A-Z]{5}[0-9A-Z][0-9]\b", judge=_curp, length_max=18
    ),
    *(_named(kind, modules) for _, kind, modules in TABLE),
)
