"""`POST /api/v1/admin/routes/explain`: where a request would go, and why. Nothing is sent."""

from typing import Annotated, Any

import msgspec
from litestar import post
from litestar.di import NamedDependency
from litestar.openapi.spec import Example
from litestar.params import Body
from msgspec import Meta

from appliance import errors
from appliance.api.admin.access import requires
from appliance.api.bodies import json_body
from appliance.api.door import Door
from appliance.api.error_answers import error_answers, success
from appliance.chat import ChatRequest
from appliance.errors import InvalidField
from appliance.gateway.explaining import Explanation, explain
from appliance.metering.usage import estimated_prompt_tokens
from appliance.routing.router import Router
from appliance.routing.strategies import Wanted
from appliance.settings import Settings


class ExplainRequest(msgspec.Struct):
    """A model's name is enough. A whole chat body may be given: other fields of it are looked at where they matter."""

    model: Annotated[str, Meta(min_length=1, max_length=256, description="What a caller would write as `model`.")]
    messages: Annotated[list[dict[str, Any]], Meta(description="For their tokens, and for what they need (images, files).")] = []
    max_tokens: Annotated[int, Meta(ge=0)] | None = None
    max_completion_tokens: Annotated[int, Meta(ge=0)] | None = None
    tools: list[dict[str, Any]] | None = None
    response_format: dict[str, Any] | None = None
    n: Annotated[int, Meta(ge=1)] | None = None
    tokens_in: Annotated[int, Meta(ge=0, description="The prompt's tokens, instead of messages.")] | None = None
    local_only: Annotated[bool, Meta(description="As if X-Gatehouse-Local-Only were sent.")] = False


_EXAMPLE: dict[str, Any] = {
    "model": "fast",
    "route": "fast",
    "strategy": "weighted",
    "alias": None,
    "tokens_in": 1200,
    "local_only": False,
    "retries": 2,
    "tried": [
        {
            "deployment": "openai/gpt-4o-mini",
            "route": "fast",
            "why": "drawn with weight 3 of 4",
            "circuit": "closed",
            "lacks": [],
        }
    ],
    "left_out": [
        {
            "deployment": "azure/gpt-4o-mini",
            "route": "fast",
            "why": "left alone for 12 s more: azure answered 500",
            "circuit": "open",
            "lacks": [],
        }
    ],
}


@post(
    "/api/v1/admin/routes/explain",
    guards=[requires("routes:read")],
    operation_id="explainRoute",
    summary="Where a request would go, and why",
    description="The router's own choice at this moment, with chance where the strategy draws. Nothing is sent.",
    tags=["Routes"],
    status_code=200,
    responses={
        200: success(Explanation, _EXAMPLE, "The deployments in the order of trying, and those that are left out."),
        **error_answers(errors.MalformedJson, errors.InvalidField, errors.TokenInvalid, errors.Forbidden, errors.ModelUnknown),
    },
    **json_body(ExplainRequest),
)
async def explain_route(
    data: Annotated[ExplainRequest, Body(examples=[Example(value={"model": "fast", "tokens_in": 1200})])],
    router: NamedDependency[Router],
    door: NamedDependency[Door],
    settings: NamedDependency[Settings],
) -> Explanation:
    raw = {name: value for name, value in msgspec.to_builtins(data).items() if value is not None}
    tokens_in = data.tokens_in
    if tokens_in is None:
        tokens_in = estimated_prompt_tokens(raw, len(msgspec.json.encode(data.messages))) if data.messages else 0
    asked = data.max_completion_tokens if data.max_completion_tokens is not None else data.max_tokens
    default = settings.tokens_out_default
    wanted = Wanted(tokens_in, default if asked is None else min(asked, default), data.local_only)
    return explain(router, door.holder.current, data.model, wanted, _chat(raw) if data.messages else None)


def _chat(raw: dict[str, Any]) -> ChatRequest:
    try:
        return msgspec.convert(
            {name: value for name, value in raw.items() if name not in ("tokens_in", "local_only")}, ChatRequest
        )
    except msgspec.ValidationError as error:
        raise InvalidField(f"this is no chat: {error}", fix="Give a chat's body, or tokens_in alone.") from None


routes: list[Any] = [explain_route]
