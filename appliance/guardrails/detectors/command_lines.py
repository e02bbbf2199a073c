"""Passwords and keys that a shell, a database's console or a file of logins is given without a sign between."""

from collections.abc import Iterable
from functools import partial

from appliance.guardrails.detectors.assigned_secrets import names_another
from appliance.guardrails.dummies import is_path, is_placeholder
from appliance.guardrails.entropy import classes, is_random
from appliance.guardrails.grouped_pattern import grouped
from appliance.guardrails.pattern import Found, Match, Pattern

_PASSWORD, _KEY = "SECRET_PASSWORD", "SECRET_API_KEY"


def _given(match: Match) -> Iterable[Found]:
    """The command says that this is one: a word is too, if it isn't the documentation's."""
    start, end = match.span(1)
    value = match.text[start:end]
    if len(value) < 4 or is_placeholder(value) or value[0] in "-/<&|>":
        return []
    return [Found(_PASSWORD, 0.75 if classes(value) > 1 else 0.55, (start, end))]


def _beside(kind: str, length_min: int, match: Match) -> Iterable[Found]:
    """Beside its name with nothing between: prose looks like that, so it must look drawn by chance."""
    start, end = match.span(1)
    value = match.text[start:end].rstrip(".,;:)!?")
    if kind == _KEY and names_another(match):
        return []
    is_likely = is_random(value, length_min) or (
        len(value) >= 8 and kind == _PASSWORD and any(one in "!@#$%^&*" for one in value[:-1])
    )
    if not is_likely or is_placeholder(value) or is_path(value) or classes(value) < 2 or value.lower().startswith("1password"):
        return []
    return [Found(kind, 0.6, (start, start + len(value)))]


def _called(match: Match) -> Iterable[Found]:
    """`login("bob", "…")`: what a call is given where a password belongs."""
    start, end = match.span(1)
    value = match.text[start:end]
    if classes(value) < 2 or is_placeholder(value) or not any(one.isdigit() or not one.isalpha() for one in value):
        return []
    return [Found(_PASSWORD, 0.6, (start, end))]


_ARGUMENT = r"""["']?([^\s"'|<>]{4,128})"""

PATTERNS: tuple[Pattern, ...] = (
    grouped(
        name="command_passwords",
        types=(_PASSWORD,),
        regex=r"""(?:\bsshpass\s{1,3}-p\s{0,2}|\bmysql(?:dump|admin)?\s(?:[^\n|]{0,80}\s)?-p"""
        r"""|\bunzip\s{1,3}(?:-\w\s{1,2})?-P\s{1,2}|\b7z\s[^\n|]{0,40}-p"""
        r"""|(?i:identified(?:\s{1,3}with\s{1,3}\S{1,40})?\s{1,3}(?:by|as)\s{1,3}(?:password\s{1,3})?(?:["'])|(?:user"""
        r"""|role|login)\s{1,3}[^\s;]{1,60}\s(?:[^;\n]{0,40}\s)?password\s{1,3}["'])"""
        r"""|\bConvertTo-SecureString\s{1,3}(?:-String\s{1,3}|-AsPlainText\s{1,3}|-Force\s{1,3}){0,3}|-pass(?:in|out"""
        r"""|word)?\s{1,2}pass:|\brequirepass\s{1,3}|\bmasterauth\s{1,3}"""
        r"""|\bnet\s{1,3}user\s{1,3}[^\s/]{1,40}\s{1,3}(?:/add\s{1,3})?"""
        r"""|\bmachine\s\S{1,80}\s{1,8}login\s\S{1,80}\s{1,8}password\s{1,3}|(?:^"""
        r"""|[\s"'])--?(?i:[a-z-]{0,20}pass(?:word|wd|phrase)?)(?:\s{1,2}|["'],\s{0,2})"""
        r"""|\b(?:docker|podman|helm|az|oc|skopeo)\s[^\n|]{0,120}\s-p\s{1,2}|\b(?:sqlcmd|bcp|osql)\s[^\n"""
        r"""|]{0,120}\s-P\s{0,2}|\bredis-cli\s(?:[^\n|]{0,80}\s)?-a\s{1,2})""" + _ARGUMENT,
        judge=_given,
        length_max=380,
    ),
    grouped(
        name="changed_passwords",
        types=(_PASSWORD,),
        regex=r"""\becho\s{1,2}(?:-n\s|-e\s)?["']?[a-z_][0-9a-z_-]{0,31}:([^\s"'"""
        r"""|:$]{4,128})["']?\s{0,3}\|\s{0,3}(?:sudo\s{1,2})?chpasswd""",
        judge=_given,
        length_max=200,
    ),
    grouped(
        name="called_with_passwords",
        types=(_PASSWORD,),
        regex=r"""(?:(?i:(?:set|change|check|verify|with|from)_?password)|HTTP(?:Basic|Digest|Proxy)Auth"""
        r"""|[bB]asic_?[aA]uth|\bauth\s?=\s?|\.?\blogin|\bauthenticate)"""
        r"""\s{0,2}\(\s{0,2}(?:["'][^"'\n]{1,60}["']\s{0,2},\s{0,2})?["']([^"'\s]{6,128})["']\s{0,2}\)""",
        judge=_called,
        length_max=260,
    ),
    grouped(
        name="keys_beside_their_name",
        types=(_KEY,),
        regex=r"""(?:\b|[_-])(?i:key|secret|token|credential|passcode|auth)(?:\s\(?is\)?)?\s{1,2}(?:is\s|=\s"""
        r"""|value\s)?["'`<(]?([A-Za-z_+/=-]{0,24}[0-9][0-9A-Za-z_.~+/=-]{8,})""",
        judge=partial(_beside, _KEY, 20),
        length_max=420,
    ),
    grouped(
        name="passwords_beside_their_name",
        types=(_PASSWORD,),
        regex=r"""(?i:password|passwd|passphrase|passwort|kennwort|contrase\xe9a|mot de passe|senha|\bpwd|\bpass"""
        r"""|\bpw)\s{1,2}["'`<(]?([A-Za-z!@#$%^&*_+/=-]{0,24}[0-9!@#$%^&*][^\s"'`<>,;]*)""",
        judge=partial(_beside, _PASSWORD, 8),
        length_max=200,
    ),
)
