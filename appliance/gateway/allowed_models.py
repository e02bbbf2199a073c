"""Which model a caller may ask for: names are resolved here, so that none gets around the lists of its key and its tenant.

A name is allowed as it is written, or by the full name of what it leads to: with `openai/*` also `gpt-4o`, where only openai
has it. A route is allowed by its own name alone; what stands in it, fallbacks included, is its administrator's decision.
"""

from appliance.errors import GatehouseError, ModelNotAllowed, ModelUnknown
from appliance.identity.caller import Caller
from appliance.identity.model_lists import is_bound, may_ask, what_it_may
from appliance.routing.names import Names, OfferedModel, Resolution


def resolved(names: Names, caller: Caller, name: str) -> Resolution:
    """Errors: ModelNotAllowed; as Names.resolve, and whoever is bound hears of no other names than their own."""
    if not is_bound(caller):
        return names.resolve(name)
    if may_ask(caller, name):
        try:
            return names.resolve(name)
        except ModelUnknown as error:
            short = repr(name[:100])
            raise ModelUnknown(f"no model is called {short}. {what_it_may(caller)}", fix=error.fix, param=error.param) from None
    found = _found(names, name)
    if found is None or names.is_route(name) or not may_ask(caller, name, found.deployment.name):
        raise ModelNotAllowed(
            f"the model {name[:100]!r} is not among those that may be used here. {what_it_may(caller)}",
            param="model",
            fix="Ask for one of those (GET /v1/models lists them), or an administrator for a key that may.",
        )
    return found


def _found(names: Names, name: str) -> Resolution | None:
    try:
        return names.resolve(name)
    except GatehouseError:  # whatever is in the way: who may not ask for it learns nothing of it
        return None


def offered(names: Names, caller: Caller) -> list[OfferedModel]:
    """What GET /v1/models lists for this caller."""
    models = names.offered()
    return [model for model in models if may_ask(caller, model.id, model.deployment)] if is_bound(caller) else models
