"""Is a provider there, and is its credential good? Asked by the cheapest request that tells: its list of models."""

import asyncio
import time

import msgspec

from appliance.errors import GatehouseError, UpstreamUnauthorized
from appliance.providers.registry import PROVIDERS
from appliance.routing.names import ProviderOffer
from appliance.upstream.client import HttpClient

SECONDS_MAX = 15.0
MODELS_TOLD_MAX = 200
ERROR_BYTES_MAX = 64 * 1024
MESSAGE_CHARACTERS_MAX = 500
NAME_CHARACTERS_MAX = 256


class ConnectionProblem(msgspec.Struct, frozen=True):
    """What was in the way, and what mends it."""

    message: str
    fix: str


class ConnectionTried(msgspec.Struct, frozen=True):
    """How it went. `models`: the first 200 names that the provider offers."""

    ok: bool
    seconds: float
    models: list[str] = []
    error: ConnectionProblem | None = None


async def tried(client: HttpClient, offer: ProviderOffer) -> ConnectionTried:
    """Never raises: what goes wrong is the answer."""
    begun = time.monotonic()
    try:
        async with asyncio.timeout(SECONDS_MAX):
            models = await _models(client, offer)
    except TimeoutError:
        problem = ConnectionProblem(f"{offer.name} did not answer within {SECONDS_MAX:.0f} s", "Check base_url, and its network.")
    except UpstreamUnauthorized as error:
        fix = "Give it a valid key: write api_key in its [[providers]] and `gatehouse routes import` that, or PATCH the provider."
        problem = ConnectionProblem(_clean(error.message, offer), fix)
    except GatehouseError as error:
        problem = ConnectionProblem(_clean(error.message, offer), _clean(error.fix, offer))
    except ValueError:
        what = f"{offer.name} answered, but not with a list of models"
        problem = ConnectionProblem(what, "Check kind and base_url: some end with /v1, some don't.")
    else:
        told = [_clean(model, offer)[:NAME_CHARACTERS_MAX] for model in models[:MODELS_TOLD_MAX]]
        return ConnectionTried(True, _seconds_since(begun), told)
    return ConnectionTried(False, _seconds_since(begun), error=problem)


async def _models(client: HttpClient, offer: ProviderOffer) -> list[str]:
    if offer.kind not in PROVIDERS:
        return []  # this machine's own: there is nothing to connect to
    wire, deployment = PROVIDERS[offer.kind], offer.deployment("")
    outgoing = wire.models_request(deployment)
    if outgoing is None:
        raise GatehouseError(
            f"providers of the kind {offer.kind} don't tell their models, so only a request can try the connection",
            fix="Save it, and send a request to a deployment of it.",
        )
    answer = await client.send("GET", offer.base_url + outgoing.path, outgoing.headers, b"", offer.name)
    if answer.status == 200:
        return wire.models_answer(await answer.read())
    body = await answer.read(ERROR_BYTES_MAX)
    if answer.status < 400:
        raise GatehouseError(
            f"{offer.name} answered with status {answer.status}, which is no answer",
            fix="Check base_url: is it the last address?",
        )
    raise wire.error(answer.status, answer.headers, body, deployment)


def _clean(text: str, offer: ProviderOffer) -> str:
    """A provider may repeat the credential in whatever it says."""
    for secret in (offer.api_key, offer.secret_access_key, offer.access_key_id):
        if secret:
            text = text.replace(secret, "…")
    return text[:MESSAGE_CHARACTERS_MAX]


def _seconds_since(begun: float) -> float:
    return round(time.monotonic() - begun, 3)
