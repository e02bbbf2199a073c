"""What Prometheus reads. Nothing a caller sends can grow it, and no names of people or keys are in it."""

import sys

import pytest
from prometheus_client.parser import text_string_to_metric_families

from appliance.telemetry.metrics import DEPLOYMENTS_MAX, ROUTES_MAX, WORKERS_MAX, Metrics


def samples(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every sample by its name and labels."""
    families = text_string_to_metric_families(metrics.render().decode())
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}


def value(metrics: Metrics, name: str, **labels: str) -> float:
    return samples(metrics)[name, tuple(sorted(labels.items()))]


CHAT = "/v1/chat/completions"


def test_a_request_is_counted_and_timed_by_its_way() -> None:
    metrics = Metrics("1.2.3")
    metrics.request_finished(CHAT, "openai/gpt", 200, "ok", 0.2)
    metrics.request_finished(CHAT, "openai/gpt", 200, "", 0.3)
    metrics.request_finished(CHAT, "openai/gpt", 429, "queue_full", 0.1)
    way = {"route": CHAT, "deployment": "openai/gpt"}
    assert value(metrics, "gatehouse_requests_total", **way, status="200") == 2
    assert value(metrics, "gatehouse_requests_total", **way, status="429") == 1
    assert value(metrics, "gatehouse_errors_total", route=CHAT, code="queue_full") == 1
    assert value(metrics, "gatehouse_request_seconds_count", **way) == 3
    assert value(metrics, "gatehouse_request_seconds_bucket", **way, le="0.25") == 2
    assert value(metrics, "gatehouse_build_info", version="1.2.3") == 1


def test_the_rest_is_counted() -> None:
    metrics = Metrics()
    metrics.know_deployments(["local/m"])
    metrics.in_flight.inc()
    metrics.first_token(CHAT, "local/m", 0.05)
    metrics.first_token(CHAT, "local/m", 0.05)
    metrics.attempt("local/m", "ok", 12, 30)
    metrics.attempt("local/m", "ok", 0, 0)
    metrics.worker_restarted("local-model")
    metrics.ledger_group(7)
    assert value(metrics, "gatehouse_requests_in_flight") == 1
    assert value(metrics, "gatehouse_first_token_seconds_count", route=CHAT, deployment="local/m") == 2
    assert value(metrics, "gatehouse_tokens_total", deployment="local/m", direction="in") == 12
    assert value(metrics, "gatehouse_tokens_total", deployment="local/m", direction="out") == 30
    assert value(metrics, "gatehouse_attempts_total", deployment="local/m", outcome="ok") == 2
    assert value(metrics, "gatehouse_worker_restarts_total", worker="local-model") == 1
    assert value(metrics, "gatehouse_ledger_group_rows_sum") == 7
    assert value(metrics, "gatehouse_log_lines_lost") == 0
    metrics.in_flight.dec()
    assert value(metrics, "gatehouse_requests_in_flight") == 0


def test_model_names_that_callers_make_up_share_one_label() -> None:
    metrics = Metrics()
    metrics.know_deployments(["a/known"])
    for number in range(50):
        metrics.request_finished(CHAT, f"a/made-up-{number}", 404, "upstream_model_not_found", 0.1)
        metrics.first_token(CHAT, f"a/made-up-{number}", 0.1)
        metrics.attempt(f"a/made-up-{number}", f"made-up-{number}", 1, 0)
    metrics.request_finished(CHAT, "a/known", 500, "upstream_failed", 0.1)
    assert value(metrics, "gatehouse_requests_total", route=CHAT, deployment="other", status="404") == 50
    assert value(metrics, "gatehouse_tokens_total", deployment="other", direction="in") == 50
    assert value(metrics, "gatehouse_requests_total", route=CHAT, deployment="a/known", status="500") == 1
    assert value(metrics, "gatehouse_attempts_total", deployment="other", outcome="other") == 50
    assert b"made-up" not in metrics.render()


def test_nothing_grows_without_bound() -> None:
    metrics = Metrics()
    for number in range(2_000):
        metrics.request_finished(f"/route/{number}", f"p/m{number}", 200, f"code{number}", 0.1)
        metrics.first_token(f"/route/{number}", f"p/m{number}", 0.1)
        metrics.worker_restarted(f"worker-{number}")
    metrics.request_finished(CHAT, "p/m", 12345, "code", 0.1)
    labels: dict[str, set[str]] = {}
    for _, pairs in samples(metrics):
        for name, text in pairs:
            labels.setdefault(name, set()).add(text)
    assert len(labels["deployment"]) <= DEPLOYMENTS_MAX + 1
    assert len(labels["route"]) <= ROUTES_MAX + 1
    assert len(labels["worker"]) <= WORKERS_MAX + 1
    assert labels["code"] == {"other"}
    assert "12345" not in labels["status"]


def test_two_registries_do_not_share_figures() -> None:
    one, two = Metrics(), Metrics()
    one.in_flight.inc()
    assert value(two, "gatehouse_requests_in_flight") == 0


def test_the_format_is_the_one_that_prometheus_asks_for() -> None:
    assert Metrics.content_type.startswith("text/plain")
    assert b"_created" not in Metrics().render()


@pytest.mark.skipif(sys.platform != "linux", reason="prometheus-client reads /proc")
def test_the_process_itself_is_measured() -> None:
    assert value(Metrics(), "process_resident_memory_bytes") > 0
