"""Bedrock's wire format from the other side: frames written, signatures and bearer keys checked, errors in AWS's shape."""

import base64
import hmac
import json
import struct
from binascii import crc32
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.fakes.wire import Seen

REGION = "us-east-1"
ACCESS_KEY_ID = "AKIAFAKE000000000001"
SECRET_ACCESS_KEY = "fake/secret+of0a1fake2key"
BEARER_KEY = "bedrock-api-key-fake0123456789"
EVENT_STREAM = {"content-type": "application/vnd.amazon.eventstream", "transfer-encoding": "chunked"}
SKEW_MAX = timedelta(minutes=5)


class Refusal(Exception):
    """A request that AWS would not take."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.body = json.dumps({"message": message}).encode()

    @property
    def headers(self) -> dict[str, str]:
        return {"x-amzn-errortype": f"{self.kind}:http://internal.amazon.com/coral/com.amazon.bedrock/"}


def invalid(message: str) -> Refusal:
    return Refusal(400, "ValidationException", message)


def frame(kind: str, name: str, payload: Any) -> bytes:
    """One message of an event stream; `kind`: event or exception."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    headers = b"".join(
        bytes([len(key)]) + key + b"\x07" + struct.pack(">H", len(value)) + value
        for key, value in (
            (f":{kind}-type".encode(), name.encode()),
            (b":content-type", b"application/json"),
            (b":message-type", kind.encode()),
        )
    )
    head = struct.pack(">II", 16 + len(headers) + len(body), len(headers))
    head += struct.pack(">I", crc32(head))
    return head + headers + body + struct.pack(">I", crc32(head + headers + body))


def event(name: str, **members: Any) -> bytes:
    """An event with its filling, as long as AWS's: so that its length doesn't tell what it holds."""
    filling = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"[: 5 + len(str(members)) % 50]
    return frame("event", name, {**members, "p": filling})


def check_credential(seen: Seen) -> None:
    """Errors: Refusal, as AWS words it."""
    authorization = seen.headers.get("authorization", "")
    if not authorization:
        raise Refusal(403, "MissingAuthenticationTokenException", "Missing Authentication Token")
    if authorization.startswith("Bearer "):
        if not hmac.compare_digest(authorization.removeprefix("Bearer "), BEARER_KEY):
            message = "Authentication failed: Please make sure your API Key is valid."
            raise Refusal(403, "AccessDeniedException", message)
        return
    algorithm, _, rest = authorization.partition(" ")
    fields = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    if algorithm != "AWS4-HMAC-SHA256" or set(fields) != {"Credential", "SignedHeaders", "Signature"}:
        raise Refusal(403, "IncompleteSignatureException", "Authorization header requires 'Credential' parameter.")
    _check_scope(fields["Credential"], seen.headers)
    names = fields["SignedHeaders"].split(";")
    if names != sorted(names) or not {"host", "x-amz-date"} <= set(names):
        raise _wrong("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
    if not hmac.compare_digest(fields["Signature"], signature(seen, names)):
        raise _wrong(
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
            "and signing method. Consult the service documentation for details."
        )


def _check_scope(credential: str, headers: Mapping[str, str]) -> None:
    key, date, region, service, end = credential.split("/")
    if key != ACCESS_KEY_ID:
        raise Refusal(403, "UnrecognizedClientException", "The security token included in the request is invalid.")
    if (region, service, end) != (REGION, "bedrock", "aws4_request"):
        raise _wrong(f"Credential should be scoped to a valid region, not '{region}'.")
    moment = headers.get("x-amz-date", "")
    signed_at = datetime.strptime(moment, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    if not moment.startswith(date):
        raise _wrong("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP.")
    if abs(datetime.now(UTC) - signed_at) > SKEW_MAX:
        raise _wrong(f"Signature expired: {moment} is now earlier than the server's time (5 min.)")


def signature(seen: Seen, names: list[str]) -> str:
    """What the signature should have been, by botocore's own reckoning over what came."""
    url = f"http://{seen.headers['host']}{seen.path}"
    headers = {name: seen.headers.get(name, "") for name in names}
    request = AWSRequest(seen.method, url, headers, base64.b64decode(seen.body_base64))
    request.context["timestamp"] = seen.headers["x-amz-date"]
    signer = SigV4Auth(Credentials(ACCESS_KEY_ID, SECRET_ACCESS_KEY), "bedrock", REGION)
    return str(signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request))


def _wrong(message: str) -> Refusal:
    return Refusal(403, "InvalidSignatureException", message)
