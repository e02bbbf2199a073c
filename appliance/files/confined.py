"""How a worker for files is started: its bounds, and what it may reach. The engines for pictures are found here, not loaded."""

import importlib.metadata
import os
import shutil
from pathlib import Path
from typing import Literal

import msgspec

from appliance.clock import Clock
from appliance.settings import Settings
from appliance.workers.process import Limits, Worker
from appliance.workers.sandbox import Confinement

Task = Literal["files", "ocr"]
FILES_OPEN_MAX = 128
FILE_BYTES_MAX = 1024 * 1024 * 1024
REDACTION_COSTS = 10  # times as much as reading: every page may have to be drawn
_TESSERACT_DATA = ("/usr/share/tesseract-ocr", "/usr/share/tessdata", "/usr/local/share/tessdata", "/opt/homebrew/share/tessdata")
PADDLE_BYTES_MORE = 700 * 1024 * 1024
"""Of address space, which its library maps beside what it uses: a page takes 1.5 GB of that, and 0.73 GB of memory. The memory
itself is watched as every engine's is."""

# Arithmetic on one thread: the other cores answer chats. Few heaps: each is 64 MB of the address space that is bounded.
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OMP_THREAD_LIMIT"), "1") | {"MALLOC_ARENA_MAX": "2"}


class FilesHow(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of files and pictures, as the pool wants them. seconds_max bounds one call in a worker by the clock,
    cpu_seconds_max by its processor time; file_seconds_max all calls for a file. queue_max: files that are read or wait.
    """

    workers: int = 2
    queue_max: int = 1000
    cpu_seconds_max: int = 60
    seconds_max: float = 180.0
    file_seconds_max: float = 1800.0
    memory_bytes: int = 512 * 1024 * 1024
    folder_bytes_max: int = 2 * FILE_BYTES_MAX
    files_per_worker: int = 200
    idle_seconds: float = 900.0
    ocr_workers: int = 1
    ocr_engine: str = "auto"
    ocr_languages: list[str] = []
    ocr_models: str = ""
    ocr_cpu_seconds_max: int = 120
    ocr_seconds_max: float = 300.0
    ocr_memory_bytes: int = 1100 * 1024 * 1024
    rooms: dict[Task, str] = {}  # others in the place of ours, for tests
    environment: dict[str, str] = {}


def how_of(settings: Settings) -> FilesHow:
    return FilesHow(
        workers=settings.files_workers,
        queue_max=settings.files_queue_max,
        cpu_seconds_max=settings.files_cpu_seconds_max,
        seconds_max=settings.files_seconds_max,
        file_seconds_max=settings.files_total_seconds_max,
        memory_bytes=settings.files_memory_bytes,
        files_per_worker=settings.files_per_worker,
        idle_seconds=settings.files_idle_seconds,
        ocr_workers=settings.ocr_workers,
        ocr_engine=settings.ocr_engine,
        ocr_languages=settings.ocr_languages,
        ocr_models=settings.ocr_models,
        ocr_cpu_seconds_max=settings.ocr_cpu_seconds_max,
        ocr_seconds_max=settings.ocr_seconds_max,
        ocr_memory_bytes=settings.ocr_memory_bytes,
    )


async def start_worker(task: Task, how: FilesHow, clock: Clock) -> Worker:
    """A worker of `files` or `ocr`, ready. Errors: WorkerDied."""
    worker = worker_for(task, how, clock)
    await worker.start()
    return worker


def worker_for(task: Task, how: FilesHow, clock: Clock) -> Worker:
    looks = task == "ocr"
    seconds = how.ocr_cpu_seconds_max if looks else how.cpu_seconds_max * REDACTION_COSTS
    limits = Limits(
        memory_bytes=_ocr_memory_bytes(how) if looks else how.memory_bytes,
        cpu_seconds=seconds * how.files_per_worker,  # of its life; each call has its own
        files=FILES_OPEN_MAX,
        file_bytes=FILE_BYTES_MAX,
    )
    programs = tesseract() if looks and how.ocr_engine in ("auto", "tesseract") else []
    data = [*_tesseract_data(), *([how.ocr_models] if how.ocr_models else [])] if looks else []
    environment = _ONE_THREAD | _found_by(programs) | how.environment
    if how.ocr_models:
        environment["GATEHOUSE_OCR_MODELS"] = how.ocr_models
    return Worker(
        how.rooms.get(task, task),
        clock=clock,
        limits=limits,
        confinement=Confinement(programs=programs, readable=data, nice=10),
        environment=environment,
        silent_seconds_max=30,
        cancel_seconds_max=1.0,
    )


def _ocr_memory_bytes(how: FilesHow) -> int:
    has_paddle = how.ocr_engine in ("auto", "paddleocr") and how.ocr_models and "paddleocr" in installed_engines()
    return how.ocr_memory_bytes + (PADDLE_BYTES_MORE if has_paddle else 0)


def tesseract() -> list[str]:
    """Where the program is, as it is found and as it is; none: it isn't here."""
    found = shutil.which("tesseract")
    return list(dict.fromkeys((found, str(Path(found).resolve())))) if found else []


def _tesseract_data() -> list[str]:
    own = os.environ.get("TESSDATA_PREFIX")
    return [*_TESSERACT_DATA, *([own] if own else [])]


def _found_by(programs: list[str]) -> dict[str, str]:
    own = os.environ.get("TESSDATA_PREFIX")
    path = {"PATH": str(Path(programs[0]).parent)} if programs else {}
    return path | ({"TESSDATA_PREFIX": own} if programs and own else {})


def installed_engines() -> dict[str, str]:
    """The engines that are installed, the preferred one first, with their versions as far as their packages' records say.
    Whether paddleocr has models its worker knows.
    """
    found = {}
    for engine, package in (("paddleocr", "paddlepaddle"), ("rapidocr", "rapidocr")):
        try:
            found[engine] = f"{package} {importlib.metadata.version(package)}"
        except importlib.metadata.PackageNotFoundError:
            continue
    if programs := tesseract():
        found["tesseract"] = f"tesseract ({programs[0]})"
    return found
