"""What an error says: of the deployment, of the request, and of where else it may be tried. One table."""

import msgspec

from appliance import errors
from appliance.errors import GatehouseError

CONTEXT_CODES = frozenset({"context_length_exceeded", "string_above_max_length"})

REFUSAL_CODES = frozenset({"content_filter", "content_policy_violation"})


class Verdict(msgspec.Struct, frozen=True):
    """counts:    it is the deployment's failure, and its circuit breaker hears of it.
    at_once:   so bad that one is enough: our credential was refused.
    elsewhere: another deployment may do better.
    again:     the same one may do better in a moment.
    larger:    only one with a larger window may do better.
    limited:   the provider said: not before its Retry-After.
    refused:   its provider won't speak of this; another may, where the route says that it may be asked.
    """

    counts: bool = False
    at_once: bool = False
    elsewhere: bool = False
    again: bool = False
    larger: bool = False
    limited: bool = False
    refused: bool = False


_FAILED = Verdict(counts=True, elsewhere=True, again=True)
_REFUSED_US = Verdict(counts=True, at_once=True, elsewhere=True)
_LIMITED = Verdict(elsewhere=True, limited=True)
_NOT_THERE = Verdict(elsewhere=True)
_TOO_LONG = Verdict(elsewhere=True, larger=True)
REFUSED = Verdict(refused=True)
_THEIR_OWN = Verdict()  # the caller's mistake, or their wish to end


def verdict(error: GatehouseError) -> Verdict:
    """The table. What it doesn't know is the caller's own, and goes to them at once."""
    if isinstance(error, errors.ContextLengthExceeded) or error.code_shown in CONTEXT_CODES:
        return _TOO_LONG
    if error.code_shown in REFUSAL_CODES:
        return REFUSED
    if isinstance(error, errors.FeatureUnsupported | errors.UpstreamModelUnknown | errors.ModelTooLarge):
        return _NOT_THERE
    if isinstance(error, errors.UpstreamUnauthorized | errors.UpstreamForbidden):
        return _REFUSED_US
    if isinstance(error, errors.UpstreamRateLimited | errors.QueueFull | errors.LocalModelStarting):
        return _LIMITED
    if isinstance(error, errors.UpstreamFailed | errors.UpstreamOverloaded | errors.UpstreamTimeout | errors.LocalModelFailed):
        return _FAILED
    return _THEIR_OWN
