"""What settings may not say together, or can't mean. One rule a generator; `settings_sources.py` runs them all."""

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol
from urllib.parse import urlsplit

import msgspec

from appliance.home import CannotStart
from appliance.settings import DEFAULT_BASE_URLS, KEYS_OF_VENDORS, ProviderSettings, Settings, describe

JWT_SECRET_CHARACTERS_MIN = 32


class Problem(msgspec.Struct, frozen=True):
    """One thing that is wrong: its place, what, and the mend."""

    where: str
    what: str
    mend: str


class SettingsError(CannotStart):
    """The settings refuse to start. The message has every problem, a line each."""

    def __init__(self, problems: list[Problem]) -> None:
        first = problems[0]
        lines = [f"{problem.where}: {problem.what}" for problem in problems]
        mends = [problem.mend for problem in problems]
        if len(problems) == 1:
            super().__init__(lines[0], first.mend)
        else:
            told = [f"{line}\n    {mend}" for line, mend in zip(lines, mends, strict=True)]
            super().__init__("\n  ".join([f"{len(problems)} settings are wrong:", *told]), "Mend these and start again.")
        self.problems = tuple(problems)


Places = Mapping[str, str]
ProviderPlace = Callable[[int, str], str]


def contradictions(
    settings: Settings, variables: Mapping[str, str], where: Places, provider_place: ProviderPlace
) -> Iterator[Problem]:
    """Everything that can't hold. `where` has the place of each setting that was given, `variables` all that are set."""
    yield from _door(settings, where)
    yield from _secrets(settings, where)
    yield from _database(settings, where)
    yield from _local_models(settings, where)
    yield from _connections(settings, where)
    yield from _provider_names(settings, provider_place)
    yield from _vendors_twice(settings, variables, where, provider_place)
    for index, provider in enumerate(settings.providers):
        yield from address_problems(settings, provider, lambda key, index=index: provider_place(index, key))  # type: ignore[misc]
        yield from _credential(provider, variables, lambda key, index=index: provider_place(index, key))  # type: ignore[misc]
    if settings.openai_api_key:
        alone = ProviderSettings(name="openai", kind="openai", base_url=settings.openai_base_url)
        yield from address_problems(settings, alone, lambda _: where.get("openai_base_url", "openai_base_url"))


def _door(settings: Settings, where: Places) -> Iterator[Problem]:
    if not re.fullmatch(r"[A-Za-z0-9.:_-]+", settings.host):
        yield Problem(where["host"], f"host is {settings.host!r}, which is no address", 'Write "127.0.0.1", "0.0.0.0" or a name.')
    if settings.lan_port == settings.port:
        place = where.get("lan_port") or where.get("port", "lan_port")
        yield Problem(place, f"port and lan_port are both {settings.port}", "Give one of them another number.")
    for origin in settings.cors_allowed_origins:
        parts = urlsplit(origin)
        if origin != "*" and (parts.scheme not in ("http", "https") or not parts.netloc or parts.path or parts.query):
            yield Problem(
                where["cors_allowed_origins"],
                f"{origin!r} is no web origin, so it would never match",
                "Write scheme, host and port, with nothing behind: https://example.org:8443",
            )


def _secrets(settings: Settings, where: Places) -> Iterator[Problem]:
    if 0 < len(settings.jwt_secret_key) < JWT_SECRET_CHARACTERS_MIN:
        yield Problem(
            where["jwt_secret_key"],
            f"jwt_secret_key is shorter than {JWT_SECRET_CHARACTERS_MIN} characters, so tokens could be forged",
            "Leave it out: one is made and kept in the vault.",
        )


def _database(settings: Settings, where: Places) -> Iterator[Problem]:
    url = settings.database_url
    if not url:
        return
    scheme, separator, path = url.partition(":///")
    if scheme != "sqlite" or not separator:
        shown = re.match(r"[a-z0-9+]{1,20}(?=:)", url)  # the scheme only: the rest may hold a password
        yield Problem(
            where["database_url"],
            f"database_url is of the kind {shown.group() if shown else 'unknown'}, which is not offered",
            "Write sqlite:///path/to/file.db, or leave it out: gatehouse.db in the home folder.",
        )
    elif not path or path == ":memory:":
        yield Problem(
            where["database_url"],
            "database_url names no file, so nothing would be kept",
            "Write sqlite:///path/to/file.db, or leave it out: gatehouse.db in the home folder.",
        )


def _local_models(settings: Settings, where: Places) -> Iterator[Problem]:
    if settings.local_models and not settings.local_model:
        yield Problem(
            where["local_model"],
            "local_models is on, but local_model names none",
            "Set local_models to false, or name a model of the catalogue (`gatehouse models list`).",
        )


def _connections(settings: Settings, where: Places) -> Iterator[Problem]:
    for name in ("upstream_allowed", "image_hosts_allowed", "air_gap_networks", "upstream_proxy_exceptions"):
        for entry in getattr(settings, name):
            if not _is_place(entry) and not (entry == "*" and name == "upstream_proxy_exceptions"):
                what = f"{name} has {entry!r}, which is neither a network nor a host"
                yield Problem(where[name], what, "Write 10.0.0.0/8, 192.168.1.20, models.example.org or *.example.org.")
    if not settings.upstream_proxy or settings.upstream_proxy == "none":
        return
    if settings.air_gap:
        what = "air_gap is on, and a proxy is set: nobody knows where it leads"
        yield Problem(where["upstream_proxy"], what, "Take upstream_proxy out, or turn air_gap off.")
    if not re.fullmatch(r"https?://([^/@\s]*@)?[A-Za-z0-9_.:\[\]-]+/?", settings.upstream_proxy):
        what = "upstream_proxy is no address of an HTTP proxy"
        yield Problem(where["upstream_proxy"], what, "Write http://host:port or http://user:password@host:port.")


def _is_place(entry: str) -> bool:
    """Whether a text is a network, an address, a host name, or `*.` before one."""
    try:
        ipaddress.ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        return re.fullmatch(r"(\*?\.)?[A-Za-z0-9_-][A-Za-z0-9_.-]*", entry) is not None and not re.fullmatch(r"[0-9.]+", entry)
    return True


def _provider_names(settings: Settings, place: ProviderPlace) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for index, provider in enumerate(settings.providers):
        if provider.name == "local":
            yield Problem(place(index, "name"), "the name `local` belongs to this machine's own models", "Choose another name.")
        if provider.name in seen:
            yield Problem(
                place(index, "name"),
                f"a provider called {provider.name!r} stands above already",
                "Give one of the two another name.",
            )
        seen.setdefault(provider.name, index)


def _vendors_twice(settings: Settings, variables: Mapping[str, str], where: Places, place: ProviderPlace) -> Iterator[Problem]:
    for index, provider in enumerate(settings.providers):
        setting = KEYS_OF_VENDORS.get(provider.name)
        if setting is None or not getattr(settings, setting):
            continue
        key = variables.get(provider.api_key_env, "") if provider.api_key_env else provider.api_key
        if key != getattr(settings, setting):
            given = next((name for name in _variables(setting) if name in variables), setting.upper())
            yield Problem(
                place(index, "name"),
                f"the provider {provider.name} has one credential here and another in {where[setting]}",
                f'Write api_key_env = "{given}" here, or give this provider another name.',
            )


def _variables(setting: str) -> tuple[str, ...]:
    return next(info.env for info in describe() if info.name == setting)


class _Addressed(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def base_url(self) -> str: ...


def address_problems(settings: Settings, provider: _Addressed, place: Callable[[str], str]) -> Iterator[Problem]:
    """What is wrong with where a provider is said to be, in the settings or in the database. `place` of one of its fields."""
    if not provider.base_url:
        if provider.kind not in DEFAULT_BASE_URLS:
            example = "https://NAME.openai.azure.com" if provider.kind == "azure" else "http://host:port/v1"
            yield Problem(
                place("name"),
                f"the provider {provider.name} is of the kind {provider.kind}, but has no base_url",
                f'Add base_url = "{example}".',
            )
        return
    try:
        parts = urlsplit(provider.base_url)
        port = parts.port
    except ValueError:
        yield Problem(place("base_url"), "base_url is no address", "Write http://host:port/v1.")
        return
    if parts.scheme not in ("http", "https") or not parts.hostname:
        yield Problem(
            place("base_url"), "base_url must begin with http:// or https:// and name a host", "Write http://host:port/v1."
        )
    elif parts.username is not None or parts.password is not None:
        yield Problem(place("base_url"), "base_url carries a credential", "Take it out of the address; write api_key_env.")
    elif parts.query or parts.fragment or "?" in provider.base_url:
        yield Problem(place("base_url"), "base_url carries a query", "Write it up to and including /v1, nothing behind.")
    elif _is_loopback(parts.hostname) and port == settings.port:
        yield Problem(
            place("base_url"),
            f"the provider {provider.name} is this appliance itself: requests would go round in circles",
            "Write the address of another server, or set another port.",
        )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _credential(provider: ProviderSettings, variables: Mapping[str, str], place: Callable[[str], str]) -> Iterator[Problem]:
    if provider.api_key and provider.api_key_env:
        yield Problem(
            place("api_key"), f"the provider {provider.name} has both api_key and api_key_env", "Keep one; better api_key_env."
        )
    elif provider.api_key_env and not variables.get(provider.api_key_env):
        yield Problem(
            place("api_key_env"),
            f"the provider {provider.name} takes its credential from {provider.api_key_env}, which is not set",
            f"Set {provider.api_key_env} in the environment or in .env beside gatehouse.toml.",
        )
    key = variables.get(provider.api_key_env, "") if provider.api_key_env else provider.api_key
    if not could_be_a_credential(key):
        yield Problem(
            place("api_key_env" if provider.api_key_env else "api_key"),
            f"the credential of {provider.name} has spaces, line ends or other characters that no credential has",
            "Paste it again.",
        )


def could_be_a_credential(text: str) -> bool:
    """Nothing that would break a header's line, or that was pasted along with it. An empty one is none at all."""
    return text == text.strip() and text.isascii() and (text == "" or text.isprintable())
