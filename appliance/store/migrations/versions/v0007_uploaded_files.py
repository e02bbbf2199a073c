"""Files that callers uploaded (POST /v1/files); their bytes are in a folder."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "uploaded_files",
        sa.Column("number", sa.Integer),
        sa.Column("tenant_number", sa.Integer, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("number", name="pk_uploaded_files"),
        sa.UniqueConstraint("id", name="uq_uploaded_files_id"),
    )
    op.create_index("ix_uploaded_files_expires_at", "uploaded_files", ["expires_at"])
    op.create_index("ix_uploaded_files_tenant_number_owner", "uploaded_files", ["tenant_number", "owner"])
