"""What Bedrock's errors mean: the type in `x-amzn-errortype` or in a stream's exception, and what it says.

Source: botocore 1.44 (bedrock-runtime, its exceptions) and docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html.
Quirks: a bad key of any kind is 403, here 401; a prompt that is too long and a model that isn't there are ValidationExceptions; a
ModelErrorException (424) is the model's fault, not the caller's. There is no retry-after. A 403 names the caller's ARN, with
the number of the account: that stays here.
"""

import re
from collections.abc import Mapping

import msgspec

from appliance.errors import GatehouseError, UpstreamFailed
from appliance.providers.failures import failure, retry_after_seconds

# By type, in lower case: as a header has it "ThrottlingException", as a stream has it "throttlingException".
_STATUS = {
    "validationexception": 400,
    "conflictexception": 400,
    "accessdeniedexception": 403,
    "unrecognizedclientexception": 401,
    "invalidsignatureexception": 401,
    "invalidclienttokenid": 401,
    "signaturedoesnotmatch": 401,
    "incompletesignatureexception": 401,
    "incompletesignature": 401,
    "missingauthenticationtokenexception": 401,
    "missingauthenticationtoken": 401,
    "expiredtokenexception": 401,
    "expiredtoken": 401,
    "resourcenotfoundexception": 404,
    "modeltimeoutexception": 408,
    "modelerrorexception": 500,
    "modelstreamerrorexception": 500,
    "throttlingexception": 429,
    "servicequotaexceededexception": 429,
    "modelnotreadyexception": 429,
    "internalserverexception": 500,
    "internalfailure": 500,
    "serviceunavailableexception": 503,
    "serviceunavailable": 503,
}
_TOO_LONG = re.compile(
    r"(?:input|prompt) is too long|too many (?:input )?tokens|maximum (?:context|input)|context (?:length|window)", re.IGNORECASE
)
_BAD_BEARER = re.compile(r"authentication failed|bearer token|api key", re.IGNORECASE)
_IDENTITY = re.compile(r"arn:aws[\w-]*:(?:iam|sts)::\S+")


class _Body(msgspec.Struct):
    message: str | None = None
    capitals: str | None = msgspec.field(default=None, name="Message")  # what the gate in front of the service writes
    type: str | None = msgspec.field(default=None, name="__type")


_read = msgspec.json.Decoder(_Body).decode


def answered(status: int, headers: Mapping[str, str], body: bytes, who: str) -> GatehouseError:
    """The error of a status of 400 or more, or of one that is no answer at all."""
    if status < 400:
        return UpstreamFailed(f"{who} answered with status {status}", fix="Check the provider's base_url.")
    said = _body(body)
    kind = (headers.get("x-amzn-errortype") or said.type or "").partition(":")[0].rpartition("#")[2]
    return _failure(kind, status, said.message or said.capitals or "", who, retry_after_seconds(headers))


def in_stream(kind: str, payload: bytes, message: str, who: str) -> GatehouseError:
    """The error of an exception or error in the middle of an answer."""
    said = _body(payload)
    return _failure(kind, 500, said.message or said.capitals or message, who, None)


def _body(body: bytes) -> _Body:
    try:
        return _read(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _Body()  # a page from a proxy, say: the status alone speaks


def _failure(kind: str, status: int, message: str, who: str, retry_after: float | None) -> GatehouseError:
    status = _STATUS.get(kind.lower(), status)
    code = None
    if status == 403 and _BAD_BEARER.search(message):
        status = 401
    elif status == 400 and _TOO_LONG.search(message):
        code = "context_length_exceeded"
    elif status == 400 and "model identifier is invalid" in message:
        status = 404
    said = _IDENTITY.sub("of the appliance", message)
    return failure(status, who, said, code=code, param=None, retry_after=retry_after)
