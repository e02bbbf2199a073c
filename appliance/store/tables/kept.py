"""Responses that callers had kept, sealed, and which of their items can be named; files that they uploaded."""

import sqlalchemy as sa

from appliance.store.tables.metadata import metadata

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

uploaded_files = sa.Table(
    "uploaded_files",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("tenant_number", sa.Integer, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),  # as of stored_responses
    sa.Column("id", sa.Text, nullable=False),  # what its bytes are called in the folder `uploads`
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("media_type", sa.Text, nullable=False),  # as its sender says, or its name
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger, index=True),
    sa.UniqueConstraint("id"),
    sa.Index("ix_uploaded_files_tenant_number_owner", "tenant_number", "owner"),
)
