"""The documents' pages: everything from this machine, nothing else named, nothing else allowed."""

import re
import sys
from collections.abc import Iterator

import msgspec
import pytest
from litestar import Litestar, get
from litestar.testing import TestClient

from appliance.api import documentation
from appliance.api.errors import HANDLERS


class Greeting(msgspec.Struct):
    text: str


@get("/v1/greeting", summary="Say hello to the caller", tags=["Chat"], sync_to_thread=False)
def greeting() -> Greeting:
    return Greeting("hello")


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient[Litestar]]:
    app = Litestar(
        [greeting, *documentation.routes],
        openapi_config=documentation.openapi_config("1.2.3"),
        exception_handlers=HANDLERS,
        logging_config=None,
    )
    with TestClient(app) as client:
        yield client


@pytest.mark.parametrize("path", ["/docs", "/docs/", "/redoc"])
def test_a_page_names_nothing_on_another_machine_and_allows_nothing(client: TestClient[Litestar], path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "//" not in answer.text.replace("<!DOCTYPE html>", "")
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert "http" not in answer.headers["content-security-policy"]
    assert not re.search(r"<script(?![^>]*\bsrc=)|\bon\w+=|javascript:", answer.text)


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_everything_that_a_page_asks_for_is_here(client: TestClient[Litestar], path: str) -> None:
    wanted = re.findall(r'(?:src|href)="([^"]+)"', client.get(path).text)
    assert len(wanted) >= 3
    for address in wanted:
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert answer.content
        assert answer.headers["content-type"].split(";")[0] in ("text/javascript", "text/css", "image/svg+xml")
        assert answer.headers["cache-control"].startswith("public, max-age=")


def test_redoc_is_told_not_to_report_home(client: TestClient[Litestar]) -> None:
    assert "disableTelemetry: true" in client.get("/docs/assets/redoc_start.js").text


@pytest.mark.parametrize(
    "path",
    [
        "/docs/assets/__init__.py",
        "/docs/assets/url.json",
        "/docs/assets/scalar.js",
        "/docs/assets/..%2f__init__.py",
        "/docs/assets/%2e%2e/%2e%2e/etc/passwd",
        "/docs/assets/",
        "/docs/anything",
        "/schema",
    ],
)
def test_nothing_else_is_served(client: TestClient[Litestar], path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "route_not_found"


def test_the_document_is_the_same_for_pages_and_programs(client: TestClient[Litestar]) -> None:
    document = client.get("/openapi.json").json()
    assert document["info"]["version"] == "1.2.3"
    assert list(document["paths"]) == ["/v1/greeting"]
    assert document["security"] == [{"bearer": []}]
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"


def test_a_browser_that_opens_the_address_sees_the_documents(client: TestClient[Litestar]) -> None:
    answer = client.get("/", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (307, "/docs")


def test_the_package_of_the_pages_is_never_imported(client: TestClient[Litestar]) -> None:
    client.get("/docs")
    client.get("/docs/assets/redoc.js")
    assert "offapi" not in sys.modules


def test_without_the_package_the_page_says_what_is_missing(client: TestClient[Litestar], monkeypatch: pytest.MonkeyPatch) -> None:
    documentation._folder.cache_clear()
    monkeypatch.setattr(documentation, "PACKAGE", "no_such_package_anywhere")
    answer = client.get("/docs")
    assert answer.status_code == 404
    assert "pip install" in answer.json()["error"]["fix"]
    assert client.get("/openapi.json").status_code == 200
    documentation._folder.cache_clear()
