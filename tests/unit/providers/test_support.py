"""What a translation refuses of a request that OpenAI's dialect left unread."""

from typing import Any

import msgspec
import pytest

from appliance.dialects.openai_chat import OpenAIChat
from appliance.errors import FeatureUnsupported, InvalidField
from appliance.providers.openai import FEATURES
from appliance.providers.support import Support, fit

SUPPORT = Support(FEATURES | {"top_k", "min_p"})


def fitted(**fields: Any) -> Any:
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], **fields}
    return fit(OpenAIChat().parse(msgspec.json.encode(body)).chat, [], SUPPORT, who="up/m", drop=False).chat


@pytest.mark.parametrize(
    "fields",
    [
        {"top_k": 40, "min_p": 0.1, "reasoning_effort": "low", "thinking": {"type": "disabled"}},
        {"top_k": None, "min_p": 0, "reasoning_effort": None, "thinking": None},
    ],
)
def test_fields_as_they_should_be_are_translated(fields: dict[str, Any]) -> None:
    chat = fitted(**fields)
    assert {name: getattr(chat, name) for name in fields} == fields


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("top_k", "many"),
        ("top_k", True),
        ("top_k", 1.5),
        ("min_p", "0.1"),
        ("reasoning_effort", {"effort": "low"}),
        ("reasoning_effort", 3),
        ("thinking", True),
        ("thinking", "enabled"),
    ],
)
def test_an_odd_value_is_refused_by_its_name_where_it_would_be_translated(field: str, value: object) -> None:
    with pytest.raises(InvalidField) as refused:
        fitted(**{field: value})
    assert refused.value.param == field


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ({"refusal": ["no"]}, "refusal"),
        ({"reasoning_content": {"a": 1}}, "reasoning_content"),
        ({"thinking_blocks": "hm"}, "thinking_blocks"),
        ({"thinking_blocks": ["hm"]}, "thinking_blocks"),
        ({"is_error": "yes"}, "is_error"),
        ({"tool_calls": [{"id": "a", "extra_content": "x"}]}, "tool_calls.extra_content"),
    ],
)
def test_an_odd_value_within_a_message_is_refused_with_its_place(message: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidField) as refused:
        fitted(messages=[{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "x", **message}])
    assert refused.value.param == f"messages[1].{param}"


def test_a_response_format_that_nobody_has_is_refused_not_forgotten() -> None:
    with pytest.raises(FeatureUnsupported) as refused:
        fitted(response_format={"type": "wizard"})
    assert refused.value.param == "response_format of type wizard"
    assert fitted(response_format={"type": "text"}).response_format == {"type": "text"}
