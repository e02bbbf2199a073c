"""The table says what its tests found, however their reports come."""

from types import SimpleNamespace
from typing import Any

from tests.sdk import matrix_table


def report(*mark: str, outcome: str = "passed", when: str = "call") -> Any:
    kinds = {kind: kind == outcome for kind in ("passed", "failed", "skipped")}
    return SimpleNamespace(user_properties=[(matrix_table.PROPERTY, list(mark))], when=when, **kinds)


def test_a_cell_is_broken_if_one_of_its_tests_is() -> None:
    reports = [
        report("openai", "google", "features", "chat", outcome="failed"),
        report("openai", "google", "features", "chat"),
        report("openai", "google", "features", "images", "refused"),
        report("anthropic", "google", "features", "images", outcome="failed", when="setup"),
        report("anthropic", "google", "features", "chat", outcome="skipped"),
        report("anthropic", "google", "faults", "cut"),
        report("anthropic", "google", "faults", "cut", when="teardown"),
    ]
    written = [" ".join(line.split()) for line in matrix_table.lines(reports)]
    assert written[1:4] == ["features chat images", "openai google FAIL 400", "anthropic google . FAIL"]
    assert written[5:8] == ["faults cut", "openai google .", "anthropic google ok"]
    assert written[-1] == "figure sdk_matrix_passed 2 of 4"


def test_runs_without_the_matrix_print_none() -> None:
    assert matrix_table.lines([SimpleNamespace(user_properties=[], when="call", passed=True, failed=False, skipped=False)]) == []
