"""API keys, and how much each was used."""

import sqlalchemy as sa

from appliance.store.tables.metadata import metadata

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
    sa.Column("service_account_number", sa.Integer),  # whose it is, where it is no user's
    sa.Column("models", sa.JSON),  # names that it may ask for; none: all that its tenant may
    sa.Column("previous_hash", sa.LargeBinary(32), index=True),  # of the key before the rotation, which works until …
    sa.Column("previous_until", sa.BigInteger),
    sa.Column("rotated_at", sa.BigInteger),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    sa.Column("updated_at", sa.BigInteger),
)

# Written by the ledger's writer in the transaction that settles a request, so it is exactly what the ledger says.
key_use = sa.Table(
    "key_use",
    metadata,
    sa.Column("key_number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("requests", sa.BigInteger, nullable=False),
    sa.Column("failures", sa.BigInteger, nullable=False),
    sa.Column("last_used_at", sa.BigInteger, nullable=False),
)
