"""What a provider's error status means to our caller: one table for all vendors.

The vendors' SDKs choose their exception by the status alone, so a class of errors here keeps the status it came with:
400, 401, 403, 404, 429, 5xx. A message never repeats what a credential or prompt was.
"""

from collections.abc import Mapping

import msgspec

from appliance import errors
from appliance.errors import GatehouseError

# What msgspec raises for bytes that aren't the JSON expected: wrong, not UTF-8, nested without end.
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
RETRY_AFTER_SECONDS_MAX = 86_400.0
MESSAGE_CHARACTERS_MAX = 600


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """The wait that a provider asks for, from `retry-after-ms` or `retry-after` in seconds; an HTTP date is left out."""
    get = headers.get
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            seconds = float(get(name, "")) / unit
        except ValueError:
            continue
        if 0 <= seconds <= RETRY_AFTER_SECONDS_MAX:
            return seconds
    return None


def failure(
    status: int, who: str, message: str, *, code: str | None, param: str | None, retry_after: float | None
) -> GatehouseError:
    """The error of our tree for an upstream's status.

    Shapes:  `who` names the provider; `message` is the provider's own, cut to a bound here.
    """
    said = f"{who} says: {message[:MESSAGE_CHARACTERS_MAX]}" if message else f"{who} answered with status {status}"
    if status == 401:
        return errors.UpstreamUnauthorized(
            f"{who} refused the appliance's credential",
            fix="Your own key is fine. An administrator must give the appliance a valid key for this provider.",
        )
    if status in (402, 403, 407):  # 402: the account there is empty. 407: a proxy in between. No mistake of the caller's
        return errors.UpstreamForbidden(
            said, fix="An administrator must give the appliance access to this model at the provider."
        )
    if status in (404, 405, 410):
        return errors.UpstreamModelUnknown(
            said, fix="Check the model's name (GET /v1/models), and the provider's base_url: it usually ends in /v1."
        )
    if status == 408:
        return errors.UpstreamTimeout(said, fix="Try again.")
    if status == 429:
        return errors.UpstreamRateLimited(
            said, fix="Wait for as long as Retry-After says, or ask for another model.", retry_after_seconds=retry_after
        )
    if 400 <= status < 500:
        return errors.UpstreamRefusedRequest(message[:MESSAGE_CHARACTERS_MAX] or said, upstream_code=code, param=param)
    if status in (503, 529):
        return errors.UpstreamOverloaded(said, fix="Try again in a moment.", retry_after_seconds=retry_after)
    if status == 504:
        return errors.UpstreamTimeout(said, fix="Try again.")
    return errors.UpstreamFailed(said, fix="Try again; if it persists, ask for another model.")
