"""vLLM's page of metrics: what is wanted of it is found, and a broken one breaks nothing."""

import pytest

from appliance.local.vllm_metrics import Load, read_load
from tests.fakes.vllm import METRICS

PAGE = METRICS.format(name="m", running=3, waiting=12, cache=0.4375).encode()


def test_a_page_of_vllm_is_read() -> None:
    assert read_load(PAGE) == Load(3, 12, 0.4375)


def test_engines_are_added_up_and_the_fullest_cache_counts() -> None:
    second = PAGE.replace(b'engine="0"', b'engine="1"').replace(b"0.4375", b"0.75")
    assert read_load(PAGE + second) == Load(6, 24, 0.75)


def test_the_older_name_of_the_cache_is_known() -> None:
    assert read_load(PAGE.replace(b"vllm:kv_cache", b"vllm:gpu_cache")).cache_share == 0.4375


def test_metrics_of_like_names_are_others() -> None:
    more = (
        b'vllm:num_requests_waiting_by_reason{engine="0",model_name="m",reason="capacity"} 500.0\nvllm:num_requests_runningx 7\n'
    )
    assert read_load(PAGE + more) == Load(3, 12, 0.4375)


@pytest.mark.parametrize(
    "page",
    [
        b"",
        b"<html>",
        b"\xff\xfe\x00" * 100,
        b"vllm:num_requests_running{",
        b"vllm:num_requests_running{engine=",
        b'vllm:num_requests_running{engine="0"} many',
        b"vllm:num_requests_running ",
        b'vllm:num_requests_running{engine="0} 1.0',
    ],
)
def test_what_is_no_such_page_is_a_value_error(page: bytes) -> None:
    with pytest.raises(ValueError, match="vLLM's metrics"):
        read_load(page)


def test_every_beginning_of_a_page_is_read_or_refused() -> None:
    for cut in range(len(PAGE)):
        try:
            load = read_load(PAGE[:cut])
        except ValueError:
            continue
        assert 0 <= load.cache_share <= 1


@pytest.mark.parametrize("value", [b"NaN", b"+Inf", b"-Inf", b"-3.0", b"1e999"])
def test_numbers_that_can_not_be_are_left_out(value: bytes) -> None:
    page = b'vllm:num_requests_running{engine="0"} ' + value + b'\nvllm:num_requests_waiting{engine="0"} 2.0\n'
    assert read_load(page) == Load(0, 2, 0.0)


def test_a_page_without_an_end_costs_little() -> None:
    line = b'vllm:num_requests_running{engine="0",model_name="m"} 1.0\n'
    assert read_load(line * 20_000).running <= 64
