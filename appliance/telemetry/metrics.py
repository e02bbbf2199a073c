"""What Prometheus reads at GET /metrics.

Every label is bounded: routes by their template, deployments by configured names, codes by the tree of errors;
anything else is "other". No names of people, teams or keys. The methods of a request cost 1 to 2 µs each.
"""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from appliance.errors import all_errors
from appliance.telemetry import logs

OTHER = "other"
NO_DEPLOYMENT = ""
OK = "ok"
LEFT = "left"

DEPLOYMENTS_MAX = 500
ROUTES_MAX = 500
WORKERS_MAX = 100

REQUEST_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
FIRST_TOKEN_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
OVERHEAD_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
GROUP_BUCKETS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each, which says when it was first seen: nobody asks


class Metrics:
    """The appliance's counters. One registry each, so that tests and a second app don't share figures."""

    content_type = CONTENT_TYPE_PLAIN_0_0_4

    def __init__(self, version: str = "") -> None:
        self.registry = CollectorRegistry()
        registry = self.registry
        by_way = ["route", "deployment"]
        self._requests = Counter("gatehouse_requests", "Requests answered.", [*by_way, "status"], registry=registry)
        self._errors = Counter("gatehouse_errors", "Errors told to callers.", ["route", "code"], registry=registry)
        self._seconds = Histogram(
            "gatehouse_request_seconds", "From head to last byte.", by_way, registry=registry, buckets=REQUEST_BUCKETS
        )
        self._first_token = Histogram(
            "gatehouse_first_token_seconds", "To first content.", by_way, registry=registry, buckets=FIRST_TOKEN_BUCKETS
        )
        self._tokens = Counter("gatehouse_tokens", "Tokens used.", ["deployment", "direction"], registry=registry)
        self._attempts = Counter(
            "gatehouse_attempts", "Tries at deployments, by how they ended.", ["deployment", "outcome"], registry=registry
        )
        self._circuits = Gauge("gatehouse_circuit_open", "1 while a deployment is left alone.", ["deployment"], registry=registry)
        self._restarts = Counter("gatehouse_worker_restarts", "Worker processes started again.", ["worker"], registry=registry)
        self._groups = Histogram(
            "gatehouse_ledger_group_rows", "Ledger rows committed together.", registry=registry, buckets=GROUP_BUCKETS
        )
        self._local_overhead = Histogram(
            "gatehouse_local_overhead_seconds",
            "From head to ledger, less the engine's own time, of requests that a loaded local model took at once.",
            registry=registry,
            buckets=OVERHEAD_BUCKETS,
        )
        lost = Gauge("gatehouse_log_lines_lost", "Log lines dropped because the disk was slow or full.", registry=registry)
        lost.set_function(logs.lines_lost)
        self.in_flight = Gauge("gatehouse_requests_in_flight", "Requests being served.", registry=registry)
        Gauge("gatehouse_build_info", "The version that runs.", ["version"], registry=registry).labels(version).set(1)
        ProcessCollector(registry=registry)

        self._codes = {error.code for error in all_errors()}
        self._routes: set[str] = set()
        self._deployments: set[str] = {NO_DEPLOYMENT}
        self._workers: set[str] = set()
        # Looking a label's child up costs three times what counting does, so each is kept once found.
        self._request_children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._error_children: dict[tuple[str, str], Counter] = {}
        self._first_token_children: dict[tuple[str, str], Histogram] = {}
        self._token_children: dict[tuple[str, str], Counter] = {}
        self._attempt_children: dict[tuple[str, str], Counter] = {}

    def know_deployments(self, names: Iterable[str]) -> None:
        """Names that are configured, so that they have a label from their first request on."""
        for name in names:
            if len(self._deployments) < DEPLOYMENTS_MAX:
                self._deployments.add(name)

    def request_finished(self, route: str, deployment: str, status: int, code: str, seconds: float) -> None:
        """One request is over.

        Shapes:  `route` is a template such as /v1/models/{id}; `deployment` "" where none was chosen;
                 `code` is an error's code, "ok" or "".
        """
        if status < 400 and deployment not in self._deployments:
            # Callers can make model names up; one that answered is real.
            self.know_deployments((deployment,))
        key = (route, deployment, status)
        children = self._request_children.get(key) or self._find_request_children(key)
        children[0].inc()
        children[1].observe(seconds)
        if code and code != OK:
            self._error(route, code)

    def first_token(self, route: str, deployment: str, seconds: float) -> None:
        """A stream's first content left after this long."""
        key = (route, deployment)
        child = self._first_token_children.get(key)
        if child is None:
            labels = (self._route(route), self._deployment(deployment))
            child = self._first_token.labels(*labels)
            if labels == key:  # only what is bounded may be kept
                self._first_token_children[key] = child
        child.observe(seconds)

    def tokens(self, deployment: str, direction: str, count: int) -> None:
        """Tokens used; `direction` is "in" or "out"."""
        key = (deployment, direction)
        child = self._token_children.get(key)
        if child is None:
            child = self._tokens.labels(self._deployment(deployment), direction)
            if deployment in self._deployments:
                self._token_children[key] = child
        child.inc(count)

    def attempt(self, deployment: str, outcome: str) -> None:
        """One try ended; `outcome` is an error's code, "ok", or "left" where its caller or we did not wait for it."""
        key = (deployment, outcome)
        child = self._attempt_children.get(key)
        if child is None:
            shown = outcome if outcome in self._codes or outcome in (OK, LEFT) else OTHER
            child = self._attempts.labels(self._deployment(deployment), shown)
            if deployment in self._deployments and shown == outcome:
                self._attempt_children[key] = child
        child.inc()

    def circuit(self, deployment: str, *, is_open: bool) -> None:
        """A deployment is left alone from now on, or no longer."""
        self._circuits.labels(self._deployment(deployment)).set(is_open)

    def worker_restarted(self, worker: str) -> None:
        """A worker process died and was started again."""
        if worker not in self._workers and len(self._workers) < WORKERS_MAX:
            self._workers.add(worker)
        self._restarts.labels(worker if worker in self._workers else OTHER).inc()

    def local_overhead(self, seconds: float) -> None:
        """What the appliance itself took for a local model's answer, beside the engine's own time."""
        self._local_overhead.observe(seconds)

    def ledger_group(self, rows: int) -> None:
        """The ledger committed this many rows in one transaction."""
        self._groups.observe(rows)

    def render(self) -> bytes:
        """Everything, in Prometheus' text format."""
        return generate_latest(self.registry)

    def _error(self, route: str, code: str) -> None:
        key = (route, code)
        child = self._error_children.get(key)
        if child is None:
            child = self._errors.labels(self._route(route), code if code in self._codes else OTHER)
            if code in self._codes and route in self._routes:
                self._error_children[key] = child
        child.inc()

    def _find_request_children(self, key: tuple[str, str, int]) -> tuple[Counter, Histogram]:
        route, deployment, status = key
        labels = (self._route(route), self._deployment(deployment))
        shown = str(status) if 100 <= status <= 599 else OTHER
        children = (self._requests.labels(*labels, shown), self._seconds.labels(*labels))
        if labels == (route, deployment) and shown != OTHER:  # only what is bounded may be kept
            self._request_children[key] = children
        return children

    def _route(self, route: str) -> str:
        if route not in self._routes:
            if len(self._routes) >= ROUTES_MAX:
                return OTHER
            self._routes.add(route)
        return route

    def _deployment(self, name: str) -> str:
        return name if name in self._deployments else OTHER
