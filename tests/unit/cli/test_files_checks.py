"""What `gatehouse doctor` says of reading files, on this machine as it is."""

import sys
from pathlib import Path
from typing import Any

import pytest

from appliance.cli.checks import files
from appliance.cli.checks.finding import Check, Finding, Patient
from appliance.files.confined import installed_engines
from appliance.home import Home
from appliance.settings import Settings
from appliance.workers import landlock, syscalls


def said(check: Check, folder: Path, **settings: Any) -> list[Finding]:
    return list(check(Patient(Home(folder), {}, Settings(**settings))))


def test_the_level_of_confinement_is_named(tmp_path: Path) -> None:
    (finding,) = said(files.confinement, tmp_path)
    is_full = sys.platform == "linux" and bool(landlock.version()) and syscalls.library() is not None
    assert finding.state == ("ok" if is_full else "warn")
    assert ("full" if is_full else "partly") in finding.what
    assert "audit hook" in finding.what


def test_a_process_that_can_not_start_is_a_failure_with_its_reason(tmp_path: Path) -> None:
    (finding,) = said(files.confinement, tmp_path, files_memory_bytes=1024 * 1024)
    assert (finding.state, finding.name) == ("fail", "files")
    assert "ended" in finding.what


def test_an_engine_that_is_wanted_and_not_here_is_a_failure(tmp_path: Path) -> None:
    missing = next(name for name in ("paddleocr", "tesseract") if name not in installed_engines())
    (finding,) = said(files.pictures, tmp_path, ocr_engine=missing)
    assert finding.state == "fail"
    assert missing in finding.what


def test_each_engine_says_which_scripts_it_reads(tmp_path: Path) -> None:
    pytest.importorskip("appliance.files.ocr.cascade")
    findings = said(files.pictures, tmp_path)
    assert {finding.name for finding in findings} == {"OCR"}
    assert any("rapidocr" in finding.what and "reads Latin" in finding.what for finding in findings)
