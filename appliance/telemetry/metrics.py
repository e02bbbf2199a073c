"""What Prometheus reads at GET /metrics.

Every label is bounded: routes by their template, deployments by configured names, codes by the tree of errors;
anything else is "other". No names of people, teams or keys. What every request counts is counted on the event loop
alone (tallies.py); the ledger's thread and the rest have prometheus-client's own counters.
"""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from appliance.errors import all_errors
from appliance.telemetry import logs
from appliance.telemetry.tallies import Buckets, Cell, Spread, Tally

OTHER = "other"
NO_DEPLOYMENT = ""
OK = "ok"
LEFT = "left"

DEPLOYMENTS_MAX = 500
ROUTES_MAX = 500
WORKERS_MAX = 100
KINDS_MAX = 200

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
        self._requests = Tally("gatehouse_requests", "Requests answered.", [*by_way, "status"], registry)
        self._errors = Counter("gatehouse_errors", "Errors told to callers.", ["route", "code"], registry=registry)
        self._seconds = Spread("gatehouse_request_seconds", "From head to last byte.", by_way, registry, REQUEST_BUCKETS)
        self._first_token = Spread("gatehouse_first_token_seconds", "To first content.", by_way, registry, FIRST_TOKEN_BUCKETS)
        self._tokens = Tally("gatehouse_tokens", "Tokens used.", ["deployment", "direction"], registry)
        self._attempts = Tally(
            "gatehouse_attempts", "Tries at deployments, by how they ended.", ["deployment", "outcome"], registry
        )
        self._findings = Counter(
            "gatehouse_guardrail_findings",
            "What guardrails found, by type and by what was done.",
            ["direction", "type", "action"],
            registry=registry,
        )
        self._files = Counter("gatehouse_files_scanned", "Files looked at, by verdict.", ["verdict"], registry=registry)
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
        self._kinds: set[str] = set()
        # Finding what to count in costs more than counting, so it is kept once found: of what is bounded only.
        self._request_cells: dict[tuple[str, str, int], tuple[Cell, Buckets]] = {}
        self._first_token_cells: dict[tuple[str, str], Buckets] = {}
        self._attempt_cells: dict[tuple[str, str], tuple[Cell, Cell, Cell]] = {}

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
        answered, timed = self._request_cells.get(key) or self._find_request_cells(key)
        answered.count += 1
        timed.observe(seconds)
        if code and code != OK:
            self._error(route, code)

    def first_token(self, route: str, deployment: str, seconds: float) -> None:
        """A stream's first content left after this long."""
        key = (route, deployment)
        cell = self._first_token_cells.get(key)
        if cell is None:
            labels = (self._route(route), self._deployment(deployment))
            cell = self._first_token.cell(*labels)
            if labels == key:
                self._first_token_cells[key] = cell
        cell.observe(seconds)

    def attempt(self, deployment: str, outcome: str, tokens_in: int, tokens_out: int) -> None:
        """One try ended, and used so many tokens.

        Shapes:  `outcome` is an error's code, "ok", or "left" where its caller or we did not wait for it.
        """
        key = (deployment, outcome)
        tries, used_in, used_out = self._attempt_cells.get(key) or self._find_attempt_cells(key)
        tries.count += 1
        used_in.count += tokens_in
        used_out.count += tokens_out

    def found(self, direction: str, kind: str, action: str, count: int) -> None:
        """Guardrails found something. Administrators' own expressions count as CUSTOM together: their names are theirs."""
        if kind not in self._kinds and len(self._kinds) < KINDS_MAX:
            self._kinds.add(kind)
        self._findings.labels(direction, kind if kind in self._kinds else OTHER, action).inc(count)

    def file_scanned(self, verdict: str) -> None:
        """A file was looked at. `verdict`: one of a few words."""
        self._files.labels(verdict).inc()

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
        self._errors.labels(self._route(route), code if code in self._codes else OTHER).inc()

    def _find_request_cells(self, key: tuple[str, str, int]) -> tuple[Cell, Buckets]:
        route, deployment, status = key
        labels = (self._route(route), self._deployment(deployment))
        shown = str(status) if 100 <= status <= 599 else OTHER
        cells = (self._requests.cell(*labels, shown), self._seconds.cell(*labels))
        if labels == (route, deployment) and shown != OTHER:
            self._request_cells[key] = cells
        return cells

    def _find_attempt_cells(self, key: tuple[str, str]) -> tuple[Cell, Cell, Cell]:
        deployment, outcome = self._deployment(key[0]), key[1]
        shown = outcome if outcome in self._codes or outcome in (OK, LEFT) else OTHER
        cells = (
            self._attempts.cell(deployment, shown),
            self._tokens.cell(deployment, "in"),
            self._tokens.cell(deployment, "out"),
        )
        if (deployment, shown) == key:
            self._attempt_cells[key] = cells
        return cells

    def _route(self, route: str) -> str:
        if route not in self._routes:
            if len(self._routes) >= ROUTES_MAX:
                return OTHER
            self._routes.add(route)
        return route

    def _deployment(self, name: str) -> str:
        return name if name in self._deployments else OTHER
