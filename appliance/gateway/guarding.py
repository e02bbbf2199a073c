"""Which policy a call is under, and its inspection in both directions."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from appliance.errors import ContentBlocked, GatehouseError, GuardrailFailed
from appliance.faults import point
from appliance.gateway.call import Call
from appliance.telemetry.logs import get_logger

if TYPE_CHECKING:
    from appliance.gateway.output_inspection import OutputInspection
    from appliance.guardrails.guard import Guard

NOTHING = "off"
NAMES_MAX = 4_096
_log = get_logger("guardrails")


class Guarding:
    """`make` builds the detectors: on a thread, since it takes a second; requests that come before wait for it."""

    def __init__(self, make: "Callable[[], Guard]", policy_name: str) -> None:
        self._make = make
        self.policy_name = policy_name
        self._making: asyncio.Task[Guard] | None = None
        self._guard: Guard | None = None
        self._plain_names: set[str] = set()  # of models: in which nothing was found

    def start(self) -> None:
        """Begin to build them, where requests are under a policy. Inside the event loop."""
        if self.policy_name != NOTHING:
            self._begin()

    def _begin(self) -> None:
        self._making = asyncio.ensure_future(asyncio.to_thread(self._made))

    def _made(self) -> "Guard":
        point("guardrails.build")
        return self._make()

    def readiness(self) -> str:
        """Begins with "ok" or "off", else says why requests are refused. While detectors are being built requests wait."""
        if self.policy_name == NOTHING:
            return "off: no policy"
        making = self._making
        failed = making is not None and making.done() and (making.cancelled() or making.exception() is not None)
        return "the detectors could not be built, so requests are refused; the log says why" if failed else "ok"

    async def guard(self) -> "Guard":
        """Errors: GuardrailFailed: they can't be built."""
        if self._guard is None:
            if self._making is None:
                self._begin()
            assert self._making is not None
            try:
                self._guard = await asyncio.shield(self._making)
            except Exception as error:
                _log.error("the detectors could not be built", exc_info=error)
                raise GuardrailFailed("the guardrails could not be started", fix="The log says what is wrong.") from None
        return self._guard

    async def inspect_model(self, call: Call) -> None:
        """A model's name goes to the provider, the ledger and the metrics as it is: one that isn't offered may be anything.

        Errors:  ContentBlocked, GuardrailFailed.
        """
        name = call.model
        if self.policy_name == NOTHING or name in self._plain_names:
            return
        guard = self._guard or await self.guard()
        policy = guard.policies[self.policy_name]
        verdict = guard.judged(name, policy, "input")
        if verdict.action not in ("allow", "flag") and all(model.id != name for model in call.state.names.offered()):
            kinds = ", ".join(sorted({one.type for one in verdict.findings}))
            fix = "GET /v1/models lists the names."
            raise ContentBlocked(f"the policy {policy.name} stops models' names with {kinds}", param="model", fix=fix)
        if len(self._plain_names) < NAMES_MAX:
            self._plain_names.add(name)

    async def inspect_input(self, call: Call) -> None:
        """Errors: ContentBlocked, GuardrailFailed."""
        if self.policy_name == NOTHING:
            return
        guard = self._guard or await self.guard()
        from appliance.gateway.input_inspection import InputInspection  # detectors' libraries: only where they are used

        call.policy = guard.policies[self.policy_name]
        await InputInspection(guard).inspect(call, call.policy)

    def output(self, call: Call) -> "OutputInspection | None":
        """None: nothing is to be done with what is answered."""
        if call.policy is None or call.tally is None or self._guard is None:
            return None
        from appliance.gateway.output_inspection import OutputInspection  # as above

        return OutputInspection(self._guard, call.policy, call.tally, call.placeholders)

    def clean(self, error: GatehouseError) -> None:
        """Take out of an error what the policy hides in answers, before anybody is told of it or writes it down."""
        if self.policy_name != NOTHING and self._guard is not None:
            from appliance.gateway.told_errors import clean  # as above

            clean(error, self._guard, self._guard.policies[self.policy_name])
