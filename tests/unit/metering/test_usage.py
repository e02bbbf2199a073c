from appliance.chat import texts
from appliance.metering.usage import estimated_prompt_tokens, estimated_tokens, estimated_usage


def test_estimates_grow_with_the_text_and_are_never_zero_for_some() -> None:
    assert estimated_tokens("") == 0
    assert estimated_tokens("a") == 1
    assert estimated_tokens("a" * 400) == 100
    assert estimated_tokens("अ" * 400) == 300, "other scripts take more tokens a character"


def test_a_large_body_is_counted_by_its_texts_and_an_image_in_it_is_not() -> None:
    raw = {"model": "m", "messages": [{"role": "user", "content": [{"text": "a" * 400}, {"url": "data:" + "x" * 5_000_000}]}]}
    assert estimated_prompt_tokens(raw, 5_000_500) < 200
    assert estimated_prompt_tokens(raw, 400) == 100


def test_an_estimate_says_that_it_is_one() -> None:
    usage = estimated_usage(30, 41)
    assert (usage.tokens_in, usage.tokens_out, usage.estimated) == (30, 11, True)


def test_every_text_of_a_large_body_counts_wherever_it_stands_but_roles_and_the_models_name() -> None:
    raw = {
        "model": "m" * 4000,
        "messages": [{"role": "user" * 1000, "content": [{"type": "text", "text": "word" * 100}]}],
        "tools": [{"function": {"description": "word" * 100, "enum": ["a", ["b"]]}}],
    }
    counted = [text.value for text in texts(raw)]
    assert estimated_prompt_tokens(raw, 10**6) == sum(4 + estimated_tokens(text) for text in counted)
