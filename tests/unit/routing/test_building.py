import pytest

from appliance import errors
from appliance.routing.building import There, built, offer_of
from appliance.routing.names import LocalOffer, Names, VllmOffer
from appliance.routing.route import BreakerRules, Limits, Route, Timeouts
from tests.unit.routing.house import provider, route

ACME = offer_of(provider(), "http://acme.example/v1", "key")
HERE = offer_of(provider("here", kind="llamacpp", base_url="", api_key=""), "", "")
READY = VllmOffer("big", "http://127.0.0.1:9/v1", "key", is_ready=True)
STARTING = VllmOffer("slow", is_starting=True, why="big is being loaded")
THERE = There({"tiny": LocalOffer("tiny", "chat")}, {"big": READY, "slow": STARTING}, {"acme": ACME, "here": HERE})


def one(name: str, *deployments: str, **more: object) -> Route:
    (found,) = built({name: route(name, *deployments, **more)}, THERE).routes
    return found


def test_a_deployment_leads_where_its_provider_is() -> None:
    (target,) = one("r", "acme/org/model").targets
    assert (target.name, target.deployment.base_url, target.deployment.api_key) == (
        "acme/org/model",
        "http://acme.example/v1",
        "key",
    )
    assert not target.is_local


def test_models_of_this_machine_are_local_whatever_runs_them() -> None:
    targets = one("r", "local/tiny", "here/tiny", "vllm/big").targets
    assert [(target.name, target.deployment.kind, target.is_local) for target in targets] == [
        ("local/tiny", "llamacpp", True),
        ("here/tiny", "llamacpp", True),
        ("vllm/big", "vllm", True),
    ]


def test_everything_that_was_written_is_in_the_route() -> None:
    found = one(
        "r",
        strategy="cheapest",
        retries=5,
        circuit_breaker={"failure_rate": 0.2},
        timeouts={"first_token_seconds": 3},
        hedge=True,
        drop_unsupported=True,
        local_only=True,
        fallback_on_refusal=True,
        local_queue_max=7,
        deployments=[
            {
                "provider": "acme",
                "model": "m",
                "weight": 2,
                "order": 4,
                "limits": {"concurrent": 3},
                "context_tokens": 99,
                "local": True,
            }
        ],
    )
    (target,) = found.targets
    assert (target.weight, target.order, target.limits, target.context_tokens) == (2, 4, Limits(concurrent=3), 99)
    assert target.is_local
    assert found == Route(
        name="r",
        targets=(target,),
        strategy="cheapest",
        retries=5,
        breaker=BreakerRules(failure_rate=0.2),
        timeouts=Timeouts(first_token_seconds=3),
        hedge=True,
        drop_unsupported=True,
        local_only=True,
        fallback_on_refusal=True,
        local_queue_max=7,
    )
    assert one("r", "acme/m", circuit_breaker=False).breaker is None


def test_what_has_nothing_to_stand_on_is_left_out_and_told() -> None:
    found = built({"r": route("r", "acme/m", "gone/m", "local/gone", "vllm/slow")}, THERE)
    assert [target.name for target in found.routes[0].targets] == ["acme/m"]
    assert found.missing == {
        "r": [
            "gone/m: there is no provider 'gone'",
            "local/gone: this machine has no such model",
            "vllm/slow: big is being loaded",
        ]
    }


def test_fallbacks_are_routes_within_the_route() -> None:
    forms = {
        "a": route("a", "acme/1", fallbacks=["b", "gone"]),
        "b": route("b", "acme/2", fallbacks=["c"]),
        "c": route("c", "acme/3"),
    }
    a = built(forms, THERE).routes[0]
    assert [fallback.name for fallback in a.fallbacks] == ["b"]
    assert [fallback.name for fallback in a.fallbacks[0].fallbacks] == ["c"]


def test_a_circle_that_got_into_the_database_by_hand_ends() -> None:
    forms = {"a": route("a", "acme/1", fallbacks=["b"]), "b": route("b", "acme/2", fallbacks=["a"])}
    assert len(built(forms, THERE).routes) == 2


def test_a_route_comes_before_a_model_of_the_same_name_and_is_offered() -> None:
    names = Names((LocalOffer("tiny", "chat"),), (ACME,), None, (), built({"tiny": route("tiny", "acme/m")}, THERE).routes)
    assert names.resolve("tiny").deployment.name == "acme/m"
    assert [(row.id, row.owned_by) for row in names.offered()] == [("tiny", "gatehouse")]
    assert "acme/m" in names.deployments()


def test_a_route_with_nothing_left_to_ask_says_so_and_one_with_a_fallback_goes_on() -> None:
    forms = {"empty": route("empty", "gone/m"), "saved": route("saved", "gone/m", fallbacks=["ok"]), "ok": route("ok", "acme/m")}
    names = Names((), (), None, (), built(forms, THERE).routes)
    with pytest.raises(errors.Unavailable, match="the route empty has no deployment that can be asked now"):
        names.resolve("empty")
    assert names.resolve("saved").deployment.name == "acme/m"
    forms["far"] = route("far", "gone/m", fallbacks=["saved"])
    names = Names((), (), None, (), built(forms, THERE).routes)
    assert names.resolve("far").deployment.name == "acme/m"
