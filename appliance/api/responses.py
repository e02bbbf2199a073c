"""OpenAI's Responses: made (raw, hot), read again, deleted.

What a request continues from is put into its input before anything else looks at it, so that every stage and every provider
sees the whole conversation; no provider is asked to store anything. An answer is on disk before its caller has all of it:
where that fails the caller gets the error (503, or an error event in place of response.completed), never an answer whose id
leads nowhere.
"""

from contextvars import ContextVar
from typing import Any

import msgspec

from appliance.api import responses_documents as documents
from appliance.api.chat_surface import ChatSurface
from appliance.api.door import ErrorForm, openai_error_body
from appliance.api.exchange import Exchange
from appliance.api.raw import RawRoute
from appliance.dialects.openai_responses import OpenAIResponses
from appliance.dialects.openai_responses_writer import OpenAIResponsesWriter, error_event
from appliance.dialects.writer import Answer, Parsed
from appliance.errors import GatehouseError, InvalidField
from appliance.gateway.given_back import with_values
from appliance.gateway.stored_responses import StoredResponses
from appliance.guardrails.placeholders import Placeholders
from appliance.identity.caller import Caller


class _Keeper:
    """Writes one answer, and has it kept where the caller wants that.

    sent: the request as it goes out. What guardrails masked in it is nowhere else by the time that anything is kept; values that
          only went out as placeholders are kept as themselves, since the next turn numbers its own.
    """

    def __init__(self, dialect: OpenAIResponses, asked: dict[str, Any], own_items: int, caller: Caller) -> None:
        self.written: OpenAIResponsesWriter | None = None
        self.stored: StoredResponses | None = None
        self.sent = asked
        self._dialect = dialect
        self._previous_id = asked.get("previous_response_id")
        self._own_items = own_items
        self._caller = caller
        self._placeholders: Placeholders | None = None

    def writer(self, answer: Answer, placeholders: Placeholders | None) -> OpenAIResponsesWriter:
        self._placeholders = placeholders
        told = {name: value for name, value in self.sent.items() if name != "input"}
        asked = {**self._own(told), "previous_response_id": self._previous_id, "store": self.stored is not None}
        self.written = self._dialect.writer_for(asked, answer)
        return self.written

    async def keep(self, whole: bytes | None) -> None:
        response = whole if whole is not None else self.written.response if self.written is not None else None
        if self.stored is not None and response is not None:
            items = _items(self.sent["input"])
            await self.stored.keep(self._caller, response, self._own(items[len(items) - self._own_items :]), self._previous_id)

    def _own(self, sent: Any) -> Any:
        return sent if self._placeholders is None else with_values(sent, self._placeholders)


# Who writes the answer of the request that this task serves: an error in mid-stream needs the number of the next event.
_serving: ContextVar[_Keeper | None] = ContextVar("serving", default=None)


def _error_event(error: GatehouseError) -> bytes:
    keeper = _serving.get()
    return error_event(error, keeper.written.number if keeper is not None and keeper.written is not None else 0)


ERRORS = ErrorForm(openai_error_body, _error_event)


class ResponsesRoutes:
    """The raw handler, and what it needs."""

    def __init__(self, surface: ChatSurface, stored: StoredResponses) -> None:
        self._surface = surface
        self._stored = stored
        self._dialect = OpenAIResponses()

    def table(self) -> list[RawRoute]:
        return [
            RawRoute(
                paths=("/v1/responses", "/api/v1/responses"),
                method="POST",
                handler=self.create,
                errors=ERRORS,
                permission="chat",
                carries_content=True,
                operation=documents.CREATE,
            )
        ]

    async def create(self, exchange: Exchange) -> None:
        state = self._surface.identify(exchange, "chat")
        assert exchange.caller is not None
        body = await exchange.body()
        asked = self._dialect.read(body)
        own_input = await self._resolved(exchange.caller, _items(asked["input"]))
        keeper = _Keeper(self._dialect, asked, len(own_input), exchange.caller)
        if self._stored.keeps and asked.get("store") is not False:
            keeper.stored = self._stored
        _serving.set(keeper)
        raw, size = await self._continued(exchange.caller, asked, own_input, len(body))
        keeper.sent = raw
        parsed = Parsed(self._dialect.chat(raw), raw)
        await self._surface.serve(exchange, state, self._dialect, parsed, size, keeper)

    async def _continued(
        self, caller: Caller, asked: dict[str, Any], own_input: list[dict[str, Any]], body_bytes: int
    ) -> tuple[dict[str, Any], int]:
        """(the request with all that it refers to, its size in bytes). Errors: as StoredResponses.conversation."""
        raw = {name: value for name, value in asked.items() if name != "previous_response_id"}
        raw["store"] = False
        previous_id = asked.get("previous_response_id")
        if previous_id is None:
            if own_input and isinstance(asked["input"], list):
                raw["input"] = own_input
            return raw, body_bytes
        before = await self._stored.conversation(caller, previous_id)
        # OpenAI refuses thoughts that it has not stored and that don't come sealed; nobody else has a use for them.
        kept = [item for item in before if item.get("type") != "reasoning" or item.get("encrypted_content")]
        raw["input"] = [*kept, *own_input]
        return raw, len(msgspec.json.encode(raw))

    async def _resolved(self, caller: Caller, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The items, with those that are only named in their place where they are kept. Unknown ones stay, to be refused."""
        ids = [item["id"] for item in items if _is_reference(item)]
        if not ids:
            return items
        if len(set(ids)) < len(ids):  # each time it is named it would be sent, however large it is
            raise InvalidField("an item is named twice in the input", param="input", fix="Name each item once.")
        found = await self._stored.items(caller, ids)
        return [found.get(item["id"], item) if _is_reference(item) else item for item in items]


def _items(given: str | list[dict[str, Any]]) -> list[dict[str, Any]]:
    if isinstance(given, str):
        return [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": given}]}]
    return given


def _is_reference(item: dict[str, Any]) -> bool:
    named = item.get("type") == "item_reference" or ("type" not in item and "role" not in item)
    return named and isinstance(item.get("id"), str)
