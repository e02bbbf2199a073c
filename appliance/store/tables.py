"""Every table, once. The migrations build the same schema; a test compares the two.

Times are integer UTC milliseconds. Things that the ledger refers to have a small integer `number` beside the prefixed
text `id` that callers see. A ledger row holds numbers and never a foreign key: it outlives what it speaks of.
"""

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# The house: one row that says which state it is in, and where the audit chain ends.

state = sa.Table(
    "state",
    metadata,
    sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),  # always 1
    sa.Column("state_version", sa.BigInteger, nullable=False),
    sa.Column("audit_seq", sa.BigInteger, nullable=False),
    sa.Column("audit_hash", sa.LargeBinary(32), nullable=False),
)

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),  # canonical JSON, the text that was hashed
    sa.Column("previous_hash", sa.LargeBinary(32), nullable=False),
    sa.Column("hash", sa.LargeBinary(32), nullable=False),
)

# People: tenant → department → team → user → API key.

tenants = sa.Table(
    "tenants",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("is_default", sa.Boolean, nullable=False),
    sa.Column("suspended_at", sa.BigInteger),
    sa.Column("created_at", sa.BigInteger, nullable=False),
)

departments = sa.Table(
    "departments",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("tenant_number", sa.Integer, sa.ForeignKey("tenants.number"), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
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
)

api_keys = sa.Table(
    "api_keys",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("environment", sa.Text, nullable=False),
    sa.Column("key_hash", sa.LargeBinary(32), nullable=False, unique=True),  # keyed; the key itself is nowhere
    sa.Column("key_prefix", sa.Text, nullable=False),
    sa.Column("loopback_only", sa.Boolean, nullable=False),
    sa.Column("scopes", sa.JSON, nullable=False),
    sa.Column("tenant_number", sa.Integer, sa.ForeignKey("tenants.number"), nullable=False),
    sa.Column("department_number", sa.Integer, sa.ForeignKey("departments.number")),
    sa.Column("team_number", sa.Integer, sa.ForeignKey("teams.number")),
    sa.Column("user_number", sa.Integer, sa.ForeignKey("users.number"), index=True),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger),
    sa.Column("revoked_at", sa.BigInteger),
)

# The vault: one data key wrapped by the master key, and what it protects.

vault_keys = sa.Table(
    "vault_keys",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("vault_id", sa.Text, nullable=False, unique=True),
    sa.Column("source", sa.Text, nullable=False),  # where its master key is kept: credential, keyring, file
    sa.Column("wrapped", sa.LargeBinary, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
)

secrets = sa.Table(
    "secrets",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("updated_at", sa.BigInteger, nullable=False),
)

# Where requests go: providers, and routes with the deployments behind them.

providers = sa.Table(
    "providers",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("base_url", sa.Text, nullable=False),
    sa.Column("api_key_env", sa.Text, nullable=False),  # the variable's name; credentials themselves are in the vault
    sa.Column("api_version", sa.Text, nullable=False),
    sa.Column("region", sa.Text, nullable=False),
    sa.Column("models", sa.JSON, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("updated_at", sa.BigInteger, nullable=False),
)

routes = sa.Table(
    "routes",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("rules", sa.JSON, nullable=False),  # everything but its name and its deployments
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("updated_at", sa.BigInteger, nullable=False),
)

deployments = sa.Table(
    "deployments",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("route_number", sa.Integer, sa.ForeignKey("routes.number", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("provider", sa.Text, nullable=False),  # a name and no reference: settings and this machine have some as well
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("position", sa.Integer, nullable=False),  # its place among those of the route
    sa.Column("weight", sa.Float, nullable=False),
    sa.Column("try_order", sa.Integer, nullable=False),
    sa.Column("limits", sa.JSON, nullable=False),
    sa.Column("context_tokens", sa.Integer),
    sa.Column("is_local", sa.Boolean, nullable=False),
)

# Responses that callers had kept, sealed; and which of their items can be named.

stored_responses = sa.Table(
    "stored_responses",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("tenant_number", sa.Integer, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),  # `user:7`, or `key:7` for a key that belongs to nobody
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("previous_id", sa.Text),  # the one that it continues, of the same owner
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False, index=True),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.UniqueConstraint("tenant_number", "owner", "id"),
)

stored_response_items = sa.Table(
    "stored_response_items",
    metadata,
    sa.Column("response_number", sa.Integer, sa.ForeignKey("stored_responses.number", ondelete="CASCADE"), primary_key=True),
    sa.Column("id", sa.Text, primary_key=True, index=True),
    sqlite_with_rowid=False,
)

# The ledger. Its writer (metering/ledger.py) speaks to the driver itself. Ids are time-ordered and the rows are kept
# in their order (WITHOUT ROWID), so the primary key is the one time index.

names = sa.Table(
    "names",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("kind", sa.SmallInteger, nullable=False),
    sa.Column("value", sa.Text, nullable=False),
    sa.UniqueConstraint("kind", "value"),
)

requests = sa.Table(
    "requests",
    metadata,
    sa.Column("id", sa.LargeBinary(16), primary_key=True),
    sa.Column("started_at", sa.BigInteger, nullable=False),
    sa.Column("kind", sa.SmallInteger, nullable=False),
    sa.Column("dialect", sa.SmallInteger, nullable=False),
    sa.Column("state", sa.SmallInteger, nullable=False),  # 0 open, 1 settled, 2 interrupted, 3 cancelled, 4 failed
    sa.Column("status", sa.SmallInteger, nullable=False),
    sa.Column("error_name", sa.Integer),
    sa.Column("tenant_number", sa.Integer, nullable=False),
    sa.Column("department_number", sa.Integer),
    sa.Column("team_number", sa.Integer),
    sa.Column("user_number", sa.Integer),
    sa.Column("key_number", sa.Integer),
    sa.Column("model_name", sa.Integer, nullable=False),  # as it was asked for
    sa.Column("deployment_name", sa.Integer),  # where it was about to be sent
    sa.Column("streamed", sa.Boolean, nullable=False),
    sa.Column("reserved_in", sa.Integer, nullable=False),
    sa.Column("reserved_out", sa.Integer, nullable=False),
    sa.Column("reserved_micro", sa.BigInteger),
    sa.Column("duration_ms", sa.Integer, nullable=False),
    sa.Column("first_token_ms", sa.Integer),
    sa.Column("estimated", sa.Boolean, nullable=False),
    sqlite_with_rowid=False,
)

# Finds what a crash left open without reading the whole table; holds only what is running.
sa.Index("ix_requests_open", requests.c.id, sqlite_where=requests.c.state == 0, postgresql_where=requests.c.state == 0)

attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("request_id", sa.LargeBinary(16), primary_key=True),
    sa.Column("ordinal", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("deployment_name", sa.Integer, nullable=False),
    sa.Column("outcome", sa.SmallInteger, nullable=False),
    sa.Column("status", sa.SmallInteger, nullable=False),
    sa.Column("duration_ms", sa.Integer, nullable=False),
    sa.Column("tokens_in", sa.Integer, nullable=False),
    sa.Column("tokens_out", sa.Integer, nullable=False),
    sa.Column("cached_in", sa.Integer, nullable=False),
    sa.Column("reasoning_out", sa.Integer, nullable=False),
    sa.Column("cost_micro", sa.BigInteger),  # none: no price is known
    sa.Column("price_name", sa.Integer),
    sa.Column("finish_name", sa.Integer),
    sa.Column("estimated", sa.Boolean, nullable=False),
    sa.Column("error_name", sa.Integer),
    sa.Column("why", sa.Text),  # why this deployment; none: it was the only one
    sqlite_with_rowid=False,
)
