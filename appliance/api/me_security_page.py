"""What /me/security looks like: one's password, where one is signed in, and the second factor."""

import msgspec

from appliance.api.browser_name import browser_name
from appliance.api.forms import token_field
from appliance.api.html_page import Field, page, pre, quoted
from appliance.api.me_page import alert, sign_out_form
from appliance.api.qr_code import qr_svg
from appliance.clock import rfc3339
from appliance.identity.passwords import CHARACTERS_MAX, CHARACTERS_MIN
from appliance.identity.second_factor import Enrolment, FactorState
from appliance.identity.sessions import Session

PATH = "/me/security"
_LENGTH = f'maxlength="{CHARACTERS_MAX}"'
_NEW = f'minlength="{CHARACTERS_MIN}" {_LENGTH}'
CURRENT = Field("current_password", "Current password", "password", autocomplete="current-password", more=_LENGTH)
NEW = Field(
    "new_password",
    "New password",
    "password",
    autocomplete="new-password",
    hint=f"At least {CHARACTERS_MIN} characters; a few words that nobody would guess are good.",
    more=_NEW,
)
AGAIN = Field("again", "The new password once more", "password", autocomplete="new-password", more=_NEW)
PASSWORD = Field(
    "password", "Password", "password", autocomplete="current-password", hint="To show that it is you.", more=_LENGTH
)
CODE = Field(
    "code",
    "Code",
    autocomplete="one-time-code",
    hint="From your app, or a recovery code.",
    more='maxlength="64" inputmode="text"',
)
FIRST_CODE = Field(
    "code",
    "Code",
    autocomplete="one-time-code",
    hint="The six digits that it shows now.",
    more='maxlength="16" inputmode="numeric"',
)
METHODS = {"password": "by password", "password+totp": "by password and code", "registration": "at registration"}
DONE = {
    "password": "Your password is changed, and every other sign-in has ended.",
    "ended": "That sign-in has ended.",
    "removed": "The second factor is off: signing in asks for the password alone.",
}
_BACK = f'<p><a href="{PATH}">Back to signing in</a></p>'


class SigningIn(msgspec.Struct, frozen=True, kw_only=True):
    """What is told of one person. `session_id`: the sign-in that they look from."""

    email: str
    sessions: list[Session]
    session_id: str | None
    factor: FactorState


def security_page(token: str, told: SigningIn, wrong: dict[str, str] | None = None, done: str = "") -> str:
    """`wrong`: HTML by field. `done`: of what was just done, a name of DONE."""
    wrong = wrong or {}
    words = f'<p class="done" role="status">{quoted(DONE[done])}</p>' if done in DONE else ""
    body = (
        f'<p><a href="/me">My page</a></p><h1>Signing in</h1>{words}{alert(wrong.get("", ""))}'
        f"<h2>My password</h2>{_password(token, told.email, wrong)}"
        f"<h2>Where I am signed in</h2>{_sessions(token, told)}"
        f"<h2>Second factor</h2>{_factor(token, told.factor, wrong)}"
    )
    return page("Signing in to Gatehouse", body, sign_out_form(token))


def _password(token: str, email: str, wrong: dict[str, str]) -> str:
    # Without a name it isn't sent: it tells a password manager whose password this is.
    whose = f'<input type="email" autocomplete="username" value="{quoted(email)}" readonly hidden>'
    return (
        f'<form class="card narrow" method="post" action="{PATH}/password">{token_field(token)}{whose}'
        + CURRENT.html(wrong=wrong.get("current_password", ""))
        + NEW.html(wrong=wrong.get("new_password", ""))
        + AGAIN.html(wrong=wrong.get("again", ""))
        + '<button type="submit">Change the password</button><p class="hint">Every other sign-in ends; this one stays.</p></form>'
    )


def _sessions(token: str, told: SigningIn) -> str:
    rows = "".join(_session(token, one, is_this=one.id == told.session_id) for one in told.sessions)
    return (
        f'<p class="soft">Times are UTC.</p><ul class="keys card">{rows}</ul>'
        f'<form method="post" action="{PATH}/sign-out-everywhere">{token_field(token)}'
        '<button class="quiet" type="submit">Sign out everywhere</button>'
        '<p class="hint">Here as well. API keys go on working.</p></form>'
    )


def _session(token: str, one: Session, *, is_this: bool) -> str:
    name, since = quoted(browser_name(one.agent)), _minute(one.created_at)
    end = (
        '<span class="soft">this browser</span>'
        if is_this
        else f'<form method="post" action="{PATH}/sessions/{quoted(one.id)}/end">{token_field(token)}'
        f'<button class="quiet" type="submit" aria-label="End {name}, since {since}">End</button></form>'
    )
    return (
        f'<li><div><strong>{name}</strong><br><span class="soft">from {quoted(one.address or "an unknown address")}, '
        f"{quoted(METHODS.get(one.method, one.method))}<br>since <time>{since}</time>, "
        f"last seen <time>{_minute(one.last_seen_at)}</time></span></div>{end}</li>"
    )


def _minute(at_ms: int) -> str:
    return rfc3339(at_ms)[:16].replace("T", " ")


def _factor(token: str, factor: FactorState, wrong: dict[str, str]) -> str:
    password = PASSWORD.html(wrong=wrong.get("password", ""))
    if factor.enabled_at is None:
        return (
            f'<p class="soft">Off. With it, signing in also asks for a code that an app on your phone shows.</p>'
            f'<form class="card narrow" method="post" action="{PATH}/second-factor">{token_field(token)}{password}'
            '<button type="submit">Set it up</button></form>'
        )
    left = factor.recovery_codes_left
    return (
        f'<p class="soft">On since <time>{rfc3339(factor.enabled_at)[:10]}</time>. '
        f"{left} recovery code{'' if left == 1 else 's'} left.</p>"
        f'<form class="card narrow" method="post" action="{PATH}/second-factor/recovery-codes">{token_field(token)}{password}'
        + CODE.html(wrong=wrong.get("code", ""))
        + '<p class="buttons"><button type="submit">New recovery codes</button>'
        f'<button class="quiet" type="submit" formaction="{PATH}/second-factor/remove">Switch it off</button></p></form>'
    )


def enrolment_page(token: str, enrolment: Enrolment) -> str:
    """The only page with the secret in it."""
    body = (
        '<h1>Second factor</h1><section class="card"><h2>1. Give it to your app</h2>'
        "<p>Scan this with an authenticator app on your phone.</p>"
        f'<div class="qr" role="img" aria-label="QR code for the app">{qr_svg(enrolment.uri)}</div>'
        f"<p>Or type it there:</p>{pre(enrolment.secret, 'key', 'The secret as text')}"
        '<p class="hint">It is shown this once.</p></section>'
        f"{_confirm(token, '2. Type what it shows')}{_BACK}"
    )
    return page("Second factor", body, sign_out_form(token))


def confirm_page(token: str, wrong: str) -> str:
    """After a wrong code, without the secret: the app has it. `wrong`: HTML."""
    body = (
        f"<h1>Second factor</h1>{_confirm(token, 'Type what your app shows', wrong)}"
        f'<p><a href="{PATH}">Begin again</a> if it has nothing of Gatehouse.</p>'
    )
    return page("Second factor", body, sign_out_form(token))


def _confirm(token: str, title: str, wrong: str = "") -> str:
    return (
        f'<form class="card narrow" method="post" action="{PATH}/second-factor/confirm"><h2>{title}</h2>{token_field(token)}'
        f'{FIRST_CODE.html(wrong=wrong)}<button type="submit">Confirm</button></form>'
    )


def codes_page(token: str, codes: list[str]) -> str:
    body = (
        '<h1>Recovery codes</h1><section class="card"><p>The second factor is on. Each of these lets you in once,'
        " in place of a code from your app.</p><p><strong>Keep them where your phone is not:</strong> on paper, or in a password"
        " manager. They are shown this once, and older ones are void.</p>"
        f"{pre(chr(10).join(codes), 'key', 'Your recovery codes')}"
        f"<p>A click selects them all.</p>{_BACK}</section>"
    )
    return page("Recovery codes", body, sign_out_form(token))
