"""What a caller sends, inspected before anything of it leaves: told, hidden, or stopped."""

import asyncio
from collections.abc import Sequence
from functools import partial

import msgspec

from appliance.chat import Text
from appliance.errors import ContentBlocked, GuardrailFailed, InvalidField, Overloaded
from appliance.faults import point
from appliance.gateway.call import Call
from appliance.gateway.clean_files import CleanFiles
from appliance.gateway.file_inputs import FileInputs
from appliance.gateway.file_scan import FileScan, Reads
from appliance.gateway.inspected_texts import instructed, path_shown, readable
from appliance.gateway.tally import Tally
from appliance.guardrails.custom import CustomScanner
from appliance.guardrails.finding import LONG, Finding, resolved
from appliance.guardrails.guard import Guard
from appliance.guardrails.placeholders import Placeholders
from appliance.guardrails.policy_set import PolicySet
from appliance.guardrails.verdict import Judged, judge
from appliance.telemetry.logs import get_logger

TOLD_MAX = 20
_log = get_logger("guardrails")


class InputInspection:
    """Stage 3 of a request's way. `guard` is ready; `custom` looks for what the policies' own expressions mean; `reads`: what
    reads files, None: they are counted, and go by."""

    def __init__(
        self, guard: Guard, custom: CustomScanner | None = None, reads: Reads | None = None, clean: CleanFiles | None = None
    ) -> None:
        self._guard = guard
        self._custom = custom
        self._reads = reads
        self._clean = clean

    async def inspect(self, call: Call, policy: PolicySet) -> None:
        """Texts of the call are changed as the policy says.

        Errors:  ContentBlocked; GuardrailFailed where a detector failed and the policy doesn't let that pass.
        """
        call.tally = tally = Tally(policy.label)
        try:
            await self._inspect(call, policy, tally)
        except (ContentBlocked, InvalidField, Overloaded, asyncio.CancelledError):
            raise
        except Exception as error:
            _log.error("an inspection failed", policy=policy.name, error=type(error).__name__)
            if policy.fails_open:
                tally.unread["failed"] = 1
                return
            raise GuardrailFailed(
                "the inspection of this request failed, so it was not sent", fix="Try again; the log says what failed."
            ) from None

    async def _inspect(self, call: Call, policy: PolicySet, tally: Tally) -> None:
        found = readable(call.raw, system_prompts=policy.system_prompts)
        tally.unread = found.unread
        call.placeholders = Placeholders() if policy.tokenises else None
        changed = await self._inspect_texts(call, found.texts, policy, tally) if found.texts else False
        if found.files and self._reads is not None:
            scan = FileScan(self._reads, self._guard, policy, self._custom, call.placeholders, tally=tally)
            changed = await FileInputs(call, policy, scan, self._clean or CleanFiles()).inspect(found.files) or changed
            call.local_only = call.local_only or bool(tally.kept_here)
        if changed and call.form is not None:
            call.chat = call.form.chat(call.raw)

    async def _inspect_texts(self, call: Call, texts: Sequence[Text], policy: PolicySet, tally: Tally) -> bool:
        """Whether any was changed. Errors: ContentBlocked."""
        length = sum(len(text.value) for text in texts)
        if length > LONG:
            findings = await asyncio.to_thread(self._found, texts, policy)
        else:
            findings = self._found(texts, policy)
        tally.kept_here = policy.kept_here(one for found_here in findings for one in found_here)
        call.local_only = call.local_only or bool(tally.kept_here)
        return self._apply(texts, findings, policy, tally, call.placeholders)

    def _found(self, texts: Sequence[Text], policy: PolicySet) -> list[list[Finding]]:
        point("guardrails.input")
        wanted = partial(policy.acts_on, direction="input")
        findings = self._guard.found([text.value for text in texts], self._custom, wanted)
        places = {id(text): number for number, text in enumerate(texts)}
        for text in instructed(texts):
            if attacks := self._guard.attacks(text.value):
                place = places[id(text)]
                findings[place] = resolved([*findings[place], *attacks])
        return findings

    def _apply(
        self,
        texts: Sequence[Text],
        findings: list[list[Finding]],
        policy: PolicySet,
        tally: Tally,
        placeholders: Placeholders | None,
    ) -> bool:
        """Whether any text was changed. Errors: ContentBlocked."""
        changed: list[tuple[Text, str]] = []
        blocked: list[tuple[Text, Judged]] = []
        for text, found in zip(texts, findings, strict=True):
            verdict = judge(text.value, found, policy, "input", placeholders)
            tally.add("input", verdict.findings)
            tally.record("input", found, policy.shadow)
            blocked += [(text, one) for one in verdict.findings if one.action == "block"]
            if verdict.text != text.value:
                changed.append((text, verdict.text))
        if blocked:
            raise refusal(policy, blocked)
        for text, value in changed:
            text.replace(value)
        return bool(changed)


def refusal(policy: PolicySet, blocked: Sequence[tuple[Text, Judged]]) -> ContentBlocked:
    """Types and places, never values."""
    first, kinds = blocked[0][0], sorted({one.type for _, one in blocked})
    return ContentBlocked(
        f"the policy {policy.name} stops requests with {', '.join(kinds)}",
        findings=[{**msgspec.to_builtins(one), "param": path_shown(text.path)} for text, one in blocked[:TOLD_MAX]],
        param=path_shown(first.path),
        fix="Leave it out, or ask whoever runs Gatehouse about the policy.",
    )
