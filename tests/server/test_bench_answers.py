"""What `make bench` measures is what it says: each vendor's prepared answer reaches the caller whole, in as many pieces."""

import os
import sys
from collections.abc import Iterator

import pytest

from tests.bench.load import ask
from tests.bench.pacing import Paced
from tests.bench.translation import TASKS, WORDS, provider_of, said, target
from tests.bench.vendors import PASSING, VENDORS, text
from tests.conftest import MakeAppliance
from tests.running import Appliance

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="make bench reads /proc: it runs on Linux")

ANSWERS = {"passing": PASSING, **VENDORS}


@pytest.fixture(scope="module")
def door(appliances: MakeAppliance, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Appliance]:
    upstream = Paced(tmp_path_factory.mktemp("paced") / "answers", ",".join(map(str, os.sched_getaffinity(0))))
    tables = [provider_of(upstream, name, vendor, task) for name, vendor in ANSWERS.items() for task in TASKS]
    upstream.start()
    yield appliances(settings={"providers": tables})
    upstream.stop()


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", ANSWERS)
def test_each_vendors_answer_reaches_the_caller_whole(door: Appliance, name: str, task: str) -> None:
    vendor, stream = ANSWERS[name], task == "stream"
    answer = ask(target(door.url, door.api_key, vendor, f"{name}-{task}", stream=stream))
    assert said(answer, vendor.caller, stream=stream) == text(WORDS)
    if stream:
        told = answer.count(b'"content":' if vendor.caller == "openai_chat" else b'"text_delta"')
        assert len(WORDS) <= told <= len(WORDS) + 1, "no vendor's pieces were put together on the way"


@pytest.mark.parametrize("caller", ["openai_chat", "anthropic_messages"])
def test_a_stream_without_its_end_is_not_taken_for_whole(door: Appliance, caller: str) -> None:
    name = "google" if caller == "openai_chat" else "openai"
    answer = ask(target(door.url, door.api_key, ANSWERS[name], f"{name}-stream", stream=True))
    end = b"data: [DONE]" if caller == "openai_chat" else b"event: message_stop"
    assert said(answer, caller, stream=True)
    assert not said(answer.partition(end)[0], caller, stream=True)
