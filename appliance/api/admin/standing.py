"""How routes and deployments stand at this moment, for the handlers that show them."""

from litestar.di import NamedDependency, Provide

from appliance.gateway.offers import Offers
from appliance.routing.route_shown import Standing
from appliance.routing.router import Router


async def _standing(offers: NamedDependency[Offers], router: NamedDependency[Router]) -> Standing:
    return Standing(lambda route: offers.missing.get(route, []), router.circuit_shown)


# For a handler that takes `standing`.
STANDING = {"standing": Provide(_standing)}
