"""Errors before anybody is told of them."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from appliance.chat import Chunk
from appliance.errors import GatehouseError, UpstreamFailed, UpstreamRefusedRequest
from appliance.gateway.told_errors import WITHHELD, CleanErrors, clean
from appliance.guardrails.guard import Guard
from appliance.guardrails.pattern import Found, Pattern
from appliance.guardrails.policy import Policy, PolicyForm, Rule
from appliance.guardrails.scanner import Scanner

EMAIL, KEY = "asha@mail.example", "key-abcd1234"
PATTERNS = [
    Pattern(name="email", types=("EMAIL",), regex=r"[a-z]+@[a-z.]+", judge=lambda match: [Found("EMAIL", 0.9)]),
    Pattern(name="key", types=("SECRET_KEY",), regex="key-[a-z0-9]{8}", judge=lambda match: [Found("SECRET_KEY", 0.9)]),
]
GUARD = Guard(Scanner(PATTERNS), Scanner([]), [])


def policy(*, given: str = "input") -> Policy:
    """Its rules hold in one direction only."""
    rules = [Rule(types=["PII"], **{given: "mask"}), Rule(types=["SECRETS"], **{given: "block"})]  # type: ignore[arg-type]
    return Policy(PolicyForm(name="test", rules=rules))


@pytest.mark.parametrize("given", ["input", "output"])
def test_every_part_of_an_error_is_cleaned_in_both_directions(given: str) -> None:
    error = UpstreamRefusedRequest(f"Not {EMAIL}", upstream_code=f"no_{EMAIL}", param=f"messages.{EMAIL}", fix=f"Ask {EMAIL}")
    clean(error, GUARD, policy(given=given))
    assert (error.message, error.fix, error.param, error.code_shown) == ("Not [EMAIL]", "Ask [EMAIL]", None, error.code)
    assert EMAIL not in repr(error.body()) + repr(error) + str(error.args)
    stopped = UpstreamFailed(f"it was {KEY}")
    clean(stopped, GUARD, policy(given=given))
    assert stopped.message == WITHHELD


def test_an_error_without_values_stays_as_it_is() -> None:
    error = UpstreamRefusedRequest("too long", upstream_code="context_length_exceeded", param="messages", fix="Send less.")
    before = error.body()
    clean(error, GUARD, policy())
    assert error.body() == before


def test_an_error_in_the_middle_of_an_answer_is_cleaned_before_anybody_sees_it() -> None:
    async def broken() -> AsyncGenerator[Chunk, None]:
        yield Chunk()
        raise UpstreamFailed(f"lost {EMAIL}")

    async def read() -> GatehouseError:
        chunks = CleanErrors(broken(), lambda error: clean(error, GUARD, policy()))
        try:
            async for _ in chunks:
                pass
        except GatehouseError as error:
            return error
        raise AssertionError("it ended")

    assert asyncio.run(read()).message == "lost [EMAIL]"


def test_where_detectors_fail_nothing_of_an_error_is_shown() -> None:
    class Broken(Guard):
        def judged(self, *_: object) -> None:  # type: ignore[override]
            raise ValueError("a detector failed")

    error = UpstreamFailed(f"lost {EMAIL}")
    clean(error, Broken(Scanner([]), Scanner([]), []), policy())
    assert error.message == WITHHELD
