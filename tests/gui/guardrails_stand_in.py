"""A small gateway with only what the Guardrails page asks: for screens that a real one shows seldom (200 policies, a refusal, no
guardrails at all). A process of its own; models_stand_in.py says why. It finds a few kinds with simple expressions.
"""

import re
import tomllib
from pathlib import Path
from typing import Any

from tests.gui.keys_stand_in import key, person, unit
from tests.gui.models_stand_in import NOW, Hold, Json, Stage, serve

ADMIN = "/api/v1/admin"
POLICIES, ASSIGNMENTS = f"{ADMIN}/policies", f"{ADMIN}/policy-assignments"
DETECTORS, TEST = f"{ADMIN}/guardrails/detectors", f"{ADMIN}/guardrails/test"
KEYS, ROUTES, USERS = f"{ADMIN}/api-keys", f"{ADMIN}/routes", f"{ADMIN}/users"
DEPARTMENTS, TEAMS, TENANTS = f"{ADMIN}/departments", f"{ADMIN}/teams", f"{ADMIN}/tenants"
SHIPPED = {one["name"]: one for one in (tomllib.loads(path.read_text()) for path in sorted(Path("policies").glob("*.toml")))}
FOUND = {
    "EMAIL": r"[\w.]+@[\w.]+\w",
    "US_SSN": r"\b\d{3}-\d{2}-\d{4}\b",
    "SECRET_PASSWORD": r"(?<=password is )\S+",
    "PROMPT_INJECTION": r"(?i)ignore all previous instructions",
}
FIELDS = ("name", "title", "description", "fail", "system_prompts", "not_found_here", "kept_days", "custom", "files", "rules")
STRICTNESS = ("allow", "flag", "tokenise", "mask", "block")


def shown(form: Json, **more: Any) -> Json:
    """A PolicyShown."""
    return {
        "name": form["name"], "version": 1, "source": "shipped" if form["name"] in SHIPPED else "own", "in_force": False,
        "created_at": NOW, "updated_at": NOW, "policy": form, **more,
    }  # fmt: skip


def own(name: str, *rules: Json, **more: Any) -> Json:
    return shown({"name": name, "rules": list(rules), **more})


def assignment(
    its_id: str, policy: str, kind: str = "everyone", subject: str = "", mode: str = "enforce", name: str = ""
) -> Json:
    whom = {"kind": kind, "id": subject, "name": name}
    return {"id": f"asg_{its_id}", "subject": whom, "policy": policy, "mode": mode, "created_at": NOW}


class StandIn(Hold):
    """With the shipped policies and `policies` of one's own. `default`: the setting's."""

    def __init__(self, home: Path, default: str = "default", **lists: Any) -> None:
        document = {"default": default, "policies": [], "assignments": [], "versions": {}, **lists}
        super().__init__(home, "tests.gui.guardrails_stand_in", document)

    def sent(self, method: str, path: str) -> list[Any]:
        """The bodies of such calls, in their order."""
        return [body for how, where, body in self.calls if (how, where) == (method, path)]


class Refused(Exception):
    def __init__(self, status: int, message: str, fix: str = "", param: str = "") -> None:
        super().__init__(message)
        self.answer = status, {"error": {"message": message, "fix": fix, "param": param}}


class Gateway(Stage):
    def __init__(self, default: str, policies: list[Json], assignments: list[Json], versions: Json, **lists: list[Json]) -> None:
        super().__init__()
        self.default = default
        self.policies = {one["name"]: one for one in (*map(shown, SHIPPED.values()), *policies)}
        self.assignments = {one["id"]: one for one in assignments}
        self.versions: dict[str, list[Json]] = {
            name: [{"version": one["version"], "made_at": NOW, "made_by": "release", "policy": one["policy"]}]
            for name, one in self.policies.items()
        } | versions
        self.lists: dict[str, list[Json]] = {
            DEPARTMENTS: [unit("dpt_sales", "Sales"), unit("dpt_legal", "Legal")],
            TEAMS: [unit("team_berlin", "Berlin", department_id="dpt_sales")],
            TENANTS: [unit("tenant_default", "Ours")],
            USERS: [person("Asha Rao"), person("Ben Okafor")],
            KEYS: [key("wiki"), key("notebook")],
            ROUTES: [{"id": "rt_fast", "name": "fast"}, {"id": "rt_smart", "name": "smart"}],
            DETECTORS: [
                {"type": name, "group": _group(name), "detectors": [name.lower()], "on_streams": "exact"} for name in FOUND
            ],
            **{ADMIN + "/" + name: items for name, items in lists.items()},
        }

    def about(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        path, _, asked = path.partition("?")
        try:
            if path == TEST:
                return 200, self._tried(body)
            if path.startswith(ASSIGNMENTS):
                return self._about_assignment(method, path.removeprefix(ASSIGNMENTS).removeprefix("/"), body or asked)
            if path.startswith(POLICIES):
                return self._about_policy(
                    method, *path.removeprefix(POLICIES).removeprefix("/").partition("/")[::2], body or asked
                )
        except Refused as refused:
            return refused.answer
        if path.startswith(f"{USERS}/"):
            found = next((one for one in self.lists[USERS] if path.endswith(one["id"])), None)
            return (200, found) if found else (404, {"error": {"message": "there is no such user"}})
        words = re.findall(r"q=([^&]*)", asked)
        items = [one for one in self.lists.get(path, []) if not words or words[0].lower() in str(one).lower()]
        return _page(items, asked)

    # Policies

    def _about_policy(self, method: str, name: str, verb: str, body: Any) -> tuple[int, Any]:
        self.lists_asked += method == "GET" and not name
        if method == "GET" and not name:
            return _page([self._shown(one) for one in sorted(self.policies)], body)
        if method == "POST" and not name:
            return 201, self._made(body)
        if name not in self.policies:
            raise Refused(404, "there is no such policy", param="policy")
        if verb == "versions":
            return _page(self.versions[name], body)
        if method == "GET":
            return 200, self._shown(name)
        if self.policies[name]["source"] == "shipped":
            raise Refused(409, f"{name} came with the gateway", "copy it")
        if method == "DELETE":
            if any(one["policy"] == name for one in self.assignments.values()):
                raise Refused(409, f"{name} is assigned", "take that back first")
            del self.policies[name]
            return 204, None
        if verb == "restore":
            return 200, self._kept(next(one["policy"] for one in self.versions[name] if one["version"] == body["version"]))
        return 200, self._kept({**self.policies[name]["policy"], **body})

    def _shown(self, name: str) -> Json:
        in_force = any(one["policy"] == name for one in self.assignments.values()) or name == self.default
        return {**self.policies[name], "in_force": in_force}

    def _made(self, body: Json) -> Json:
        source = self.policies[body["copy_of"]]["policy"] if "copy_of" in body else {}
        if body["name"] in self.policies:
            raise Refused(409, "there is a policy of this name already", "Choose another one.", "name")
        return self._kept({**source, **{name: value for name, value in body.items() if name != "copy_of"}})

    def _kept(self, form: Json) -> Json:
        _check(form)
        name = form["name"]
        number = self.policies[name]["version"] + 1 if name in self.policies else 1
        self.policies[name] = shown(form, version=number)
        made = {"version": number, "made_at": NOW, "made_by": "machine", "policy": form}
        self.versions[name] = [made, *self.versions.get(name, [])]
        return self._shown(name)

    # Assignments

    def _about_assignment(self, method: str, its_id: str, body: Any) -> tuple[int, Any]:
        if method == "GET":
            return _page(list(self.assignments.values()), body)
        if method == "DELETE":
            del self.assignments[its_id]
            return 204, None
        if body["policy"] not in self.policies:
            raise Refused(404, "there is no such policy", param="policy")
        whom = body["subject"]
        made = assignment(f"new{len(self.assignments)}", body["policy"], whom["kind"], whom["id"], body["mode"], self._name(whom))
        self.assignments[made["id"]] = made
        return 201, made

    def _name(self, whom: Json) -> str:
        if whom["kind"] in ("everyone", "route"):
            return str(whom["id"])
        found = next((one for items in self.lists.values() for one in items if one.get("id") == whom["id"]), None)
        if found is None:
            raise Refused(404, f"there is no such {whom['kind']}", "look for another one", "subject.id")
        return str(found["name"])

    # Trials

    def _tried(self, body: Json) -> Json:
        everyone = [one["policy"] for one in self.assignments.values()
                    if one["subject"]["kind"] == "everyone" and one["mode"] != "shadow"]  # fmt: skip
        name = body.get("policy") or next(iter(everyone), self.default)  # of several, the first does here
        form = body.get("draft") or self.policies[name]["policy"]
        if "draft" in body:
            _checked_fields(form)
            _compiled(form)
        direction = "input" if body.get("is_input", True) else "output"
        findings = [{**one, "action": _rule(form, one["type"]).get(direction, "allow")} for one in _found(body["text"], form)]
        told = [one for one in findings if one["action"] != "allow"]
        text = body["text"]
        for one in reversed(told):
            if one["action"] in ("mask", "tokenise"):
                text = f"{text[: one['start']]}[{one['type']}]{text[one['end'] :]}"
        action = max((one["action"] for one in told), key=STRICTNESS.index, default="allow")
        return {
            "allowed": action != "block", "action": action, "text": text, "findings": told, "policy": form["name"],
            "version": 0 if "draft" in body else self.policies[name]["version"], "elapsed_us": 85,
        }  # fmt: skip


def _page(items: list[Json], asked: str) -> tuple[int, Any]:
    wanted = dict(re.findall(r"(limit|cursor)=(\d+)", asked or ""))
    begin, limit = int(wanted.get("cursor", 0)), int(wanted.get("limit", 200))
    end = begin + limit
    return 200, {"items": items[begin:end], "next_cursor": str(end) if end < len(items) else None}


def _group(name: str) -> str:
    if name.startswith(("SECRET_", "CUSTOM_")):
        return "SECRETS" if name.startswith("SECRET_") else "CUSTOM"
    return "ATTACKS" if name == "PROMPT_INJECTION" else "PII"


def _found(text: str, form: Json) -> list[Json]:
    patterns = FOUND | {f"CUSTOM_{one['name']}": one["regex"] for one in form.get("custom", [])}
    found = [
        {"type": name, "start": one.start(), "end": one.end(), "score": 0.9, "detector": name.lower()}
        for name, pattern in patterns.items()
        for one in re.finditer(pattern, text)
    ]
    return sorted(found, key=lambda one: one["start"])


def _rule(form: Json, name: str) -> Json:
    rules = form.get("rules", [])
    for wanted in (name, _group(name), "*"):
        for rule in rules:
            if wanted in rule["types"]:
                return dict(rule)
    return {}


def _compiled(form: Json) -> None:
    for place, one in enumerate(form.get("custom", [])):
        try:
            re.compile(one["regex"])
        except re.error:
            raise Refused(400, "RE2 refuses it: missing closing ]", "Mend the expression.", f"custom[{place}].regex") from None


def _checked_fields(form: Json) -> None:
    for name in form:
        if name not in FIELDS:
            raise Refused(400, f"{name} is unknown here", "Leave it out.", name)


def _check(form: Json) -> None:
    """As the real one: a policy whose own examples fail is refused."""
    _checked_fields(form)
    _compiled(form)
    for place, one in enumerate(form.get("custom", [])):
        if not _rule(form, f"CUSTOM_{one['name']}"):
            raise Refused(400, f"no rule says what is done about CUSTOM_{one['name']}", "Add a rule.", f"custom[{place}].name")
    for place, rule in enumerate(form.get("rules", [])):
        for field, is_to_find in (("must_catch", True), ("must_pass", False)):
            for item, text in enumerate(rule.get(field, [])):
                finds = any(_rule(form, one["type"]) == rule for one in _found(text, form))
                if finds != is_to_find:
                    message = "nothing is found in it" if is_to_find else "something is found in it"
                    raise Refused(400, message, "Change the example or the rule.", f"rules[{place}].{field}[{item}]")


if __name__ == "__main__":
    serve(Gateway)
