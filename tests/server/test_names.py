"""From the name that a caller writes to the model that answers, and what is listed."""

import pytest

from tests.calls import Answer, chat
from tests.conftest import MakeAppliance
from tests.running import Appliance, Fake, eventually

LLAMA = "meta-llama/Llama-3.1-8B-Instruct"


@pytest.fixture(scope="module")
def door(appliances: MakeAppliance, upstream: Fake) -> Appliance:
    """Two providers that tell their models, with one name in common, and the local model."""
    return appliances(
        settings={
            "providers": [
                upstream.provider("one", models=["gpt-4o", "words-2", "text-embedding-3-small"]),
                upstream.provider("two", models=["gpt-5.1", "words-2", LLAMA]),
            ]
        },
        model=True,
    )


def deployment(answer: Answer) -> str:
    assert answer.status == 200, answer
    return answer.headers["x-gatehouse-deployment"]


def test_a_name_with_its_provider_leads_there(door: Appliance, upstream: Fake) -> None:
    assert deployment(door.chat(chat("one/gpt-4o"))) == "one/gpt-4o"
    assert upstream.last().json["model"] == "gpt-4o"
    assert deployment(door.chat(chat("two/words-2"))) == "two/words-2"


def test_a_model_whose_own_name_has_a_slash_is_found_both_ways(door: Appliance, upstream: Fake) -> None:
    for name in (f"two/{LLAMA}", LLAMA):
        assert deployment(door.chat(chat(name))) == f"two/{LLAMA}"
        assert upstream.last().json["model"] == LLAMA


def test_a_bare_name_leads_to_the_one_provider_that_offers_it(door: Appliance) -> None:
    assert deployment(door.chat(chat("gpt-4o"))) == "one/gpt-4o"
    assert deployment(door.chat(chat("gpt-5.1"))) == "two/gpt-5.1"


def test_a_bare_name_that_two_offer_is_not_guessed(door: Appliance, upstream: Fake) -> None:
    before = len(upstream.seen())
    error = door.chat(chat("words-2"))
    assert error.status in (400, 404)
    assert "one/words-2" in error.error["fix"]
    assert "two/words-2" in error.error["fix"]
    assert len(upstream.seen()) == before, "it was sent all the same"


@pytest.mark.parametrize("name", ["gpt-4", "one/", "/gpt-4o", "three/gpt-4o", "GPT-4O", " gpt-4o", "gpt-4o\n", "🤖"])
def test_a_name_that_fits_nothing_is_404_and_lists_what_is_offered(door: Appliance, name: str) -> None:
    answer = door.chat(chat(name))
    assert (answer.status, answer.error["code"]) == (404, "model_not_found"), answer
    for offered in ("one/gpt-4o", "two/gpt-5.1", "smollm2-135m-instruct"):
        assert offered in answer.error["message"]


def test_the_list_has_every_model_once_in_openais_form(door: Appliance, api_key: str) -> None:
    for path in ("/v1/models", "/api/v1/models"):
        listed = door.call("GET", path, token=api_key).json
        assert listed["object"] == "list"
        ids = [model["id"] for model in listed["data"]]
        assert len(ids) == len(set(ids))
        assert {"smollm2-135m-instruct", "one/gpt-4o", "one/words-2", "two/words-2", f"two/{LLAMA}"} <= set(ids)
        for model in listed["data"]:
            assert model["object"] == "model"
            assert isinstance(model["created"], int)
            assert model["owned_by"]


def test_every_name_that_is_listed_can_be_asked_for_one_by_one(door: Appliance, api_key: str) -> None:
    for model in door.call("GET", "/v1/models", token=api_key).json["data"]:
        for prefix in ("/v1/models/", "/api/v1/models/"):
            for name in {model["id"], model["id"].replace("/", "%2F")}:
                one = door.call("GET", prefix + name, token=api_key)
                assert one.json == model, (name, one)


def test_a_model_that_is_not_there_is_404_one_by_one_too(door: Appliance, api_key: str) -> None:
    for name in ("nobody", "one/nobody", "a/b/c", "%00", "..%2f..%2fetc"):
        answer = door.call("GET", f"/v1/models/{name}", token=api_key)
        assert (answer.status, answer.error["code"]) == (404, "model_not_found"), answer


def test_the_demonstration_alias_is_answered_here_and_says_so(door: Appliance) -> None:
    answer = door.chat(chat("gpt-4o-mini", max_tokens=4))
    assert deployment(answer) == "local/smollm2-135m-instruct"
    assert answer.json["model"] == "smollm2-135m-instruct"
    assert "gpt-4o-mini" in answer.headers["x-gatehouse-alias"]
    assert "smollm2-135m-instruct" in answer.headers["x-gatehouse-alias"]


def test_the_alias_is_gone_as_soon_as_an_openai_credential_exists(appliance: MakeAppliance, upstream: Fake) -> None:
    box = appliance(env={"OPENAI_API_KEY": upstream.key, "OPENAI_BASE_URL": upstream.base_url}, model=True)
    answer = box.chat(chat("gpt-4o-mini"))
    assert deployment(answer) == "openai/gpt-4o-mini"
    assert answer.content == "You said: Hello!"
    assert "x-gatehouse-alias" not in answer.headers
    upstream.set_faults({"gpt-4o-mini": "fault-401"})
    try:
        assert box.chat(chat("gpt-4o-mini")).error["code"] == "upstream_unauthorized", "the local model stood in without a word"
    finally:
        upstream.set_faults({})


def test_a_provider_that_is_not_told_its_models_is_asked_and_one_that_is_silent_keeps_no_door_shut(
    appliance: MakeAppliance, upstream: Fake
) -> None:
    silent = {"name": "silent", "base_url": "http://127.0.0.1:9/v1"}
    box = appliance(settings={"providers": [silent, upstream.provider("asked")]})

    def listed() -> list[str]:
        return [model["id"] for model in box.call("GET", "/v1/models", token=box.api_key).json["data"]]

    assert eventually(lambda: f"asked/{LLAMA}" in listed())
    assert deployment(box.chat(chat("asked/gpt-4o"))) == "asked/gpt-4o"
    assert deployment(box.chat(chat("gpt-4o"))) == "asked/gpt-4o"
    assert box.chat(chat("silent/anything")).error["code"] == "upstream_failed"
