"""All that looks for secrets, in one row; whoever makes a scanner brings along how our own keys are checked."""

from collections.abc import Callable

from appliance.guardrails.detectors import (
    ai_keys,
    assigned_secrets,
    cloud_keys,
    command_lines,
    connection_strings,
    forge_tokens,
    http_credentials,
    passwords,
    private_keys,
    unprefixed_keys,
    vendor_keys,
    web_tokens,
)
from appliance.guardrails.detectors.own_keys import own_keys
from appliance.guardrails.pattern import Pattern

_ROOMS = (
    forge_tokens,
    ai_keys,
    cloud_keys,
    command_lines,
    vendor_keys,
    unprefixed_keys,
    web_tokens,
    private_keys,
    connection_strings,
    http_credentials,
    passwords,
    assigned_secrets,
)


def secret_patterns(own_key_fits: Callable[[str], bool]) -> tuple[Pattern, ...]:
    return (own_keys(own_key_fits), *(pattern for room in _ROOMS for pattern in room.PATTERNS))
