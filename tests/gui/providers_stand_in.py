"""A small gateway with only what the Providers page asks: for screens that a real one shows seldom (200 providers, an open
circuit, a refusal, a broken answer). A process of its own; models_stand_in.py says why.
"""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from tests.gui.models_stand_in import NOW, Hold, Json, Stage, serve

PROVIDERS, ROUTES = "/api/v1/admin/providers", "/api/v1/admin/routes"
FILE = '[[providers]]\nname = "openai"\nkind = "openai"\n'


def provider(name: str, kind: str = "openai", **more: Any) -> Json:
    """A ProviderShown."""
    return {
        "id": f"prov_{name}", "name": name, "kind": kind, "base_url": "", "api_version": "", "region": "", "models": [],
        "api_key_env": "", "api_key_end": "…wXyZ", "access_key_id_end": None, "secret_access_key_end": None,
        "has_credential": True, "source": "database", "used_by": [], "created_at": NOW, "updated_at": NOW, **more,
    }  # fmt: skip


def deployment(provider_name: str, model: str, **more: Any) -> Json:
    """A DeploymentShown."""
    limits = {"requests_per_minute": None, "tokens_per_minute": None, "concurrent": None}
    return {
        "id": f"depl_{provider_name}", "route": "", "route_id": "", "provider": provider_name, "model": model, "weight": 1.0,
        "order": 0, "limits": limits, "context_tokens": None, "local": False, "problem": None,
        "circuit": {"state": "closed", "why": None, "seconds_left": 0.0}, **more,
    }  # fmt: skip


def route(name: str, *deployments: Json, **more: Any) -> Json:
    """A RouteShown."""
    return {
        "id": f"route_{name}", "name": name, "strategy": "weighted", "retries": 2, "fallbacks": [], "local_only": False,
        "drop_unsupported": False, "deployments": list(deployments), "problems": [], "created_at": NOW, "updated_at": NOW, **more,
    }  # fmt: skip


class StandIn(Hold):
    """With providers and routes."""

    def __init__(self, home: Path, providers: list[Json], routes: list[Json]) -> None:
        super().__init__(home, "tests.gui.providers_stand_in", {"providers": providers, "routes": routes})


class Gateway(Stage):
    def __init__(self, providers: list[Json], routes: list[Json]) -> None:
        super().__init__()
        self.lists = {PROVIDERS: {one["id"]: one for one in providers}, ROUTES: {one["id"]: one for one in routes}}

    def tell(self, name: str, body: Json) -> None:
        """What an event says of a circuit, lists say from now on as well."""
        if name == "circuit":
            for one in self.lists[ROUTES].values():
                for target in one["deployments"]:
                    if f"{target['provider']}/{target['model']}" == body["deployment"]:
                        target["circuit"] = {"state": body["state"], "why": body["why"], "seconds_left": 0.0}
        super().tell(name, body)

    def about(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        path, _, asked = path.partition("?")
        base = next((base for base in self.lists if path.startswith(base)), "")
        rest = path.removeprefix(base).removeprefix("/")
        if not base:
            return 200, {"items": [{"id": "qwen2.5-7b-instruct", "state": "ready"}], "next_cursor": None}
        if rest == "explain":
            return 200, self._explained(body["model"])
        if rest == "export":
            return 200, FILE
        if rest == "import":
            changed = {"created": ["openai"], "changed": [], "unchanged": []}
            return 200, {"dry_run": bool(asked), "providers": changed, "routes": {**changed, "created": []}}
        if rest.endswith("test"):
            return 200, {"ok": True, "seconds": 0.184, "models": ["gpt-4o", "gpt-4o-mini"], "error": None}
        return self._listed(base, parse_qs(asked)) if method == "GET" else self._changed(method, base, rest, body)

    def _listed(self, base: str, asked: dict[str, list[str]]) -> tuple[int, Any]:
        """In pages, as the real one."""
        self.lists_asked += 1
        items, limit = list(self.lists[base].values()), int(asked["limit"][0])
        begin = int(asked.get("cursor", ["0"])[0])
        end = begin + limit
        return 200, {"items": items[begin:end], "next_cursor": str(end) if end < len(items) else None}

    def _changed(self, method: str, base: str, its_id: str, body: Any) -> tuple[int, Any]:
        known = self.lists[base]
        if method == "DELETE":
            del known[its_id]
            self._tell_change()
            return 204, None
        before = known[its_id] if its_id else provider(body["name"]) if base == PROVIDERS else route(body["name"])
        shown = {name: value for name, value in body.items() if name in before}
        if "deployments" in shown:
            shown["deployments"] = [deployment(one["provider"], **one_without_provider(one)) for one in body["deployments"]]
        known[before["id"]] = {**before, **shown, "updated_at": f"{NOW}{len(self.calls)}"}
        self._tell_change()
        return 200 if its_id else 201, known[before["id"]]

    def _tell_change(self) -> None:
        self.tell("routes", {"providers": [], "routes": []})

    def _explained(self, name: str) -> Json:
        found = next(one for one in self.lists[ROUTES].values() if one["name"] == name)
        tried = [
            {"deployment": f"{one['provider']}/{one['model']}", "route": name, "why": f"drawn with weight {one['weight']:g} of 4",
             "circuit": one["circuit"]["state"], "lacks": []}
            for one in found["deployments"]
        ]  # fmt: skip
        return {
            "model": name, "route": name, "strategy": found["strategy"], "alias": None, "tokens_in": 0, "local_only": False,
            "retries": 2, "tried": tried, "left_out": [],
        }  # fmt: skip


def one_without_provider(one: Json) -> Json:
    return {name: value for name, value in one.items() if name != "provider"}


if __name__ == "__main__":
    serve(Gateway)
