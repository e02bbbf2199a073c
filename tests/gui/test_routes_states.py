"""What the Providers page decides about routes, without Qt: words, shares, what is sent, where a request would go."""

from typing import Any, get_args

import msgspec
import pytest

from appliance.routing.route import Strategy
from gui import route_form_state as forms
from gui import route_row_state as words
from gui.providers_state import Circuit, Explanation, Imported, Providers, Route, Step, Taken
from gui.route_form_state import RouteForm, TargetForm
from tests.gui.providers_stand_in import deployment, provider, route


def one(*deployments: dict[str, Any], name: str = "fast", **more: Any) -> Route:
    return msgspec.convert(route(name, *deployments, **more), Route)


def known(*routes: dict[str, Any]) -> Providers:
    made = Providers()
    assert made.take_lists([provider("openai")], list(routes))
    return made


A, B = deployment("openai", "a"), deployment("openai", "b", weight=3.0)


@pytest.mark.parametrize(
    ("made", "shares"),
    [
        (one(A, B), [0.25, 0.75]),
        (one(A, B, strategy="round-robin"), [0.5, 0.5]),
        (one(A, B, strategy="cheapest"), [None, None]),
        (one(A, strategy="cheapest"), [1.0]),
        (one(A, {**B, "weight": 0.0}, strategy="cheapest"), [1.0, 0.0]),
        (one(A, {**B, "order": 1}), [1.0, 0.0]),
        (one({**A, "weight": 0.0}, {**B, "order": 1}), [0.0, 1.0]),
        (one({**A, "weight": 0.0}), [None]),
        (one(), []),
    ],
)
def test_a_share_is_told_where_it_is_known(made: Route, shares: list[float | None]) -> None:
    assert words.shares(made) == shares


def test_the_cells_of_deployments_say_what_their_share_means() -> None:
    made = one(A, {**B, "order": 1}, deployment("openai", "c", weight=0.0))
    assert [line.cells[1].text for line in words.target_lines(made, known())] == ["100%", "Only then", "Drained"]
    free = one(A, B, strategy="least-busy")
    assert [line.cells[1].text for line in words.target_lines(free, known())] == ["As it goes", "As it goes"]
    small = one({**A, "weight": 0.001}, B)
    assert words.target_lines(small, known())[0].cells[1].text == "< 1 %"


def test_a_routes_state_counts_those_that_get_requests() -> None:
    providers, made = known(), one(A, B, deployment("openai", "c", weight=0.0))
    assert words.state(made, providers).text == "Ready"
    providers.take_circuit(Circuit("openai/c", "open"))
    assert words.state(made, providers).text == "Ready"  # it is drained anyway
    providers.take_circuit(Circuit("openai/a", "open", "openai answered 500"))
    assert words.state(made, providers).text == "1 of 2 out"
    assert words.problem(made, providers) == "openai/a: left alone for a while: openai answered 500."
    providers.take_circuit(Circuit("openai/b", "open"))
    assert (words.state(made, providers).text, words.state(made, providers).note) == ("All are out", "nothing can answer")
    fallen = msgspec.structs.replace(made, fallbacks=["slow"])
    assert words.state(fallen, providers).note == "goes on to its fallbacks"
    providers.take_circuit(Circuit("openai/a", "half-open"))
    assert words.target_lines(made, providers)[0].cells[2].text == "Being tried again"
    providers.asked[made.id] = "remove"
    assert words.state(made, providers).text == "Removing…"
    assert all(action.why for action in words.actions(made, providers))


def test_a_deployment_with_a_problem_says_it() -> None:
    made = one({**A, "problem": "openai has no credential"}, B)
    cell = words.target_lines(made, known())[0].cells[2]
    assert (cell.text, cell.marker) == ("openai has no credential", "failed")
    assert words.problem(made, known()) == "openai/a: openai has no credential."


def test_a_route_is_noted_in_plain_words() -> None:
    assert words.note(one(A)) == "One deployment"
    assert words.note(one(A, B)) == "By weight"
    assert (
        words.note(one(A, B, local_only=True, fallbacks=list("abcd")))
        == "By weight · this machine only · then a, b, c and 1 more"
    )
    assert words.head(one(A, B, fallbacks=["slow"])) == "fast · by weight · when all fail: slow"
    assert words.strategy_title("of-tomorrow") == "of-tomorrow"
    assert words.targets(one()).text == "nothing"


def test_every_strategy_of_the_gateway_has_its_sentence() -> None:
    assert set(words.STRATEGIES) == set(get_args(Strategy))
    assert all(sentence.endswith(".") for _, sentence in words.STRATEGIES.values())


# Explain


def test_an_explanation_is_told_in_the_order_of_trying() -> None:
    tried = [Step("a/x", "fast", "drawn with weight 3 of 4", "closed"), Step("b/y", "slow", "a fallback", "closed", ["images"])]
    found = Explanation("fast", "weighted", tried, [Step("c/z", "fast", "left alone for 3 s more", "open")], "fast", 2)
    assert words.explained(found) == [
        ("1.", "a/x", "drawn with weight 3 of 4"),
        ("2.", "b/y", "a fallback (route slow); it can't do images"),
        ("·", "c/z", "Left out: left alone for 3 s more"),
    ]
    assert (
        words.explained_head(found) == "By weight. Nothing has been sent. What fails for a moment is tried again, up to 2 times."
    )


@pytest.mark.parametrize(("retries", "told"), [(0, ""), (1, " What fails for a moment is tried again, once.")])
def test_retries_are_told_where_there_are_some(retries: int, told: str) -> None:
    found = Explanation("fast", "cheapest", [Step("a/x", "fast", "")], [], "fast", retries, local_only=True)
    assert words.explained_head(found) == f"Cheapest first. Nothing has been sent.{told} It must not leave this machine."


def test_an_explanation_without_a_way_says_so() -> None:
    assert words.explained_head(Explanation("fast", "weighted", [], [])) == "Nothing would answer it now."


# The form


TARGET = TargetForm("openai", "a")


@pytest.mark.parametrize(
    ("form", "wrong"),
    [
        (RouteForm("fast", targets=(TARGET,)), []),
        (RouteForm("", targets=(TARGET,)), ["name"]),
        (RouteForm("a b", targets=(TARGET,)), ["name"]),
        (RouteForm("fast"), ["targets"]),
        (RouteForm("fast", targets=(TargetForm("openai", "a", 0.0),)), ["targets"]),
        (RouteForm("fast", targets=(TargetForm("openai", ""),)), ["targets[0]"]),
        (RouteForm("fast", targets=(TargetForm("", "a"),)), ["targets[0]"]),
        (RouteForm("fast", targets=(TARGET, TargetForm("openai", "a", 2.0))), ["targets[1]"]),
    ],
)
def test_what_can_be_seen_from_here_is_told_at_its_place(form: RouteForm, wrong: list[str]) -> None:
    assert list(forms.wrong(form)) == wrong


def test_a_deployment_that_stays_keeps_what_the_dialog_does_not_show() -> None:
    limits = {"requests_per_minute": 60, "tokens_per_minute": None, "concurrent": None}
    before = one({**A, "order": 2, "limits": limits, "context_tokens": 8192, "local": True}, B)
    form = forms.form_of(before)
    sent = forms.body(form, before)
    assert sent["deployments"][0] == {
        "provider": "openai", "model": "a", "weight": 1.0, "order": 2, "local": True, "limits": limits, "context_tokens": 8192,
    }  # fmt: skip
    assert "context_tokens" not in sent["deployments"][1]
    moved = msgspec.structs.replace(form, targets=(TargetForm("openai", "new", 1.0),))
    assert forms.body(moved, before)["deployments"] == [{"provider": "openai", "model": "new", "weight": 1.0}]


def test_what_is_sent_for_a_new_route() -> None:
    form = RouteForm("fast", "cheapest", (TARGET,), ("slow",), local_only=True)
    assert forms.body(form) == {
        "name": "fast", "strategy": "cheapest", "deployments": [{"provider": "openai", "model": "a", "weight": 1.0}],
        "fallbacks": ["slow"], "local_only": True, "drop_unsupported": False,
    }  # fmt: skip


def test_a_fallback_that_leads_back_is_not_offered() -> None:
    providers = known(
        route("a", A, fallbacks=["b"]), route("b", A, fallbacks=["c"]), route("c", A), route("d", A, fallbacks=["d"])
    )
    names = {found.name: found for found in providers.routes()}
    assert forms.fallback_names(providers, names["c"]) == ["d"]
    assert forms.fallback_names(providers, names["a"]) == ["b", "c", "d"]
    assert forms.fallback_names(providers, None) == ["a", "b", "c", "d"]


def test_providers_to_choose_from_are_all_and_this_machines() -> None:
    form = RouteForm("fast", targets=(TargetForm("gone", "x"),))
    assert forms.provider_names(known(), form) == ["openai", "local", "vllm", "gone"]


@pytest.mark.parametrize(
    ("param", "field"),
    [
        ("name", "name"),
        ("deployments", "targets"),
        ("deployments[12].provider", "targets[12]"),
        ("fallbacks[0]", "fallbacks"),
        ("policy", ""),
        ("", ""),
    ],
)
def test_a_complaint_finds_its_place(param: str, field: str) -> None:
    assert forms.field_of(param) == field


# Files


def test_an_import_is_asked_with_what_it_would_do() -> None:
    found = Imported(Taken(created=["openai"], changed=["azure"]), Taken(created=["fast", "slow"], unchanged=["old"]))
    assert forms.import_question(found) == (
        "Take this file in?",
        "Adds 1 provider: openai. Replaces 1 provider: azure. Adds 2 routes: fast, slow. Everything else stays as it is.",
    )
    assert forms.imported_words(found) == "The file was taken in: 3 added, 1 replaced."
    assert forms.import_question(Imported(Taken(unchanged=["a"]), Taken())) == ("", "")
    many = forms.import_question(Imported(Taken(created=[f"p{number}" for number in range(10)]), Taken()))[1]
    assert many.startswith("Adds 10 providers: p0, p1, p2, p3, p4, p5, p6, p7 and 2 more.")
