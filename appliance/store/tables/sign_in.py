"""How people come in: invitations, sessions, second factors."""

import sqlalchemy as sa

from appliance.store.tables.metadata import metadata

invitations = sa.Table(
    "invitations",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("token_hash", sa.LargeBinary(32), nullable=False, unique=True),  # keyed; the token itself is nowhere
    sa.Column("tenant_number", sa.Integer, sa.ForeignKey("tenants.number"), nullable=False),
    sa.Column("department_number", sa.Integer, sa.ForeignKey("departments.number")),
    sa.Column("team_number", sa.Integer, sa.ForeignKey("teams.number")),
    sa.Column("role", sa.Text, sa.ForeignKey("roles.name"), nullable=False),
    sa.Column("email", sa.Text),  # none: whoever holds the link
    sa.Column("name", sa.Text),
    sa.Column("user_number", sa.Integer),  # an account that is there already and only wants a password
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
    sa.Column("used_at", sa.BigInteger),
    sa.Column("used_by", sa.Text),  # the id of the user who came of it
    sa.Column("revoked_at", sa.BigInteger),
)

# A row is a sign-in that still holds; who signs out has none.
sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("user_number", sa.Integer, sa.ForeignKey("users.number", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("method", sa.Text, nullable=False),  # password, invitation, registration; `+totp` behind it
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("agent", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("last_seen_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False, index=True),
)

second_factors = sa.Table(
    "second_factors",
    metadata,
    sa.Column(
        "user_number", sa.Integer, sa.ForeignKey("users.number", ondelete="CASCADE"), primary_key=True, autoincrement=False
    ),
    sa.Column("sealed", sa.LargeBinary, nullable=False),  # the shared secret
    sa.Column("confirmed_at", sa.BigInteger),  # none: begun, and not asked for yet
    sa.Column("last_step", sa.BigInteger, nullable=False),  # a code counts once
    sa.Column("recovery", sa.JSON, nullable=False),  # hashes of the recovery codes that are left
    sa.Column("created_at", sa.BigInteger, nullable=False),
)
