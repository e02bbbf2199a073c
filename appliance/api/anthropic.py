"""Anthropic's surface: messages (raw, hot), and the counting of their tokens."""

from collections.abc import Awaitable, Callable

import msgspec

from appliance.api import anthropic_documents as documents
from appliance.api.chat_surface import ChatSurface
from appliance.api.door import ErrorForm
from appliance.api.exchange import Exchange
from appliance.api.raw import RawRoute
from appliance.api.request_headers import own_headers, stays_here
from appliance.dialects import anthropic_messages_errors as error_form
from appliance.dialects.anthropic_messages import AnthropicMessages
from appliance.gateway.allowed_models import resolved
from appliance.gateway.counting import Prompt
from appliance.metering.usage import estimated_prompt_tokens

ERRORS = ErrorForm(error_form.error_body, error_form.error_event, error_form.error_status, error_form.ID_HEADER)
ESTIMATED = (b"x-gatehouse-estimated", b"true")

# Somebody who can count a prompt's tokens truly; None: not this one's.
Counter = Callable[[Prompt], Awaitable[int | None]]


class _Count(msgspec.Struct):
    input_tokens: int


class AnthropicRoutes:
    """The raw handlers, and what they need."""

    def __init__(self, surface: ChatSurface, count: Counter) -> None:
        self._surface = surface
        self._count = count
        self._dialect = AnthropicMessages()

    def table(self) -> list[RawRoute]:
        return [
            RawRoute(
                paths=("/v1/messages", "/api/v1/messages"),
                method="POST",
                handler=self.messages,
                errors=ERRORS,
                permission="chat",
                carries_content=True,
                operation=documents.MESSAGES,
            ),
            RawRoute(
                paths=("/v1/messages/count_tokens", "/api/v1/messages/count_tokens"),
                method="POST",
                handler=self.count_tokens,
                errors=ERRORS,
                permission="chat",
                carries_content=True,
                operation=documents.COUNT_TOKENS,
            ),
        ]

    async def messages(self, exchange: Exchange) -> None:
        await self._surface.chat(exchange, self._dialect)

    async def count_tokens(self, exchange: Exchange) -> None:
        """What a request would take in; nothing is sent to a model, nothing booked."""
        state = self._surface.identify(exchange, "chat")
        assert exchange.caller is not None
        body = await exchange.body()
        parsed = self._dialect.parse_to_count(body)
        # A name that leads nowhere, or may not be used, is an error here as it will be there.
        route = resolved(state.names, exchange.caller, parsed.chat.model).route
        told = await self._surface.inspected(exchange, state, parsed.chat.model, parsed.raw)
        headers = own_headers(exchange.scope, self._dialect)
        counted = await self._count(Prompt(parsed.raw, headers, route, stays_here(exchange.headers)))
        known = counted if counted is not None else estimated_prompt_tokens(parsed.raw, len(body))
        await exchange.answer(200, msgspec.json.encode(_Count(known)), [*told, *([ESTIMATED] if counted is None else [])])
