"""What accepting an invitation writes, in its transaction: the account or its password, a first API key, and the mark of use."""

from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance import audit
from appliance.errors import Conflict
from appliance.identity import key_format
from appliance.identity.departed import next_number
from appliance.identity.key_table import key_hash
from appliance.identity.roles import PERMISSIONS, outranks
from appliance.identity.sessions import end_all
from appliance.identity.text_rules import Email
from appliance.identity.versions import changed
from appliance.store.new_id import new_id
from appliance.store.state import raise_state_version
from appliance.store.tables import api_keys, invitations, users

FIRST_KEY_NAME = "First key"
FIRST_KEY_ENVIRONMENT: key_format.Environment = "development"


class PersonWanted(msgspec.Struct, frozen=True):
    """Who comes in, as they say."""

    name: str
    email: Email
    password_hash: str

    def __repr__(self) -> str:
        return "PersonWanted()"


class Invited(msgspec.Struct, frozen=True):
    """Who came in. `api_key` is shown once and kept nowhere; None: the account has a key that works already."""

    user_id: str
    user_number: int
    name: str
    email: str
    api_key: str | None

    def __repr__(self) -> str:  # it must not reach a log through a repr
        return f"Invited({self.user_id!r})"


async def record(tx: AsyncConnection, actor: str, action: str, target: str, detail: audit.Detail, at_ms: int) -> None:
    await audit.append(tx, actor=actor, action=action, target=target, detail=detail, at_ms=at_ms)
    await raise_state_version(tx)


async def welcomed(tx: AsyncConnection, invitation: Any, wanted: PersonWanted, key_pepper: bytes, now: int) -> Invited:
    """Shapes: `invitation` is its row. Errors: Conflict."""
    await _insist_on_inviter(tx, invitation)
    if invitation.user_number is None:
        user = await _account_made(tx, invitation, wanted, now)
    else:
        user = await _password_set(tx, invitation.user_number, wanted, now)
    api_key = None if await _has_a_key(tx, user.number, now) else await _first_key(tx, user, key_pepper, now)
    used = sa.update(invitations).where(invitations.c.number == invitation.number).values(used_at=now, used_by=user.id)
    await tx.execute(used)
    await record(tx, user.id, "invitation.accept", invitation.id, {"user": user.id, "role": user.role}, now)
    return Invited(user.id, user.number, user.name, user.email, api_key)


async def _insist_on_inviter(tx: AsyncConnection, invitation: Any) -> None:
    """A link is worth what its maker may still give: who has left, or may no longer look after people, lets nobody in.

    Errors:  Conflict.
    """
    if not invitation.created_by.startswith("user_"):  # the machine
        return
    query = sa.select(users.c.role, users.c.suspended_at).where(users.c.id == invitation.created_by)
    inviter = (await tx.execute(query)).one_or_none()
    stands = inviter is not None and inviter.suspended_at is None and inviter.role in PERMISSIONS["people:change"]
    if inviter is None or not stands or outranks(invitation.role, inviter.role):
        raise Conflict("whoever made this invitation may no longer do so", fix="Ask for another one.", param="invitation")


async def _account_made(tx: AsyncConnection, invitation: Any, wanted: PersonWanted, now: int) -> Any:
    taken = sa.select(sa.func.count()).select_from(users).where(users.c.email_key == wanted.email.key)
    if (await tx.execute(taken)).scalar_one():
        raise Conflict("an account has this e-mail address already", param="email", fix="Use another, or sign in at /me.")
    number = await next_number(tx, users)
    await tx.execute(
        sa.insert(users).values(
            number=number,
            id=new_id("user"),
            tenant_number=invitation.tenant_number,
            department_number=invitation.department_number,
            team_number=invitation.team_number,
            name=wanted.name,
            email=wanted.email.shown,
            email_key=wanted.email.key,
            password_hash=wanted.password_hash,
            role=invitation.role,
            token_version=1,
            created_at=now,
            password_changed_at=now,
        )
    )
    return (await tx.execute(sa.select(users).where(users.c.number == number))).one()


async def _password_set(tx: AsyncConnection, number: int, wanted: PersonWanted, now: int) -> Any:
    """Every sign-in of before ends, as with any new password."""
    query = sa.select(users).where(users.c.number == number)
    row = (await tx.execute(query)).one_or_none()
    if row is None or row.suspended_at is not None:
        raise Conflict("this account is not in use", fix="Ask whoever invited you.", param="invitation")
    await tx.execute(
        sa.update(users)
        .where(users.c.number == number)
        .values(
            password_hash=wanted.password_hash,
            token_version=users.c.token_version + 1,
            password_changed_at=now,
            **changed(users, now),
        )
    )
    await end_all(tx, number)
    return row


async def _has_a_key(tx: AsyncConnection, user_number: int, now: int) -> bool:
    works = sa.or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > now)
    mine = sa.and_(api_keys.c.user_number == user_number, api_keys.c.revoked_at.is_(None), works)
    return bool((await tx.execute(sa.select(sa.func.count()).select_from(api_keys).where(mine))).scalar_one())


async def _first_key(tx: AsyncConnection, user: Any, pepper: bytes, now: int) -> str:
    secret, key_id = key_format.new_key(FIRST_KEY_ENVIRONMENT), new_id("key")
    await tx.execute(
        sa.insert(api_keys).values(
            number=await next_number(tx, api_keys),
            id=key_id,
            name=FIRST_KEY_NAME,
            environment=FIRST_KEY_ENVIRONMENT,
            key_hash=key_hash(pepper, secret),
            key_prefix=key_format.shown_prefix(secret),
            loopback_only=False,
            scopes=[],
            tenant_number=user.tenant_number,
            department_number=user.department_number,
            team_number=user.team_number,
            user_number=user.number,
            created_by=user.id,
            created_at=now,
        )
    )
    detail: audit.Detail = {"name": FIRST_KEY_NAME, "environment": FIRST_KEY_ENVIRONMENT, "user": user.id, "scopes": []}
    await record(tx, user.id, "api_key.create", key_id, detail, now)
    return secret
