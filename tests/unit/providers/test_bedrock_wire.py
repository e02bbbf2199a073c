"""Signatures and frames of Bedrock: ours say the same as botocore's, whatever is signed and wherever the network cuts."""

from typing import Any

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.eventstream import EventStreamBuffer
from hypothesis import given, settings
from hypothesis import strategies as some

from appliance.providers.bedrock_events import BadFrame, FrameReader
from appliance.providers.bedrock_signature import signed_headers
from tests.fakes.bedrock_wire import event, frame

NOW = 1_795_667_478.25
MOMENT = "20261126T043118Z"
ANSWER = event("messageStart", role="assistant") + event("contentBlockDelta", delta={"text": "Grüße"}, contentBlockIndex=0)
URLS = (
    "https://bedrock-runtime.us-east-1.amazonaws.com/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse",
    "http://127.0.0.1:8123/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2Fx.y~z_1/converse-stream",
    "https://proxy.example:8443/aws/model/m%20%25%C3%A4/invoke",
    "https://EXAMPLE.com:443/model/m/converse",
    "http://[::1]:9000/model/m/converse",
)


def botocores(url: str, body: bytes, key: str, secret: str, region: str) -> dict[str, str]:
    request = AWSRequest("POST", url, {"Content-Type": "application/json", "X-Amz-Date": MOMENT}, body)
    request.context["timestamp"] = MOMENT
    signer = botocore.auth.SigV4Auth(Credentials(key, secret), "bedrock", region)
    text = signer.string_to_sign(request, signer.canonical_request(request))
    signer._inject_signature_to_request(request, signer.signature(text, request))
    return dict(request.headers.items())


@pytest.mark.parametrize("url", URLS)
@settings(max_examples=40, deadline=None)
@given(some.binary(min_size=1), some.text(min_size=1, max_size=40), some.sampled_from(("us-east-1", "eu-central-1")))
def test_a_signature_is_the_one_that_botocore_writes(url: str, body: bytes, secret: str, region: str) -> None:
    ours = signed_headers(url, body, access_key_id="AKIAX", secret_access_key=secret, region=region, now=NOW)
    assert ours == botocores(url, body, "AKIAX", secret, region)


def test_a_signature_changes_with_the_day_the_key_and_the_body() -> None:
    def signature(body: bytes = b"{}", secret: str = "s", now: float = NOW) -> str:
        found = signed_headers(URLS[0], body, access_key_id="A", secret_access_key=secret, region="r", now=now)
        return found["Authorization"].partition("Signature=")[2]

    assert len({signature(), signature(b"{ }"), signature(secret="t"), signature(now=NOW + 86_400), signature()}) == 4


def frames(*pieces: bytes) -> list[tuple[str, str, bytes]]:
    reader = FrameReader()
    found = [frame for piece in pieces for frame in reader.feed(piece)]
    assert not reader.has_rest
    return [(frame.kind.type, frame.kind.name, frame.payload) for frame in found]


def botocores_frames(data: bytes) -> list[tuple[str, str, bytes]]:
    buffer = EventStreamBuffer()  # type: ignore[no-untyped-call]  # botocore has no types
    buffer.add_data(data)  # type: ignore[no-untyped-call]
    found: list[Any] = list(buffer)
    kinds = [message.headers[":message-type"] for message in found]
    return [(kind, message.headers[f":{kind}-type"], message.payload) for kind, message in zip(kinds, found, strict=True)]


@settings(max_examples=60, deadline=None)
@given(
    some.lists(some.tuples(some.sampled_from(("event", "exception")), some.text(max_size=80), some.binary(max_size=300))),
    some.data(),
)
def test_frames_are_the_ones_that_botocore_reads_wherever_the_network_cuts(
    given_frames: list[tuple[str, str, bytes]], data: Any
) -> None:
    written = b"".join(frame(*one) for one in given_frames)
    cuts = sorted(data.draw(some.lists(some.integers(0, len(written)), max_size=5)))
    pieces = [written[start:end] for start, end in zip([0, *cuts], [*cuts, len(written)], strict=True)]
    assert frames(*pieces) == given_frames == botocores_frames(written)


def test_a_damaged_byte_is_never_taken_for_an_answer() -> None:
    for at in range(len(ANSWER)):
        damaged = ANSWER[:at] + bytes([ANSWER[at] ^ 0x10]) + ANSWER[at + 1 :]
        reader = FrameReader()
        read: list[bytes] = []
        try:
            read = [frame.payload for frame in reader.feed(damaged)]
        except BadFrame:
            pass
        assert reader.is_broken, at
        assert read in ([], [frames(ANSWER)[0][2]]), at
        with pytest.raises(BadFrame):
            reader.close()


def test_a_frame_that_says_it_is_huge_is_refused_from_its_head_alone() -> None:
    with pytest.raises(BadFrame, match="none"):
        FrameReader(frame_bytes_max=1000).feed(frame("event", "x", b"y" * 2000)[:20])


def test_headers_of_every_type_are_stepped_over_and_strange_ones_refused() -> None:
    def with_header(extra: bytes) -> bytes:
        import struct
        from binascii import crc32

        headers = extra + b"\x0d:message-type\x07\x00\x05event" + b"\x0b:event-type\x07\x00\x01x"
        head = struct.pack(">II", 16 + len(headers) + 2, len(headers))
        head += struct.pack(">I", crc32(head))
        return head + headers + b"{}" + struct.pack(">I", crc32(head + headers + b"{}"))

    for value in (b"\0", b"\1", b"\2a", b"\3ab", b"\4abcd", b"\x05abcdefgh", b"\6\0\2ab", b"\x08abcdefgh", b"\x09" + b"u" * 16):
        assert frames(with_header(b"\1n" + value)) == [("event", "x", b"{}")]
    for bad in (b"\1n\x0b", b"\xffn", b"\1n\7\xff\xff"):
        with pytest.raises(BadFrame):
            FrameReader().feed(with_header(bad))


def test_a_long_frame_in_many_small_pieces_costs_no_more_than_its_length() -> None:
    long = frame("event", "x", b"y" * 4_000_000)
    assert frames(*(long[at : at + 1000] for at in range(0, len(long), 1000))) == [("event", "x", b"y" * 4_000_000)]
