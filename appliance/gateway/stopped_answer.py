"""An answer that passes in its provider's own events, stopped in the middle: what must come so that it is whole to a client.

Chats of OpenAI's need nothing: a last chunk may follow any other. Events of Anthropic's and of OpenAI's Responses refer to what
was told before.
"""

from typing import Any

import msgspec

_write = msgspec.json.Encoder().encode
CHARACTERS_PER_TOKEN = 4


class Told:
    """Watches the events that went on."""

    def __init__(self) -> None:
        self._open_block: int | None = None
        self._is_message = False
        self._response: dict[str, Any] | None = None
        self._number = 0
        self._items: dict[Any, dict[str, Any]] = {}
        self._whole: set[Any] = set()
        self._texts: dict[Any, list[str]] = {}
        self._characters = 0

    def see(self, body: dict[str, Any]) -> None:
        kind = body.get("type")
        if not isinstance(kind, str):
            return
        if kind.startswith("response."):
            self._see_response(kind, body)
        elif kind == "message_start":
            self._is_message = True
        elif kind == "content_block_start":
            self._open_block = body.get("index")
        elif kind == "content_block_delta" and isinstance(body.get("delta"), dict):
            self._characters += sum(len(text) for text in body["delta"].values() if isinstance(text, str))
        elif kind == "content_block_stop":
            self._open_block = None

    def _see_response(self, kind: str, body: dict[str, Any]) -> None:
        number = body.get("sequence_number")
        self._number = number + 1 if isinstance(number, int) else self._number + 1
        place = body.get("output_index")
        if kind == "response.created" and isinstance(body.get("response"), dict):
            self._response = body["response"]
        elif kind in ("response.output_item.added", "response.output_item.done") and isinstance(body.get("item"), dict):
            self._items[place] = body["item"]
            if kind.endswith("done"):
                self._whole.add(place)
        elif kind == "response.output_text.delta" and isinstance(body.get("delta"), str):
            self._texts.setdefault(place, []).append(body["delta"])

    def ending(self) -> bytes | None:
        """None: what a dialect writes by itself will do."""
        if self._response is not None:
            return self._response_ending(self._response)
        return self._message_ending() if self._is_message else None

    def _message_ending(self) -> bytes:
        events: list[dict[str, Any]] = []
        if self._open_block is not None:
            events.append({"type": "content_block_stop", "index": self._open_block})
        usage = {"output_tokens": -(-self._characters // CHARACTERS_PER_TOKEN)}
        events.append({"type": "message_delta", "delta": {"stop_reason": "refusal", "stop_sequence": None}, "usage": usage})
        return b"".join(_event(one) for one in [*events, {"type": "message_stop"}])

    def _response_ending(self, response: dict[str, Any]) -> bytes:
        output = [self._item(place) for place in self._items]
        reason = {"reason": "content_filter"}
        last = {**response, "status": "incomplete", "incomplete_details": reason, "output": output}
        return _event({"type": "response.incomplete", "sequence_number": self._number, "response": last})

    def _item(self, place: Any) -> dict[str, Any]:
        """As it stands; of one that had not ended what was told."""
        item = self._items[place]
        if item.get("type") != "message" or place in self._whole:
            return item
        text = {"type": "output_text", "text": "".join(self._texts.get(place, ())), "annotations": [], "logprobs": []}
        return {**item, "status": "incomplete", "content": [text]}


def _event(body: dict[str, Any]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (str(body["type"]).encode(), _write(body))
