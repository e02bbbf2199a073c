"""Chat templates are programs by strangers: what they may do, what ends them, and what callers' words can't do through them."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from appliance.local.engines.batching import templates
from appliance.local.engines.batching.templates import CHATML, TemplateProcess, TemplateRefused

MESSAGES = [{"role": "user", "content": "secret words"}]


@pytest.fixture(scope="module")
def process() -> Iterator[TemplateProcess]:
    process = TemplateProcess()
    yield process
    process.close()


def rendered(process: TemplateProcess, template: str, most: int = 10_000, **values: Any) -> str:
    return process.render(template, {"messages": MESSAGES, "add_generation_prompt": True, **values}, most)


def test_the_form_where_a_file_has_none(process: TemplateProcess) -> None:
    assert rendered(process, CHATML) == "<|im_start|>user\nsecret words<|im_end|>\n<|im_start|>assistant\n"


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ messages | tojson }}", '[{"role": "user", "content": "secret words"}]'),
        ("{% for m in messages %}{% if loop.first %}{% continue %}{% endif %}x{% endfor %}y", "y"),
        ("{% generation %}a{% endgeneration %}b", "ab"),
        ("{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{% endfor %}{{ ns.n }}", "1"),
        ("{{ messages[0].content.split(' ')[-1] }}{{ messages[0]['role'].upper() }}", "wordsUSER"),
        ("{% macro a(x) %}<{{ x }}>{% endmacro %}{{ a('b') }}", "<b>"),
        ("{{ strftime_now('%Y') | length }}", "4"),
        ("{{ '%s' | format(lipsum.__globals__) }}", ""),  # what the sandbox doesn't show isn't there
        ("{% if tools is defined and tools %}t{% else %}n{% endif %}", "n"),
    ],
)
def test_what_templates_in_use_expect(process: TemplateProcess, template: str, text: str) -> None:
    assert rendered(process, template) == text


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ messages.__class__ }}{{ cycler.__init__.__globals__.os.environ }}",
        "{{ (strftime_now | attr('__globals__'))['json'] }}",
        "{{ messages.append(1) }}",
        "{{ '{0.__class__.__init__.__globals__}'.format(strftime_now) }}",
        "{% include '/etc/passwd' %}",
        "{% import 'os' as os %}{{ os }}",
        "{% for i in range(10**9) %}{% endfor %}",
        "{% broken",
        "{{ 1 / 0 }}",
        "{{ messages[7].content }}",
        "{{ raise_exception('no ' + messages[0].content) }}",
        "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}",
        "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
        "{{ 'x' * 10**9 }}",
        "{{ ('x' * 10**4) * 10**4 }}",
        "{% set ns = namespace(t='x' * 1000) %}{% for i in range(60) %}{% set ns.t = ns.t ~ ns.t %}{% endfor %}{{ ns.t }}",
        "{% for i in range(9999) %}{{ messages[0].content }}{% endfor %}",
        "{{ 9 ** (9 ** 9) }}",
    ],
)
def test_tricks_are_refused_in_words_that_quote_nobody_and_the_next_is_rendered(
    process: TemplateProcess, template: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(templates, "RENDER_SECONDS_MAX", 2.0)
    with pytest.raises(TemplateRefused) as caught:
        rendered(process, template)
    assert "secret" not in caught.value.words
    assert "/" not in caught.value.words
    assert rendered(process, CHATML).endswith("assistant\n")


def test_a_template_without_an_end_is_ended_in_time_and_others_wait_no_longer(
    process: TemplateProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(templates, "RENDER_SECONDS_MAX", 0.5)
    endless = "{% for a in range(99999) %}{% for b in range(99999) %}{% set x = a * b %}{% endfor %}{% endfor %}"
    began = time.monotonic()
    with pytest.raises(TemplateRefused, match="too long"):
        rendered(process, endless)
    assert rendered(process, CHATML)
    assert time.monotonic() - began < 20  # the fault would be hours


def test_a_refusal_in_the_templates_own_words_is_passed_on(process: TemplateProcess) -> None:
    with pytest.raises(TemplateRefused, match="roles must alternate") as caught:
        rendered(process, "{{ raise_exception('roles must alternate') }}")
    assert caught.value.code == "refused"


def test_several_at_once_get_each_their_own(process: TemplateProcess) -> None:
    found: dict[int, str] = {}

    def render(number: int) -> None:
        found[number] = rendered(process, "{{ n }}", n=number)

    threads = [threading.Thread(target=render, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: str(number) for number in range(12)}
