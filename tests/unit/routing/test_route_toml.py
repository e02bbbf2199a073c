import tomllib
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance import errors
from appliance.routing.route_book import Book, StoredProvider, StoredRoute
from appliance.routing.route_changes import Changes
from appliance.routing.route_forms import ProviderForm, RouteForm, without_credentials
from appliance.routing.route_import import planned
from appliance.routing.route_toml import read_toml, written_toml
from appliance.settings import Settings
from tests.unit.routing.house import ENVIRON, FILED, SECRET, House, provider, route

CHANGES = Changes(Settings(providers=[FILED]), ENVIRON)

counts = st.none() | st.integers(1, 10**9)
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
seconds = st.none() | st.floats(0.001, 86_400)
deployments = st.fixed_dictionaries(
    {"provider": texts, "model": texts, "weight": st.floats(0, 1_000_000) | st.integers(0, 5), "order": st.integers(0, 1_000)},
    optional={
        "limits": st.fixed_dictionaries({}, optional={"requests_per_minute": counts, "concurrent": counts}),
        "context_tokens": counts,
        "local": st.booleans(),
    },
)
routes = st.fixed_dictionaries(
    {"name": st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._:/-]{0,30}\Z"), "deployments": st.lists(deployments, max_size=4)},
    optional={
        "strategy": st.sampled_from(["weighted", "round-robin", "least-latency", "least-busy", "cheapest", "local-first"]),
        "retries": st.integers(0, 10),
        "circuit_breaker": st.just(False) | st.fixed_dictionaries({}, optional={"failure_rate": st.floats(0.001, 1)}),
        "fallbacks": st.lists(texts, max_size=3),
        "timeouts": st.fixed_dictionaries({}, optional={"first_token_seconds": seconds, "request_seconds": seconds}),
        "hedge": st.booleans(),
        "cache": st.none() | st.booleans(),
        "policy": texts,
    },
)
providers = st.fixed_dictionaries(
    {
        "name": st.from_regex(r"\A[a-z0-9][a-z0-9._-]{0,20}\Z"),
        "kind": st.sampled_from(["openai", "azure", "bedrock", "vllm", "llamacpp", "openai-compatible"]),
    },
    optional={"base_url": texts, "api_key": texts, "api_key_env": st.just("ACME_API_KEY"), "models": st.lists(texts, max_size=3)},
)


def book_with(*forms: ProviderForm | RouteForm) -> Book:
    known, paths = {}, {}
    for number, form in enumerate(forms):
        if isinstance(form, ProviderForm):
            known[form.name] = StoredProvider(number=number, id=f"prov_{number}", form=form, created_at=0, updated_at=0)
        else:
            paths[form.name] = StoredRoute(
                number=number, id=f"route_{number}", form=form, deployments=(), created_at=0, updated_at=0
            )
    return Book(known, paths)


@settings(deadline=None, max_examples=150)
@given(
    st.lists(providers, max_size=3, unique_by=lambda row: row["name"]),
    st.lists(routes, max_size=3, unique_by=lambda r: r["name"]),
)
def test_what_is_written_reads_back_the_same_without_the_credentials(rows: list[Any], paths: list[Any]) -> None:
    known = [msgspec.convert(row, ProviderForm) for row in rows]
    forms = [msgspec.convert(row, RouteForm) for row in paths]
    document = read_toml(written_toml(book_with(*known, *forms)).encode())
    assert [msgspec.convert(row, ProviderForm) for row in document.get("providers", [])] == list(map(without_credentials, known))
    assert [msgspec.convert(row, RouteForm) for row in document.get("routes", [])] == forms


def test_no_credential_is_written_and_its_absence_is_told() -> None:
    text = written_toml(
        book_with(provider("acme"), provider("keyless", api_key=""), provider("env", api_key="", api_key_env="ACME_API_KEY"))
    )
    assert SECRET not in text
    assert SECRET[-4:] not in text
    acme, keyless, env = text.split("[[providers]]")[1:]
    assert "# api_key: not written here." in acme
    assert "#" not in keyless
    assert 'api_key_env = "ACME_API_KEY"' in env


def test_an_export_taken_in_where_it_came_from_changes_nothing() -> None:
    book = book_with(provider("acme"), route("a", "acme/m", strategy="cheapest"), route("b", "acme/n", fallbacks=["a"]))
    plan = planned(read_toml(written_toml(book).encode()), book, CHANGES)
    assert plan.edit.is_empty
    assert (plan.told.providers.unchanged, plan.told.routes.unchanged) == (["acme"], ["a", "b"])


def test_an_export_taken_in_elsewhere_asks_for_the_credential() -> None:
    openai = provider("openai", kind="openai", base_url="")
    text = written_toml(book_with(openai)).encode()
    with pytest.raises(
        errors.InvalidField, match="provider openai: api_key: the provider openai is of the kind openai, but has no"
    ):
        planned(read_toml(text), Book(), CHANGES)


def test_a_file_may_name_things_in_any_order_and_everything_else_stays() -> None:
    book = book_with(provider("old"), route("kept", "old/m"), route("fast", "old/m"))
    text = """
        [[routes]]
        name = "fast"
        fallbacks = ["new"]
        [[routes.deployments]]
        provider = "acme"
        model = "m"
        [[routes]]
        name = "new"
        deployments = [{ provider = "acme", model = "n", weight = 2 }]
        [[providers]]
        name = "acme"
        kind = "openai-compatible"
        base_url = "http://acme.example/v1"
    """
    plan = planned(read_toml(text.encode()), book, CHANGES)
    assert (plan.told.providers.created, plan.told.routes.created, plan.told.routes.changed) == (["acme"], ["new"], ["fast"])
    assert [edit.before is None for edit in plan.edit.routes] == [False, True]


def test_every_problem_of_a_file_is_told_by_name() -> None:
    text = """
        [[providers]]
        name = "acme"
        kind = "openai-compatible"
        [[routes]]
        name = "a"
        fallbacks = ["b"]
        deployments = [{ provider = "nobody", model = "m" }]
        [[routes]]
        name = "b"
        fallbacks = ["a"]
        deployments = [{ provider = "acme", model = "m", weight = 0 }]
    """
    with pytest.raises(errors.InvalidField) as caught:
        planned(read_toml(text.encode()), Book(), CHANGES)
    for told in (
        "4 things are wrong",
        "provider acme: name: the provider acme is of the kind openai-compatible, but has no base_url",
        "route a: deployments[0].provider: there is no provider 'nobody'",
        "route b: deployments: every deployment has weight 0",
        "the fallbacks lead in a circle: a → b → a",
    ):
        assert told in caught.value.message


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("providers = 1", "providers: these must be tables"),
        ("[[providers]]\nname = 'x'", "provider x: kind: Object missing required field kind"),
        ("[[routes]]\nname = 'x'\ncolour = 1", "route x: colour: Object contains unknown field colour"),
        ("[[routes]]\nname = 'x'\n[[routes]]\nname = 'x'", "route x: one of this name stands above already"),
        ("[[routes]]\nstrategy = 'weighted'", "[[routes]] number 1: name: Object missing required field name"),
        ("[[routes]]\nname = 2026-01-01", "[[routes]] number 1: name: Expected str, got"),
        ("[[routes]]\nname = 'x'\ndeployments = [{provider='a', model='m', weight=nan}]", "weight"),
        ("[[routes]]\nname = 'x'\ndeployments = [{provider='a', model='m', weight=inf}]", "weight"),
        ("[[teams]]\nname = 'x'", "teams: there is no such table"),
        ("", "no providers and no routes"),
        ("[[providers]]\nname = 'filed'\nkind = 'vllm'\nbase_url='http://h/v1'", "stands in gatehouse.toml already"),
    ],
)
def test_a_file_that_says_something_else_is_refused(text: str, told: str) -> None:
    with pytest.raises(errors.InvalidField) as caught:
        planned(read_toml(text.encode()), Book(), CHANGES)
    assert told in caught.value.message


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"[[providers]]\nname = ", "line 2 can't be read"),
        (b"[[providers]]\napi_key = sk-canary", "line 2 can't be read"),
        (b"a = 1\n\xff", "line 2 is no UTF-8 text"),
        (b"a = " + b"[" * 20_000, "the file is nested too deeply"),
        (b"a = 1\na = 2", "line 2 can't be read"),
        (b"a = " + b"1" * 5_000, "can't be read"),
        (b"a = 2026-02-30", "can't be read"),
    ],
)
def test_what_is_no_toml_is_refused_with_its_line_and_without_its_text(data: bytes, told: str) -> None:
    with pytest.raises(errors.InvalidField) as caught:
        read_toml(data)
    assert told in caught.value.message
    assert "sk-canary" not in str(caught.value.body())


def test_a_mark_that_editors_put_before_the_file_is_no_trouble() -> None:
    assert read_toml(b"\xef\xbb\xbfa = 1") == tomllib.loads("a = 1")


async def test_a_file_is_taken_in_as_a_whole_or_not_at_all(house: House) -> None:
    good = {"providers": [{"name": "acme", "kind": "vllm", "base_url": "http://acme.example/v1"}]}
    bad = {"routes": [{"name": "r", "deployments": [{"provider": "nobody", "model": "m"}]}]}
    with pytest.raises(errors.InvalidField):
        await house.catalog.take_in("tester", {**good, **bad})
    assert not house.catalog.book.providers
    assert (await house.catalog.take_in("tester", good, dry_run=True)).providers.created == ["acme"]
    assert not house.catalog.book.providers
    assert (await house.catalog.take_in("tester", good)).providers.created == ["acme"]
    assert list(house.catalog.book.providers) == ["acme"]


async def test_a_provider_taken_in_without_a_credential_keeps_its_own_unless_it_leads_elsewhere(house: House) -> None:
    await house.add_provider()
    row = {"name": "acme", "kind": "openai-compatible", "base_url": "http://acme.example/v1", "models": ["m"]}
    told = await house.catalog.take_in("tester", {"providers": [row]})
    assert told.providers.changed == ["acme"]
    assert house.catalog.book.providers["acme"].form.api_key == SECRET
    with pytest.raises(errors.InvalidField, match="provider acme: api_key: the credential that is kept was given for another"):
        await house.catalog.take_in("tester", {"providers": [{**row, "base_url": "http://thief.example/v1"}]})
