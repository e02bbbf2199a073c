"""Organisations and their people: rules of tenants, invitations, sessions, second factors, service accounts, use of keys."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    _changed()
    _service_accounts()
    _departed()
    _sign_in()
    _keys()


def _changed() -> None:
    """What may be edited counts its changes."""
    op.add_column("tenants", sa.Column("rules", sa.JSON, nullable=False, server_default="{}"))
    for table in ("departments", "teams"):
        op.add_column(table, sa.Column("suspended_at", sa.BigInteger))
    op.add_column("users", sa.Column("last_sign_in_at", sa.BigInteger))
    for table in ("tenants", "departments", "teams", "users"):
        _count_changes(table)


def _count_changes(table: str) -> None:
    op.add_column(table, sa.Column("version", sa.Integer, nullable=False, server_default="1"))
    op.add_column(table, sa.Column("updated_at", sa.BigInteger))


def _service_accounts() -> None:
    op.create_table(
        "service_accounts",
        sa.Column("number", sa.Integer),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("tenant_number", sa.Integer, nullable=False),
        sa.Column("department_number", sa.Integer),
        sa.Column("team_number", sa.Integer),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("suspended_at", sa.BigInteger),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("version", sa.Integer, nullable=False, server_default="1"),
        sa.Column("updated_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("number", name="pk_service_accounts"),
        sa.UniqueConstraint("id", name="uq_service_accounts_id"),
        sa.UniqueConstraint("tenant_number", "name", name="uq_service_accounts_tenant_number_name"),
        *_places("service_accounts"),
    )


def _places(table: str) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint([f"{one}_number"], [f"{one}s.number"], name=f"fk_{table}_{one}_number")
        for one in ("tenant", "department", "team")
    ]


def _departed() -> None:
    op.create_table(
        "departed",
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, autoincrement=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("tenant_number", sa.Integer, nullable=False),
        sa.Column("name", sa.Text),
        sa.Column("departed_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("kind", "number", name="pk_departed"),
    )


def _sign_in() -> None:
    op.create_table(
        "invitations",
        sa.Column("number", sa.Integer),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("token_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("tenant_number", sa.Integer, nullable=False),
        sa.Column("department_number", sa.Integer),
        sa.Column("team_number", sa.Integer),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("email", sa.Text),
        sa.Column("name", sa.Text),
        sa.Column("user_number", sa.Integer),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("used_at", sa.BigInteger),
        sa.Column("used_by", sa.Text),
        sa.Column("revoked_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("number", name="pk_invitations"),
        sa.UniqueConstraint("id", name="uq_invitations_id"),
        sa.UniqueConstraint("token_hash", name="uq_invitations_token_hash"),
        *_places("invitations"),
        sa.ForeignKeyConstraint(["role"], ["roles.name"], name="fk_invitations_role"),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("user_number", sa.Integer, nullable=False),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("agent", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("last_seen_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
        _of_user("sessions"),
    )
    op.create_index("ix_sessions_user_number", "sessions", ["user_number"])
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"])
    op.create_table(
        "second_factors",
        sa.Column("user_number", sa.Integer, autoincrement=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("confirmed_at", sa.BigInteger),
        sa.Column("last_step", sa.BigInteger, nullable=False),
        sa.Column("recovery", sa.JSON, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("user_number", name="pk_second_factors"),
        _of_user("second_factors"),
    )


def _of_user(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["user_number"], ["users.number"], name=f"fk_{table}_user_number", ondelete="CASCADE")


def _keys() -> None:
    for column in (
        sa.Column("service_account_number", sa.Integer),
        sa.Column("models", sa.JSON),
        sa.Column("previous_hash", sa.LargeBinary(32)),
        sa.Column("previous_until", sa.BigInteger),
        sa.Column("rotated_at", sa.BigInteger),
    ):
        op.add_column("api_keys", column)
    _count_changes("api_keys")
    op.create_index("ix_api_keys_previous_hash", "api_keys", ["previous_hash"])
    op.create_table(
        "key_use",
        sa.Column("key_number", sa.Integer, autoincrement=False),
        sa.Column("requests", sa.BigInteger, nullable=False),
        sa.Column("failures", sa.BigInteger, nullable=False),
        sa.Column("last_used_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("key_number", name="pk_key_use"),
    )
    # As the ledger's writer would have counted (metering/key_use.py): what isn't settled (1) did not succeed.
    op.execute(
        "INSERT INTO key_use (key_number, requests, failures, last_used_at) SELECT key_number, count(*), sum(state <> 1),"
        " max(started_at) FROM requests WHERE state <> 0 AND key_number IS NOT NULL GROUP BY key_number"
    )
