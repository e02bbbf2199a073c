"""The API's own documents: /openapi.json, /docs (Swagger UI) and /redoc, without internet.

Scripts and style come out of the installed package `offapi`. The pages are our own: Litestar's load from a CDN by
default and carry inline script, so that no strict Content-Security-Policy could stand.
"""

import importlib.metadata
import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import OpenAPIRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.router import Router

from appliance.errors import NotFound, RouteUnknown

PACKAGE = "offapi"
ASSETS = "/docs/assets"

# Nothing is loaded from, or sent to, anywhere else: ReDoc 3 would report its use to its makers (disableTelemetry below
# says no as well), Swagger UI would show a badge of an online validator. Both set styles on elements; ReDoc searches
# in a worker that it makes from a blob.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; "
    "connect-src 'self'; worker-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PAGE_HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}
ASSET_HEADERS = {"x-content-type-options": "nosniff", "cache-control": "public, max-age=31536000, immutable"}

JAVASCRIPT = "text/javascript"
STYLE = "text/css"

# Files of the package that are served, by their exact names.
VENDORED = {"swagger_bundle.js": JAVASCRIPT, "swagger_style.css": STYLE, "redoc.js": JAVASCRIPT}

SWAGGER_START = """\
window.ui = SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  tryItOutEnabled: true,
  validatorUrl: null,
});
"""
REDOC_START = """\
import { init } from "./redoc.js?v=VERSION";
init("/openapi.json", { disableTelemetry: true, hideSchemaTitles: false }, document.querySelector("redoc"));
"""
ICON = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#1f4e5f"/>\
<path d="M6 26V14a10 10 0 0 1 20 0v12h-4V14a6 6 0 0 0-12 0v12z" fill="#f4efe6"/>\
<path d="M15 14h2v12h-2z" fill="#f2a541"/></svg>
"""

PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>TITLE</title>
<link rel="icon" type="image/svg+xml" href="/favicon.ico">
HEAD</head>
<body>
BODY</body>
</html>
"""
SWAGGER_HEAD = f'<link rel="stylesheet" href="{ASSETS}/swagger_style.css?v=VERSION">\n'
SWAGGER_BODY = (
    '<div id="swagger-ui"></div>\n'
    f'<script src="{ASSETS}/swagger_bundle.js?v=VERSION"></script>\n'
    f'<script src="{ASSETS}/swagger_start.js?v=VERSION"></script>\n'
)
REDOC_HEAD = f'<link rel="stylesheet" href="{ASSETS}/redoc_page.css?v=VERSION">\n'
REDOC_BODY = f'<redoc></redoc>\n<script type="module" src="{ASSETS}/redoc_start.js?v=VERSION"></script>\n'
# The logo behind "API docs by" would come from its makers' server.
REDOC_PAGE_STYLE = """\
body { margin: 0; padding: 0 }
a[href^="https://redocly.com/redoc"]::after { content: "\\a0ReDoc" }
"""

DESCRIPTION = """\
One OpenAI-compatible door for a whole organisation.

Callers send `Authorization: Bearer` with an API key on `/v1/…`, or with a sign-in token on `/api/v1/admin/…`.
Every route under `/v1/` answers under `/api/v1/` too. An error's body has OpenAI's form, with a stable `code`, and `fix`:
what to do about it.
"""


class _SwaggerPage(OpenAPIRenderPlugin):
    """Litestar insists on a page of its own making; this gives it ours."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        return _page("Gatehouse API", SWAGGER_HEAD, SWAGGER_BODY)

    def receive_router(self, router: Router) -> None:
        # Litestar adds an error page and a second JSON document; unknown paths get our own 404 instead.
        router.routes = [route for route in router.routes if route.path == router.path]


def openapi_config(version: str) -> OpenAPIConfig:
    """What the OpenAPI document says of the whole API."""
    bearer = SecurityScheme(type="http", scheme="bearer", description="An API key; on /api/v1/admin a sign-in token instead.")
    return OpenAPIConfig(
        title="Gatehouse API",
        version=version,
        description=DESCRIPTION,
        use_handler_docstrings=True,
        components=Components(security_schemes={"bearer": bearer}),
        security=[{"bearer": []}],
        render_plugins=[_SwaggerPage(path="/")],
        openapi_router=Router("/docs", route_handlers=[], include_in_schema=False, response_headers=PAGE_HEADERS),
    )


@get("/", include_in_schema=False, sync_to_thread=False)
def front_door() -> Redirect:
    """A person who opens the address in a browser wants to see something."""
    return Redirect("/docs", status_code=307)


@get("/redoc", include_in_schema=False, media_type="text/html", response_headers=PAGE_HEADERS, sync_to_thread=False)
def redoc() -> bytes:
    return _page("Gatehouse API reference", REDOC_HEAD, REDOC_BODY)


@get("/openapi.json", include_in_schema=False, media_type="application/json", sync_to_thread=False)
def openapi_json(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The document that both pages show, and that client generators read."""
    return Response(_document(request.app), headers={"cache-control": "no-cache"})


@get(f"{ASSETS}/{{name:str}}", include_in_schema=False, sync_to_thread=True)
def asset(name: FromPath[str]) -> Response[bytes]:
    """A file of the pages. Their addresses carry the version, so browsers may keep them."""
    if name in VENDORED:
        data, kind = (_folder() / name).read_bytes(), VENDORED[name]  # not kept: 2 MB, asked for once a browser
    elif name in _own_assets():
        data, kind = _own_assets()[name]
    else:
        raise RouteUnknown("the documents have no such file", fix="Open /docs or /redoc.")
    return Response(data, media_type=kind, headers=ASSET_HEADERS)


@get(["/favicon.ico", "/favicon.svg"], include_in_schema=False, sync_to_thread=False)
def favicon() -> Response[bytes]:
    return Response(ICON.encode(), media_type="image/svg+xml", headers={"cache-control": "public, max-age=86400"})


@cache
def _folder() -> Path:
    """Where the package's files are. It is not imported: that would read 8 MB of them into strings."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise NotFound("the documents' pages are not installed", fix=f"pip install {PACKAGE}; /openapi.json works without.")
    return Path(spec.submodule_search_locations[0])


@cache
def _version() -> str:
    try:
        return importlib.metadata.version(PACKAGE)
    except importlib.metadata.PackageNotFoundError:
        return "0"


@cache
def _own_assets() -> dict[str, tuple[bytes, str]]:
    return {
        "swagger_start.js": (SWAGGER_START.encode(), JAVASCRIPT),
        "redoc_start.js": (REDOC_START.replace("VERSION", _version()).encode(), JAVASCRIPT),
        "redoc_page.css": (REDOC_PAGE_STYLE.encode(), STYLE),
    }


def _page(title: str, head: str, body: str) -> bytes:
    _folder()  # better no page than an empty one
    page = PAGE.replace("TITLE", title).replace("HEAD", head).replace("BODY", body)
    return page.replace("VERSION", _version()).encode()


def _document(app: Any) -> bytes:
    """The document as JSON; written once an application, when somebody first asks."""
    written: bytes | None = app.state.get("openapi_json")
    if written is None:
        written = app.state["openapi_json"] = msgspec.json.encode(app.openapi_schema.to_schema())
    return written


routes: list[Any] = [front_door, redoc, openapi_json, asset, favicon]
