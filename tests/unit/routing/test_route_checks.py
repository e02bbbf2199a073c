from typing import Any

import msgspec
import pytest

from appliance.cli import providers as providers_command
from appliance.providers.registry import PROVIDERS
from appliance.routing.fallbacks import DEPTH_MAX, are_too_deep, loop_in
from appliance.routing.route_book import Forms
from appliance.routing.route_checks import House, connection_problems, provider_problems, refusal, route_problems
from appliance.routing.route_forms import (
    DEPLOYMENTS_MAX,
    FALLBACKS_MAX,
    KINDS,
    PROVIDERS_MAX,
    ROUTES_MAX,
    ProviderForm,
    RouteForm,
    merged,
)
from appliance.settings import ProviderSettings, Settings
from tests.unit.routing.house import ENVIRON, FILED, SECRET, provider, route

BARE = ProviderSettings(name="bare", kind="openai", base_url="https://api.openai.com/v1")


def house(*forms: ProviderForm | RouteForm) -> House:
    providers = {form.name: form for form in forms if isinstance(form, ProviderForm)}
    routes = {form.name: form for form in forms if isinstance(form, RouteForm)}
    return House(Settings(providers=[FILED, BARE]), ENVIRON, Forms(providers, routes))


def of_provider(**more: Any) -> list[str]:
    form = provider(**more)
    return [f"{found.where}: {found.what}" for found in provider_problems(form, house(form), str)]


def of_route(form: RouteForm, *others: ProviderForm | RouteForm) -> list[str]:
    return [f"{found.where}: {found.what}" for found in route_problems(form, house(form, *others), str)]


def test_a_provider_as_it_should_be_has_no_problem() -> None:
    assert of_provider() == []
    assert of_provider(api_key="") == []  # a compatible server may stand open in its own network
    assert of_provider(api_key="", api_key_env="ACME_API_KEY") == []
    assert of_provider(name="openai", kind="openai", base_url="") == []
    assert of_provider(name="here", kind="llamacpp", base_url="", api_key="") == []
    assert of_provider(kind="azure", base_url="https://acme.openai.azure.com", api_version="2024-10-21") == []
    assert of_provider(kind="bedrock", base_url="", region="us-east-1") == []
    pair = {"access_key_id": "AKIA0", "secret_access_key": "s/+"}
    assert of_provider(kind="bedrock", base_url="", api_key="", region="us-east-1", **pair) == []


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"name": "local"}, "belongs to this machine's own models"),
        ({"name": "vllm"}, "belongs to this machine's own models"),
        ({"name": "filed"}, "stands in gatehouse.toml already"),
        ({"base_url": ""}, "has no base_url"),
        ({"base_url": "ftp://acme"}, "must begin with http"),
        ({"base_url": "http://user:secret@acme/v1"}, "carries a credential"),
        ({"base_url": "http://acme/v1?key=1"}, "carries a query"),
        ({"base_url": "http://127.0.0.1:8000/v1"}, "is this appliance itself"),
        ({"base_url": "http://acme/\x07"}, "characters that no address has"),
        ({"base_url": "http://[acme/v1"}, "is no address"),
        ({"api_key": "two words\n"}, "characters that no credential has"),
        ({"api_key_env": "ACME_API_KEY"}, "both api_key and api_key_env"),
        ({"api_key": "", "api_key_env": "NOT_SET"}, "the server's environment has no NOT_SET"),
        ({"api_key": "", "api_key_env": "JWT_SECRET_KEY"}, "belongs to the appliance itself"),
        ({"api_key": "", "api_key_env": "GATEHOUSE_TEST"}, "belongs to the appliance itself"),
        ({"access_key_id": "AKIA", "secret_access_key": "s"}, "only bedrock has a pair of keys"),
        ({"kind": "openai", "api_key": ""}, "has no credential"),
        ({"region": "eu"}, "openai-compatible has no region: that is bedrock's"),
        ({"api_version": "2024-10-21"}, "openai-compatible has no api_version: that is azure's"),
        ({"kind": "azure", "base_url": ""}, "has no base_url"),
        ({"kind": "bedrock", "base_url": ""}, "bedrock needs a region"),
        ({"kind": "bedrock", "base_url": "", "region": "eu", "api_key": ""}, "has no credential"),
        ({"kind": "bedrock", "base_url": "", "region": "eu", "api_key": "", "access_key_id": "AKIA"}, "one of the pair of keys"),
        ({"kind": "bedrock", "region": "eu", "access_key_id": "AK", "secret_access_key": "s"}, "a pair of keys and a bearer key"),
        ({"kind": "bedrock", "region": "eu", "access_key_id": "AK/x"}, "characters that no such id has"),
        ({"kind": "llamacpp"}, "it has no address and no credential"),
        ({"models": ["a\u202eb"]}, "characters that can't be seen"),
    ],
)
def test_what_a_provider_can_not_be(more: dict[str, Any], told: str) -> None:
    assert any(told in line for line in of_provider(**more)), of_provider(**more)


def test_every_kind_that_can_be_written_can_be_spoken_to_and_the_command_line_knows_it() -> None:
    assert set(KINDS) == {*PROVIDERS, "llamacpp"}
    assert providers_command.KINDS == KINDS


def test_no_problem_repeats_a_credential() -> None:
    form = provider(api_key=f"{SECRET} \n", secret_access_key=SECRET, kind="openai", base_url="http://u:p4ssword@h/v1?q")
    shown = str(refusal(list(connection_problems(form, house(form), str))).body())
    assert SECRET not in shown
    assert "p4ssword" not in shown


def test_a_route_as_it_should_be_has_no_problem() -> None:
    assert of_route(route("fast", "acme/m", "filed/m", "local/tiny", "vllm/big"), provider()) == []
    assert of_route(route("gpt-4o", "acme/m"), provider()) == []
    assert of_route(route("org/model", "acme/m"), provider()) == []


@pytest.mark.parametrize(
    ("form", "told"),
    [
        (route("r"), "deployments: the route has no deployments"),
        (route("r", "nobody/m"), "deployments[0].provider: there is no provider 'nobody'"),
        (route("r", "bare/m"), "the provider bare has no credential"),
        (route("r", "acme/m", "acme/m"), "acme/m stands above already"),
        (route("acme/m", "acme/m"), "reads like a model of the provider acme"),
        (route("local/x", "acme/m"), "reads like a model of the provider local"),
        (route("filed/x", "acme/m"), "reads like a model of the provider filed"),
        (route("r", "acme/m", fallbacks=["gone"]), "fallbacks[0]: there is no route 'gone'"),
        (route("r", "acme/m", fallbacks=["other", "other"]), "fallbacks[1]: other stands there twice"),
        (route("r", "acme/m", local_only=True), "no deployment of it is local"),
        (route("r", "acme/m\u200b"), "characters that can't be seen"),
        (route("r", "acme/m", policy="\x00"), "characters that can't be seen"),
        (route("r", *[f"acme/{n}" for n in range(DEPLOYMENTS_MAX + 1)]), f"more than {DEPLOYMENTS_MAX} deployments"),
        (route("r", "acme/m", fallbacks=[f"f{n}" for n in range(FALLBACKS_MAX + 1)]), f"more than {FALLBACKS_MAX} fallbacks"),
    ],
)
def test_what_a_route_can_not_be(form: RouteForm, told: str) -> None:
    found = of_route(form, provider(), route("other", "acme/m"))
    assert any(told in line for line in found), found


def test_weight_nought_everywhere_is_refused_and_one_drained_deployment_is_not() -> None:
    drained = {"provider": "acme", "model": "a", "weight": 0}
    nowhere = msgspec.convert({"name": "r", "deployments": [drained, {**drained, "model": "b"}]}, RouteForm)
    assert of_route(nowhere, provider()) == ["deployments: every deployment has weight 0, so nothing would be sent anywhere"]
    one_left = msgspec.convert({"name": "r", "deployments": [drained, {"provider": "acme", "model": "b"}]}, RouteForm)
    assert of_route(one_left, provider()) == []


def test_there_are_bounds_on_how_many_there_may_be() -> None:
    routes = [route(f"r{number}", "acme/m") for number in range(ROUTES_MAX + 1)]
    assert of_route(routes[0], provider(), *routes) == [f"name: there would be more than {ROUTES_MAX:,} routes"]
    providers = [provider(f"p{number}") for number in range(PROVIDERS_MAX + 1)]
    found = [one.what for one in provider_problems(providers[0], house(*providers), str)]
    assert found == [f"there would be more than {PROVIDERS_MAX} providers"]


def test_a_provider_that_would_be_taken_for_a_route_is_refused() -> None:
    form = provider("acme")
    found = [one.what for one in provider_problems(form, house(form, route("acme/m", "filed/m")), str)]
    assert found == ["the route acme/m reads like a model of this provider"]


def test_every_problem_is_told_at_once_with_its_place_and_its_mend() -> None:
    form = route("r", "nobody/m", "acme/m", "acme/m", fallbacks=["gone"])
    error = refusal(list(route_problems(form, house(form, provider()), str)))
    assert error.message.startswith("3 things are wrong: deployments[0].provider: there is no provider 'nobody' (There are: ")
    assert "deployments[2]: acme/m stands above already" in error.message
    assert "fallbacks[0]: there is no route 'gone'" in error.message
    assert error.param == "deployments[0].provider"


@pytest.mark.parametrize(
    ("fallbacks", "loop"),
    [
        ({"a": ["a"]}, ["a", "a"]),
        ({"a": ["b"], "b": ["a"]}, ["a", "b", "a"]),
        ({"a": ["b", "c"], "b": [], "c": ["d"], "d": ["c"]}, ["c", "d", "c"]),
        ({"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": []}, []),
        ({"a": ["not-there"]}, []),
    ],
)
def test_a_circle_of_fallbacks_is_found_and_named(fallbacks: dict[str, list[str]], loop: list[str]) -> None:
    assert loop_in(fallbacks) == loop


def test_long_chains_of_fallbacks_are_found_without_running_out_of_stack() -> None:
    chain = {f"r{number}": [f"r{number + 1}"] for number in range(5_000)} | {"r5000": []}
    assert loop_in(chain) == []
    assert are_too_deep(chain)
    assert not are_too_deep({f"r{number}": [f"r{number + 1}"] for number in range(DEPTH_MAX)} | {f"r{DEPTH_MAX}": []})


@pytest.mark.parametrize("name", ["", "a b", "a\n", "a\x00", "ä", "-a", "a" * 129, "\ud800"])
def test_names_that_nobody_could_type_are_refused_where_they_are_read(name: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        route(name, "acme/m")
    with pytest.raises(msgspec.ValidationError):
        provider(name)


@pytest.mark.parametrize("weight", [float("nan"), float("inf"), -1, 1e9, "1"])
def test_weights_that_are_no_weights_are_refused_where_they_are_read(weight: Any) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"name": "r", "deployments": [{"provider": "a", "model": "m", "weight": weight}]}, RouteForm)


def test_a_patch_changes_what_it_names_and_null_takes_back_to_the_default() -> None:
    form = route("r", "acme/m", strategy="cheapest", timeouts={"request_seconds": 5}, circuit_breaker={"requests_min": 9})
    changed = msgspec.convert(
        merged(form, {"strategy": None, "circuit_breaker": {"failure_rate": 0.9}, "timeouts": {"first_token_seconds": 1}}),
        RouteForm,
    )
    assert changed.strategy == "weighted"
    assert changed.circuit_breaker is not False
    assert (changed.circuit_breaker.failure_rate, changed.circuit_breaker.requests_min) == (0.9, 9)
    assert (changed.timeouts.first_token_seconds, changed.timeouts.request_seconds) == (1, 5)
    off = msgspec.convert(merged(form, {"circuit_breaker": False}), RouteForm)
    assert off.circuit_breaker is False
    assert (
        msgspec.convert(merged(off, {"circuit_breaker": {"requests_min": 3}}), RouteForm).circuit_breaker != off.circuit_breaker
    )
