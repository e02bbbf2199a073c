"""Responses that callers had kept (POST /v1/responses with `store`), sealed."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "stored_responses",
        sa.Column("number", sa.Integer),
        sa.Column("tenant_number", sa.Integer, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("previous_id", sa.Text),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_stored_responses"),
        sa.UniqueConstraint("tenant_number", "owner", "id", name="uq_stored_responses_tenant_number_owner_id"),
    )
    op.create_index("ix_stored_responses_expires_at", "stored_responses", ["expires_at"])
    op.create_table(
        "stored_response_items",
        sa.Column("response_number", sa.Integer, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("response_number", "id", name="pk_stored_response_items"),
        sa.ForeignKeyConstraint(
            ["response_number"],
            ["stored_responses.number"],
            name="fk_stored_response_items_response_number",
            ondelete="CASCADE",
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_stored_response_items_id", "stored_response_items", ["id"])
