"""What stands where a secret would, and is none: `xxxx`, `<token>`, `${VAR}`, `os.environ[…]`, `changeme`, a type's name."""

import re
from itertools import pairwise
from operator import add

from appliance.guardrails.entropy import bits, is_random, words_part
from appliance.guardrails.quick_search import Search

# Something that a machine fills in: shells, templates, CI, Terraform, Kubernetes, formats.
_REFERENCE = Search(
    r"""\$\{|\$\(|\$[A-Za-z_][A-Za-z0-9_]*(?:$|[^A-Za-z0-9_!@#%^&*+])|\$env:|\{\{|\}\}|\{%|<%|%\(|\#\{|\{[A-Za-z_][\w.\[\]'"()]{0,40}(?:![rsa])?(?::[^{}]{0,12})?\}|\{\d{0,2}\}
    |^%[sdvrq]\b|^%[A-Za-z_]{2,40}%$|^@[A-Za-z_]{2,40}@$|^__\w{2,40}__$|^<[^<>]{0,80}>?$|^\[[^\[\]]{0,80}\]?$|^&lt;|\[\^?[0-9A-Za-z]-[0-9A-Za-z]|\\[dwsSDW][+*{]|^\*[a-z_]+$|^![A-Za-z]+$
    |\benviron\b|\bgetenv\b|process\.env|import\.meta\.env|secretKeyRef|valueFrom|\bENV\[|\bSystem\.getProperty
    |secrets?\.[A-Za-z_]
    |^(?:var|local|data|module|self|this|config|settings|options|opts|args|params|props|vault|env|env_var|ctx|req|request
    |process)(?:\.|\[|->|::)
    |^(?:arn:aws|projects/|/run/secrets|/etc/|/var/|file:|env:|vault:|op://|ssm:|aws-sm:|secretsmanager:|keyring:|akv:|gcpsm:|ref\+|ENC\[)""",
    re.VERBOSE,
)
# A call, an index, an attribute: code that gets it from elsewhere.
_EXPRESSION = Search(
    r"^(?:await |new |await\(|\(|lambda|function|async )|^[A-Za-z_][\w.:>-]{0,60}(?:\(|\[['\"\w])"
    r"|^[A-Za-z_]\w*(?:(?:\.|->|::)[A-Za-z_]\w*)+;?$"
)
_SHOWN = Search(r"^[*•.xX?#_\-~=+/\\|0-]{3,}$|[*•…]{3}|\.\.\.|x{5}|X{4}|\*{3}|0{12}|_{3}|#{4}", re.ASCII)
_NAMED = Search(
    r"""(?:^|[^a-z])(?:your|my|the|some|any|put|insert|enter|add|paste|use)[-_. ]?(?:own[-_. ]?)?(?:[a-z]{1,12}[-_. ]){0,3}
        (?:api|key|token|secret|pass(?:word|wd|phrase|code)?|pwd|credentials?|value|client|access|app|bot|user|account|db|database|here|id)
    |placeholder|changeme|change[-_ ]?(?:me|this|it)|replace[-_ ]?(?:me|this|with)|(?:goes|set)[-_ ]?here|[-_ ]here$
    |to[-_ ]?be[-_ ](?:set|filled|replaced)
    |redacted|\bmasked\b|\bhidden\b|removed|omitted|\bdummy|^dummy|\bfoo-?bar\b|foobar|lorem|\btodo\b|\btbd\b|\bfixme\b
    |not[-_ ]?a[-_ ]?real|not[-_ ]?real
    |(?:^|[-_ .])fake(?:[-_ .]|$)|(?:^|[-_ .])mock(?:[-_ .]|$)|notasecret|not[-_]a[-_](?:secret|key|token|password)
    |secret_?name|some[-_]?(?:secret|token|key|password)
    |super[-_]?secret(?:[-_]?(?:key|token|password))?$|(?:^|[^a-z])(?:test|sample|demo)[-_ ]?(?:api)?[-_ ]?(?:key|token
    |secret|password|value)s?$
    |example""",
    re.VERBOSE | re.IGNORECASE,
)
_WORD = re.compile(
    r"""(?:null|nil|none|undefined|true|false|yes|no|on|off|empty|blank|unset|missing|n/?a|nan|void|default|string|str|text|integer|int|number|bool(?:ean)?
    |bytes?|object|array|any|char|varchar|optional|required|secretstr|password|passwd|passphrase|passwort|passcode|pass|pwd
    |secret|token|key|apikey
    |api[-_ ]?key|secret[-_ ]?key|access[-_ ]?key|access[-_ ]?token|auth[-_ ]?token|client[-_ ]?secret|bearer|basic
    |user(?:name)?|admin|root|guest|test|testing
    |demo|sample|postgres|mysql|redis|mongo|rabbitmq|login|credentials?|value|hidden|foo|bar|baz|qux|asdf|qwerty|abc|abcd
    |abcdef|abc123|xyz|todo
    |invalid|valid|wrong|incorrect|correct|new|old|encrypted|plain(?:text)?|hash(?:ed)?|bcrypt|argon2|md5|sha\d*|jwt|uuid
    |oauth2?|csrf|bearerauth|apikeyauth
    |sensitive|env|environment|secrets?|vault|file|input|type|name|email|label|field|confirm|reset|forgot|forgotten|expired
    |changed|updated
    |motdepasse|contrasena|clave|senha|parola)[s!?]?""",
    re.VERBOSE | re.IGNORECASE,
)
_OURS = re.compile(r"gh-(?:prod|stag|dev|test)-[0-9A-Za-z]{38}")  # judged by their checksum alone, in detectors/own_keys.py
_DOCUMENTED = re.compile(r"EXAMPLE(?:KEY|TOKEN)?$|example(?:key|token)s?$")
_ROWS = ("01234567890", "abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "asdfghjkl", "zxcvbnm", "9876543210", "fedcba")
_PATH = re.compile(
    r"^(?:\.{1,2}/|~/|[A-Za-z]:\\|https?:|[a-z]+/[a-z]+)|^[\w.-]+/[\w./-]*\.\w{2,5}$"
    r"|\.(?:json|pem|ya?ml|txt|key|crt|py|js|ts|go|env|toml|html?|png|com|org|net|io)$"
)
_STEPS = frozenset(first + second for row in _ROWS for first, second in pairwise(row)) | {2 * chr(code) for code in range(128)}


def is_placeholder(value: str) -> bool:
    """No secret: something to be filled in, shown as hidden, or a word of the documentation."""
    if len(value) < 3 or _SHOWN.search(value) or _OURS.match(value):
        return True
    if not value.isalnum() and (_REFERENCE.search(value) or _EXPRESSION.search(value)):
        return True
    if _WORD.fullmatch(value):
        return True
    named = _NAMED.search(value)
    if named is not None and not _is_more(value, named):
        return True
    return is_monotonous(value)


def is_path(value: str) -> bool:
    """A file, an address, a host: where something is, not what it is."""
    return _PATH.search(value) is not None or (value.startswith("/") and words_part(value) > 0.5)


def is_filled_in(body: str) -> bool:
    """Of a token's part behind its fixed beginning: it is there only to show the form."""
    if _SHOWN.search(body) and not is_random(body.strip("0xX"), 20):
        return True
    named = _NAMED.search(body)
    return (named is not None and not _is_more(body, named)) or is_monotonous(body)


def is_monotonous(value: str) -> bool:
    """One character, one pair, or the alphabet, over and over."""
    lower = value.lower()
    kinds = len(set(lower))
    if kinds <= 2 or (len(lower) >= 16 and kinds <= 4):
        return True
    return len(lower) >= 6 and sum(map(_STEPS.__contains__, map(add, lower, lower[1:]))) >= 0.75 * (len(lower) - 1)


def _is_more(value: str, named: re.Match[str]) -> bool:
    """A word of the documentation stands in a real one by chance, or was added to it."""
    word = named.group().strip("-_. ").lower()
    if "example" not in word and (len(word) >= 10 or any(one in word for one in "-_. ")):
        return False
    if _DOCUMENTED.search(value) and len(value) > 36 and not value.startswith("hf_") and any(one in "/+" for one in value):
        return False
    left = value[: named.start()] + value[named.end() :]
    return is_random(left, 20) or (len(left) >= 20 and bits(left) > 3.8 and words_part(left) < 0.6)
