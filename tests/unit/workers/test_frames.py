"""Frames survive any cut, refuse any garbage, and never read a file that isn't theirs."""

import os
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.workers import frames
from appliance.workers.frames import (
    FRAME_BYTES_MAX,
    Call,
    Cancel,
    Chunk,
    Credit,
    End,
    Error,
    Event,
    Frame,
    FrameError,
    FrameReader,
)

numbers = st.integers(0, 2**63 - 1)
texts = st.text(max_size=30)
bodies = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | texts | st.binary(max_size=50),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)
any_frame: st.SearchStrategy[Frame] = st.one_of(
    st.builds(Call, numbers, texts, bodies),
    st.builds(Chunk, numbers, bodies),
    st.builds(End, numbers, bodies),
    st.builds(Error, numbers, texts, texts, st.dictionaries(texts, bodies, max_size=3)),
    st.builds(Cancel, numbers),
    st.builds(Credit, numbers, numbers),
    st.builds(Event, texts, bodies),
)


def read_whole(data: bytes) -> list[Frame]:
    reader = FrameReader()
    found = reader.feed(data)
    assert reader.is_empty
    return found


@given(st.lists(any_frame, max_size=6), st.lists(st.integers(1, 40), max_size=30))
def test_frames_come_out_as_they_went_in_wherever_the_pipe_cuts_them(sent: list[Frame], cuts: list[int]) -> None:
    data = b"".join(frames.encode(frame) for frame in sent)
    reader, found = FrameReader(), []
    for length in [*cuts, len(data)]:
        piece, data = data[:length], data[length:]
        found += reader.feed(piece)
    assert found == sent
    assert reader.is_empty


@given(st.binary(max_size=300))
@settings(max_examples=500)
def test_garbage_is_refused_and_never_anything_worse(data: bytes) -> None:
    try:
        found, said = FrameReader().feed(data), ""
    except FrameError as error:
        found, said = [], str(error)
    assert all(isinstance(frame, Frame) for frame in found)
    assert len(said) < 400


def framed(data: bytes) -> bytes:
    return len(data).to_bytes(4, "little") + data


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"\x00\x00\x00\x00", "0 bytes long"),
        (b"\xff\xff\xff\xff", "4294967295 bytes long"),
        ((FRAME_BYTES_MAX + 1).to_bytes(4, "little"), "bytes long"),
        (framed(b"\xc1"), "not a frame"),
        (framed(msgspec.msgpack.encode([99, 1])), "not a frame"),
        (framed(msgspec.msgpack.encode([0, "one", "method"])), "not a frame"),
        (framed(msgspec.msgpack.encode([0, 1])), "not a frame"),
        (framed(msgspec.msgpack.encode({"id": 1})), "not a frame"),
        (framed(msgspec.msgpack.encode([4, 1]) + b"\x00"), "not a frame"),
        (framed(b"\x93\x00\x01\xa1\xff"), "not a frame"),
        (framed(b"\x94\x00\x01\xa1a" + b"\x91" * 5000 + b"\xc0"), "not a frame"),
    ],
)
def test_what_is_no_frame_is_refused_with_a_reason(data: bytes, complaint: str) -> None:
    with pytest.raises(FrameError, match=complaint):
        FrameReader().feed(data)


def test_a_frame_that_is_cut_off_is_waited_for() -> None:
    data = frames.encode(Call(1, "chat", {"a": 1}))
    reader = FrameReader()
    assert reader.feed(data[:-1]) == []
    assert not reader.is_empty
    assert reader.feed(data[-1:]) == [Call(1, "chat", {"a": 1})]


def test_a_body_beyond_a_frame_travels_as_a_file_and_the_file_is_gone_afterwards(tmp_path: Path) -> None:
    body = {"text": "x" * (FRAME_BYTES_MAX + 1)}
    with pytest.raises(frames.FrameTooLarge):
        frames.encode(End(7, body))
    carried = read_whole(frames.encode(frames.spill(End(7, body), tmp_path)))[0]
    assert isinstance(carried, End)
    assert carried.body is None
    (file,) = tmp_path.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600 or os.name == "nt"
    assert frames.unspill(carried, tmp_path) == End(7, body)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../secret", "frame-../../secret", "frame-", "secret", "frame-a/b", "frame-\x00"]
)
def test_a_frame_can_not_name_a_file_elsewhere(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "exchange"
    folder.mkdir()
    secret = tmp_path / "secret"
    secret.write_bytes(msgspec.msgpack.encode("secret"))
    with pytest.raises(FrameError, match="isn't one of ours"):
        frames.unspill(End(1, None, name), folder)
    assert secret.exists()


@pytest.mark.skipif(os.name == "nt", reason="links and pipes with names are POSIX")
@pytest.mark.parametrize("make", [lambda path, target: path.symlink_to(target), lambda path, _: os.mkfifo(path)])
def test_a_frame_can_not_lead_to_a_file_elsewhere_by_a_link_or_block_us_by_a_pipe(tmp_path: Path, make: Any) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(msgspec.msgpack.encode("secret"))
    folder = tmp_path / "exchange"
    folder.mkdir()
    make(folder / "frame-aa", secret)
    with pytest.raises(FrameError, match="file"):
        frames.unspill(End(1, None, "frame-aa"), folder)
    assert secret.exists()
    assert list(folder.iterdir()) == []


def test_a_file_that_holds_no_msgpack_is_refused(tmp_path: Path) -> None:
    (tmp_path / "frame-aa").write_bytes(b"\xc1")
    with pytest.raises(FrameError, match="no msgpack"):
        frames.unspill(End(1, None, "frame-aa"), tmp_path)
    with pytest.raises(FrameError, match="can't be read"):
        frames.unspill(End(1, None, "frame-bb"), tmp_path)
