"""Reading files: how well the processes that do it are confined, and what reads the text in pictures."""

import asyncio
import sys
from collections.abc import Iterator

from appliance.cli.checks.finding import Check, Finding, Patient, fail, ok, warn
from appliance.clock import SystemClock
from appliance.errors import GuardrailFailed
from appliance.files.confined import FilesHow, how_of, installed_engines
from appliance.files.document import FileError
from appliance.files.orders import EngineHere
from appliance.files.pool import FilePool
from appliance.workers.sandbox import Level

SCRIPTS = {
    "Latn": "Latin",
    "Deva": "Devanagari (Hindi, Marathi)",
    "Beng": "Bengali",
    "Gujr": "Gujarati",
    "Guru": "Gurmukhi",
    "Knda": "Kannada",
    "Mlym": "Malayalam",
    "Orya": "Odia",
    "Taml": "Tamil",
    "Telu": "Telugu",
    "Arab": "Arabic",
    "Cyrl": "Cyrillic",
    "Grek": "Greek",
    "Hebr": "Hebrew",
    "Thai": "Thai",
    "Hans": "Chinese (simplified)",
    "Hant": "Chinese (traditional)",
    "Jpan": "Japanese",
    "Kore": "Korean",
}
PADDLE = "`ocr_models` names a folder with PaddleOCR's models, and the extra ocr-paddle is what runs them: docs/deploy/files.md."
HINDI = "Debian, Ubuntu: sudo apt-get install tesseract-ocr tesseract-ocr-hin."


def confinement(patient: Patient) -> Iterator[Finding]:
    """What a file that takes over the process that reads it can do then."""
    try:
        level = asyncio.run(_level(how_of(patient.settings)))
    except GuardrailFailed as error:
        yield fail("files", error.message, "The process's last words are in the log; `gatehouse version` says what runs here.")
        return
    if level.is_full:
        yield ok("files", f"read in confined processes: {level}")
    elif sys.platform == "linux":
        mend = "Linux 5.13 or newer with Landlock, and libseccomp (sudo apt-get install libseccomp2), confine them fully."
        yield warn("files", f"read in processes that are confined {level}", mend)
    else:
        yield warn("files", f"read in processes that are confined {level}", "Only Linux confines them fully.")


async def _level(how: FilesHow) -> Level:
    pool = FilePool(how, clock=SystemClock())
    try:
        return await pool.level()
    finally:
        await pool.close()


def pictures(patient: Patient) -> Iterator[Finding]:
    wanted, here = patient.settings.ocr_engine, installed_engines()
    if wanted != "auto" and wanted not in here:
        names = ", ".join(here) or "none"
        mend = PADDLE if wanted == "paddleocr" else 'Install it, or set ocr_engine = "auto".'
        yield fail("OCR", f'ocr_engine = "{wanted}", which is not here; here: {names}', mend)
        return
    try:
        engines = asyncio.run(_engines(how_of(patient.settings)))
    except (FileError, GuardrailFailed) as error:
        again = "pip install --force-reinstall rapidocr onnxruntime; the lines above say what failed."
        mend = PADDLE if wanted == "paddleocr" else again
        yield fail("OCR", f"pictures can't be read: {error.message}", mend)
        return
    if not engines:
        yield warn("OCR", "no engine is here: pictures stay unread", "pip install rapidocr onnxruntime, or install tesseract.")
    for engine in engines:
        yield ok("OCR", f"{engine.name} reads {_in_words(engine.scripts)}")
    if patient.settings.ocr_models and wanted == "auto" and not any(each.name.startswith("paddleocr") for each in engines):
        yield warn("OCR", "PaddleOCR's models are not used: its package, or a model that is whole, is missing", PADDLE)
    if engines and not any("Deva" in engine.scripts for engine in engines):
        yield ok("OCR", f"nothing here reads Hindi in pictures. {HINDI}")


async def _engines(how: FilesHow) -> list[EngineHere]:
    pool = FilePool(how, clock=SystemClock())
    try:
        return await pool.engines()
    finally:
        await pool.close()


def _in_words(scripts: list[str]) -> str:
    known = [name for script, name in SCRIPTS.items() if script in scripts]
    return ", ".join([*known, *sorted(set(scripts) - set(SCRIPTS))]) or "nothing"


CHECKS: list[Check] = [confinement, pictures]
