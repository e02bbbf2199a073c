"""The one log line that every request gets: a struct of known fields, so that it needs no redaction and costs 3 µs, not 30."""

from datetime import UTC, datetime

import msgspec

from appliance.telemetry.logs import LEVELS, output

_encode = msgspec.json.Encoder().encode
_INFO = LEVELS["info"]


class RequestLine(msgspec.Struct, gc=False):
    """How one request went. Nothing in it comes from a body; ids and names of deployments are of bounded form."""

    ts: datetime
    request_id: str
    route: str
    status: int
    ms: float
    code: str
    deployment: str
    key_id: str
    level: str = "info"
    room: str = "api"
    event: str = "request"


def log_request(
    *, request_id: str, route: str, status: int, seconds: float, code: str, deployment: str = "", key_id: str = ""
) -> None:
    """Write the line, where the level lets it through."""
    if output.level <= _INFO:
        line = RequestLine(datetime.now(UTC), request_id, route, status, round(seconds * 1000, 2), code, deployment, key_id)
        output.put(_encode(line))
