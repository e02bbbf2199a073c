from appliance.chat import texts

RAW = {
    "model": "m",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [{"type": "text", "text": "Hello"}, {"type": "image_url", "image_url": {"url": "data:x"}}],
            "future": {"deep": ["hidden"]},
        },
        {"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": '{"a": "b"}'}}]},
    ],
    "unknown": "leaf",
}


def test_every_string_of_a_request_is_reached_in_its_order_with_its_role() -> None:
    found = [(text.role, text.value) for text in texts(RAW)]
    assert found == [
        ("system", "Be brief."),
        ("user", "text"),
        ("user", "Hello"),
        ("user", "image_url"),
        ("user", "data:x"),
        ("user", "hidden"),
        ("assistant", "1"),
        ("assistant", "f"),
        ("assistant", '{"a": "b"}'),
        ("", "leaf"),
    ]


def test_replacing_a_text_changes_the_body_that_is_sent() -> None:
    raw = {"model": "m", "messages": [{"role": "user", "content": [{"type": "text", "text": "secret"}]}]}
    for text in texts(raw):
        if text.value == "secret":
            text.replace("[MASKED]")
    assert raw["messages"][0]["content"][0]["text"] == "[MASKED]"  # type: ignore[index]


def test_a_body_nested_very_deeply_is_walked_without_recursion() -> None:
    deep: dict[str, object] = {"end": "found"}
    for _ in range(50_000):
        deep = {"a": deep}
    assert [text.value for text in texts(deep)] == ["found"]
