"""What providers and routes may not say together, or can't mean: every problem at once, each with its place and its mend."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from urllib.parse import urlsplit

import msgspec

from appliance.errors import InvalidField
from appliance.routing.fallbacks import DEPTH_MAX, are_too_deep, loop_in
from appliance.routing.names import LOCAL_PROVIDER, VLLM_PROVIDER
from appliance.routing.route_book import Edit, Forms
from appliance.routing.route_forms import (
    DEPLOYMENTS_MAX,
    FALLBACKS_MAX,
    PROVIDERS_MAX,
    ROUTES_MAX,
    DeploymentForm,
    ProviderForm,
    RouteForm,
)
from appliance.settings import DEFAULT_BASE_URLS, ProviderSettings, Settings
from appliance.settings_rules import Problem, address_problems, could_be_a_credential
from appliance.store.new_id import looks_like_an_id

OWN = (LOCAL_PROVIDER, VLLM_PROVIDER)
LLAMACPP = "llamacpp"
PROBLEMS_TOLD_MAX = 50
# Without one of these a vendor answers nobody. Compatible servers and vLLM may well stand open in their own network.
NEED_A_CREDENTIAL = ("openai", "azure", "anthropic", "google", "bedrock")

Place = Callable[[str], str]  # of a field
PlaceOf = Callable[[str, str], Place]  # of a provider or a route, by its name


class House(msgspec.Struct, frozen=True):
    """What a check looks at: the settings with their own providers, the environment, and the book as it would be."""

    settings: Settings
    environ: Mapping[str, str]
    forms: Forms
    policies: Collection[str] | None = None  # names of guardrail policies; None: they aren't known here

    def of_settings(self, name: str) -> ProviderSettings | None:
        return next((provider for provider in self.settings.providers if provider.name == name), None)


def refusal(problems: Sequence[Problem]) -> InvalidField:
    """One error for all of them."""
    first = problems[0]
    if len(problems) == 1:
        return InvalidField(f"{first.where}: {first.what}", fix=first.mend, param=first.where)
    lines = [f"{problem.where}: {problem.what} ({problem.mend})" for problem in problems[:PROBLEMS_TOLD_MAX]]
    more = [f"and {len(problems) - PROBLEMS_TOLD_MAX} more"] if len(problems) > PROBLEMS_TOLD_MAX else []
    message = "; ".join([f"{len(problems)} things are wrong: {lines[0]}", *lines[1:], *more])
    return InvalidField(message, fix="Mend these and send it again.", param=first.where)


def where_it_stands(provider: ProviderSettings) -> str:
    return "gatehouse.toml" if provider.source == "file" else "the environment"


def base_url_of(form: ProviderForm) -> str:
    """Where it is, the vendor's own address where none is given; without a slash at its end."""
    return (form.base_url or DEFAULT_BASE_URLS.get(form.kind, "").format(region=form.region)).rstrip("/")


def origin_of(base_url: str) -> tuple[str, str]:
    """Scheme, and host with port, as they were written: what differs in the least is another one."""
    try:
        parts = urlsplit(base_url)
    except ValueError:
        return "", base_url
    return parts.scheme, parts.netloc.lower()


def problems_of(edit: Edit, house: House, place_of: PlaceOf) -> list[Problem]:
    """Everything that is wrong with what a change puts in. `house` is as it would be after it."""
    found: list[Problem] = []
    for one in edit.providers:
        if one.after is not None:
            found += provider_problems(one.after, house, place_of("provider", one.after.name))
    routes = [other.after for other in edit.routes if other.after is not None]
    for form in routes:
        found += route_problems(form, house, place_of("route", form.name))
    if routes:
        found += _chains([form.name for form in routes], house, place_of("route", routes[0].name))
    return found


# Providers


def provider_problems(form: ProviderForm, house: House, place: Place) -> Iterator[Problem]:
    yield from _provider_name(form, house, place)
    yield from connection_problems(form, house, place)


def connection_problems(form: ProviderForm, house: House, place: Place) -> Iterator[Problem]:
    """What keeps it from being spoken to, whatever it is called."""
    if form.kind == LLAMACPP:
        for field in ("base_url", "api_key", "api_key_env", "access_key_id", "secret_access_key"):
            if getattr(form, field):
                what = "llamacpp is this machine's own models: it has no address and no credential"
                yield Problem(place(field), what, "Leave it out, or choose another kind.")
        return
    for field, kind in (("api_version", "azure"), ("region", "bedrock")):
        if getattr(form, field) and form.kind != kind:
            yield Problem(place(field), f"{form.kind} has no {field}: that is {kind}'s", f"Take it out, or choose {kind}.")
    if form.kind == "bedrock" and not form.region:
        yield Problem(place("region"), "bedrock needs a region", 'Add region = "us-east-1", or where your models are.')
    elif not form.base_url.isascii() or not form.base_url.isprintable():
        yield Problem(place("base_url"), "base_url has characters that no address has", "Write http://host:port/v1.")
    else:
        yield from address_problems(house.settings, msgspec.structs.replace(form, base_url=base_url_of(form)), place)
    yield from _credentials(form, house, place)
    for number, model in enumerate(form.models):
        yield from _text(model, place(f"models[{number}]"))


def _provider_name(form: ProviderForm, house: House, place: Place) -> Iterator[Problem]:
    if form.name in OWN:
        yield Problem(place("name"), f"the name {form.name} belongs to this machine's own models", "Choose another name.")
    stands = house.of_settings(form.name)
    if stands is not None:
        what = f"a provider called {form.name} stands in {where_it_stands(stands)} already"
        yield Problem(place("name"), what, "Choose another name, or take that one out.")
    yield from _like_an_id(form.name, place)
    hidden = next((name for name in house.forms.routes if name.startswith(f"{form.name}/")), None)
    if hidden is not None:
        what = f"the route {hidden} reads like a model of this provider"
        yield Problem(place("name"), what, "Choose another name, or give the route another one first.")
    if len(house.forms.providers) > PROVIDERS_MAX:
        yield Problem(place("name"), f"there would be more than {PROVIDERS_MAX} providers", "Remove those that nobody needs.")


def _like_an_id(name: str, place: Place) -> Iterator[Problem]:
    if looks_like_an_id(name):  # where either may stand, a name could pass for another one's id
        yield Problem(place("name"), f"{name} reads like an id", "Choose another name.")


def _credentials(form: ProviderForm, house: House, place: Place) -> Iterator[Problem]:
    pair = (form.access_key_id, form.secret_access_key)
    if form.access_key_id and not form.access_key_id.isalnum():
        yield Problem(place("access_key_id"), "it has characters that no such id has", "Write it as AWS shows it: AKIA…")
    if any(pair) and (form.api_key or form.api_key_env):
        yield Problem(place("access_key_id"), "there are both a pair of keys and a bearer key", "Keep one of them.")
    if any(pair) and form.kind != "bedrock":
        yield Problem(place("access_key_id"), "only bedrock has a pair of keys", "Write api_key.")
    elif any(pair) and not all(pair):
        yield Problem(place("access_key_id"), "one of the pair of keys is missing", "Give access_key_id and secret_access_key.")
    if form.api_key and form.api_key_env:
        yield Problem(place("api_key"), "there are both api_key and api_key_env", "Keep one.")
    elif form.api_key_env:
        yield from _variable(form, house, place)
    elif form.kind in NEED_A_CREDENTIAL and not form.api_key and not any(pair):
        what = f"the provider {form.name} is of the kind {form.kind}, but has no credential"
        mend = (
            "Give access_key_id and secret_access_key, or api_key." if form.kind == "bedrock" else "Give api_key or api_key_env."
        )
        yield Problem(place("api_key"), what, mend)
    for field in ("api_key", "access_key_id", "secret_access_key"):
        if not could_be_a_credential(getattr(form, field)):
            yield Problem(place(field), "it has spaces, line ends or other characters that no credential has", "Paste it again.")


def _variable(form: ProviderForm, house: House, place: Place) -> Iterator[Problem]:
    name = form.api_key_env
    # The value goes to an address that the same person chooses: not what the appliance's own safety rests on.
    if name.startswith("GATEHOUSE_") or name in ("JWT_SECRET_KEY", "DATABASE_URL", "REDIS_URL"):
        yield Problem(
            place("api_key_env"), f"{name} belongs to the appliance itself", "Name the variable with the provider's key."
        )
    elif not house.environ.get(name):
        what = f"the server's environment has no {name}"
        yield Problem(place("api_key_env"), what, f"Set {name} and start the appliance again, or give api_key.")
    elif not could_be_a_credential(house.environ[name]):
        what = f"{name} has spaces, line ends or other characters that no credential has"
        yield Problem(place("api_key_env"), what, f"Set {name} again.")
    elif (whose := _given_for_another(house.environ[name], form, house)) is not None:
        what = f"what {name} has was given to {whose} in the settings, which stands at another address"
        yield Problem(place("api_key_env"), what, "Name another variable, or give api_key.")


def _given_for_another(value: str, form: ProviderForm, house: House) -> str | None:
    """The provider of the settings that has this credential, where it stands elsewhere: who may change providers must not get
    hold of it by having it sent to an address of their own.
    """
    here = origin_of(base_url_of(form))
    for provider in house.settings.providers:
        if (
            value in (provider.api_key, provider.access_key_id, provider.secret_access_key)
            and origin_of(provider.base_url) != here
        ):
            return provider.name
    return None


# Routes


def route_problems(form: RouteForm, house: House, place: Place) -> Iterator[Problem]:
    yield from _route_name(form, house, place)
    yield from _deployments(form, house, place)
    yield from _fallbacks(form, house, place)
    yield from _text(form.policy, place("policy"))
    if form.policy and house.policies is not None and form.policy not in house.policies:
        yield Problem(place("policy"), f"there is no policy {form.policy}", "`gatehouse policies list` shows them.")
    if form.local_only and form.deployments and not any(_may_be_local(one, house) for one in form.deployments):
        mend = "Add a model of this machine, or write local = true at a deployment that counts as one."
        yield Problem(place("local_only"), "no deployment of it is local, so nothing could answer", mend)


def _route_name(form: RouteForm, house: House, place: Place) -> Iterator[Problem]:
    yield from _like_an_id(form.name, place)
    provider, slash, model = form.name.partition("/")
    if slash and model and (provider in OWN or provider in house.forms.providers or house.of_settings(provider)):
        what = f"{form.name} reads like a model of the provider {provider}, which it would hide"
        yield Problem(place("name"), what, "Choose a name that doesn't begin with a provider's.")
    if len(house.forms.routes) > ROUTES_MAX:
        yield Problem(place("name"), f"there would be more than {ROUTES_MAX:,} routes", "Remove those that nobody needs.")


def _deployments(form: RouteForm, house: House, place: Place) -> Iterator[Problem]:
    if not form.deployments:
        yield Problem(place("deployments"), "the route has no deployments", "Name a provider and a model to send requests to.")
    elif len(form.deployments) > DEPLOYMENTS_MAX:
        yield Problem(place("deployments"), f"the route has more than {DEPLOYMENTS_MAX} deployments", "Split it up.")
    elif not any(one.weight for one in form.deployments):
        what = "every deployment has weight 0, so nothing would be sent anywhere"
        yield Problem(place("deployments"), what, "Give one of them a weight, or remove the route.")
    seen: set[tuple[str, str]] = set()
    for number, one in enumerate(form.deployments[:DEPLOYMENTS_MAX]):
        at = place(f"deployments[{number}]")
        if (one.provider, one.model) in seen:
            what = f"{_shown(one.provider)}/{_shown(one.model)} stands above already"
            yield Problem(at, what, "Keep one, with the weight that both should have.")
        seen.add((one.provider, one.model))
        yield from _text(one.model, f"{at}.model")
        yield from _deployment_provider(one, house, f"{at}.provider")


def _deployment_provider(one: DeploymentForm, house: House, at: str) -> Iterator[Problem]:
    if one.provider in OWN or one.provider in house.forms.providers:
        return
    found = house.of_settings(one.provider)
    if found is None:
        known = [*house.forms.providers, *(provider.name for provider in house.settings.providers), *OWN]
        yield Problem(at, f"there is no provider {_shown(one.provider)!r}", f"There are: {', '.join(known[:20])}.")
    elif found.kind in NEED_A_CREDENTIAL and not found.api_key and not found.secret_access_key:
        what = f"the provider {one.provider} has no credential"
        yield Problem(at, what, f"Give it one in {where_it_stands(found)}.")


def _fallbacks(form: RouteForm, house: House, place: Place) -> Iterator[Problem]:
    if len(form.fallbacks) > FALLBACKS_MAX:
        yield Problem(place("fallbacks"), f"the route has more than {FALLBACKS_MAX} fallbacks", "Keep the best of them.")
        return
    for number, name in enumerate(form.fallbacks):
        if name not in house.forms.routes:
            mend = "Make it first, or correct the name; models and providers need a route of their own to be fallen back to."
            yield Problem(place(f"fallbacks[{number}]"), f"there is no route {_shown(name)!r}", mend)
        elif name in form.fallbacks[:number]:
            yield Problem(place(f"fallbacks[{number}]"), f"{name} stands there twice", "Keep one.")


def _chains(changed: list[str], house: House, place: Place) -> Iterator[Problem]:
    """What is wrong with fallbacks behind fallbacks. Looked at once for all routes, from those on that change."""
    names = dict.fromkeys([*changed, *house.forms.routes])
    fallbacks = {name: house.forms.routes[name].fallbacks for name in names}
    loop = loop_in(fallbacks)
    if loop:
        what = f"the fallbacks lead in a circle: {' → '.join(loop)}"
        yield Problem(place("fallbacks"), what, f"Take {loop[-1]} out of the fallbacks of {loop[-2]}.")
    elif are_too_deep(fallbacks):
        what = f"more than {DEPTH_MAX} fallbacks would stand one behind the other"
        yield Problem(place("fallbacks"), what, "Name them all in the first route.")


def _may_be_local(one: DeploymentForm, house: House) -> bool:
    provider = house.forms.providers.get(one.provider)
    return one.local or one.provider in OWN or (provider is not None and provider.kind == LLAMACPP)


def _text(text: str, at: str) -> Iterator[Problem]:
    if not text.isprintable() or text != text.strip():
        yield Problem(at, "it has spaces around it, or characters that can't be seen", "Leave them out.")


def _shown(text: str) -> str:
    """Somebody's text as a message may repeat it."""
    return "".join(character if character.isprintable() else "?" for character in text[:100])
