"""The ledger. Its writer (metering/ledger.py) speaks to the driver itself.

Ids are time-ordered and the rows are kept in their order (WITHOUT ROWID), so the primary key is the one time index.
"""

import sqlalchemy as sa

from appliance.store.tables.metadata import metadata

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
    sa.Column("policy_name", sa.Integer),  # of guardrails, with its version; none: before there were any
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
