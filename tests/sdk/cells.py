"""What a test of the matrix works with: one SDK before one provider, through the appliance."""

from typing import Any

import msgspec

from tests.running import Appliance, Fake
from tests.sdk.callers import CALLERS, Caller, Question, Said
from tests.sdk.providers import PROVIDERS, Provider

FINISHED = ("stop", "end_turn", "stop_sequence")
CALLED = ("tool_calls", "tool_use")


class Cell:
    """One SDK before one provider. `fake`: None for the local model."""

    def __init__(self, door: Appliance, caller: Caller, provider: Provider, fake: Fake | None) -> None:
        self.door = door
        self.caller = caller
        self.provider = provider
        self._fake = fake
        self._prefix = "" if provider.is_local else f"{table_name(provider, caller.name)}/"
        self.model = self.named(provider.model)

    @property
    def fake(self) -> Fake:
        assert self._fake is not None, "the local model has none"
        return self._fake

    def named(self, model: str) -> str:
        """What callers write to get this provider's model."""
        return f"{self._prefix}{model}"

    def question(self, asked: str | list[Any], model: str = "", **more: Any) -> Question:
        """`asked`: words, or turns of the SDK's."""
        turns = [self.caller.user(asked)] if isinstance(asked, str) else asked
        if self.provider.is_local:
            # So small a model finds no end by itself, which one of the SDKs takes for an error.
            more = {"stop": [] if "force" in more else [".", "!", "?", ","], "is_greedy": True, **more}
        return Question(model or self.model, turns, **more)

    def ask(self, asked: str | list[Any] = "Hello there", *, streamed: bool = False, **more: Any) -> Said:
        return self.caller.ask(self.question(asked, **more), streamed=streamed)

    def check_answer(self, said: Said, text: str) -> None:
        """The fakes say what was said to them; what a real model says nobody knows."""
        assert said.finish in FINISHED, said
        assert said.text.strip() if self.provider.is_local else said.text == text, said

    def check_alive(self) -> None:
        """Whatever went wrong: the process is there, and the next request is answered."""
        assert self.door.is_running
        self.check_answer(self.ask("Still there"), "You said: Still there")


def table_name(provider: Provider, caller: str) -> str:
    """Each SDK has its own table of each provider: else the circuit breaker would answer for what another has seen."""
    return f"{provider.kind}.{caller.replace(' ', '-')}"


def tables(fakes: dict[str, Fake]) -> list[dict[str, Any]]:
    """The `[[providers]]` of the matrix."""
    return [
        {"name": table_name(provider, caller), "kind": provider.kind, **provider.table(fakes[provider.fake])}
        for provider in PROVIDERS.values()
        if not provider.is_local
        for caller in CALLERS
    ]


class Fault(msgspec.Struct, frozen=True):
    """One way in which a provider fails, and what an SDK makes of it.

    name:          in tests/fakes/*_faults.py
    column:        in the table
    raises:        the SDK's exception; empty: it is answered, with one of `texts`
    before:        what came before a stream broke
    tokens:        what is told of an answer, where that is what may go wrong
    is_of_streams: whole answers can't break in this way
    """

    name: str
    column: str
    raises: str = ""
    texts: tuple[str, ...] = ()
    before: str = ""
    tokens: tuple[int, int] | None = None
    is_of_streams: bool = False


FAULTS = (
    Fault("fault-400", "400", "BadRequestError"),
    Fault("fault-400-context", "long", "BadRequestError"),
    Fault("fault-401", "401", "AuthenticationError"),
    Fault("fault-403", "403", "PermissionDeniedError"),
    Fault("fault-404", "404", "NotFoundError"),
    Fault("fault-429", "429", "RateLimitError"),
    Fault("fault-500", "500", "InternalServerError"),
    Fault("fault-502-html", "502", "InternalServerError"),
    Fault("fault-503", "503", "InternalServerError"),
    Fault("fault-529", "529", "InternalServerError"),
    Fault("fault-200-error", "200!", "InternalServerError"),
    Fault("fault-200-html", "html", "InternalServerError"),
    Fault("fault-200-empty", "void", "InternalServerError"),
    Fault("fault-gzip-bomb", "bomb", "InternalServerError"),
    Fault("fault-cut", "cut", "APIError", before="Hel", is_of_streams=True),
    Fault("fault-ends-early", "half", "APIError", before="Hel", is_of_streams=True),
    Fault("fault-error-event", "event", "APIError", before="Hel", is_of_streams=True),
    Fault("fault-rubbish", "junk", "APIError", is_of_streams=True),
    Fault("fault-slow-300", "slow", texts=("late",)),
    Fault("fault-drip", "drip", texts=("Grüße, नमस्ते 👋",), is_of_streams=True),
    Fault("fault-usage-never", "use0", texts=("Hello there", "Hello")),
    Fault("fault-usage-twice", "use2", texts=("Hello there", "Hello"), tokens=(5, 2), is_of_streams=True),
    Fault("fault-endless", "left", is_of_streams=True),
)
ALIASES = {("google", "fault-drip"): "fault-bytewise"}  # Google's fake takes "a byte a second" at its word
UNREADABLE = {
    ("anthropic", "anthropic", "fault-usage-never"): "the SDK trips over a usage of null, with or without us: it passes untouched"
}
