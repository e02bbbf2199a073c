"""The admin routes, asked from this machine and from another."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from litestar import Litestar

from tests.fakes.clock import FakeClock
from tests.unit.api_admin.admin_app import admin_app
from tests.unit.identity.house import House


@pytest.fixture
async def house(tmp_path: Path, clock: FakeClock) -> AsyncIterator[House]:
    opened = await House.open(tmp_path / "home", clock)
    yield opened
    await opened.close()


@pytest.fixture
def app(house: House) -> Litestar:
    return admin_app(house)


def client_at(app: Litestar, address: str, base_url: str = "http://localhost:8000") -> httpx.AsyncClient:
    """Somebody who asks from this address."""
    transport = httpx.ASGITransport(app=app, client=(address, 50_000))  # type: ignore[arg-type]  # Litestar types its scope closer
    return httpx.AsyncClient(transport=transport, base_url=base_url)


@pytest.fixture
async def here(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    async with client_at(app, "127.0.0.1") as client:
        yield client


@pytest.fixture
async def there(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    async with client_at(app, "192.0.2.7", "http://gatehouse.example:8000") as client:
        yield client
