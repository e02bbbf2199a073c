"""The desktop app's parts, drawn offscreen, before a real appliance."""

import gc
import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # before Qt loads

from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from gui.service import Service
from tests.conftest import MakeAppliance
from tests.running import Appliance, Fake

SCREENSHOTS = Path("build/screenshots")
MakeService = Callable[[Path], Service]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Python's collector runs in whichever thread allocates (a stand-in's, the test runner's own), and Qt's objects are to be
    taken apart in Qt's thread. So it rests while a test has some, and what the test left is collected here, in that thread.
    A process of these tests has died in Qt's event handling, seldom, and never of one file alone; the cause is not known."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.enable()


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
