"""The desktop app's parts, drawn offscreen, before a real appliance."""

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # before Qt loads

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from gui.service import Service
from tests.conftest import MakeAppliance
from tests.running import Appliance, Fake

SCREENSHOTS = Path("build/screenshots")
MakeService = Callable[[Path], Service]


@pytest.fixture(scope="module")
def served(appliances: MakeAppliance, upstream: Fake) -> Appliance:
    """An appliance with a fake provider."""
    return appliances(settings={"providers": [upstream.provider("fake")]})


@pytest.fixture
def service(qtbot: QtBot) -> Iterator[MakeService]:
    """Watches an appliance's home; starts none."""
    made: list[Service] = []

    def make(home: Path) -> Service:
        one = Service(home)
        made.append(one)
        one.begin(start=False)
        return one

    yield make
    for one in made:
        one.close()


@pytest.fixture(scope="session")
def screenshots() -> Path:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    return SCREENSHOTS
