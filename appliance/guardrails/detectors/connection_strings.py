"""Credentials inside addresses and connection strings: `scheme://user:password@host`, `AccountKey=…`, signed URLs."""

import re
from collections.abc import Iterable

from appliance.guardrails.dummies import is_filled_in, is_placeholder
from appliance.guardrails.entropy import bits, is_random
from appliance.guardrails.grouped_pattern import grouped
from appliance.guardrails.pattern import Found, Match, Pattern

_TYPES = ("SECRET_CONNECTION_STRING", "SECRET_URL_CREDENTIALS")
_DATABASES = re.compile(
    r"(?:postgres|mysql|maria|mongo|redis|valkey|amqp|mssql|sqlserver|oracle|couch|cassandra|clickhouse|cockroach"
    r"|neo4j|bolt|kafka|nats|mqtt|ldap"
    r"|influx|elastic|snowflake|redshift|timescale|db2|memcache|jdbc|odbc|smtp|imap|stomp|presto|trino|hive|vertica|tidb|libsql)",
    re.IGNORECASE,
)
_TRIVIAL = frozenset(
    {
        "password",
        "pass",
        "pwd",
        "passwd",
        "secret",
        "token",
        "p",
        "pw",
        "x",
        "apikey",
        "api_key",
        "key",
        "mypassword",
        "mypass",
        "pass123",
    }
)
_PORT = re.compile(r"\d{1,5}(?:/|$)")


def _url(match: Match) -> Iterable[Found]:
    user, password = match.group(1), match.group(2)
    start, end = match.span(2)
    if (_PORT.match(password) and "/" in password) or is_trivial(user, password):
        return []
    is_database = _DATABASES.search(match.before(30)) is not None
    return [Found(_TYPES[0] if is_database else _TYPES[1], 0.9 if is_random(password, 8) else 0.7, (start, end))]


def is_trivial(user: str, password: str) -> bool:
    """Of documentation, or a template's."""
    if password.lower() in _TRIVIAL or is_placeholder(password) or is_placeholder_part(password):
        return True
    return password == user or (len(password) < 4 and not password.isdigit())


def is_placeholder_part(password: str) -> bool:
    return password[0] in "<$[{%*" and (password[-1] in ">]}%*" or password[0] in "$%")


def _token_url(match: Match) -> Iterable[Found]:
    """A token where a user's name would be: `https://TOKEN@host`, `https://TOKEN:x-oauth-basic@host`."""
    value = match.group(1)
    if is_filled_in(value) or not is_random(value, 20):
        return []
    return [Found(_TYPES[1], 0.8, match.span(1))]


def _key_of_azure(match: Match) -> Iterable[Found]:
    value = match.group(1)
    return [] if is_placeholder(value) or bits(value) < 3.5 else [Found("SECRET_AZURE", 0.95, match.span(1))]


def _oracle(match: Match) -> Iterable[Found]:
    return [] if is_trivial(match.group(1), match.group(2)) else [Found(_TYPES[0], 0.85, match.span(2))]


def _seed(match: Match) -> Iterable[Found]:
    value = match.group(1)
    return [] if is_placeholder(value) or bits(value) < 2.8 else [Found("SECRET_ONE_TIME_PASSWORD", 0.9, match.span(1))]


def _signature(match: Match) -> Iterable[Found]:
    value = match.group(1)
    return [] if is_placeholder(value) or not is_random(value, 20) else [Found("SECRET_SIGNED_URL", 0.75, match.span(1))]


PATTERNS: tuple[Pattern, ...] = (
    grouped(
        name="url_credentials",
        types=_TYPES,
        regex=r"""[0-9A-Za-z]:(?:\\?/){2}([^\s/:@"'<>`?#,;()\\]*):([^\s/"'<>`\\]+(?:/[^\s/"'<>`@?&=\\]+)?)@[0-9A-Za"""
        r"""-z\[${(<_*%]""",
        judge=_url,
        length_max=440,
    ),
    grouped(
        name="url_token",
        types=_TYPES[1:],
        regex=r"https?://([0-9A-Za-z_-]{20,})(?::(?:x-oauth-basic|x)?)?@[0-9A-Za-z]",
        judge=_token_url,
        length_max=290,
    ),
    grouped(
        name="azure_keys",
        types=("SECRET_AZURE",),
        regex=r"(?i:AccountKey|SharedAccessKey|AccessKey|SharedSecret|PrimaryKey"
        r"|SharedSecretValue)\s{0,2}=\s{0,2}([0-9A-Za-z+/]{40,}={0,2})",
        judge=_key_of_azure,
        length_max=120,
    ),
    grouped(
        name="oracle_addresses",
        types=_TYPES[:1],
        regex=r"jdbc:oracle:[a-z]{3,6}:([^\s/:@\"']{1,60})/([^\s/@\"']{1,100})@",
        judge=_oracle,
        length_max=190,
    ),
    grouped(
        name="one_time_passwords",
        types=("SECRET_ONE_TIME_PASSWORD",),
        regex=r"otpauth://[^\s\"'<>]*?[?&;]secret=([A-Za-z2-7]{16,})",
        judge=_seed,
        length_max=400,
    ),
    grouped(
        name="signed_urls",
        types=("SECRET_SIGNED_URL",),
        regex=r"[?&;](?:amp;)?(?i:sig|X-Amz-Signature|X-Goog-Signature|X-Amz-Security-Token|Signature)=([0-9A-Za-z%+/_-]{40,}=?)",
        judge=_signature,
        length_max=940,
    ),
)
