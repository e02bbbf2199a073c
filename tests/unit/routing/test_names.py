import pytest

from appliance import errors
from appliance.routing.names import LocalOffer, Names, ProviderOffer, VllmOffer

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


SERVED = VllmOffer("big", "http://127.0.0.1:1/v1", "key", is_ready=True)


@pytest.mark.parametrize("name", ["big", "vllm/big"])
def test_a_model_of_vllm_is_found_under_its_name_and_with_vllm_before_it(name: str) -> None:
    found = Names(LOCAL, (provider("down", tells=False),), None, (SERVED,)).resolve(name).deployment
    assert (found.name, found.provider, found.kind, found.model) == ("vllm/big", "vllm", "vllm", "big")
    assert (found.base_url, found.api_key) == ("http://127.0.0.1:1/v1", "key")


def test_a_model_of_vllm_that_is_not_ready_says_so_and_is_not_listed() -> None:
    starting = VllmOffer("big", is_starting=True, why="vLLM is starting the model big", retry_after_seconds=15)
    failed = VllmOffer("huge", why="vLLM can't serve the model huge", retry_after_seconds=60)
    names = Names(LOCAL, (provider("down", tells=False),), None, (starting, failed))
    assert [model.id for model in names.offered()] == ["tiny"]
    assert names.deployments() == ["local/tiny", "vllm/big", "vllm/huge"]
    for name in ("big", "vllm/big"):
        with pytest.raises(errors.LocalModelStarting, match="vLLM is starting the model big") as caught:
            names.resolve(name)
        assert caught.value.retry_after_seconds == 15
    with pytest.raises(errors.LocalModelFailed, match="vLLM can't serve the model huge"):
        names.resolve("huge")


def test_a_model_of_vllm_comes_before_what_has_its_name_elsewhere() -> None:
    names = Names((*LOCAL, LocalOffer("big", "chat")), (provider("a", "big"),), ("big", "tiny"), (SERVED,))
    assert names.resolve("big").deployment.name == "vllm/big"
    assert names.resolve("local/big").deployment.name == "local/big"
    assert names.resolve("a/big").deployment.name == "a/big"
    assert [model.id for model in names.offered()] == ["tiny", "big", "a/big"]


def test_the_key_of_vllm_is_in_no_repr() -> None:
    assert "key" not in repr(SERVED)


def test_a_provider_called_vllm_keeps_its_models() -> None:
    names = Names(LOCAL, (provider("vllm", "a"),), None)
    assert names.resolve("vllm/a").deployment.base_url == "http://vllm/v1"
