"""People: tenant → department → team → user, and service accounts beside the users.

`version` counts the changes of a row: who edits says which one they saw (If-Match). `sort` of what is listed is `number`.
A row that is deleted leaves its number and its name in `departed`, since the ledger still speaks of it; the number is never
given again (identity/numbers.py).
"""

import sqlalchemy as sa

from appliance.store.tables.metadata import metadata

tenants = sa.Table(
    "tenants",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("is_default", sa.Boolean, nullable=False),
    sa.Column("suspended_at", sa.BigInteger),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column(
        "rules", sa.JSON, nullable=False, server_default="{}"
    ),  # identity/tenant_rules.py; what is left out has its default
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    sa.Column("updated_at", sa.BigInteger),  # none: never changed
)

departments = sa.Table(
    "departments",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("tenant_number", sa.Integer, sa.ForeignKey("tenants.number"), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("suspended_at", sa.BigInteger),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    sa.Column("updated_at", sa.BigInteger),
    sa.UniqueConstraint("tenant_number", "name"),
)

teams = sa.Table(
    "teams",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("tenant_number", sa.Integer, sa.ForeignKey("tenants.number"), nullable=False),
    sa.Column("department_number", sa.Integer, sa.ForeignKey("departments.number")),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("suspended_at", sa.BigInteger),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    sa.Column("updated_at", sa.BigInteger),
    sa.UniqueConstraint("tenant_number", "department_number", "name"),
)

roles = sa.Table(
    "roles",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("rank", sa.SmallInteger, nullable=False),  # nobody may touch a higher one than their own
    sa.Column("meaning", sa.Text, nullable=False),
)

users = sa.Table(
    "users",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("tenant_number", sa.Integer, sa.ForeignKey("tenants.number"), nullable=False),
    sa.Column("department_number", sa.Integer, sa.ForeignKey("departments.number")),
    sa.Column("team_number", sa.Integer, sa.ForeignKey("teams.number")),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("email", sa.Text, nullable=False),  # as it was written
    sa.Column("email_key", sa.Text, nullable=False, unique=True),  # NFKC, casefolded: one mailbox, one account
    sa.Column("password_hash", sa.Text),  # none: this account can't sign in by password
    sa.Column("role", sa.Text, sa.ForeignKey("roles.name"), nullable=False),
    sa.Column("token_version", sa.Integer, nullable=False),  # raised: every token issued before is void
    sa.Column("suspended_at", sa.BigInteger),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("password_changed_at", sa.BigInteger),
    sa.Column("last_sign_in_at", sa.BigInteger),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    sa.Column("updated_at", sa.BigInteger),
)

service_accounts = sa.Table(
    "service_accounts",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("tenant_number", sa.Integer, sa.ForeignKey("tenants.number"), nullable=False),
    sa.Column("department_number", sa.Integer, sa.ForeignKey("departments.number")),
    sa.Column("team_number", sa.Integer, sa.ForeignKey("teams.number")),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("suspended_at", sa.BigInteger),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    sa.Column("updated_at", sa.BigInteger),
    sa.UniqueConstraint("tenant_number", "name"),
)

departed = sa.Table(
    "departed",
    metadata,
    sa.Column("kind", sa.Text, primary_key=True),  # the table that it stood in
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("tenant_number", sa.Integer, nullable=False),
    sa.Column("name", sa.Text),  # none: it was to be forgotten
    sa.Column("departed_at", sa.BigInteger, nullable=False),
)
