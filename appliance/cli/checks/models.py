"""The local models: their files are there, whole, and as they were published; which fits this machine."""

from collections.abc import Iterator

from appliance.cli.checks.finding import Check, Finding, Patient, fail, ok, warn
from appliance.cli.checks.machine import graphics
from appliance.local import capacity, memory
from appliance.local.catalogue import catalogue, recommended
from appliance.local.files import sha256_of
from appliance.local.registry import LocalModel, Registry

GIB = 1024**3
HASHED_BYTES_MAX = 2 * GIB  # about seven seconds; beyond, the size has to do


def chosen(patient: Patient) -> Iterator[Finding]:
    """The model that answers on a fresh start."""
    settings = patient.settings
    if not settings.local_models or settings.local_model in Registry(patient.home, catalogue()).models():
        return
    if settings.local_model in catalogue():
        yield warn(
            "model",
            f"{settings.local_model} is not here yet",
            f"gatehouse models get {settings.local_model}; providers work without.",
        )
    else:
        yield warn(
            "model",
            f"local_model is {settings.local_model!r}, which is neither in the catalogue nor added here",
            "`gatehouse models list` shows the names; set local_model to one of them.",
        )


def files(patient: Patient) -> Iterator[Finding]:
    if not patient.settings.local_models:
        return
    for model in Registry(patient.home, catalogue()).models().values():
        yield _file(model)


def _file(model: LocalModel) -> Finding:
    name = f"model {model.id}"
    again = f"gatehouse models remove {model.id}, then gatehouse models add FILE"
    mend = f"gatehouse models get {model.id}" if model.id in catalogue() else again
    try:
        size = model.path.stat().st_size
        if size != model.bytes:
            return fail(name, f"{model.path} has {size} bytes instead of {model.bytes}", mend)
        if size > HASHED_BYTES_MAX:
            return ok(name, f"{model.path}, {size / GIB:.1f} GiB as it should (too large to read it all here)")
        if sha256_of(model.path) != model.sha256:
            return fail(name, f"{model.path} is damaged or was changed (its sha256 differs)", mend)
    except OSError as error:
        return fail(name, f"{model.path} can't be read: {error.strerror}", mend)
    return ok(name, f"{model.path}, intact")


def fit(patient: Patient) -> Iterator[Finding]:
    """Only where it does not: a model that doesn't fit pushes everything else out of memory."""
    entry = catalogue().get(patient.settings.local_model)
    budget = memory.available(patient.settings)
    if patient.settings.local_models and entry is not None and entry.memory > budget:
        yield warn(
            "model memory",
            f"{entry.id} needs about {entry.memory / 1e9:.1f} GB, local models may use {budget / 1e9:.1f} GB here",
            "Choose a smaller model, or raise local_memory_bytes.",
        )


def choice(patient: Patient) -> Iterator[Finding]:
    """Which model of the catalogue suits this machine. The demonstration model is what is at hand offline, not a choice."""
    settings = patient.settings
    if not settings.local_models:
        return
    here = Registry(patient.home, catalogue()).models()
    has_gpu = any(name.startswith(("NVIDIA", "Apple")) for name in graphics())
    entry, why = recommended(memory.available(settings), capacity.cores(), has_gpu)
    if entry.demonstration:
        yield ok("model for this machine", f"{entry.id}: {why}")
    elif entry.id in here:
        yield ok("model for this machine", f"{entry.id}, which is here: {why}")
    elif any(not model.demonstration for model in here.values()):
        yield ok("model for this machine", f"others are here; of the catalogue {entry.id} would suit it: {why}")
    else:
        way = "from a folder or a mirror within the site: --from" if settings.air_gap else f"{entry.size / 1e9:.1f} GB to fetch"
        yield ok(
            "model for this machine",
            f"{entry.id} suits it: {why}. Only the demonstration model is at hand offline. "
            f"gatehouse models get {entry.id} ({way})",
        )


CHECKS: list[Check] = [chosen, files, fit, choice]
