"""What the Providers page decides about providers, without Qt: words, fields, what is sent, what a test tells."""

from typing import Any

import pytest

from appliance.routing.route_forms import KINDS
from gui import provider_form_state as forms
from gui import provider_row_state as words
from gui.provider_form_state import ProviderForm
from gui.providers_state import Circuit, Problem, Provider, Providers, Tried, explanation_of, imported_of, tried_of
from tests.gui.providers_stand_in import deployment, provider, route

OPENAI = provider("openai", used_by=["fast"])
KEY = {"api_key": "sk-0123456789"}


def known(*providers: dict[str, Any], routes: list[dict[str, Any]] | None = None) -> Providers:
    made = Providers()
    assert made.take_lists(list(providers), routes or [])
    return made


def one(name: str = "openai", kind: str = "openai", **more: Any) -> Provider:
    found = known(provider(name, kind, **more)).named(name)
    assert found is not None
    return found


@pytest.mark.parametrize(
    "body", [[{"name": "no id"}], [{**OPENAI, "models": "gpt"}], ["openai"], [{**OPENAI, "used_by": [1]}], {"a": 1}]
)
def test_a_list_of_another_version_is_not_taken(body: Any) -> None:
    assert not Providers().take_lists(body, [])
    assert not Providers().take_lists([], body)


def test_fields_that_nobody_knows_yet_are_passed_over() -> None:
    assert known({**OPENAI, "colour": "red"}).named("openai") is not None


@pytest.mark.parametrize("body", [None, [], "x", {"seconds": 1}, {"ok": "yes"}, {"ok": True, "models": [1]}])
def test_what_is_no_test_explanation_or_import_is_none(body: Any) -> None:
    assert tried_of(body) is None
    assert explanation_of(body) is None
    assert imported_of(body) is None


def test_a_test_holds_until_the_provider_is_changed() -> None:
    providers = known(OPENAI)
    providers.take_tried("prov_openai", Tried(ok=True))
    assert providers.take_lists([OPENAI], []) and "prov_openai" in providers.tried
    assert providers.take_lists([{**OPENAI, "updated_at": "later"}], []) and not providers.tried


def test_a_test_of_a_provider_that_has_gone_is_not_kept() -> None:
    providers = known(OPENAI)
    providers.take_tried("prov_gone", Tried(ok=True))
    assert not providers.tried


def test_an_event_says_whether_to_ask_anew() -> None:
    providers = known(OPENAI)
    assert providers.take_event("routes", {"providers": ["openai"], "routes": []})
    assert providers.take_event("dropped", None)
    assert providers.take_event("circuit", "of another version")
    assert not providers.take_event("circuit", {"deployment": "openai/gpt-4o", "state": "open", "why": "401"})
    assert not providers.take_event("model", {})
    assert providers.circuit("openai/gpt-4o") == Circuit("openai/gpt-4o", "open", "401")


def test_a_circuit_that_was_open_before_the_app_looked_is_known() -> None:
    circuit = {"state": "open", "why": "openai\nanswered 500", "seconds_left": 9.5}
    providers = Providers()
    assert providers.take_lists([OPENAI], [route("fast", {**deployment("openai", "gpt-4o"), "circuit": circuit})])
    assert [one.deployment for one in providers.left_alone("openai")] == ["openai/gpt-4o"]
    assert providers.left_alone("openai")[0].why == "openai answered 500"


def test_an_explanation_tells_circuits_but_not_why_where_an_event_has() -> None:
    providers = known(OPENAI)
    providers.take_event("circuit", {"deployment": "openai/a", "state": "open", "why": "openai answered 500"})
    step = {"route": "fast", "lacks": []}
    left = [{**step, "deployment": f"openai/{name}", "why": "left alone for 3 s more", "circuit": "open"} for name in "ab"]
    tried = [{**step, "deployment": "openai/c", "why": "drawn", "circuit": "closed"}]
    found = explanation_of({"model": "fast", "strategy": "weighted", "tried": tried, "left_out": left})
    assert found is not None
    providers.take_explanation(found)
    told = {name: providers.circuit(f"openai/{name}") for name in "abc"}
    assert [(one.state, one.why) for one in told.values() if one is not None] == [
        ("open", "openai answered 500"),
        ("open", "left alone for 3 s more"),
        ("closed", ""),
    ]


def test_circuits_of_a_provider_whose_name_begins_alike_are_not_its_own() -> None:
    providers = known(provider("open"), OPENAI)
    providers.take_circuit(Circuit("openai/gpt-4o", "open"))
    assert providers.left_alone("open") == [] and len(providers.left_alone("openai")) == 1


def test_routes_over_a_circuit_that_is_not_closed_are_looked_at_again() -> None:
    providers = known(OPENAI, routes=[route("a", deployment("openai", "x")), route("b", deployment("openai", "y"))])
    providers.take_circuit(Circuit("openai/x", "closed"))
    assert providers.routes_with_open_circuits() == []
    for state in ("open", "half-open"):
        providers.take_circuit(Circuit("openai/x", state))
        assert [one.name for one in providers.routes_with_open_circuits()] == ["a"]


def test_a_search_needs_every_word() -> None:
    providers = known(
        OPENAI, provider("claude", "anthropic", used_by=["fast"]), routes=[route("fast", deployment("claude", "opus"))]
    )
    assert [one.name for one in providers.providers("FAST")] == ["claude", "openai"]
    assert [one.name for one in providers.providers("fast anthropic")] == ["claude"]
    assert [one.name for one in providers.routes("opus")] == ["fast"] and not providers.routes("gpt")


def test_models_of_a_provider_are_those_named_and_those_told() -> None:
    providers = known(provider("openai", models=["a", "b"]))
    providers.take_tried("prov_openai", Tried(ok=True, models=["b", "c"]))
    assert providers.models_of("openai") == ["a", "b", "c"]
    assert providers.models_of("nobody") == []


# Words


def test_every_kind_of_the_gateway_has_its_words() -> None:
    assert set(words.KINDS) == set(KINDS)
    assert set(words.ADDABLE) == {*KINDS} - {"llamacpp"}
    assert words.kind_title("of-tomorrow") == "of-tomorrow"


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({}, ("…wXyZ", "")),
        ({"api_key_env": "OPENAI_API_KEY", "api_key_end": None}, ("OPENAI_API_KEY", "from the environment")),
        ({"access_key_id_end": "…7EXA", "secret_access_key_end": "…KEYS", "api_key_end": None}, ("…7EXA", "pair of keys")),
        ({"api_key_end": None}, ("given", "")),  # too short to be shown
        ({"api_key_end": None, "has_credential": False}, ("none", "")),
    ],
)
def test_a_key_is_told_as_far_as_it_may_be_seen(more: dict[str, Any], told: tuple[str, str]) -> None:
    assert words.key_words(one(**more)) == told


def test_an_address_is_the_vendors_where_none_is_given() -> None:
    assert words.address(one()) == "api.openai.com/v1"
    assert words.address(one("aws", "bedrock", region="eu-west-1")) == "bedrock-runtime.eu-west-1.amazonaws.com"
    assert words.address(one("mine", "vllm", base_url="http://10.0.0.2/v1")) == "http://10.0.0.2/v1"
    assert words.address(one("odd", "of-tomorrow")) == "—"


def test_the_state_tells_what_is_known_last() -> None:
    providers = known(OPENAI)
    stands = providers.named("openai")
    assert stands is not None
    assert words.state(stands, providers).text == "Not tested yet"
    providers.take_tried(stands.id, Tried(ok=True, seconds=0.184, models=["a"]))
    assert (words.state(stands, providers).text, words.state(stands, providers).note) == ("Answers", "1 model · 184 ms")
    providers.take_circuit(Circuit("openai/a", "open", "it answered 500"))
    providers.take_circuit(Circuit("openai/b", "open", "it answered 500"))
    assert words.state(stands, providers).text == "2 models left alone"
    assert words.problem(stands, providers).startswith("openai/a, openai/b: left alone after failures")
    providers.take_tried(stands.id, Tried(ok=False, error=Problem("openai refused the key", "Paste it again")))
    assert words.state(stands, providers).text == "Test failed"
    assert words.problem(stands, providers) == "The test failed: openai refused the key. Paste it again."
    providers.asked[stands.id] = "test"
    assert words.state(stands, providers).text == "Testing…"


def test_a_vendor_without_a_key_is_told_so_and_an_open_server_is_not() -> None:
    providers = known()
    without = {"has_credential": False, "api_key_end": None}
    assert words.state(one(**without), providers).text == "No key"
    assert words.problem(one(**without), providers).endswith("Edit it to give one.")
    assert "gatehouse.toml" in words.problem(one(source="file", **without), providers)
    assert words.state(one("mine", "vllm", **without), providers).text == "Not tested yet"


@pytest.mark.parametrize(
    ("tried", "told"),
    [
        (Tried(ok=True, seconds=0.0), "It answers, in 1 ms."),
        (Tried(ok=True, seconds=2.34, models=["a", "b"]), "It answers, in 2.3 s. It offers 2 models."),
        (Tried(ok=False), "The test failed, and no reason was given."),
        (Tried(ok=False, error=Problem("it could not be reached", "Check base_url.")),
         "The test failed: it could not be reached. Check base_url."),
    ],
)  # fmt: skip
def test_a_test_is_told_in_words(tried: Tried, told: str) -> None:
    assert words.tried_words(tried) == told


def test_what_stands_elsewhere_is_tested_but_not_changed_here() -> None:
    providers = known()
    filed = one(source="file")
    assert {action.verb: bool(action.why) for action in words.actions(filed, providers)} == {
        "test": False,
        "edit": True,
        "remove": True,
    }
    assert "environment" in words.why_not("edit", one(source="environment"), providers)
    assert not words.why_not("remove", one(), providers)
    providers.asked["prov_openai"] = "test"
    assert all(action.why for action in words.actions(one(), providers))


def test_a_provider_in_use_names_its_routes() -> None:
    assert words.used_words(one()) == ""
    assert words.used_words(one(used_by=["fast"])).startswith("openai can't be removed: the route fast sends requests to it.")
    many = words.used_words(one(used_by=list("abcdefg")))
    assert "routes a, b, c, d, e and 2 more send requests to it. Take it out of these routes first." in many


def test_removing_says_what_goes_along() -> None:
    assert words.remove_question(one())[1].endswith("Its key is forgotten too.")
    assert "key" not in words.remove_question(one(api_key_env="KEY", api_key_end=None))[1]


# The form


@pytest.mark.parametrize(
    ("kind", "credential", "shown"),
    [
        ("openai", "key", ["name", "api_key"]),
        ("anthropic", "env", ["name", "api_key_env"]),
        ("google", "key", ["name", "api_key"]),
        ("azure", "key", ["name", "base_url", "api_version", "api_key", "models"]),
        ("bedrock", "key", ["name", "region", "api_key", "models"]),
        ("bedrock", "pair", ["name", "region", "access_key_id", "secret_access_key", "models"]),
        ("vllm", "none", ["name", "base_url", "models"]),
        ("openai-compatible", "key", ["name", "base_url", "api_key", "models"]),
        ("llamacpp", "none", ["name"]),
    ],
)
def test_a_kind_asks_only_what_it_needs(kind: str, credential: str, shown: list[str]) -> None:
    assert forms.fields(kind, credential) == shown
    assert all(forms.hint(field, kind, None) for field in shown)


def test_an_address_that_was_given_to_a_vendor_is_shown() -> None:
    assert "base_url" in forms.fields("openai", "key", has_address=True)


def test_only_bedrock_has_a_pair_and_only_open_servers_need_no_key() -> None:
    ways = {kind: forms.ways_to_a_key(kind) for kind in words.KINDS}
    assert [kind for kind, one in ways.items() if "pair" in one] == ["bedrock"]
    assert [kind for kind, one in ways.items() if "none" in one] == ["openai-compatible", "vllm", "llamacpp"]


def test_a_name_is_suggested_that_nobody_has() -> None:
    assert forms.suggested_name("openai", known()) == "openai"
    assert forms.suggested_name("openai", known(OPENAI, provider("openai-2"))) == "openai-3"
    assert forms.suggested_name("openai-compatible", known()) == "server"


@pytest.mark.parametrize(
    ("form", "wrong"),
    [
        (ProviderForm("openai", "a", **KEY), []),
        (ProviderForm("openai", "", **KEY), ["name"]),
        (ProviderForm("openai", "A b", **KEY), ["name"]),
        (ProviderForm("openai", "a"), ["api_key"]),
        (ProviderForm("openai", "a", credential="env"), ["api_key_env"]),
        (ProviderForm("openai", "a", credential="env", api_key_env="lower"), ["api_key_env"]),
        (ProviderForm("azure", "a", **KEY), ["base_url"]),
        (ProviderForm("azure", "a", base_url="contoso.azure.com", **KEY), ["base_url"]),
        (ProviderForm("vllm", "a", base_url="http://x/v1", credential="none"), []),
        (ProviderForm("bedrock", "a", **KEY), ["region"]),
        (ProviderForm("bedrock", "a", region="EU", **KEY), ["region"]),
        (ProviderForm("bedrock", "a", region="us-east-1", credential="pair", access_key_id="AKIA"), ["secret_access_key"]),
        (ProviderForm("bedrock", "a", region="us-east-1", credential="pair"), ["access_key_id", "secret_access_key"]),
    ],
)
def test_what_can_be_seen_from_here_is_told_at_its_field(form: ProviderForm, wrong: list[str]) -> None:
    assert sorted(forms.wrong(form, None)) == sorted(wrong)


def test_a_test_needs_no_name() -> None:
    assert not forms.wrong(ProviderForm("openai", "", **KEY), None, is_test=True)
    assert forms.body(ProviderForm("openai", "", **KEY))["name"] == "openai"


def test_only_fields_of_the_kind_are_sent() -> None:
    full = ProviderForm("openai", "a", region="x", api_version="y", access_key_id="z", models="m", api_key_env="ENV", **KEY)
    assert forms.body(full) == {"kind": "openai", "name": "a", **KEY}
    named = ProviderForm("vllm", "a", base_url="http://x/v1", credential="none", models=" m1, m2 ,\nm3,, ", **KEY)
    assert forms.body(named) == {"kind": "vllm", "name": "a", "base_url": "http://x/v1", "models": ["m1", "m2", "m3"]}


def test_a_form_that_nobody_touched_changes_nothing() -> None:
    pair = {"access_key_id_end": "…7EXA", "secret_access_key_end": "…KEYS", "api_key_end": None}
    variable = {"api_key_env": "KEY", "api_key_end": None}
    stand = (
        one(),
        one("azure", "azure", base_url="https://x", api_version="2024-10-21", models=["a", "b"]),
        one("aws", "bedrock", region="eu-west-1", **pair),
        one("env", "google", **variable),
        one("open", "vllm", base_url="http://x/v1", has_credential=False, api_key_end=None),
    )
    for before in stand:
        form = forms.form_of(before)
        assert forms.changes(form, before) == {}, before
        assert forms.wrong(form, before) == {}, before
        assert forms.test_of(form, before) == ("stored", "")


def changed(before: Provider, **fields: Any) -> ProviderForm:
    form = forms.form_of(before)
    return ProviderForm(**{**{name: getattr(form, name) for name in ProviderForm.__struct_fields__}, **fields})


def test_a_new_key_takes_the_place_of_the_old_one() -> None:
    assert forms.changes(changed(one(), api_key="sk-new"), one()) == {
        "api_key": "sk-new",
        "api_key_env": "",
        "access_key_id": "",
        "secret_access_key": "",
    }


def test_another_sort_of_key_clears_what_was_there() -> None:
    before = one("aws", "bedrock", region="eu-west-1", access_key_id_end="…7EXA", secret_access_key_end="…KEYS", api_key_end=None)
    bearer = changed(before, credential="key")
    assert forms.wrong(bearer, before) == {"api_key": "Paste the key."}  # the pair is no bearer key
    sent = forms.changes(changed(before, credential="env", api_key_env="AWS_KEY"), before)
    assert sent == {"api_key_env": "AWS_KEY", "api_key": "", "access_key_id": "", "secret_access_key": ""}
    server = one("mine", "vllm", base_url="http://x/v1")
    assert forms.changes(changed(server, credential="none"), server)["api_key"] == ""


def test_what_is_changed_is_tried_only_with_a_key_that_is_typed() -> None:
    before = one("azure", "azure", base_url="https://x")
    assert forms.test_of(changed(before, name="other", models="m"), before) == ("stored", "")
    how, why = forms.test_of(changed(before, api_version="2024-10-21"), before)
    assert how == "" and "Type the key again" in why
    assert forms.test_of(changed(before, api_version="2024-10-21", api_key="sk-new"), before)[0] == "form"
    assert forms.test_of(changed(before, credential="env", api_key_env="KEY"), before)[0] == "form"
    assert forms.test_of(ProviderForm(), None) == ("form", "")


def test_a_kept_key_is_hinted_at_in_its_field() -> None:
    assert forms.hint("api_key", "openai", one()) == "Stays as it is (…wXyZ) unless you type another"
    assert "given" in forms.hint("api_key", "openai", one(api_key_end=None))
    assert forms.hint("api_key", "openai", one(api_key_env="KEY", api_key_end=None)) == "Paste the key"


@pytest.mark.parametrize(
    ("param", "field"),
    [("base_url", "base_url"), ("models[3]", "models"), ("$.name", "name"), ("provider_id", ""), ("", ""), ("kind", "")],
)
def test_a_complaint_finds_its_field(param: str, field: str) -> None:
    assert forms.field_of(param) == field


def test_a_complaint_at_its_field_does_not_repeat_the_name() -> None:
    assert forms.complaint("base_url: base_url is no address", "base_url") == "base_url is no address"
    assert forms.complaint("3 things are wrong: base_url: x", "base_url") == "3 things are wrong: base_url: x"
