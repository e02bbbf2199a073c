"""Reports for auditors: `/api/v1/admin/compliance/{pack}/report`."""

from typing import Annotated, Any, Literal

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from appliance import errors
from appliance.api.admin.access import requires
from appliance.api.error_answers import error_answers, success
from appliance.clock import milliseconds_of
from appliance.errors import InvalidField
from appliance.gateway.compliance import Compliance, ComplianceReport
from appliance.gateway.compliance_text import as_markdown

_DAYS = 30
_DAY_MS = 86_400_000
_EXAMPLE: dict[str, Any] = {
    "pack": "hipaa",
    "title": "HIPAA Safe Harbor (45 CFR 164.514(b)(2))",
    "version": 1,
    "from": "2026-11-01T00:00:00.000Z",
    "to": "2026-12-01T00:00:00.000Z",
    "made_at": "2026-12-01T08:00:00.000Z",
    "kept_days": 2192,
    "fail": "closed",
    "rules": [],
    "not_found_here": ["(P) biometric identifiers"],
    "requests": 4120,
    "requests_under_it": 4100,
    "findings": [
        {
            "direction": "input",
            "type": "MRN",
            "action": "mask",
            "is_shadow": False,
            "count": 31,
            "requests": 12,
            "answers_to": "45 CFR 164.514(b)(2)(i)(H): medical record numbers",
        }
    ],
    "exceptions": [{"kind": "not_under_it", "what": "off@1", "count": 20, "requests": 20}],
    "changes": [],
    "more_changes": False,
    "audit": {"holds": True, "rows": 512, "hash": "5f3a…"},
}


@get(
    "/api/v1/admin/compliance/{pack:str}/report",
    guards=[requires("compliance:read")],
    operation_id="complianceReport",
    summary="A compliance report",
    description=(
        "What a pack (`dpdp`, `gdpr`, `hipaa`, `pci-dss`, or one of your own with `regulated` rules) found over a time, what was "
        "done about it, what went past it and what was changed: from the ledger and the audit, whose chain is verified with it. "
        "Counts by type, never a value. Without `from` it is the last 30 days. As JSON, or as a page to read."
    ),
    tags=["Guardrails"],
    responses={
        200: success(ComplianceReport, _EXAMPLE, "The report."),
        **error_answers(errors.InvalidField, errors.TokenInvalid, errors.Forbidden, errors.NotFound),
    },
)
async def compliance_report(
    pack: FromPath[str],
    compliance: NamedDependency[Compliance],
    begin: Annotated[str | None, QueryParameter(name="from", description="A day, or a moment in RFC 3339.")] = None,
    end: Annotated[str | None, QueryParameter(name="to", description="Likewise, itself excluded; left out: now.")] = None,
    format: Annotated[Literal["json", "markdown"], QueryParameter(description="`json` or `markdown`.")] = "json",  # noqa: A002 - its name over HTTP
) -> Response[ComplianceReport] | Response[bytes]:
    end_ms = compliance.now_ms() if end is None else _moment(end, "to")
    begin_ms = end_ms - _DAYS * _DAY_MS if begin is None else _moment(begin, "from")
    if begin_ms >= end_ms:
        raise InvalidField("from is not before to", param="from", fix="Send an earlier from, or a later to.")
    report = await compliance.report(pack, begin_ms, end_ms)
    if format == "markdown":
        return Response(as_markdown(report).encode(), media_type="text/markdown; charset=utf-8")
    return Response(report)


def _moment(text: str, param: str) -> int:
    """Errors: InvalidField."""
    try:
        found = milliseconds_of(text)
    except (ValueError, OverflowError):
        found = -1
    if not 0 <= found < 2**47:  # what an id has room for
        raise InvalidField(f"{param} is no day and no moment", param=param, fix="Send 2026-11-01, or 2026-11-01T00:00:00Z.")
    return found


routes: list[Any] = [compliance_report]
