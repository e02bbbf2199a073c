"""Guardrail policies in all their versions, who is under which, and what was found in requests."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    _policies()
    _assignments()
    _findings()


def _policies() -> None:
    op.create_table(
        "policies",
        sa.Column("number", sa.Integer),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("removed_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("number", name="pk_policies"),
        sa.UniqueConstraint("name", name="uq_policies_name"),
    )
    op.create_table(
        "policy_versions",
        sa.Column("policy_number", sa.Integer),
        sa.Column("version", sa.Integer, autoincrement=False),
        sa.Column("form", sa.JSON, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("made_by", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("policy_number", "version", name="pk_policy_versions"),
        _of_policy("policy_versions"),
    )


def _assignments() -> None:
    op.create_table(
        "policy_assignments",
        sa.Column("number", sa.Integer),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("subject_kind", sa.Text, nullable=False),
        sa.Column("subject_id", sa.Text, nullable=False),
        sa.Column("policy_number", sa.Integer, nullable=False),
        sa.Column("mode", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_policy_assignments"),
        sa.UniqueConstraint("id", name="uq_policy_assignments_id"),
        sa.UniqueConstraint(
            "subject_kind", "subject_id", "policy_number", name="uq_policy_assignments_subject_kind_subject_id_policy_number"
        ),
        _of_policy("policy_assignments"),
    )


def _findings() -> None:
    op.add_column("requests", sa.Column("policy_name", sa.Integer))
    op.create_table(
        "findings",
        sa.Column("request_id", sa.LargeBinary(16)),
        sa.Column("direction", sa.SmallInteger, autoincrement=False),
        sa.Column("type_name", sa.Integer, autoincrement=False),
        sa.Column("action", sa.SmallInteger, autoincrement=False),
        sa.Column("is_shadow", sa.Boolean),
        sa.Column("count", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("request_id", "direction", "type_name", "action", "is_shadow", name="pk_findings"),
        sqlite_with_rowid=False,
    )


def _of_policy(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["policy_number"], ["policies.number"], name=f"fk_{table}_policy_number")
