"""The policies that ship, as files."""

import tomllib
from pathlib import Path

import msgspec

from appliance.guardrails.policy import Policy, PolicyForm


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
