"""The admin routes in a Litestar application of their own."""

from typing import Any

from litestar import Litestar
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig

from appliance.api.admin import api_keys, auth, machine
from appliance.api.errors import HANDLERS
from tests.unit.identity.house import House

CONTROL_TOKEN = "control-token-of-this-start"


def admin_app(house: House, *, documents: bool = False) -> Litestar:
    """As the appliance mounts them, over the rooms of this house."""
    services = {
        "users": house.users,
        "sign_in": house.sign_in,
        "sessions": house.sessions,
        "tokens": house.tokens,
        "api_keys": house.api_keys,
        "control_token": CONTROL_TOKEN,
        "stop_wanted": lambda: None,
    }
    return Litestar(
        [*auth.routes, *api_keys.routes, *machine.routes],
        dependencies={name: _given(service) for name, service in services.items()},
        exception_handlers=HANDLERS,
        openapi_config=OpenAPIConfig("test", "0") if documents else None,
        logging_config=None,
    )


def _given(service: Any) -> Provide:
    return Provide(lambda: service, use_cache=True, sync_to_thread=False)
