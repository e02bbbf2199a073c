"""A small gateway with only what the Keys page asks: for screens that a real one shows seldom (thousands of keys, a refusal, a
broken answer). A process of its own; models_stand_in.py says why.
"""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from tests.gui.models_stand_in import NOW, Hold, Json, Stage, serve

ADMIN = "/api/v1/admin"
KEYS, ACCOUNTS, USERS = f"{ADMIN}/api-keys", f"{ADMIN}/service-accounts", f"{ADMIN}/users"
UNITS = (f"{ADMIN}/departments", f"{ADMIN}/teams", f"{ADMIN}/tenants")
SECRET = "gh-prod-0123456789abcdefghijklmnopqrstuvwxyz"


def key(name: str, **more: Any) -> Json:
    """An ApiKeyShown."""
    return {
        "id": f"key_{name}", "name": name, "environment": "production", "key_prefix": "gh-prod-DPQt", "state": "active",
        "scopes": [], "models": None, "loopback_only": False, "user_id": None, "service_account_id": None,
        "created_by": "machine", "created_at": NOW, "updated_at": None, "expires_at": None, "revoked_at": None,
        "rotated_at": None, "previous_until": None, "requests": 0, "success_rate": None, "last_used_at": None, "version": 1,
        **more,
    }  # fmt: skip


def account(name: str, **more: Any) -> Json:
    """A ServiceAccountShown."""
    return {
        "id": f"sa_{name}", "name": name, "tenant_id": "tenant_default", "department_id": None, "team_id": None,
        "suspended_at": None, "keys": 0, "created_by": "machine", "created_at": NOW, "updated_at": None, "version": 1, **more,
    }  # fmt: skip


def person(name: str, **more: Any) -> Json:
    """A PersonShown."""
    first = name.split()[0].lower()
    return {
        "id": f"user_{first}", "name": name, "email": f"{first}@example.com", "role": "developer",
        "tenant_id": "tenant_default", "department_id": None, "team_id": None, "has_password": True, "second_factor": False,
        "suspended_at": None, "last_sign_in_at": None, "created_at": NOW, "updated_at": None, "version": 1, **more,
    }  # fmt: skip


def unit(its_id: str, name: str, **more: Any) -> Json:
    """A department, a team or a tenant."""
    return {"id": its_id, "name": name, "tenant_id": "tenant_default", "users": 0, "suspended_at": None, "version": 1, **more}


class StandIn(Hold):
    """With keys, service accounts, people, departments and teams. `many`: as many keys more, older than those."""

    def __init__(self, home: Path, keys: list[Json], many: int = 0, **lists: list[Json]) -> None:
        document = {"keys": keys, "many": many, "accounts": [], "people": [], "departments": [], "teams": [], **lists}
        super().__init__(home, "tests.gui.keys_stand_in", document)


class Gateway(Stage):
    def __init__(
        self, keys: list[Json], many: int, accounts: list[Json], people: list[Json], departments: list[Json], teams: list[Json]
    ) -> None:
        super().__init__()
        holders: list[str | None] = [one["id"] for one in people] or [None]
        older = [key(f"old {n}", id=f"key_old{n}", user_id=holders[n % len(holders)]) for n in range(many)]
        lists = {KEYS: [*keys, *older], ACCOUNTS: accounts, USERS: people}
        lists |= dict(zip(UNITS, (departments, teams, [unit("tenant_default", "Ours")]), strict=True))
        self.lists = {path: {one["id"]: one for one in items} for path, items in lists.items()}

    def about(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        path, _, asked = path.partition("?")
        base = next((base for base in self.lists if path.startswith(base)), "")
        its_id, _, verb = path.removeprefix(base).removeprefix("/").partition("/")
        if not base:
            return 200, {}
        if its_id == "revoke":
            ended = next(iter(self.lists[KEYS].values()))
            return 200, {"id": ended["id"], "key_prefix": ended["key_prefix"], "revoked_at": NOW, "only_previous": False}
        if method == "GET" and its_id:
            found = self.lists[base].get(its_id)
            return (200, found) if found else (404, {"error": {"message": "there is no such thing", "fix": ""}})
        if method == "GET":
            return self._listed(base, {name: values[0] for name, values in parse_qs(asked).items()})
        return self._changed(method, base, its_id, verb, body)

    def _listed(self, base: str, asked: dict[str, str]) -> tuple[int, Any]:
        """In pages, as the real one."""
        self.lists_asked += base == KEYS
        words = asked.get("q", "").lower()
        items = [one for one in self.lists[base].values() if asked.get("state") in (None, one.get("state"))]
        items = [one for one in items if not words or words in f"{one['name']} {one.get('email')}".lower()]
        begin, limit = int(asked.get("cursor", 0)), int(asked["limit"])
        end = begin + limit
        return 200, {"items": items[begin:end], "next_cursor": str(end) if end < len(items) else None}

    def _changed(self, method: str, base: str, its_id: str, verb: str, body: Any) -> tuple[int, Any]:
        known = self.lists[base]
        if method == "DELETE" and base == KEYS:
            known[its_id] = {**known[its_id], "state": "revoked", "revoked_at": NOW, "version": known[its_id]["version"] + 1}
            return 204, None
        if method == "DELETE":
            del known[its_id]
            return 204, None
        before = known[its_id] if its_id else key(body["name"]) if base == KEYS else account(body["name"])
        shown = {name: value for name, value in (body or {}).items() if name in before}
        if "suspended" in (body or {}):
            shown["suspended_at"] = NOW if body["suspended"] else None
        now = {**before, **shown, "version": before["version"] + bool(its_id)}
        self.lists[base] = {now["id"]: now, **known} if not its_id else {**known, now["id"]: now}
        if base == KEYS and (verb == "rotate" or not its_id):
            return 200 if its_id else 201, {**now, "key": SECRET, "previous_until": "2099-01-01T00:00:00Z"}
        return 200 if its_id else 201, now


if __name__ == "__main__":
    serve(Gateway)
