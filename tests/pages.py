"""A visitor to the pages with forms: what a browser without scripts does, and what it would never do."""

import html
import re
from collections.abc import Mapping
from http.cookies import SimpleCookie
from urllib.parse import urlencode

from tests.calls import Answer
from tests.running import Appliance

FORM_TYPE = "application/x-www-form-urlencoded"


class Visitor:
    """Keeps cookies, and sends the form of the page that it last opened."""

    def __init__(self, box: Appliance) -> None:
        self.box = box
        self.cookies: dict[str, str] = {}
        self.form_token = ""
        self.set_cookies: list[str] = []

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.box.port}"

    def open(self, path: str, method: str = "GET") -> Answer:
        return self._kept(self.box.call(method, path, headers=self._headers()))

    def send(self, path: str, fields: Mapping[str, str], headers: Mapping[str, str | None] | None = None) -> Answer:
        """The form's fields, its token added. `headers`: instead of a browser's own; None takes one away."""
        return self.send_body(path, urlencode({"form_token": self.form_token, **fields}).encode(), headers)

    def send_body(self, path: str, body: bytes, headers: Mapping[str, str | None] | None = None) -> Answer:
        browsers = {"Origin": self.origin, "Content-Type": FORM_TYPE, **self._headers()}
        sent = {name: value for name, value in {**browsers, **(headers or {})}.items() if value is not None}
        return self._kept(self.box.call("POST", path, body, headers=sent))

    def _headers(self) -> dict[str, str]:
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())} if self.cookies else {}

    def _kept(self, answer: Answer) -> Answer:
        # http.client joins several Set-Cookie headers into the last one; ours come one a response.
        if given := answer.headers.get("set-cookie"):
            self.set_cookies.append(given)
            for name, morsel in SimpleCookie(given).items():
                if morsel["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
        if found := re.search(r'name="form_token" value="([^"]+)"', answer.body.decode()):
            self.form_token = found[1]
        return answer


def blocks(page: str) -> list[str]:
    """The lines to copy, block by block."""
    return [html.unescape(text) for text in re.findall(r"<pre[^>]*>(.*?)</pre>", page, re.DOTALL)]


def wrong_at(page: str, field: str) -> str:
    """What the page says at a field; empty where it says nothing."""
    found = re.search(rf'<p class="wrong" id="{field}-wrong" role="alert">(.*?)</p>', page)
    return html.unescape(found[1]) if found else ""


def invited(box: Appliance, **wanted: object) -> str:
    """The path of a new invitation's link."""
    answer = box.call("POST", "/api/v1/admin/invitations", wanted, token=box.owner_token)
    assert answer.status == 201, answer
    link = str(answer.json["link"])
    assert link.startswith(f"http://localhost:{box.port}/join/"), link
    return link.removeprefix(f"http://localhost:{box.port}")
