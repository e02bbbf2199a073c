"""Chat, end to end: whole and streamed, by both paths. The details are in server/test_upstream.py and test_local_model.py."""

import pytest

from tests.calls import chat
from tests.running import Appliance


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/api/v1/chat/completions"])
def test_a_chat_is_answered_whole_and_streamed(door: Appliance, api_key: str, path: str) -> None:
    whole = door.call("POST", path, chat("fake/gpt-4o"), token=api_key)
    assert (whole.status, whole.content) == (200, "You said: Hello!")
    with door.stream("POST", path, chat("fake/gpt-4o", stream=True), token=api_key) as answer:
        streamed = answer.collect()
    assert streamed.content == "You said: Hello!"
    assert streamed.done


def test_every_answered_chat_is_in_the_ledger(door: Appliance, api_key: str) -> None:
    answer = door.call("POST", "/v1/chat/completions", chat("fake/gpt-4o"), token=api_key)
    (row,) = door.rows(
        "SELECT r.state, r.status, a.tokens_in, a.tokens_out "
        "FROM requests r JOIN attempts a ON a.request_id = r.id WHERE r.id = ?",
        bytes.fromhex(answer.headers["x-request-id"].removeprefix("req_")),
    )
    usage = answer.json["usage"]
    assert (row["state"], row["status"]) == (1, 200)
    assert (row["tokens_in"], row["tokens_out"]) == (usage["prompt_tokens"], usage["completion_tokens"])
