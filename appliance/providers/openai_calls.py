"""Tool calls of a streamed answer, told again as chat.Chunk wants them, whatever the habits of the server.

Quirks: OpenAI opens a call with id and name and sends arguments after it. Others send a call in one piece, repeat id and name in
each, leave the index out or give all calls the same one, or send no arguments where there are none.
"""

from uuid import uuid4

from appliance.chat import FunctionCall, ToolCall
from appliance.providers.openai_shapes import CallRead


class _Open:
    """A call that has been told of."""

    def __init__(self, number: int, call_id: str) -> None:
        self.number = number
        self.id = call_id
        self.has_arguments = False


class CallPieces:
    """The calls of one choice. Truthy once there is one."""

    def __init__(self) -> None:
        self._calls: list[_Open] = []
        self._at: dict[int, _Open] = {}

    def __bool__(self) -> bool:
        return bool(self._calls)

    def told(self, pieces: list[CallRead]) -> list[ToolCall]:
        found: list[ToolCall] = []
        for piece in pieces:
            call = self._at.get(piece.index or 0)
            if call is None or (piece.id and piece.name and piece.id != call.id):
                call = _Open(len(self._calls), piece.id or f"call_{uuid4().hex[:24]}")
                self._calls.append(call)
                self._at[piece.index or 0] = call
                found.append(ToolCall(call.id, "function", FunctionCall(piece.name, ""), call.number, piece.extra_content))
            if arguments := piece.arguments:
                call.has_arguments = True
                found.append(ToolCall(index=call.number, function=FunctionCall(arguments=arguments)))
        return found

    def rest(self) -> list[ToolCall]:
        """At the end: no arguments are an empty object."""
        silent = [call for call in self._calls if not call.has_arguments]
        return [ToolCall(index=call.number, function=FunctionCall(arguments="{}")) for call in silent]
