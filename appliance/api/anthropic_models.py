"""The list of models as Anthropic's clients read it: GET /v1/models with the header `anthropic-version`.

Source: the anthropic Python SDK 2.14 (types/model_info, types/model_list_params, pagination), read 2026-11-26.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol

import msgspec
from litestar import Request, Response

from appliance.dialects import anthropic_messages_errors as error_form
from appliance.errors import GatehouseError, InvalidField

LIMIT_MAX = 1_000
LIMIT_DEFAULT = 20
_FIX = "Leave it out for the first page; last_id of a page is the next one's after_id."


class Card(Protocol):
    """A model as it is listed elsewhere; `created` in seconds."""

    @property
    def id(self) -> str: ...
    @property
    def created(self) -> int: ...


class ModelInfo(msgspec.Struct):
    """One model."""

    id: str
    display_name: str
    created_at: str
    type: Literal["model"] = "model"
    lifecycle: Literal["active"] = "active"


class ModelPage(msgspec.Struct):
    data: list[ModelInfo]
    has_more: bool
    first_id: str | None
    last_id: str | None


def wanted(request: Request[Any, Any, Any]) -> bool:
    """Is it one of Anthropic's clients that asks? They all send their version."""
    return "anthropic-version" in request.headers


def answered(request: Request[Any, Any, Any], answer: Callable[[], ModelPage | ModelInfo]) -> Response[bytes]:
    """The answer or its error, both in Anthropic's form."""
    headers = {"request-id": str(request.scope["state"].get("request_id", ""))}
    try:
        body, status = msgspec.json.encode(answer()), 200
    except GatehouseError as error:
        request.scope["state"]["error_code"] = error.code_shown
        body, status = error_form.error_body(error, headers["request-id"]), error_form.error_status(error)
    return Response(body, status_code=status, headers=headers, media_type="application/json")


def info(card: Card) -> ModelInfo:
    return ModelInfo(card.id, card.id, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(card.created)))


def page(cards: Sequence[Card], query: Any) -> ModelPage:
    """One page of the list. Errors: InvalidField for a limit or an id that makes no sense."""
    limit = _limit(query.get("limit"))
    after, before = query.get("after_id"), query.get("before_id")
    names = [card.id for card in cards]
    begin, end = 0, len(cards)
    if after is not None:
        begin = _position(names, after, "after_id") + 1
    if before is not None:
        end = _position(names, before, "before_id")
    found = list(cards[begin:end])
    shown = found[-limit:] if before is not None and after is None else found[:limit]
    infos = [info(card) for card in shown]
    ids = (infos[0].id, infos[-1].id) if infos else (None, None)
    return ModelPage(infos, len(found) > len(shown), *ids)


def _limit(given: str | None) -> int:
    if given is None:
        return LIMIT_DEFAULT
    if not (given.isascii() and given.isdigit()) or not 1 <= int(given[:9]) <= LIMIT_MAX:
        raise InvalidField(f"limit: must be from 1 to {LIMIT_MAX}", param="limit", fix="Correct it, or leave it out.")
    return int(given)


def _position(names: list[str], wanted: str, param: str) -> int:
    try:
        return names.index(wanted)
    except ValueError:
        raise InvalidField(f"{param}: no model of this id is listed", param=param, fix=_FIX) from None
