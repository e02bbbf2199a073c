import pytest

from appliance import errors
from appliance.routing.names import LocalOffer, Names, ProviderOffer

LOCAL = (LocalOffer("tiny", "chat", 1_700_000_000_000),)


def provider(name: str, *models: str, tells: bool = True) -> ProviderOffer:
    return ProviderOffer(name, "openai-compatible", f"http://{name}/v1", "key", frozenset(models) if tells else None)


def test_the_alias_leads_to_the_local_model_and_says_so() -> None:
    found = Names(LOCAL, (), ("gpt-4o-mini", "tiny")).resolve("gpt-4o-mini")
    assert (found.deployment.model, found.alias) == ("tiny", "gpt-4o-mini")


def test_an_alias_of_a_model_that_is_not_here_is_not_offered() -> None:
    names = Names((), (), ("gpt-4o-mini", "tiny"))
    assert names.offered() == []
    with pytest.raises(errors.ModelUnknown, match="no model is called 'gpt-4o-mini'"):
        names.resolve("gpt-4o-mini")


def test_a_provider_and_model_pass_whatever_the_model_is_called() -> None:
    found = Names(LOCAL, (provider("vllm", "a"),), None).resolve("vllm/org/model:free")
    assert (found.deployment.provider, found.deployment.model) == ("vllm", "org/model:free")


def test_a_bare_name_leads_to_the_one_provider_that_offers_it() -> None:
    names = Names(LOCAL, (provider("a", "m", "n"), provider("b", "m")), None)
    assert names.resolve("n").deployment.name == "a/n"
    with pytest.raises(errors.BadRequest) as caught:
        names.resolve("m")
    assert "a/m, b/m" in caught.value.fix


def test_a_provider_that_does_not_tell_its_models_may_have_any() -> None:
    names = Names(LOCAL, (provider("a", "m"), provider("b", tells=False)), None)
    assert names.resolve("m").deployment.name == "a/m"
    assert names.resolve("new").deployment.name == "b/new"


def test_a_real_provider_comes_before_the_demonstration_alias() -> None:
    names = Names(LOCAL, (provider("a", "gpt-4o-mini"),), ("gpt-4o-mini", "tiny"))
    assert names.resolve("gpt-4o-mini").deployment.name == "a/gpt-4o-mini"
    assert [model.id for model in names.offered()] == ["tiny", "a/gpt-4o-mini"]


def test_an_unknown_name_is_told_what_there_is() -> None:
    with pytest.raises(errors.ModelUnknown) as caught:
        Names(LOCAL, (provider("a", "m"),), None).resolve("nothing\n" * 90)
    assert caught.value.message.endswith("Offered: tiny, a/m.")
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 300


def test_a_name_behind_a_slash_alone_is_unknown() -> None:
    for name in ("/", "a/", "/m", "local/", "nobody/m"):
        with pytest.raises(errors.ModelUnknown):
            Names(LOCAL, (provider("a", "m"),), None).resolve(name)


def test_a_provider_that_tells_nothing_takes_neither_the_alias_nor_names_of_other_providers() -> None:
    names = Names(LOCAL, (provider("down", tells=False),), ("gpt-4o-mini", "tiny"))
    assert names.resolve("gpt-4o-mini").deployment.name == "local/tiny"
    assert [model.id for model in names.offered()] == ["tiny", "gpt-4o-mini"]
    with pytest.raises(errors.ModelUnknown):
        names.resolve("typo/model")


def test_a_local_model_that_is_called_like_the_alias_is_listed_once() -> None:
    names = Names((*LOCAL, LocalOffer("gpt-4o-mini", "chat")), (), ("gpt-4o-mini", "tiny"))
    assert [model.id for model in names.offered()] == ["tiny", "gpt-4o-mini"]
    assert names.resolve("gpt-4o-mini").alias is None
