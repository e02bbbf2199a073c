"""Kept responses of a caller: read again, their input listed, deleted. Other people's are as good as unknown."""

from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Response, delete, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter

from appliance.api import responses_documents as documents
from appliance.api.chat_surface import identified
from appliance.api.door import Door
from appliance.api.error_answers import error_answers, success
from appliance.errors import (
    FeatureUnsupported,
    Forbidden,
    InvalidField,
    KeyExpired,
    KeyInvalid,
    KeyMissing,
    KeyRevoked,
    LoopbackOnly,
    ResponseUnknown,
    Unavailable,
)
from appliance.gateway.stored_responses import StoredResponses
from appliance.identity.caller import Caller

ID_CHARS_MAX = 256
_ERRORS = (KeyMissing, KeyInvalid, KeyRevoked, KeyExpired, LoopbackOnly, Forbidden, ResponseUnknown, Unavailable)
_PREFIXES = {"message": "msg", "function_call": "fc", "function_call_output": "fco", "reasoning": "rs"}


class ResponseDeleted(msgspec.Struct):
    id: str
    object: str = "response"
    deleted: bool = True


class InputItems(msgspec.Struct):
    """A page of what was put in."""

    data: list[dict[str, Any]]
    first_id: str | None
    last_id: str | None
    has_more: bool
    object: str = "list"


def _caller(request: Request[Any, Any, Any], door: Door) -> Caller:
    scope: Any = request.scope
    return identified(scope, dict(scope["headers"]), door.holder.current, door.clock, "chat")


@get(
    ["/v1/responses/{response_id:str}", "/api/v1/responses/{response_id:str}"],
    summary="A kept response",
    description="As it was answered. Only your own are found.",
    tags=["OpenAI"],
    responses={
        200: success(dict[str, Any], documents.ANSWERED, "The response."),
        **error_answers(*_ERRORS, FeatureUnsupported),
    },
)
async def get_response(
    request: Request[Any, Any, Any],
    door: NamedDependency[Door],
    stored_responses: NamedDependency[StoredResponses],
    response_id: FromPath[str],
    stream: FromQuery[bool] = False,
) -> Response[bytes]:
    caller = _caller(request, door)
    if stream:
        raise FeatureUnsupported("a kept response can't be streamed again", fix="Leave stream out.", param="stream")
    turn = await stored_responses.get(caller, response_id)
    return Response(bytes(turn.response), media_type="application/json")


@get(
    ["/v1/responses/{response_id:str}/input_items", "/api/v1/responses/{response_id:str}/input_items"],
    summary="What was put into a kept response",
    description="Items of that request itself, newest first unless `order` is `asc`; those of earlier turns belong to their own.",
    tags=["OpenAI"],
    responses={200: success(InputItems, documents.INPUT_ITEMS, "A page."), **error_answers(*_ERRORS, InvalidField)},
)
async def list_input_items(
    request: Request[Any, Any, Any],
    door: NamedDependency[Door],
    stored_responses: NamedDependency[StoredResponses],
    response_id: FromPath[str],
    limit: Annotated[int, QueryParameter(ge=1, le=100)] = 20,
    order: FromQuery[Literal["asc", "desc"]] = "desc",
    after: Annotated[str | None, QueryParameter(max_length=ID_CHARS_MAX)] = None,
) -> InputItems:
    turn = await stored_responses.get(_caller(request, door), response_id)
    items = [_named(item, response_id, position) for position, item in enumerate(turn.input)]
    if order == "desc":
        items.reverse()
    begin = 0
    if after is not None:
        begin = next((place + 1 for place, item in enumerate(items) if item["id"] == after), -1)
        if begin < 0:
            raise InvalidField("after names no item of this response", param="after", fix="Take last_id of the page before.")
    page = items[begin : begin + limit]
    first, last = (page[0]["id"], page[-1]["id"]) if page else (None, None)
    return InputItems(page, first, last, begin + limit < len(items))


@delete(
    ["/v1/responses/{response_id:str}", "/api/v1/responses/{response_id:str}"],
    summary="Delete a kept response",
    description="Conversations that continue from it can't be continued any more.",
    tags=["OpenAI"],
    status_code=200,
    responses={
        200: success(ResponseDeleted, {"id": "resp_0193", "object": "response", "deleted": True}, "It is gone."),
        **error_answers(*_ERRORS),
    },
)
async def delete_response(
    request: Request[Any, Any, Any],
    door: NamedDependency[Door],
    stored_responses: NamedDependency[StoredResponses],
    response_id: FromPath[str],
) -> ResponseDeleted:
    await stored_responses.delete(_caller(request, door), response_id)
    return ResponseDeleted(response_id)


def _named(item: dict[str, Any], response_id: str, position: int) -> dict[str, Any]:
    """An input item as it is listed: with an id, a type, and its content in parts."""
    kind = item.get("type") or "message"
    shown = {"id": f"{_PREFIXES.get(kind, 'item')}_{response_id.removeprefix('resp_')}i{position:02x}", "type": kind, **item}
    if kind == "message":
        shown.setdefault("status", "completed")
        if isinstance(shown.get("content"), str):
            word = "output_text" if shown.get("role") == "assistant" else "input_text"
            part: dict[str, Any] = {"type": word, "text": shown["content"]}
            shown["content"] = [{**part, "annotations": []} if word == "output_text" else part]
    return shown


routes: list[Any] = [get_response, list_input_items, delete_response]
