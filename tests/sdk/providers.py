"""The providers of the matrix: every kind, each with its fake (or the real local model), and what each is known to say."""

from collections.abc import Callable
from typing import Any

import msgspec

from tests.fakes.anthropic_rules import size_of
from tests.fakes.bedrock import CLAUDE
from tests.fakes.bedrock_wire import ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY
from tests.running import Fake

LOCAL_MODEL = "smollm2-135m-instruct"


class Provider(msgspec.Struct, frozen=True):
    """`fake`: which of tests/fakes; `table`: what its `[[providers]]` table says; `tokens`: what it tells of "Hello there"."""

    kind: str
    fake: str
    model: str
    table: Callable[[Fake], dict[str, Any]]
    tokens: Callable[[Fake], tuple[int, int]] = lambda fake: (6, 4)

    @property
    def is_local(self) -> bool:
        return not self.fake


def _plain(fake: Fake) -> dict[str, Any]:
    return {"base_url": fake.url, "api_key": fake.key}


def _openai(fake: Fake) -> dict[str, Any]:
    return {"base_url": fake.base_url, "api_key": fake.key}


def _lenient(fake: Fake) -> dict[str, Any]:
    return {"base_url": fake.lenient_url, "api_key": fake.key}


def _azure(fake: Fake) -> dict[str, Any]:
    return {**_plain(fake), "api_version": "2024-10-21"}


def _bedrock(fake: Fake) -> dict[str, Any]:
    return {
        "base_url": fake.url,
        "region": REGION,
        "access_key_id": ACCESS_KEY_ID,
        "secret_access_key": SECRET_ACCESS_KEY,
    }


PROVIDERS = {
    provider.kind: provider
    for provider in (
        Provider("openai", "openai", "gpt-4o-mini", _openai),
        Provider("openai-compatible", "openai", "gpt-4o", _openai),
        Provider("azure", "azure", "gpt-4o", _azure),
        # It counts the words of the body that it gets, which is the caller's own where they speak its format.
        Provider("anthropic", "anthropic", "claude-sonnet-4-5", _plain, lambda fake: (size_of(fake.last().json), 7)),
        Provider("google", "google", "gemini-2.5-flash", _plain),
        Provider("bedrock", "bedrock", CLAUDE, _bedrock, lambda fake: (6, 5)),
        Provider("vllm", "openai", "meta-llama/Llama-3.1-8B-Instruct", _lenient),
        Provider("llamacpp", "", LOCAL_MODEL, _plain),
    )
}
