"""The tables of the first answer: people, keys, vault, audit, ledger."""

import time

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

ROLES = [
    ("owner", 100, "May do everything; the last one can't be removed."),
    ("admin", 80, "Runs the appliance: people, keys, providers, policies."),
    ("billing", 40, "Sees and sets budgets and prices; reads usage."),
    ("auditor", 40, "Reads everything, changes nothing."),
    ("developer", 20, "Own keys, own usage."),
    ("member", 10, "Uses the appliance with keys of their own."),
]


def upgrade() -> None:
    _house()
    _people()
    _keys_and_vault()
    _ledger()
    _first_rows()


def _house() -> None:
    op.create_table(
        "state",
        sa.Column("id", sa.SmallInteger, autoincrement=False),
        sa.Column("state_version", sa.BigInteger, nullable=False),
        sa.Column("audit_seq", sa.BigInteger, nullable=False),
        sa.Column("audit_hash", sa.LargeBinary(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_state"),
    )
    op.create_table(
        "audit",
        sa.Column("seq", sa.Integer, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("previous_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_audit"),
    )


def _people() -> None:
    op.create_table(
        "tenants",
        sa.Column("number", sa.Integer),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("is_default", sa.Boolean, nullable=False),
        sa.Column("suspended_at", sa.BigInteger),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_tenants"),
        sa.UniqueConstraint("id", name="uq_tenants_id"),
    )
    op.create_table(
        "departments",
        sa.Column("number", sa.Integer),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("tenant_number", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_departments"),
        sa.UniqueConstraint("id", name="uq_departments_id"),
        sa.UniqueConstraint("tenant_number", "name", name="uq_departments_tenant_number_name"),
        sa.ForeignKeyConstraint(["tenant_number"], ["tenants.number"], name="fk_departments_tenant_number"),
    )
    op.create_table(
        "teams",
        sa.Column("number", sa.Integer),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("tenant_number", sa.Integer, nullable=False),
        sa.Column("department_number", sa.Integer),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_teams"),
        sa.UniqueConstraint("id", name="uq_teams_id"),
        sa.UniqueConstraint("tenant_number", "department_number", "name", name="uq_teams_tenant_number_department_number_name"),
        sa.ForeignKeyConstraint(["tenant_number"], ["tenants.number"], name="fk_teams_tenant_number"),
        sa.ForeignKeyConstraint(["department_number"], ["departments.number"], name="fk_teams_department_number"),
    )
    op.create_table(
        "roles",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("rank", sa.SmallInteger, nullable=False),
        sa.Column("meaning", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_roles"),
    )
    op.create_table(
        "users",
        sa.Column("number", sa.Integer),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("tenant_number", sa.Integer, nullable=False),
        sa.Column("department_number", sa.Integer),
        sa.Column("team_number", sa.Integer),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("email_key", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("token_version", sa.Integer, nullable=False),
        sa.Column("suspended_at", sa.BigInteger),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("password_changed_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("number", name="pk_users"),
        sa.UniqueConstraint("id", name="uq_users_id"),
        sa.UniqueConstraint("email_key", name="uq_users_email_key"),
        sa.ForeignKeyConstraint(["tenant_number"], ["tenants.number"], name="fk_users_tenant_number"),
        sa.ForeignKeyConstraint(["department_number"], ["departments.number"], name="fk_users_department_number"),
        sa.ForeignKeyConstraint(["team_number"], ["teams.number"], name="fk_users_team_number"),
        sa.ForeignKeyConstraint(["role"], ["roles.name"], name="fk_users_role"),
    )


def _keys_and_vault() -> None:
    op.create_table(
        "api_keys",
        sa.Column("number", sa.Integer),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("environment", sa.Text, nullable=False),
        sa.Column("key_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("key_prefix", sa.Text, nullable=False),
        sa.Column("loopback_only", sa.Boolean, nullable=False),
        sa.Column("scopes", sa.JSON, nullable=False),
        sa.Column("tenant_number", sa.Integer, nullable=False),
        sa.Column("department_number", sa.Integer),
        sa.Column("team_number", sa.Integer),
        sa.Column("user_number", sa.Integer),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("revoked_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("number", name="pk_api_keys"),
        sa.UniqueConstraint("id", name="uq_api_keys_id"),
        sa.UniqueConstraint("key_hash", name="uq_api_keys_key_hash"),
        sa.ForeignKeyConstraint(["tenant_number"], ["tenants.number"], name="fk_api_keys_tenant_number"),
        sa.ForeignKeyConstraint(["department_number"], ["departments.number"], name="fk_api_keys_department_number"),
        sa.ForeignKeyConstraint(["team_number"], ["teams.number"], name="fk_api_keys_team_number"),
        sa.ForeignKeyConstraint(["user_number"], ["users.number"], name="fk_api_keys_user_number"),
    )
    op.create_index("ix_api_keys_user_number", "api_keys", ["user_number"])
    op.create_table(
        "vault_keys",
        sa.Column("number", sa.Integer),
        sa.Column("vault_id", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_vault_keys"),
        sa.UniqueConstraint("vault_id", name="uq_vault_keys_vault_id"),
    )
    op.create_table(
        "secrets",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_secrets"),
    )


def _ledger() -> None:
    op.create_table(
        "names",
        sa.Column("id", sa.Integer),
        sa.Column("kind", sa.SmallInteger, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_names"),
        sa.UniqueConstraint("kind", "value", name="uq_names_kind_value"),
    )
    op.create_table(
        "requests",
        sa.Column("id", sa.LargeBinary(16), nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.SmallInteger, nullable=False),
        sa.Column("dialect", sa.SmallInteger, nullable=False),
        sa.Column("state", sa.SmallInteger, nullable=False),
        sa.Column("status", sa.SmallInteger, nullable=False),
        sa.Column("error_name", sa.Integer),
        sa.Column("tenant_number", sa.Integer, nullable=False),
        sa.Column("department_number", sa.Integer),
        sa.Column("team_number", sa.Integer),
        sa.Column("user_number", sa.Integer),
        sa.Column("key_number", sa.Integer),
        sa.Column("model_name", sa.Integer, nullable=False),
        sa.Column("deployment_name", sa.Integer),
        sa.Column("streamed", sa.Boolean, nullable=False),
        sa.Column("reserved_in", sa.Integer, nullable=False),
        sa.Column("reserved_out", sa.Integer, nullable=False),
        sa.Column("reserved_micro", sa.BigInteger),
        sa.Column("duration_ms", sa.Integer, nullable=False),
        sa.Column("first_token_ms", sa.Integer),
        sa.Column("estimated", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_requests"),
        sqlite_with_rowid=False,
    )
    is_open = sa.text("state = 0")
    op.create_index("ix_requests_open", "requests", ["id"], sqlite_where=is_open, postgresql_where=is_open)
    op.create_table(
        "attempts",
        sa.Column("request_id", sa.LargeBinary(16), nullable=False),
        sa.Column("ordinal", sa.SmallInteger, nullable=False, autoincrement=False),
        sa.Column("deployment_name", sa.Integer, nullable=False),
        sa.Column("outcome", sa.SmallInteger, nullable=False),
        sa.Column("status", sa.SmallInteger, nullable=False),
        sa.Column("duration_ms", sa.Integer, nullable=False),
        sa.Column("tokens_in", sa.Integer, nullable=False),
        sa.Column("tokens_out", sa.Integer, nullable=False),
        sa.Column("cached_in", sa.Integer, nullable=False),
        sa.Column("reasoning_out", sa.Integer, nullable=False),
        sa.Column("cost_micro", sa.BigInteger),
        sa.Column("price_name", sa.Integer),
        sa.Column("finish_name", sa.Integer),
        sa.Column("estimated", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("request_id", "ordinal", name="pk_attempts"),
        sqlite_with_rowid=False,
    )


def _first_rows() -> None:
    now_ms = time.time_ns() // 1_000_000
    connection = op.get_bind()
    connection.execute(
        sa.text("INSERT INTO state (id, state_version, audit_seq, audit_hash) VALUES (1, 1, 0, :nothing)"), {"nothing": bytes(32)}
    )
    connection.execute(
        sa.text("INSERT INTO roles (name, rank, meaning) VALUES (:name, :rank, :meaning)"),
        [{"name": name, "rank": rank, "meaning": meaning} for name, rank, meaning in ROLES],
    )
    # One organisation is the default: nobody has to think about tenants before they need a second.
    connection.execute(
        sa.text("INSERT INTO tenants (number, id, name, is_default, created_at) VALUES (1, :id, 'Default', :yes, :now)"),
        {"id": "tenant_default", "yes": True, "now": now_ms},
    )
