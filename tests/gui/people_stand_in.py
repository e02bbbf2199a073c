"""A small gateway with only what the People page asks: for screens that a real one shows seldom (thousands of people, a refusal).
A process of its own; models_stand_in.py says why.
"""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from tests.gui.keys_stand_in import person, unit
from tests.gui.models_stand_in import NOW, Hold, Json, Stage, serve

ADMIN = "/api/v1/admin"
USERS, INVITATIONS = f"{ADMIN}/users", f"{ADMIN}/invitations"
DEPARTMENTS, TEAMS, TENANTS = f"{ADMIN}/departments", f"{ADMIN}/teams", f"{ADMIN}/tenants"
LINK = "https://10.0.0.5:8443/join/inv-0123456789abcdef"
LATER = "2099-01-01T00:00:00Z"


def invitation(its_id: str, **more: Any) -> Json:
    """An InvitationShown."""
    return {
        "id": its_id, "state": "open", "email": f"{its_id}@example.com", "name": None, "role": "member",
        "tenant_id": "tenant_default", "department_id": None, "team_id": None, "user_id": None, "created_by": "machine",
        "created_at": NOW, "expires_at": LATER, "used_at": None, "used_by": None, "revoked_at": None, **more,
    }  # fmt: skip


class StandIn(Hold):
    """`many`: as many people more, younger than those."""

    def __init__(self, home: Path, people: list[Json], many: int = 0, **lists: list[Json]) -> None:
        document = {"people": people, "many": many, "invitations": [], "departments": [], "teams": [], **lists}
        super().__init__(home, "tests.gui.people_stand_in", document)

    def sent(self, method: str, path: str) -> list[Any]:
        """The bodies of such calls, in their order."""
        return [body for how, where, body in self.calls if (how, where) == (method, path)]


class Gateway(Stage):
    def __init__(
        self, people: list[Json], many: int, invitations: list[Json], departments: list[Json], teams: list[Json]
    ) -> None:
        super().__init__()
        others = [person(f"Person {n}", id=f"user_{n}", email=f"p{n}@example.com", role="member") for n in range(many)]
        lists = {USERS: [*people, *others], INVITATIONS: invitations, DEPARTMENTS: departments, TEAMS: teams}
        lists[TENANTS] = [unit("tenant_default", "Ours")]
        self.lists = {path: {one["id"]: one for one in items} for path, items in lists.items()}

    def about(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        path, _, asked = path.partition("?")
        wanted = {name: values[0] for name, values in parse_qs(asked).items()}
        base = next((base for base in self.lists if path.startswith(base)), "")
        its_id = path.removeprefix(base).removeprefix("/")
        if path == f"{USERS}/import":
            return 200, self._imported(body, dry_run="dry_run" in wanted)
        if path.endswith("/machine/password"):
            return 200, {"user": {}, "sessions_ended": 2, "second_factor": "none"}
        if not base:
            return 200, {"sessions_ended": 1}
        if method == "GET":
            return self._listed(base, wanted)
        return self._changed(method, base, its_id, body)

    def _imported(self, body: Any, *, dry_run: bool) -> Json:
        known = {one["email"] for one in self.lists[USERS].values()}
        new = [one for one in body["users"] if one["email"] not in known]
        links = [{"email": one["email"], "link": f"{LINK}-{n}"} for n, one in enumerate(new)] if body.get("invite") else []
        return {
            "created": [f"user_new{n}" for n, _ in enumerate(new)], "links": links, "unchanged": len(body["users"]) - len(new),
            "departments_created": sorted({one["department"] for one in new if "department" in one}), "teams_created": [],
            "dry_run": dry_run,
        }  # fmt: skip

    def _listed(self, base: str, asked: dict[str, str]) -> tuple[int, Any]:
        """In pages, and narrowed, as the real one."""
        self.lists_asked += base == USERS
        words = asked.get("q", "").lower()
        items = [one for one in self.lists[base].values() if not words or words in f"{one['name']} {one['email']}".lower()]
        for name in ("role", "department_id", "team_id", "state"):
            items = [one for one in items if asked.get(name) in (None, one.get(name))]
        if "suspended" in asked:
            items = [one for one in items if (one["suspended_at"] is not None) == (asked["suspended"] == "true")]
        begin, limit = int(asked.get("cursor", 0)), int(asked["limit"])
        end = begin + limit
        return 200, {"items": items[begin:end], "next_cursor": str(end) if end < len(items) else None}

    def _changed(self, method: str, base: str, its_id: str, body: Any) -> tuple[int, Any]:
        known = self.lists[base]
        if method == "DELETE":
            del known[its_id]
            return 204, None
        if base == INVITATIONS:
            made = invitation("new", **{name: value for name, value in body.items() if name != "expires_in_hours"})
            self.lists[base] = {made["id"]: made, **known}
            return 201, {"link": LINK, "invitation": made}
        if its_id:
            before = known[its_id]
        elif base == USERS:
            before = person(body["name"])
        else:
            before = unit(f"{'team' if base == TEAMS else 'dpt'}_{len(known)}new", body["name"], department_id=None)
        shown = {name: value for name, value in body.items() if name in before}
        if "suspended" in body:
            shown["suspended_at"] = NOW if body["suspended"] else None
        now = {**before, **shown, "version": before["version"] + bool(its_id)}
        self.lists[base] = {**known, now["id"]: now}
        return 200 if its_id else 201, now


if __name__ == "__main__":
    serve(Gateway)
