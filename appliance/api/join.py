"""`http://HOST:8000/join` on the local network: the certificate authority, its fingerprint, and lines to paste. Nothing else.

An ASGI app of its own on a listener of its own, so that no other route can be reached over plain HTTP by mistake.
"""

import html
from collections.abc import Callable
from typing import Any

from appliance.api.door import host_unknown, openai_error_body
from appliance.api.exchange import Receive, Scope, Send
from appliance.errors import GatehouseError, HttpsRequired, MethodNotAllowed, NotFound
from appliance.lan import certificates
from appliance.lan.addresses import url_host
from appliance.lan.hosts import Hosts, name_of
from appliance.lan.lan import Lan
from appliance.lan.lines import CA_FILE, Section, sections
from appliance.settings import Settings

HEADERS = [
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'"),
    (b"referrer-policy", b"no-referrer"),
]
FORMS = {
    "/join/ca.pem": (b"application/x-pem-file", CA_FILE),
    "/join/ca.crt": (b"application/x-x509-ca-cert", "gatehouse-ca.crt"),
}


class JoinPage:
    """The ASGI app. It reads no body and keeps no state."""

    def __init__(self, lan: Lan, hosts: Hosts, settings: Settings, model: Callable[[], str | None]) -> None:
        """`model`: a model's name to put into the lines."""
        self._lan = lan
        self._hosts = hosts
        self._port = settings.port
        self._https_port = settings.lan_port
        self._model = model

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            status, kind, body, more = 200, *self._answer(scope)
        except GatehouseError as error:
            status, kind, body, more = error.status, b"application/json", openai_error_body(error), []
        length = (b"content-length", b"%d" % len(body))
        head = [(b"content-type", kind), length, *HEADERS, *more]
        await send({"type": "http.response.start", "status": status, "headers": head})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    def _answer(self, scope: Scope) -> tuple[bytes, bytes, list[tuple[bytes, bytes]]]:
        headers = scope["headers"]
        host = the_host(headers)
        if host is None or not self._hosts.allow(host):
            raise host_unknown()
        path, authority = scope["path"], self._lan.authority
        if path != "/join" and path not in FORMS:
            raise self._https_only(host, headers)
        if scope["method"] not in ("GET", "HEAD"):
            raise MethodNotAllowed(f"{path} takes GET", fix="Send GET.")
        if authority is None:
            raise NotFound("the local network is not open", fix="`gatehouse lan on` on the appliance opens it.")
        if path in FORMS:
            kind, name = FORMS[path]
            data = authority if path.endswith(".pem") else certificates.der(authority)
            return kind, data, [(b"content-disposition", f'attachment; filename="{name}"'.encode())]
        shown = self._sections(host)
        mark = certificates.fingerprint(authority)
        if b"text/html" in dict(headers).get(b"accept", b""):
            return b"text/html; charset=utf-8", page(shown, mark).encode(), []
        return b"text/plain; charset=utf-8", text(shown, mark, authority.decode()).encode(), []

    def _sections(self, host: bytes) -> list[Section]:
        name = self._name(host)
        return sections(
            api=f"https://{name}:{self._https_port}/v1",
            join=f"http://{name}:{self._port}/join",
            model=self._model() or "YOUR_MODEL",
        )

    def _name(self, host: bytes) -> str:
        return url_host(name_of(host) or "localhost")

    def _https_only(self, host: bytes, headers: list[tuple[bytes, bytes]]) -> HttpsRequired:
        names = {name for name, _ in headers}
        leaked = names & {b"authorization", b"x-api-key", b"cookie"}
        there = f"https://{self._name(host)}:{self._https_port}"
        return HttpsRequired(
            "on the local network the API is served over HTTPS only; plain HTTP has /join and nothing else",
            fix=f"Use {there}; http://{self._name(host)}:{self._port}/join says how to trust its certificate."
            + (" The credential just sent could be read on the way: revoke it and make another." if leaked else ""),
        )


def the_host(headers: list[tuple[bytes, bytes]]) -> bytes | None:
    """The one Host header; None where there is none or several."""
    found = [value for name, value in headers if name == b"host"]
    return found[0] if len(found) == 1 else None


def text(shown: list[Section], fingerprint: str, authority: str) -> str:
    """The page for a terminal, the certificate included."""
    parts = [
        "Gatehouse: how to use it from your machine\n",
        f"SHA-256 fingerprint of its certificate authority:\n  {fingerprint}\n",
    ]
    for section in shown:
        note = f"# {section.note}\n" if section.note else ""
        parts.append(f"{section.title}\n{note}" + "".join(f"  {line}\n" for line in section.lines))
    parts.append(authority)
    return "\n".join(parts)


STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem}
body{color:#1b1f24;background:#f5f6f8}
h1{font-size:1.6rem}h2{font-size:1.05rem;margin:1.6rem 0 .3rem}p{margin:.3rem 0}a{color:#2158c9}
pre{background:#fff;border:1px solid #d9dde2;border-radius:8px;padding:.7rem 1rem;overflow-x:auto;font-size:.85rem}
.mark{font-size:1rem;white-space:pre-wrap;word-break:break-all;border-left:4px solid #2f6fed}
@media(prefers-color-scheme:dark){body{color:#e8eaed;background:#15181c}pre{background:#1e2227;border-color:#2d333a}a{color:#8fb3ff}}"""


def page(shown: list[Section], fingerprint: str) -> str:
    """The page for a browser, without scripts and without anything from elsewhere."""
    quoted: Any = html.escape
    body = "".join(
        f"<h2>{quoted(section.title)}</h2>"
        + (f"<p>{quoted(section.note)}</p>" if section.note else "")
        + (f"<pre>{quoted(chr(10).join(section.lines))}</pre>" if section.lines else "")
        for section in shown
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>Join Gatehouse</title><style>{STYLE}</style><h1>Use Gatehouse from your machine</h1>"
        f"<p>Its certificate authority has this SHA-256 fingerprint. Have your administrator read it to you, and compare:</p>"
        f'<pre class="mark">{quoted(fingerprint[:48])}\n{quoted(fingerprint[48:])}</pre>'
        f'<p><a href="/join/ca.pem">Download the certificate (PEM)</a>, or <a href="/join/ca.crt">the same for Windows and'
        f" Android</a>.</p>{body}</html>"
    )
