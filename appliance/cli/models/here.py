"""What the commands about models work with."""

import os

import msgspec

from appliance.cli.main import printable
from appliance.home import CannotStart, Home, home_folder
from appliance.local.catalogue import CatalogueEntry, catalogue
from appliance.local.registry import LocalModel, Registry
from appliance.settings import Settings
from appliance.settings_sources import load

MB = 1_000_000


class Here(msgspec.Struct, frozen=True):
    """This home, its settings and its models."""

    home: Home
    settings: Settings
    registry: Registry
    models: dict[str, LocalModel]


def here() -> Here:
    """Errors: CannotStart."""
    home = Home(home_folder())
    registry = Registry(home, catalogue())
    return Here(home, load(home, os.environ).settings, registry, registry.models())


def model_of(place: Here, model_id: str) -> LocalModel:
    """Errors: CannotStart, saying which models are here."""
    model = place.models.get(model_id)
    if model is None:
        entry = catalogue().get(model_id)
        if entry is not None:
            raise CannotStart(f"{entry.id} is not here yet", f"gatehouse models get {entry.id}")
        names = ", ".join(place.models) or "none"
        raise CannotStart(f"no model {printable(model_id[:80])!r} is here", f"Here are: {names}")
    return model


def entry_of(model_id: str) -> CatalogueEntry:
    """Errors: CannotStart, saying what the catalogue has."""
    entry = catalogue().get(model_id)
    if entry is None:
        raise CannotStart(f"the catalogue has no model {printable(model_id[:80])!r}", f"It has: {', '.join(catalogue())}")
    return entry


def in_gb(count: int) -> str:
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / MB:,.0f} MB"
