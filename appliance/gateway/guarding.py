"""Which policies a call is under, and its inspection in both directions."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from appliance.errors import ContentBlocked, GatehouseError, GuardrailFailed
from appliance.faults import point
from appliance.gateway.call import Call
from appliance.gateway.clean_files import CleanFiles
from appliance.gateway.subjects import subjects_of
from appliance.guardrails.policy import CustomExpression, Policy, PolicyForm
from appliance.guardrails.policy_set import PolicySet
from appliance.routing.route import chain
from appliance.telemetry.logs import get_logger

if TYPE_CHECKING:
    from appliance.gateway.file_scan import Reads
    from appliance.gateway.output_inspection import OutputInspection
    from appliance.guardrails.custom import CustomScanner
    from appliance.guardrails.guard import Guard

SCANNERS_MAX = 100
NAMES_MAX = 4_096
_log = get_logger("guardrails")


class Guarding:
    """`make` builds the detectors: on a thread, since it takes half a second; requests that come before wait for it."""

    def __init__(self, make: "Callable[[], Guard]") -> None:
        self._make = make
        self.everyone: Callable[[], PolicySet | None] = lambda: None  # what all are under who have nothing of their own
        self._making: asyncio.Task[Guard] | None = None
        self._warming: asyncio.Task[None] | None = None
        self._guard: Guard | None = None
        self._custom: dict[tuple[CustomExpression, ...], CustomScanner] = {}
        self.reads: Reads | None = None  # what reads files in requests; None: they go by, and are counted
        self._clean = CleanFiles()
        self._plain_names: set[tuple[str, str]] = set()  # policies, and names of models in which they find nothing

    def start(self) -> None:
        """Begin to build them, inside the event loop. They are warmed afterwards: that takes longer, and no request waits."""
        self._making = asyncio.ensure_future(asyncio.to_thread(self._made))
        self._warming = asyncio.ensure_future(self._warmed(self._making))

    def _made(self) -> "Guard":
        point("guardrails.build")
        return self._make()

    async def _warmed(self, making: "asyncio.Task[Guard]") -> None:
        await asyncio.wait([making])
        if not making.cancelled() and making.exception() is None:
            await asyncio.to_thread(making.result().warm)

    def readiness(self) -> str:
        """Begins with "ok" or "off", else says why requests are refused. While detectors are being built requests wait."""
        making = self._making
        if making is None:
            return "off: nobody is under a policy"
        failed = making.done() and (making.cancelled() or making.exception() is not None)
        return "the detectors could not be built, so requests are refused; the log says why" if failed else "ok"

    async def guard(self) -> "Guard":
        """Errors: GuardrailFailed: they can't be built."""
        if self._guard is None:
            if self._making is None:
                self.start()
            assert self._making is not None
            try:
                self._guard = await asyncio.shield(self._making)
            except Exception as error:
                _log.error("the detectors could not be built", exc_info=error)
                raise GuardrailFailed("the guardrails could not be started", fix="The log says what is wrong.") from None
        return self._guard

    def assign(self, call: Call) -> None:
        """The policies that hold for this call, by its caller and its route. Errors: GuardrailFailed."""
        assert call.resolution is not None
        routes = list(chain(call.resolution.route))  # a policy of any of them holds before anything is sent
        try:
            call.policy = call.state.policies.in_force(
                subjects_of(call.caller, routes), [one.policy for one in routes if one.policy]
            )
        except KeyError as missing:
            raise GuardrailFailed(
                f"the route {routes[0].name} names the policy {missing.args[0]}, and there is none of that name",
                fix="An administrator makes it, or gives the route another.",
            ) from None

    async def inspect_model(self, call: Call) -> None:
        """A model's name goes to the provider, the ledger and the metrics as it is: one that isn't offered may be anything.

        Errors:  ContentBlocked, GuardrailFailed.
        """
        name = call.model
        policy = call.state.policies.in_force(subjects_of(call.caller, ()))
        if policy.is_idle or (policy.label, name) in self._plain_names:
            return
        guard = self._guard or await self.guard()
        verdict = guard.judged(name, policy, "input", await self.custom(policy.custom))
        if verdict.action not in ("allow", "flag") and all(model.id != name for model in call.state.names.offered()):
            kinds = ", ".join(sorted({one.type for one in verdict.findings}))
            fix = "GET /v1/models lists the names."
            raise ContentBlocked(f"the policy {policy.name} stops models' names with {kinds}", param="model", fix=fix)
        if len(self._plain_names) < NAMES_MAX:
            self._plain_names.add((policy.label, name))

    async def inspect_input(self, call: Call) -> None:
        """Errors: ContentBlocked, GuardrailFailed."""
        policy = call.policy
        if policy is None or policy.is_idle:
            return
        guard = self._guard or await self.guard()
        call.custom = await self.custom(policy.custom)
        from appliance.gateway.input_inspection import InputInspection  # detectors' libraries: only where they are used

        await InputInspection(guard, call.custom, self.reads, self._clean).inspect(call, policy)

    def output(self, call: Call) -> "OutputInspection | None":
        """None: nothing is to be done with what is answered."""
        if call.policy is None or call.tally is None or self._guard is None:
            return None
        from appliance.gateway.output_inspection import OutputInspection  # as above

        return OutputInspection(self._guard, call.policy, call.tally, call.placeholders, call.custom)

    async def custom(self, expressions: tuple[CustomExpression, ...]) -> "CustomScanner | None":
        """What looks for them; None: there are none. Errors: GuardrailFailed, though they were checked when they were written."""
        if not expressions:
            return None
        found = self._custom.get(expressions)
        if found is None:
            from appliance.guardrails.custom import custom_scanner  # RE2, as above

            try:
                found = await asyncio.to_thread(custom_scanner, expressions)
            except Exception as error:
                _log.error("a policy's expressions can't be used", exc_info=error)
                raise GuardrailFailed(
                    "a policy's own expressions could not be used",
                    fix="The log says what is wrong; an administrator mends the policy.",
                ) from None
            if len(self._custom) >= SCANNERS_MAX:
                self._custom.clear()
            self._custom[expressions] = found
        return found

    async def check_expressions(self, form: PolicyForm) -> None:
        """Errors: InvalidField."""
        if form.custom:
            from appliance.guardrails.policy_examples import scanner_of  # as above

            await asyncio.to_thread(scanner_of, form)

    async def check(self, form: PolicyForm) -> None:
        """That its expressions are some, and that its own examples hold. Errors: InvalidField, GuardrailFailed."""
        guard = await self.guard()
        from appliance.guardrails.policy_examples import refuse_unfit  # as above

        await asyncio.to_thread(refuse_unfit, guard, Policy(form))

    def clean(self, error: GatehouseError, policy: PolicySet | None = None) -> None:
        """Take out of an error what the policy hides in answers, before anybody is told of it or writes it down.

        `policy`: of the call; None: there is no call yet, and what everyone is under counts.
        """
        held = policy or self.everyone()
        if held is not None and not held.is_idle and self._guard is not None:
            from appliance.gateway.told_errors import clean  # as above

            clean(error, self._guard, held, self._custom.get(held.custom))
