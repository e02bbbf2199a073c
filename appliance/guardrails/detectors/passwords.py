"""Passwords beside the word that says so: `password: …`, `PWD=…;`, "the password is …", in code, files and prose."""

import re
from collections.abc import Iterable
from itertools import pairwise

from appliance.guardrails.dummies import is_placeholder
from appliance.guardrails.entropy import bits, classes
from appliance.guardrails.grouped_pattern import grouped
from appliance.guardrails.pattern import Found, Match, Pattern

_PASSWORD = "SECRET_PASSWORD"
# Ends of names whose value is about a password, and is none.
_ABOUT = re.compile(
    r"(?:hash(?:es|ed)?|length|len|min|max|policy|policies|field|file|path|url|uri|link|id|ids|type|name|names|label"
    r"|hint|count|error|errors|expir\w*|age|date|at"
    r"|reset|strength|regex|pattern|rules?|required|input|form|prompt|message|text|valid\w*|changed?|confirmation"
    r"|attempts|salt|encoder|provider|manager|service"
    r"|store|protect\w*|less|enabled|ref|key_?ref|secret_?ref|secret_?name|env|var|column|history|cost|rounds"
    r"|algorithm|encryption|digest|format|auth|class"
    r"|placeholder|title|description|mode|option|callback|func|function|handler|helper|util|utils|repository|generator|checker)$",
    re.IGNORECASE,
)
_NOT_BEFORE = re.compile(r"(?:by|com|tres|en|over|sur|com|sea|under)$", re.IGNORECASE)
_TYPED = re.compile(
    r"(?:Optional|Union|List|Dict|Annotated|SecretStr|String|Field|Column|Str|Text|CharField|Mapped|Secret)\b[\[(<]?"
)
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z_]*(?:[.)\]},:;?!]*)$")
_NAMES_USER = re.compile(
    r"\b(?:user(?:name)?|login|e-?mail|account|uid|id|host|admin)\b[\"']?\s{0,3}(?:[:=/]|is\b)", re.IGNORECASE
)
_TRAILING = ".,;:)]}>*`"
_CLOSED = re.compile(r"[)\]}](?=[)\]},.;:]|$)")
_CALL = re.compile(r"[A-Za-z_][\w.]*\(|^\(|^\w+\[|^&|^[=!<>]=|^->|^\?")
_SAYS = re.compile(
    r"^(?:is|are|was|be|for|not|must|should|has|have|will|can|and|or|to|of|the|a|an|in|on|at|your|my|this|that|wrong"
    r"|incorrect|required|invalid|expired|too"
    r"|at_least|minimum|changed|reset|protected|set|stored|hashed|encrypted|managed|used|based|field|policy|manager)$",
    re.IGNORECASE,
)
_OTHER_LANGUAGES = re.compile(
    r"पासवर्ड|कूटशब्द|पासकोड|পাসওয়ার্ড|পাসওয়ার্ড|પાસવર્ડ|ਪਾਸਵਰਡ|கடவுச்சொல்|పాస్వర్డ్|ಪಾಸ್ವರ್ಡ್|പാസ്വേഡ്|密码|密碼|口令"
    r"|パスワード|暗証番号|비밀번호|비번|패스워드"
    r"|암호|парол[ья]|паролем|كلمة السر|كلمة المرور|رمز عبور|סיסמה|סיסמא|รหัสผ่าน|κωδικός",
    re.IGNORECASE,
)

_QUOTE = r"""(?:\\{0,4}["'`]|&(?:amp;)?quot;|&#3[49];|&apos;)"""
_WORD = (
    r"(?i:pass(?:word|wd|wort|phrase|code|w)?s?|p(?:ass)?wd|pswd|pwd|passwrd|kennwort|pw|motdepasse|mot_de_passe"
    r"|mot de passe|contrase(?:\xe9|n|ny)a|clave"
    r"|senha|parola|wachtwoord|haslo|has\xe9o|heslo|jelsz\xe9|salasana|l\xe9senord|adgangskode|sifre|\xe9ifre"
    r"|m\xe9t kh\xe9u|kata sandi|passkey|pin code|passphrase|\bpsk|pre[-_ ]?shared[-_ ]key)"
)
_TAIL = r"[A-Za-z0-9_.-]*"
_TYPED_AS = r"[ \t]{0,4}:[ \t]{0,2}[&A-Za-z'\[\]<>?|. ]{2,30}="
_FIELD = r"[,\s{]{1,40}\\{0,3}[\"']?(?i:value|default|content)\\{0,3}[\"']?[ \t]{0,2}[:=]"
_OF = r"\s(?i:for|of|on|to)\s[^\n:=.,;\"'()]{1,40}?(?:\s(?i:is|was|=)|[ \t]?[:=])"
_IS = (
    rf"(?:{_TYPED_AS}|%3[dD]|[ \t]{{1,8}}\|[ \t]{{1,8}}|{_FIELD}|{_OF}|>|[ \t]{{0,8}}(?::{{1,3}}=|=>|===?|[?.|+]=|<-|->|[:=])"
    rf"|[ \t]{{1,3}}(?:string|String|str)[ \t]{{0,2}}="
    rf"|\s{{1,2}}(?i:is|was|ist|lautet|est|es|\xe9|je|hai|to|set to|auf)\b:?|,)"
)
_VALUE = (
    r"""(?:[bfru@$]{0,2}["][^"\r\n\\]+|[bfru@$]{0,2}['][^'\r\n\\]+|[`][^`\r\n]+|\\{1,4}["'][^"'\r\n\\]+"""
    r"""|&(?:amp;)?quot;[^"\r\n<]+|"""
    r"""(?:[^\s"'`&;,\\<]|[&;,\\][^A-Za-z\s"'`&;,\\<>=]|&(?:amp;|lt;|gt;))+)"""
)
_OPENS = re.compile(r"""[bfru@$]{0,2}["']|\\{0,4}["'`]|&(?:amp;)?quot;|&#3[49];|&apos;""")


def _pair(match: Match) -> Iterable[Found]:
    word, tail, link, raw = match.group(1), match.group(2), match.group(3), match.group(4)
    if (
        (tail and _ABOUT.search(word + tail))
        or _is_part_of_a_word(match)
        or (word.lower() in ("pw", "pass", "clave", "parola") and tail[:1].isalpha())
    ):
        return []
    opened = _OPENS.match(raw)
    start = match.span(4)[0] + (opened.end() if opened else 0)
    value = raw[opened.end() :] if opened else raw
    for ending in ("&quot", "&amp;quot"):
        value = value.partition(ending)[0]
    if opened is None:
        value = _without_end(value)
    elif link == "," and not raw.startswith(("'", '"')):
        return []
    score = _score(match, value, is_quoted=opened is not None, link=link.strip().lower(), tail=tail)
    return [Found(_PASSWORD, score, (start, start + len(value)))] if score else []


def _without_end(value: str) -> str:
    """What ends a sentence or a bracket is not the password's, save where the bracket opened inside."""
    closed = _CLOSED.search(value)
    if closed is not None and not any(one in value[: closed.start()] for one in "([{"):
        value = value[: closed.start()]
    while value and value[-1] in _TRAILING and not (value[-1] in ")]}" and value.count("([{"[")]}".index(value[-1])]) > 0):
        value = value[:-1]
    return value


def _is_part_of_a_word(match: Match) -> bool:
    before = match.before(12)
    if not before or not before[-1].isalpha():
        return False
    first = match.group(1)[:1]
    if first.isupper() and before[-1].islower():
        return False  # userPassword
    return _NOT_BEFORE.search(before) is not None or match.group(1).lower() in ("pass", "pw", "clave", "passes", "parola")


def _score(match: Match, value: str, *, is_quoted: bool, link: str, tail: str) -> float:
    """0: no password."""
    if len(value) < 4 or is_placeholder(value) or _TYPED.match(value) or (_CALL.search(value[:60]) and not is_quoted):
        return 0.0
    if is_quoted:
        return _score_of_quoted(value, link)
    if link == "," or (value[0] in "|>-@$%{[(<" and len(value) < 8):
        return 0.0
    is_plain = _IDENTIFIER.match(value) is not None
    if link not in (":", "=", ":=", "=>", "->", "==", "===", "%3d", "::=", ":::=", ".=", "|=", "?=", "<-", "string =", "str ="):
        return 0.0 if (is_plain and not _is_mixed(value)) or _SAYS.match(value) else 0.7
    if not is_plain:
        return 0.0 if value.isdigit() and len(value) < 4 else 0.75
    if _is_mixed(value):
        return 0.6
    return 0.5 if link == ":" and value.isalpha() and _stands_with_a_user(match) else 0.0


def _score_of_quoted(value: str, link: str) -> float:
    if value.count(" ") > 5 and not (link in ("is", "ist") and value.count(" ") < 8):
        return 0.0
    if " " in value and (link == "," or not _is_phrase(value)):
        return 0.0
    if link in ("==", "===", ","):
        return 0.7 if classes(value) > 1 and not _IDENTIFIER.match(value) else 0.0
    if _IDENTIFIER.match(value) and not _is_mixed(value):
        return 0.55 if (value.isalpha() and value.islower() and len(value) >= 6) or "-" in value else 0.0
    return 0.85 if classes(value) > 1 and bits(value) > 2.5 else 0.65


def _is_phrase(value: str) -> bool:
    """Words that name nothing: a pass phrase has four or more, or signs and digits among them."""
    return value.count(" ") == 3 or any(one.isdigit() for one in value)


def _is_mixed(value: str) -> bool:
    """Capitals inside, as nobody writes a name: `NsIdksKJdj`."""
    inner = value[1:]
    turns = sum(first.islower() != second.islower() for first, second in pairwise(inner) if first.isalpha() and second.isalpha())
    return len(value) >= 8 and "_" not in value and turns >= 4


def _stands_with_a_user(match: Match) -> bool:
    return _NAMES_USER.search(match.before(80)) is not None


def _elsewhere(match: Match) -> Iterable[Found]:
    """`पासवर्ड: …`: the word is compared here, since the expression sees only that there are letters."""
    if not _OTHER_LANGUAGES.search(match.group(1)):
        return []
    value = _without_end(match.group(2))
    start = match.span(2)[0]
    if len(value) < 4 or is_placeholder(value) or (value.isalpha() and not _is_mixed(value)):
        return []
    return [Found(_PASSWORD, 0.75, (start, start + len(value)))]


PATTERNS: tuple[Pattern, ...] = (
    grouped(
        name="passwords",
        types=(_PASSWORD,),
        regex=rf"({_WORD})({_TAIL})(?:{_QUOTE}|\x1b\[[0-9;]{{1,9}}m"
        rf"|[ ]?\([^()\n]{{1,20}}\))?[\])*]{{0,2}}({_IS})(?:\*{{1,2}})?[ \t]{{0,4}}({_VALUE})",
        judge=_pair,
        length_max=260,
    ),
    grouped(
        name="passwords_elsewhere",
        types=(_PASSWORD,),
        regex=r"""((?:\xe9{2,14} ?){1,3})["'\xb7*`]{0,3}\s{0,2}(?:[:=\xb7\x7c-]"""
        r"""|\xe9{1,4}[ :])?\s{0,2}["'`\xb7]?([!#-&(-;=?-_a-~]{4,})""",
        judge=_elsewhere,
        length_max=140,
    ),
)
