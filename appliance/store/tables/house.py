"""The house: one row that says which state it is in and where the audit chain ends, the audit, and the vault."""

import sqlalchemy as sa

from appliance.store.tables.metadata import metadata

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
