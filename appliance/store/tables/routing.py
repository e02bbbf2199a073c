"""Where requests go: providers, and routes with the deployments behind them."""

import sqlalchemy as sa

from appliance.store.tables.metadata import metadata

providers = sa.Table(
    "providers",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("base_url", sa.Text, nullable=False),
    sa.Column("api_key_env", sa.Text, nullable=False),  # the variable's name; credentials themselves are in the vault
    sa.Column("api_version", sa.Text, nullable=False),
    sa.Column("region", sa.Text, nullable=False),
    sa.Column("models", sa.JSON, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("updated_at", sa.BigInteger, nullable=False),
)

routes = sa.Table(
    "routes",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("rules", sa.JSON, nullable=False),  # everything but its name and its deployments
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("updated_at", sa.BigInteger, nullable=False),
)

deployments = sa.Table(
    "deployments",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("route_number", sa.Integer, sa.ForeignKey("routes.number", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("provider", sa.Text, nullable=False),  # a name and no reference: settings and this machine have some as well
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("position", sa.Integer, nullable=False),  # its place among those of the route
    sa.Column("weight", sa.Float, nullable=False),
    sa.Column("try_order", sa.Integer, nullable=False),
    sa.Column("limits", sa.JSON, nullable=False),
    sa.Column("context_tokens", sa.Integer),
    sa.Column("is_local", sa.Boolean, nullable=False),
)
