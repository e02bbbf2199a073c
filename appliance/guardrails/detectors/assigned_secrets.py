"""Keys, tokens and secrets of anybody, by the name they are given: `api_key = "…"`, `CLIENT_SECRET=…`, `token: …`."""

import re
from collections.abc import Iterable

from appliance.guardrails.dummies import is_path, is_placeholder
from appliance.guardrails.entropy import bits, changes, classes, is_random, words_part
from appliance.guardrails.grouped_pattern import grouped
from appliance.guardrails.pattern import Found, Match, Pattern

_TYPE = "SECRET_API_KEY"
# What stands before the word and makes it another: `public key`, `csrf_token`, `max_tokens`.
_PUBLIC_WORDS = (
    "dedupe anchor natural record query order sorting filter "
    "public publishable pub primary foreign sort partition cache row hash map dict object s3 storagepath "
    "storage_path index unique composite surrogate business csrf xsrf nextpage next_page page continuation cursor "
    "sync pagination idempotency dedup routing translation i18n locale message metric registry hot short arrow "
    "group bucket lookup config property pixel site eos bos pad unk mask special cls sep max min num prompt "
    "completion total input output stop first last current prev design color sha md5 commit etag checksum integrity "
    "digest fingerprint thumbprint host known "
)
_PUBLIC = tuple(_PUBLIC_WORDS.split())
_ABOUT = re.compile(
    r"(?:hash|length|len|size|type|name|names|field|file|path|url|uri|endpoint|count|counts|limit|expir\w*|expires\w*"
    r"|ttl|age|at|header|prefix|suffix|label|index"
    r"|error|required|policy|provider|store|manager|arn|ref|version|format|algorithm|alg|usage|budget|window|ids?|env"
    r"|var|pattern|regex|class|stream|ring|board|words?"
    r"|code|press|down|up|bindings?|map|value_?from|server|service|scope|scopes|rotation|role|rate|link|image|text|s)$",
    re.IGNORECASE,
)
_TRAILING = ".,;:)]}>*`"
_HASH = re.compile(r"[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9A-F]{32,64}|[0-9a-f]{56,128}")
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_WEAK = re.compile(r"^(?:key|token|auth|cred|creds|credential|credentials|nonce|salt|hmac|seed)$", re.IGNORECASE)

_QUOTE = r"""(?:\\{0,4}["'`]|&(?:amp;)?quot;)"""
_WORD = (
    r"(?i:(?:api|app|access|auth|account|secret|private|encryption|encrypt|signing|sign|master|client|consumer"
    r"|service|storage|subscription|webhook|session|shared"
    r"|license|admin|deploy|application|developer|jwt|hmac|aes|cipher|cookie|crypt|rest|integration"
    r"|project)[_. -]?(?:api[_. -]?)?(?:key|secret|token|pwd|cred(?:ential)?s?|salt)"
    r"|secret[_. -]?(?:access[_. -]?)?key|secret|token|apikey|auth[_. -]?code|cred(?:ential)?s?|[_-]pat|[_-]jwt"
    r"|nonce|salt|key|bearer"
    r"|auth|geheimnis|schl\xe9ssel|jeton|cl\xe9 api|cl\xe9)"
)
_INDEX = r"""(?:\[["'][^"'\n]{1,40}["'])?"""
_WRAP = r"(?:[({\[]|%[qQ][({])?"
_FIELD = r"[,\s{]{1,40}\\{0,3}[\"']?(?i:value|default|content)\\{0,3}[\"']?[ \t]{0,2}[:=]"
_TYPED_AS = r"[ \t]{0,4}:[ \t]{0,2}[&A-Za-z'\[\]<>?|. ]{2,30}="
_IS = (
    rf"(?:{_TYPED_AS}|{_FIELD}|>\s{{0,20}}"
    rf"|[ \t]{{0,8}}(?::{{1,3}}=|=>|\|\||[?.|+]=|<-|->|[:=])|[ \t]{{1,3}}[A-Za-z]{{2,10}}[ \t]{{0,2}}="
    rf"|\s{{1,2}}(?i:is|ist|est|es|hai)\b:?|,)"
)
_VALUE = (
    r"""(?:[bfru@$]{0,2}["][^"\s\\]{8,}["]?|[bfru@$]{0,2}['][^'\s\\]{8,}[']?|[`][^`\s\\]{8,}[`]?|"""
    r"""\\{1,4}["'][^"'\s\\]{8,}|&(?:amp;)?quot;[^"\s<&]{8,}|[0-9A-Za-z_.~+/%=!@#$^*:?-]{8,})"""
)
_OPENS = re.compile(r"""[bfru@$]{0,2}["']|\\{0,4}["'`]|&(?:amp;)?quot;""")


def _pair(match: Match) -> Iterable[Found]:
    word, tail, link, raw = match.group(1), match.group(2), match.group(3).strip(), match.group(4)
    if (tail and _is_about(tail)) or names_another(match):
        return []
    if word.lower() in ("key", "auth", "cred", "salt", "secret", "token") and match.before(1).islower() and word[0].islower():
        return []
    opened = _OPENS.match(raw)
    value = raw[opened.end() :] if opened else raw
    start = match.span(4)[0] + (opened.end() if opened else 0)
    value = value.rstrip("\"'`") if opened else value.rstrip(_TRAILING)
    if is_placeholder(value) or is_path(value) or _goes_on(match, link):
        return []
    score = _score(match, word, tail, value, is_quoted=opened is not None, link=link)
    return [Found(_TYPE, score, (start, start + len(value)))] if score else []


def names_another(match: Match) -> bool:
    """`primary_key`, `csrf token`: the word before it makes it no secret."""
    return match.before(24).lower().rstrip("_. -").endswith(_PUBLIC)


def _goes_on(match: Match, link: str) -> bool:
    """A template's part or a call follows: what was read is no value."""
    following = match.text[match.end : match.end + 1]
    return following != "" and following in ("{$[(" if link == ">" else "<{$[(")


def _is_about(tail: str) -> bool:
    """`token_count`, `keyboard`: the value isn't the key."""
    return _ABOUT.search(tail) is not None or (tail[0].islower() and tail[0].isalpha())


def _score(match: Match, word: str, tail: str, value: str, *, is_quoted: bool, link: str) -> float:
    is_weak = _WEAK.match(word) is not None and not _names_more(match)
    if link == ",":
        return 0.6 if is_quoted and is_random(value, 20) and (not is_weak or not _HASH.fullmatch(value)) else 0.0
    if _UUID.fullmatch(value):
        return 0.55 if not is_weak or word.lower() == "token" else 0.0
    if _HASH.fullmatch(value):
        return 0.66 if not is_weak else 0.55 if word.lower() in ("token", "key") and is_quoted else 0.0
    if is_random(value, 20):
        return 0.5 if is_weak and not is_quoted and link == ":" and word.lower() == "key" else 0.66
    if is_random(value, 12) and changes(value) >= 0.3 and words_part(value) < 0.6:
        return 0.6 if is_quoted or not is_weak else 0.5 if match.group(1).lower() in ("token", "secret") else 0.0
    if is_weak or classes(value) < 2 or len(value) < 10:
        return 0.0
    return 0.5 if is_quoted and bits(value) > 2.9 and words_part(value) < 0.5 and any(one.isdigit() for one in value) else 0.0


def _names_more(match: Match) -> bool:
    """`stripe_key`, `GITHUB_TOKEN`: a name before the word, not a word alone."""
    return match.before(1) in ("_", "-", ".") or (match.before(1).isalpha() and match.group(1)[0].isupper())


PATTERNS: tuple[Pattern, ...] = (
    grouped(
        name="assigned_secrets",
        types=(_TYPE,),
        regex=rf"({_WORD})([A-Za-z0-9_.-]*){_INDEX}{_QUOTE}?[\])]{{0,2}}({_IS})[ \t]{{0,4}}{_WRAP}({_VALUE})",
        judge=_pair,
        length_max=600,
        looks_after=1,
    ),
)
