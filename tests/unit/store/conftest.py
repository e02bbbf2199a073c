"""A database in a folder of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from appliance.store.engine import Database
from tests.unit.store.fresh import fresh_database


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await fresh_database(tmp_path / "gatehouse.db")
    yield opened
    await opened.close()
