"""Every table, once. The migrations build the same schema; a test compares the two.

Times are integer UTC milliseconds. Things that the ledger refers to have a small integer `number` beside the prefixed
text `id` that callers see. A ledger row holds numbers and never a foreign key: it outlives what it speaks of.
"""

from appliance.store.tables.house import audit, secrets, state, vault_keys
from appliance.store.tables.kept import stored_response_items, stored_responses, uploaded_files
from appliance.store.tables.keys import api_keys, key_use
from appliance.store.tables.ledger import attempts, names, requests
from appliance.store.tables.metadata import metadata
from appliance.store.tables.people import departed, departments, roles, service_accounts, teams, tenants, users
from appliance.store.tables.policies import findings, policies, policy_assignments, policy_versions
from appliance.store.tables.routing import deployments, providers, routes
from appliance.store.tables.sign_in import invitations, second_factors, sessions

__all__ = [
    "api_keys",
    "attempts",
    "audit",
    "departed",
    "departments",
    "deployments",
    "findings",
    "invitations",
    "key_use",
    "metadata",
    "names",
    "policies",
    "policy_assignments",
    "policy_versions",
    "providers",
    "requests",
    "roles",
    "routes",
    "second_factors",
    "secrets",
    "service_accounts",
    "sessions",
    "state",
    "stored_response_items",
    "stored_responses",
    "teams",
    "tenants",
    "uploaded_files",
    "users",
    "vault_keys",
]
