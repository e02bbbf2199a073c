"""Providers as they are asked: each with its credential and address. And what only some vendors' tables may say."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial

import msgspec

from appliance.settings import DEFAULT_BASE_URLS, KEYS_OF_VENDORS, ProviderSettings, Settings, describe
from appliance.settings_rules import Problem

Place = Callable[[str], str]

# The kind that alone has a key, and what its value looks like: it becomes part of an address or of a signature.
_ONLY: dict[str, tuple[str, str, str]] = {
    "api_version": ("azure", r"[A-Za-z0-9.-]+", "2024-10-21"),
    "region": ("bedrock", r"[a-z0-9-]+", "us-east-1"),
    "access_key_id": ("bedrock", r"[A-Za-z0-9]+", "AKIA…"),
    "secret_access_key": ("bedrock", r"[!-~]+", "…"),
}
# Where Bedrock's are taken from if the table has none.
_VARIABLES = {
    "region": "AWS_REGION",
    "access_key_id": "AWS_ACCESS_KEY_ID",
    "secret_access_key": "AWS_SECRET_ACCESS_KEY",
}


def contradictions(settings: Settings, variables: Mapping[str, str], place: Callable[[int, str], str]) -> Iterator[Problem]:
    """What a table says that its vendor has no use for, or leaves out that it needs."""
    for index, provider in enumerate(settings.providers):
        here = partial(place, index)
        yield from _words(provider, variables, here)
        if _is_bedrock(provider):
            yield from _bedrock(provider, variables, here)


def _words(provider: ProviderSettings, variables: Mapping[str, str], place: Place) -> Iterator[Problem]:
    for key, (kind, pattern, example) in _ONLY.items():
        value = _found(provider, key, variables) if provider.kind == kind else getattr(provider, key)
        if value and provider.kind != kind:
            what = f"{provider.name} is of the kind {provider.kind}, which has no {key}: that is {kind}'s"
            yield Problem(place(key), what, f'Take it out, or write kind = "{kind}".')
        elif value and not re.fullmatch(pattern, value):
            yield Problem(
                place(key), f"what the provider {provider.name} has as its {key} can't be one", f'Write {key} = "{example}".'
            )


def _bedrock(provider: ProviderSettings, variables: Mapping[str, str], place: Place) -> Iterator[Problem]:
    if not _found(provider, "region", variables):
        what = f"the provider {provider.name} is of the kind bedrock, but has no region"
        yield Problem(place("name"), what, 'Add region = "us-east-1", or set AWS_REGION.')
    pair = ("access_key_id", "secret_access_key")
    if provider.api_key or provider.api_key_env:
        for key in pair:
            if getattr(provider, key):
                yield Problem(place(key), f"the provider {provider.name} has both a bearer key and {key}", "Keep one of them.")
        return
    for key in pair:
        if not _found(provider, key, variables):
            yield Problem(
                place("name"),
                f"the provider {provider.name} is of the kind bedrock, but has no {key}",
                f"Add it or set {_VARIABLES[key]}; or write api_key_env for a bearer key.",
            )


def with_credentials(settings: Settings, variables: Mapping[str, str], sources: Mapping[str, str]) -> Settings:
    """Each provider with its credential and address, and a vendor's own where its key alone was given."""
    providers = [_complete(provider, variables) for provider in settings.providers]
    names = {provider.name for provider in providers}
    keys_taken = {provider.api_key_env for provider in providers}
    env = {info.name: info.env for info in describe()}
    for vendor, setting in KEYS_OF_VENDORS.items():
        api_key = getattr(settings, setting)
        # A table that takes its key from OPENAI_API_KEY is what its writer wants to have, under the name given there.
        if api_key and vendor not in names and not keys_taken.intersection(env[setting]):
            source = "file" if sources[setting] == "file" else "environment"
            fields = {
                "name": vendor,
                "kind": vendor,
                "api_key": api_key,
                "base_url": _address(settings, vendor),
                "source": source,
            }
            providers.append(msgspec.convert(fields, ProviderSettings))
    return msgspec.structs.replace(settings, providers=providers)


def _address(settings: Settings, vendor: str) -> str:
    address = settings.openai_base_url if vendor == "openai" else DEFAULT_BASE_URLS[vendor]
    return address.rstrip("/")


def _complete(provider: ProviderSettings, variables: Mapping[str, str]) -> ProviderSettings:
    found = {"api_key": variables[provider.api_key_env]} if provider.api_key_env else {}
    if _is_bedrock(provider):
        has_bearer = bool(provider.api_key or provider.api_key_env)
        found |= {key: _found(provider, key, variables) for key in _VARIABLES if key == "region" or not has_bearer}
    address = provider.base_url or DEFAULT_BASE_URLS[provider.kind].format(region=found.get("region", ""))
    return msgspec.structs.replace(provider, base_url=address.rstrip("/"), **found)


def variables_read(providers: list[ProviderSettings]) -> set[str]:
    """Names of the variables that these tables take something from."""
    bedrock = set(_VARIABLES.values()) if any(_is_bedrock(provider) for provider in providers) else set()
    return bedrock | {provider.api_key_env for provider in providers}


def _found(provider: ProviderSettings, key: str, variables: Mapping[str, str]) -> str:
    given: str = getattr(provider, key)
    return given or variables.get(_VARIABLES.get(key, ""), "")


def _is_bedrock(provider: ProviderSettings) -> bool:
    kind: str = provider.kind
    return kind == "bedrock"
