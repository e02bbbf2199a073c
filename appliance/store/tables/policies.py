"""What guardrails do: policies in all their versions, who is under which, and what was found in requests."""

import sqlalchemy as sa

from appliance.store.tables.metadata import metadata

policies = sa.Table(
    "policies",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("source", sa.Text, nullable=False),  # shipped: as this program brought it; own
    sa.Column("version", sa.Integer, nullable=False),  # the one in force
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("updated_at", sa.BigInteger, nullable=False),
    sa.Column("removed_at", sa.BigInteger),  # its versions stay: requests name them
)

policy_versions = sa.Table(
    "policy_versions",
    metadata,
    sa.Column("policy_number", sa.Integer, sa.ForeignKey("policies.number"), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("form", sa.JSON, nullable=False),
    sa.Column("made_at", sa.BigInteger, nullable=False),
    sa.Column("made_by", sa.Text, nullable=False),
)

policy_assignments = sa.Table(
    "policy_assignments",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("subject_kind", sa.Text, nullable=False),
    sa.Column("subject_id", sa.Text, nullable=False),  # of a route: its name; of everyone: empty
    sa.Column("policy_number", sa.Integer, sa.ForeignKey("policies.number"), nullable=False),
    sa.Column("mode", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("subject_kind", "subject_id", "policy_number"),
)

# Of requests in which something was found; written by the ledger's writer with the request's end. Counts, never values.
findings = sa.Table(
    "findings",
    metadata,
    sa.Column("request_id", sa.LargeBinary(16), primary_key=True),
    sa.Column("direction", sa.SmallInteger, primary_key=True, autoincrement=False),  # 1 input, 2 output
    sa.Column("type_name", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("action", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("is_shadow", sa.Boolean, primary_key=True),  # what a policy would have done
    sa.Column("count", sa.Integer, nullable=False),
    sqlite_with_rowid=False,
)
