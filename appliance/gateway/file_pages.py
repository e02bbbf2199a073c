"""Pages of files as people see them: what a screen shows beside findings, drawn by the same confined readers."""

from pathlib import Path
from typing import Protocol

from appliance.errors import FileUnreadable
from appliance.files.document import FileError
from appliance.gateway.state import State
from appliance.gateway.subjects import subjects_of
from appliance.guardrails.policy_set import PolicySet
from appliance.identity.caller import Caller


class Level(Protocol):
    """Which walls stand around the workers."""

    @property
    def is_full(self) -> bool: ...


class Walls(Protocol):
    """Whatever reads files."""

    async def level(self) -> Level: ...


class Draws(Walls, Protocol):
    """Worker processes (files/pool.py). Errors: FileError, Overloaded, GuardrailFailed."""

    async def show(self, path: Path, target: Path, *, page: int, width: int, name: str = "", password: str = "") -> None: ...


async def insist_on_walls(policy: PolicySet, reads: Walls) -> None:
    """Errors: FileError, where a policy wants more walls around readers than the machine has."""
    if policy.full_sandbox and not (await reads.level()).is_full:
        raise FileError(
            "UNSUPPORTED",
            "the policy has files read only where their readers are fully confined, and this machine can't do that",
            "`gatehouse doctor` says what is missing.",
        )


class FilePages:
    def __init__(self, draws: Draws) -> None:
        self._draws = draws

    async def draw(
        self, path: Path, target: Path, caller: Caller, state: State, *, page: int, width: int, name: str, password: str
    ) -> None:
        """A page as a PNG, at `target`. Errors: FileUnreadable, Overloaded, GuardrailFailed."""
        try:
            await insist_on_walls(state.policies.in_force(subjects_of(caller, ())), self._draws)
            await self._draws.show(path, target, page=page, width=width, name=name, password=password)
        except FileError as error:
            raise FileUnreadable(error.message, file_code=error.code, param="file", fix=error.fix) from None
