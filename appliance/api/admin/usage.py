"""`/api/v1/admin/usage`: what was used, beside what providers say."""

from datetime import date
from typing import Annotated, Any

from litestar import Request, post
from litestar.di import NamedDependency
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, Operation, RequestBody, Schema
from litestar.params import QueryParameter

from appliance import errors
from appliance.api.admin.access import requires
from appliance.api.error_answers import error_answers, success
from appliance.errors import InvalidField
from appliance.metering.reconcile.reconciliation import Reconciler, Reconciliation, Wanted
from appliance.metering.reconcile.table import FILE_BYTES_MAX, FIRST_DAY, NAME_CHARACTERS_MAX

NAMES_MAX = 100

_FIGURE: dict[str, Any] = {"in_file": 1200, "in_ledger": 1180, "drift": 20, "percent": 1.667}
_COST: dict[str, Any] = {"in_file": None, "in_ledger": 660, "drift": None, "percent": None}
_EXAMPLE: dict[str, Any] = {
    "is_matched": False,
    "vendor": "openai",
    "form": "usage export of completions",
    "providers": ["openai"],
    "from": "2026-11-25",
    "to": "2026-11-26",
    "currency": "USD",
    "tolerance_percent": 1.0,
    "rows": 1,
    "rows_left_out": 0,
    "other_micro": 0,
    "counts": {"matched": 0, "drift": 1, "missing_in_file": 0, "missing_in_ledger": 0, "not_compared": 0},
    "totals": {"tokens_in": _FIGURE, "tokens_out": _FIGURE, "cost_micro": _COST},
    "items": [
        {
            "day": "2026-11-25",
            "model": "gpt-4o-mini",
            "state": "drift",
            "names_in_file": ["gpt-4o-mini-2024-07-18"],
            "names_in_ledger": ["gpt-4o-mini"],
            "tokens_in": _FIGURE,
            "tokens_out": _FIGURE,
            "cached_in": {"in_file": 0, "in_ledger": 0, "drift": 0, "percent": None},
            "requests": {"in_file": 12, "in_ledger": 12, "drift": 0, "percent": 0.0},
            "cost_micro": _COST,
            "estimated": 0,
            "unpriced": 0,
        }
    ],
}


class _CsvOperation(Operation):
    """The body is a file, which Litestar doesn't know of: it is read as it comes."""

    def __post_init__(self) -> None:
        content = {"text/csv": OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING))}
        self.request_body = RequestBody(content, "The provider's file, as it was downloaded.", required=True)


@post(
    "/api/v1/admin/usage/reconcile",
    guards=[requires("usage:read")],
    operation_id="reconcileUsage",
    operation_class=_CsvOperation,
    summary="The ledger beside a provider's usage file",
    description=(
        "The body is the CSV file as the provider gave it: OpenAI's usage export (of completions or embeddings, by model) "
        "or costs export (grouped by line item), Anthropic's usage or cost export, or a cost and usage report of AWS. It is "
        "recognised by its columns, and matched by model and day of UTC. Nothing of it is kept. `not_compared`: it is in both, "
        "and nothing that the file tells has its like in the ledger, such as a cost where no price is known."
    ),
    tags=["Usage"],
    status_code=200,
    request_max_body_size=FILE_BYTES_MAX + 1,
    responses={
        200: success(Reconciliation, _EXAMPLE, "What matches, what is missing, and what drifts."),
        **error_answers(errors.InvalidField, errors.TokenInvalid, errors.Forbidden, errors.TooLarge),
    },
)
async def reconcile_usage(
    request: Request[Any, Any, Any],
    reconciler: NamedDependency[Reconciler],
    provider: Annotated[
        list[str] | None,
        QueryParameter(description="Providers' names; left out: those of the file's vendor.", max_items=NAMES_MAX),
    ] = None,
    model: Annotated[
        list[str] | None, QueryParameter(description="`NAME_IN_FILE=NAME_IN_LEDGER`, for names that differ.", max_items=NAMES_MAX)
    ] = None,
    begin: Annotated[str | None, QueryParameter(name="from", description="A day; left out: the file's first.")] = None,
    end: Annotated[str | None, QueryParameter(name="to", description="Itself excluded; left out: after the file's last.")] = None,
    tolerance_percent: Annotated[float, QueryParameter(ge=0, le=100, description="What is no drift yet.")] = 1.0,
) -> Reconciliation:
    wanted = Wanted(
        providers=tuple(provider or ()),
        models=dict(_pair(one) for one in model or ()),
        begin=None if begin is None else _day(begin, "from"),
        end=None if end is None else _day(end, "to"),
        tolerance_percent=tolerance_percent,
    )
    return await reconciler.reconcile(await request.body(), wanted)


def _pair(text: str) -> tuple[str, str]:
    """Errors: InvalidField."""
    theirs, _, ours = text.rpartition("=")
    if not theirs or not ours or len(text) > 2 * NAME_CHARACTERS_MAX:
        raise InvalidField(
            "model is no pair of names", param="model", fix="Send model=NAME_IN_FILE=NAME_IN_LEDGER, once for each pair."
        )
    return theirs, ours


def _day(text: str, param: str) -> date:
    """Errors: InvalidField."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = date.min
    if not FIRST_DAY <= found < date(9999, 1, 1):
        raise InvalidField(f"{param} is no day since 2020", param=param, fix="Send 2026-11-01, say.")
    return found


routes: list[Any] = [reconcile_usage]
