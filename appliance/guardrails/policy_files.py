"""The policies that ship, as files."""

import tomllib
from pathlib import Path

import msgspec

from appliance.data import data_folder
from appliance.guardrails.policy import Policy, PolicyForm
from appliance.home import CannotStart


def shipped(folder: Path) -> list[Policy]:
    """Errors: ValueError that names the file: the installation is broken."""
    found = []
    for path in sorted(folder.glob("*.toml")):
        try:
            form = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), PolicyForm)
        except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
            raise ValueError(f"{path.name}: {error}") from None
        found.append(Policy(form))
    return found


def check_policy(name: str) -> None:
    """That it is one of those that ship. Errors: CannotStart."""
    names = sorted(path.stem for path in data_folder("policies").glob("*.toml"))
    if name not in names:
        raise CannotStart(f"guardrail_policy is {name!r}, and there is no such policy.", f"Choose one of {', '.join(names)}.")
