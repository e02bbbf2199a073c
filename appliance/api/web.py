"""The web application: every route under one roof, with the services that handlers ask for by name."""

from collections.abc import Mapping
from typing import Any

from litestar import Litestar
from litestar.config.cors import CORSConfig
from litestar.datastructures import State
from litestar.di import Provide

from appliance import __version__
from appliance.api import (
    anthropic_documents,
    documentation,
    files_documents,
    join_form,
    me,
    me_security,
    openai,
    openai_documents,
    operations,
    responses_stored,
    uploaded_documents,
)
from appliance.api.admin import (
    account,
    api_keys,
    auth,
    compliance,
    departments,
    deployments,
    events,
    features,
    guardrails,
    invitations,
    jobs,
    lan,
    machine,
    models,
    overview,
    policies,
    policy_assignments,
    providers,
    requests,
    route_explain,
    route_files,
    routes,
    second_factor,
    service_accounts,
    teams,
    tenants,
    usage,
    users,
)
from appliance.api.door import ASGIApp
from appliance.api.errors import HANDLERS
from appliance.api.raw import RawRoute, describe, mounted
from appliance.settings import Settings

ORDINARY_BODY_BYTES_MAX = 1024 * 1024  # everything but prompts is small

_ROOMS = (
    openai,
    responses_stored,
    operations,
    documentation,
    join_form,
    me,
    me_security,
    auth,
    account,
    second_factor,
    api_keys,
    invitations,
    service_accounts,
    machine,
    features,
    overview,
    events,
    lan,
    models,
    jobs,
    requests,
    route_explain,
    guardrails,
    policies,
    policy_assignments,
    compliance,
    providers,
    deployments,
    routes,
    route_files,
    tenants,
    departments,
    teams,
    users,
    usage,
)


def web_application(settings: Settings, hot: list[RawRoute], raw: dict[str, ASGIApp], services: Mapping[str, Any]) -> Litestar:
    """Litestar with everything mounted and described.

    Shapes:  `hot` are the raw routes and `raw` their handlers by path; `services` by the names under which handlers take them.
    """
    app = Litestar(
        route_handlers=[*mounted(raw), *(route for room in _ROOMS for route in room.routes)],
        dependencies={name: _given(service) for name, service in services.items()},
        exception_handlers=HANDLERS,
        openapi_config=documentation.openapi_config(__version__),
        cors_config=CORSConfig(allow_origins=settings.cors_allowed_origins) if settings.cors_allowed_origins else None,
        request_max_body_size=min(settings.body_bytes_max, ORDINARY_BODY_BYTES_MAX),
        logging_config=None,
        state=State({"clean": services["guarding"].clean}),  # what errors may not quote
    )
    documents = (openai_documents, anthropic_documents, files_documents, uploaded_documents)
    describe(app, hot, {name: schema for one in documents for name, schema in one.schemas().items()})
    return app


def _given(service: Any) -> Provide:
    return Provide(lambda: service, use_cache=True, sync_to_thread=False)
