import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.upstream.sse import SseReader, SseTooLarge

STREAM = (
    b'event: a\ndata: {"x": 1}\n\n: comment\n\ndata: one\ndata: two\n\n'
    b"data: caf\xc3\xa9 \xe2\x80\xa8 same line\n\ndata: [DONE]\n\n"
)
EVENTS = [("a", b'{"x": 1}'), ("", b"one\ntwo"), ("", b"caf\xc3\xa9 \xe2\x80\xa8 same line"), ("", b"[DONE]")]


def read(*pieces: bytes) -> list[tuple[str, bytes]]:
    reader = SseReader()
    events = [event for piece in pieces for event in reader.feed(piece)]
    return [(event.name, event.data) for event in events + reader.close()]


@pytest.mark.parametrize("cut", range(len(STREAM)))
def test_a_stream_reads_the_same_wherever_the_network_cuts_it(cut: int) -> None:
    assert read(STREAM[:cut], STREAM[cut:]) == EVENTS


@pytest.mark.parametrize("end", [b"\r\n", b"\r"])
def test_other_line_ends_read_the_same_a_byte_at_a_time(end: bytes) -> None:
    stream = STREAM.replace(b"\n", end)
    assert read(*(stream[i : i + 1] for i in range(len(stream)))) == EVENTS
    assert read(stream) == EVENTS


def test_a_last_event_without_its_blank_line_is_not_lost() -> None:
    assert read(b"data: one\n\ndata: two") == [("", b"one"), ("", b"two")]


def test_an_event_is_kept_as_it_came() -> None:
    (event,) = SseReader().feed(b"id: 7\ndata: x\n\n")
    assert event.raw == b"id: 7\ndata: x\n\n"


def test_an_event_past_the_bound_is_refused() -> None:
    reader = SseReader(event_bytes_max=100)
    with pytest.raises(SseTooLarge):
        reader.feed(b"data: " + b"x" * 200)


@pytest.mark.parametrize("piece", [b"x" * 2_000, b"y" * 1_999 + b"\n", b"\r" * 2_000])
def test_bytes_without_an_end_are_not_looked_at_again_with_every_piece(piece: bytes) -> None:
    """They were: 4 MB of an event in pieces of 2 KB held up everybody for 20 s, and a provider may send 16."""
    reader = SseReader()
    reader.feed(b"data: ")
    began = time.monotonic()
    for _ in range(8_000):
        assert len(reader.feed(piece)) <= 1
        assert time.monotonic() - began < 8


def test_an_event_may_end_between_two_pieces_that_have_no_blank_line_each() -> None:
    assert read(b"data: 1", b"\n", b"\ndata: 2\r\n", b"\r", b"\ndata: 3\r", b"\r") == [("", b"1"), ("", b"2"), ("", b"3")]


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=5))
def test_no_bytes_and_no_cut_break_the_reader(data: bytes, cuts: list[int]) -> None:
    at = sorted(min(cut, len(data)) for cut in cuts)
    pieces = [data[a:b] for a, b in zip([0, *at], [*at, len(data)], strict=True)]
    assert read(*pieces) == read(data)
