"""What HTTP callers show: `Authorization` headers of any scheme, in headers, JSON, code and on curl's command line."""

import re
from collections.abc import Iterable

from appliance.guardrails.detectors.connection_strings import is_trivial
from appliance.guardrails.detectors.web_tokens import decoded
from appliance.guardrails.dummies import is_filled_in, is_placeholder
from appliance.guardrails.entropy import bits, classes, is_random
from appliance.guardrails.grouped_pattern import grouped
from appliance.guardrails.pattern import Found, Match, Pattern

_AUTHORIZATION = "SECRET_AUTHORIZATION"
_CODE = re.compile(r"^[A-Za-z_][a-z_]*$|^[a-z]+[A-Z][A-Za-z]*$")  # a variable's name, not a value


def _header(match: Match) -> Iterable[Found]:
    """`Authorization: Bearer …`: whatever stands there is meant as one."""
    scheme, value, span = match.group(1).lower(), match.group(2), match.span(2)
    if scheme in ("basic", "digest"):
        return _basic(value, span, 0.9)
    if not scheme and not is_random(value, 20):
        return []
    if len(value) < 8 or is_placeholder(value) or _CODE.match(value) or classes(value) < 2:
        return []
    return [Found(_AUTHORIZATION, 0.7 if is_random(value) else 0.6, span)]


def _bare(match: Match) -> Iterable[Found]:
    """Without its header's name only what looks drawn by chance, or says who it is."""
    scheme, value, span = match.group(1).lower(), match.group(2), match.span(2)
    if scheme == "basic":
        return _basic(value, span, 0.85) if len(value) >= 12 else []
    if is_filled_in(value) or is_placeholder(value) or not is_random(value, 20):
        return []
    return [Found(_AUTHORIZATION, 0.68, span)]


def _basic(value: str, span: tuple[int, int], score: float) -> Iterable[Found]:
    plain = decoded(value)
    user, colon, password = plain.partition(b":")
    if colon and user.isascii() and plain.decode("latin-1").isprintable():
        if is_trivial(user.decode(), password.decode("latin-1")) or not password:
            return []
        return [Found(_AUTHORIZATION, score, span)]
    return [Found(_AUTHORIZATION, 0.6, span)] if score > 0.85 and is_random(value) and not is_filled_in(value) else []


def _curl(match: Match) -> Iterable[Found]:
    user, password = match.group(1), match.group(2)
    if is_trivial(user.rpartition("\\")[2], password):
        return []
    return [Found(_AUTHORIZATION, 0.85, match.span(2))]


def _api_key(match: Match) -> Iterable[Found]:
    value = match.group(1)
    if is_placeholder(value) or classes(value) < 2 or bits(value) < 2.7 or _CODE.match(value):
        return []
    return [Found("SECRET_API_KEY", 0.68 if is_random(value) else 0.6, match.span(1))]


def _cookie(match: Match) -> Iterable[Found]:
    value = match.group(1)
    if is_placeholder(value) or not is_random(value, 20) or value.count("-") == 4:
        return []
    return [Found("SECRET_SESSION", 0.6, match.span(1))]


_QUOTE = r"""(?:\\{0,3}["'`]|&quot;)?"""

PATTERNS: tuple[Pattern, ...] = (
    grouped(
        name="authorization_headers",
        types=(_AUTHORIZATION,),
        regex=rf"(?i:(?:proxy-|x-)?authorization){_QUOTE}\]?\s{{0,3}}(?:[:=,]|=>|:=)\s{{0,3}}(?:[frbu]{{0,2}}){_QUOTE}"
        r"""(?i:(bearer|basic|token|jwt|apikey|api-key|key|oauth|splunk|bot|negotiate|digest|ssws|genie"""
        r"""|genieKey)(?:[ :]|%20|\+){1,3})?(?:token=|api_key=)?["']?"""
        r"([0-9A-Za-z_.~+/%:=@!-]{6,})",
        judge=_header,
        length_max=1_090,
    ),
    grouped(
        name="bearers",
        types=(_AUTHORIZATION,),
        regex=r"""\b(?i:(bearer|basic))(?:[ :]|%20|["']\s?\+\s?["']){1,3}([0-9A-Za-z_.~+/-]{10,}={0,2})""",
        judge=_bare,
        length_max=1_030,
    ),
    grouped(
        name="curl_users",
        types=(_AUTHORIZATION,),
        regex=r"""\b(?:curl|http|wget|httpie|xh)(?:\s[^\n|]*?)?\s(?:-[a-zA-Z]{0,4}u|--(?:proxy-)?user|-a"""
        r"""|--auth)(?:\s{1,2}|=)?["']?"""
        r"""([^\s"':$]+):([^\s"'$]+)""",
        judge=_curl,
        length_max=630,
    ),
    grouped(
        name="cookies",
        types=("SECRET_SESSION",),
        regex=r"\b(?i:sessionid|jsessionid|phpsessid|asp\.net_sessionid|connect\.sid|session_?(?:token|id)|_session"
        r"|sid|remember_token)"
        r"=(?:s%3A)?([0-9A-Za-z_.~%+/-]{20,})",
        judge=_cookie,
        length_max=600,
    ),
    grouped(
        name="api_key_headers",
        types=("SECRET_API_KEY",),
        regex=rf"(?i:x-(?:[a-z]{{1,20}}-){{0,3}}(?:api-?key|key|token|secret|signature-key|apikey|auth|access-token"
        rf"|auth-token|auth-key|functions-key)"
        rf"|ocp-apim-subscription-key|api-key|apikey|private-token|job-token|deploy-token|dd-api-key"
        rf"|dd-application-key|circle-token)"
        rf"{_QUOTE}\]?\s{{0,3}}(?:[:=,]|=>)\s{{0,3}}{_QUOTE}([0-9A-Za-z_.~+/=@!-]{{12,}})",
        judge=_api_key,
        length_max=620,
    ),
)
