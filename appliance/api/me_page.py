"""What /me looks like: signing in, and then one's keys, usage and limits."""

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from appliance.api.forms import token_field
from appliance.api.html_page import Field, page, pre, quoted
from appliance.api.join_form import section_html
from appliance.gateway.truth import shown
from appliance.identity.own_keys import OwnKey, Person
from appliance.lan.lines import Section
from appliance.metering.own_usage import DAYS, ModelUse
from appliance.metering.prices import CURRENCY, MICRO

EMAIL = Field("email", "E-mail address", "email", autocomplete="username", more='maxlength="254"')
PASSWORD = Field("password", "Password", "password", autocomplete="current-password", more='maxlength="1024"')
CODE = Field(
    "code",
    "Code",
    autocomplete="one-time-code",
    hint="Only where you have a second factor: from your app, or a recovery code.",
    required=False,
    more='maxlength="64" inputmode="text"',
)
KEY_NAME = Field("name", "Name", hint="By which you will know it, such as the program that uses it.", more='maxlength="200"')
DAYS_OFFERED = {"30": "30 days", "90": "90 days", "365": "a year", "": "without end"}


def alert(words: str) -> str:
    """`words`: HTML."""
    return f'<p class="wrong" role="alert">{words}</p>' if words else ""


def sign_in_page(token: str, email: str, wrong: dict[str, str]) -> str:
    elsewhere = "".join(words for param, words in wrong.items() if param not in ("email", "password", "code"))
    return page(
        "Sign in to Gatehouse",
        f'<h1>Sign in</h1><form class="card narrow" method="post" action="/me/sign-in">{token_field(token)}{alert(elsewhere)}'
        + EMAIL.html(email, wrong.get("email", ""))
        + PASSWORD.html(wrong=wrong.get("password", ""))
        + CODE.html(wrong=wrong.get("code", ""))
        + '<button type="submit">Sign in</button></form>'
        '<p class="soft">No account yet? Ask for an invitation. Password forgotten? Whoever runs Gatehouse sets a new one.</p>',
    )


def own_page(token: str, person: Person, usage: list[ModelUse], now_ms: int, wrong: dict[str, str] | None = None) -> str:
    body = (
        f'<h1>{quoted(person.name)}</h1><p class="soft">{quoted(person.email)}</p>'
        f"<h2>My keys</h2>{_keys(person, token, now_ms)}{_new_key(token, wrong or {})}"
        f"<h2>My usage</h2>{_usage(usage)}"
        f"<h2>My limits</h2>{_limits(person)}"
        '<h2>Signing in</h2><p class="card"><a href="/me/security">My password, sign-ins and second factor</a></p>'
    )
    return page("My page in Gatehouse", body, sign_out_form(token))


def sign_out_form(token: str) -> str:
    button = '<button class="quiet" type="submit">Sign out</button>'
    return f'<form method="post" action="/me/sign-out">{token_field(token)}{button}</form>'


def made_page(name: str, secret: str, lines: list[Section]) -> str:
    body = (
        f'<h1>The key {quoted(name)}</h1><section class="card"><h2>Your API key</h2>'
        f"<p>Copy it now: it is shown this once and kept nowhere.</p>{pre(secret, 'key', 'Your API key')}"
        '<p><a href="/me">Back to my page</a></p></section><h2>Lines to paste</h2>'
        '<p class="soft">Your key stands in them. A click selects a whole block.</p>'
    )
    return page("A new API key", body + "".join(section_html(section) for section in lines))


def _keys(person: Person, token: str, now_ms: int) -> str:
    if not person.keys:
        return "<p>You have no key yet.</p>"
    zone = ZoneInfo(person.time_zone)
    return f'<ul class="keys card">{"".join(_key(key, token, now_ms, zone) for key in person.keys)}</ul>'


def _key(key: OwnKey, token: str, now_ms: int, zone: ZoneInfo) -> str:
    used = "not used yet" if key.last_used_at is None else f"last used {_day(key.last_used_at, zone)}"
    return (
        f"<li><div><strong>{quoted(key.name)}</strong> <code>{quoted(key.key_prefix)}…</code><br>"
        f'<span class="soft">{quoted(key.environment)}, made {_day(key.created_at, zone)}, {used}, {_end(key, now_ms, zone)}<br>'
        f"May use {quoted(may_use(key.scopes, key.models, loopback_only=key.loopback_only))}</span></div>"
        f'<form method="post" action="/me/keys/{quoted(key.id)}/revoke">{token_field(token)}'
        f'<button class="quiet" type="submit" aria-label="Revoke {quoted(key.name)}">Revoke</button></form></li>'
    )


def _end(key: OwnKey, now_ms: int, zone: ZoneInfo) -> str:
    if key.expires_at is None:
        return "does not expire"
    return f"{'expired' if key.expires_at <= now_ms else 'expires'} {_day(key.expires_at, zone)}"


def _day(at_ms: int, zone: ZoneInfo) -> str:
    """The day that it is there."""
    return f"<time>{day_in(at_ms, zone)}</time>"


def day_in(at_ms: int, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(at_ms / 1000, zone).date().isoformat()


def may_use(scopes: list[str], models: list[str] | None, *, loopback_only: bool = False) -> str:
    """What a key may do, in words."""
    what = ", ".join(scopes) or "chat, embeddings, models and files"
    of = "every model that is offered" if models is None else ", ".join(models) or "no model"
    return f"{what}; {of}{'; on the appliance itself only' if loopback_only else ''}"


def _new_key(token: str, wrong: dict[str, str]) -> str:
    elsewhere = "".join(words for param, words in wrong.items() if param not in ("name", "days"))
    options = "".join(f'<option value="{value}">{quoted(text)}</option>' for value, text in DAYS_OFFERED.items())
    return (
        f'<form class="card narrow" method="post" action="/me/keys"><h3>Make a key</h3>{token_field(token)}{alert(elsewhere)}'
        + KEY_NAME.html(wrong=wrong.get("name", ""))
        + f'<label for="days">It works for</label><select id="days" name="days">{options}</select>{alert(wrong.get("days", ""))}'
        + '<button type="submit">Make the key</button></form>'
    )


def _usage(usage: list[ModelUse]) -> str:
    if not usage:
        return f'<p class="soft">Nothing in the last {DAYS} days.</p>'
    rows = "".join(f'<tr><th scope="row">{quoted(use.model)}</th>{_figures(use)}</tr>' for use in usage)
    total = ModelUse("", *(sum(getattr(use, field) for use in usage) for field in ModelUse.__struct_fields__[1:]))
    foot = f'<tfoot><tr><th scope="row">Together</th>{_figures(total)}</tr></tfoot>' if len(usage) > 1 else ""
    heads = "".join(f'<th scope="col">{head}</th>' for head in ("Model", "Requests", "Tokens in", "Tokens out", "Cost"))
    return (
        f'<p class="soft">The last {DAYS} days.</p><div class="card scroll" tabindex="0" role="group" aria-label="My usage">'
        f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody>{foot}</table></div>"
    )


def _figures(use: ModelUse) -> str:
    cells = (f"{use.requests:,}", f"{use.tokens_in:,}", f"{use.tokens_out:,}", _cost(use))
    return "".join(f"<td>{quoted(cell)}</td>" for cell in cells)


def _cost(use: ModelUse) -> str:
    if not use.cost_micro:
        return "no price" if use.unpriced else f"0 {CURRENCY}"
    return f"{shown(Decimal(use.cost_micro) / MICRO)} {CURRENCY}{' and unpriced ones' if use.unpriced else ''}"


def _limits(person: Person) -> str:
    """What holds for every key of theirs, and for those that were narrowed further."""
    zone = ZoneInfo(person.time_zone)
    narrowed = [key for key in person.keys if key.models is not None or key.scopes or key.expires_at is not None]
    told = "".join(f"<dt>{quoted(key.name)}</dt><dd>{quoted(_narrowed(key, zone))}</dd>" for key in narrowed)
    everything = quoted(may_use([], person.models))
    return f'<dl class="card"><dt>Role</dt><dd>{quoted(person.role)}</dd><dt>Keys</dt><dd>{everything}</dd>{told}</dl>'


def _narrowed(key: OwnKey, zone: ZoneInfo) -> str:
    until = "" if key.expires_at is None else f"; until {day_in(key.expires_at, zone)}"
    return may_use(key.scopes, key.models, loopback_only=key.loopback_only) + until
