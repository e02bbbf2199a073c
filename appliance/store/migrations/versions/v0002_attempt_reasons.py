"""Attempts say why each deployment was asked, and with which error it failed."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("attempts", sa.Column("error_name", sa.Integer))
    op.add_column("attempts", sa.Column("why", sa.Text))
