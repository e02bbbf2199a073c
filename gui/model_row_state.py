"""One model in plain words, without Qt: its row, what may be done with it, and why not."""

import msgspec

from gui.lines_state import Action
from gui.models_state import Job, Memory, Model, Models
from gui.plain_text import one_line, sentences

STATES = {"ready": "Ready", "loading": "Loading…", "unloaded": "On disk", "failed": "Failed", "not_here": "Not here yet"}
DOING = {"get": "Getting", "add": "Adding", "import": "Importing", "verify": "Verifying", "bench": "Measuring"}
ASKED = {
    "load": "Loading…",
    "unload": "Unloading…",
    "remove": "Removing…",
    "get": "Starting…",
    "verify": "Starting…",
    "bench": "Starting…",
}
ORIGINS = {
    "catalogue": "Gatehouse's catalogue",
    "added": "Added from a file",
    "ollama": "Ollama, on this machine",
    "lmstudio": "LM Studio, on this machine",
    "folder": "A folder on this machine",
}
ENGINES = {"llama_cpp": "llama.cpp", "xllamacpp": "llama.cpp (xllamacpp)", "vllm": "vLLM"}
UNITS = ("bytes", "kB", "MB", "GB", "TB")
FLUENT_BYTES_A_THREAD = 700_000_000  # 10 tokens a second, each of which reads the whole file, at 7 GB a second
THREADS_THAT_HELP_MAX = 6  # beyond, a usual machine's memory is the bound
WAYS = {"get": "&Get", "get_from": "Get from a &folder…", "load": "&Load", "unload": "&Unload", "bench": "Speed &test",
        "verify": "&Verify file", "remove": "&Remove…"}  # fmt: skip


class Row(msgspec.Struct, frozen=True):
    """`marker` is a model's state or `working`; `share` how far the work is, from 0 to 1: None where that isn't known."""

    id: str
    title: str
    note: str
    marker: str
    state: str
    size: str
    memory: str
    licence: str
    share: float | None
    is_working: bool
    problem: str


def size(number: int, digits: int = 1) -> str:
    """1234567890 as 1.2 GB, as file managers count: by thousands."""
    amount, unit = float(max(0, number)), 0
    while amount >= 999.5 and unit < len(UNITS) - 1:
        amount, unit = amount / 1000, unit + 1
    shown = f"{amount:.{digits if unit >= 3 else 0}f}"
    return f"{shown.removesuffix('.0') if amount >= 10 else shown} {UNITS[unit]}"


def two_sizes(one: int, other: int) -> tuple[str, str]:
    """Both with as many digits as it takes to see that they differ."""
    for digits in (1, 2, 3):
        if (shown := (size(one, digits), size(other, digits)))[0] != shown[1] or one == other:
            return shown
    return f"{one:,} bytes", f"{other:,} bytes"


def row(model: Model, models: Models) -> Row:
    job, asked = models.job_for(model.id), models.asked.get(model.id, "")
    marker = "working" if job is not None else "loading" if asked == "load" else model.state
    return Row(
        model.id,
        model.title or one_line(model.id),
        note(model),
        marker,
        state_words(model, job, asked),
        size(model.bytes) if model.bytes else "—",
        memory_words(model),
        model.licence or "not stated",
        share(job) if job is not None else None,
        job is not None or asked == "load" or model.state == "loading",
        problem(model, models.memory),
    )


def note(model: Model) -> str:
    """The second line of a row."""
    said = model.good_for or ORIGINS.get(model.origin, model.origin)
    marks = ["Default"] if model.is_default else []
    marks += ["Embeddings"] if model.kind == "embedding" else []
    return " · ".join([*marks, said])


def state_words(model: Model, job: Job | None, asked: str = "") -> str:
    if job is not None:
        known = share(job)
        return DOING.get(job.kind, "Working") + ("…" if known is None else f" {known:.0%}")
    if asked in ASKED:
        return ASKED[asked]
    if model.state == "ready" and (model.running or model.waiting):
        waiting = f", {model.waiting} wait{'s' if model.waiting == 1 else ''}" if model.waiting else ""
        return f"Busy: {model.running}{waiting}"
    if model.state in ("unloaded", "not_here") and not model.fits:
        return STATES[model.state].removesuffix(" yet") + " · too big"
    return STATES.get(model.state, one_line(model.state, 40))


def share(job: Job) -> float | None:
    return min(1.0, max(0.0, job.done / job.total)) if job.total > 0 else None


def memory_words(model: Model) -> str:
    """What it takes where that is known; otherwise what it is expected to."""
    if model.rss_bytes:
        return size(model.rss_bytes)
    return f"≈ {size(model.memory_bytes)}" if model.memory_bytes else "—"


def too_big(model: Model, memory: Memory) -> str:
    """Both figures. `fits` is the gateway's word, and counts as it is; of a damaged file nobody knows what it needs."""
    if not model.memory_bytes:
        why = sentences(f"it can't be run: {model.last_failure or 'its file says nothing of what it needs'}")
        return f"{why} Remove it, then get or add it again."
    need, budget = two_sizes(model.memory_bytes, memory.budget_bytes)
    more = ", or raise the setting local_memory_bytes" if model.memory_bytes < memory.machine_bytes else ""
    return f"It needs {need} of memory; all models together may use {budget} on this machine. Choose a smaller one{more}."


def problem(model: Model, memory: Memory) -> str:
    """What keeps this model from working, or nothing."""
    if model.state == "failed" and model.memory_bytes:
        why = sentences(f"it couldn't be loaded: {model.last_failure or 'no reason was given'}")
        return f"{why} Load it again; where that fails too, verify its file."
    if not model.fits and model.state != "ready":
        return too_big(model, memory)
    return ""


def actions(model: Model, models: Models) -> list[Action]:
    """The buttons for a model, each with the reason why it is off, if it is."""
    if not model.is_here:
        verbs = ["get", "get_from"]
    else:
        measured = ["bench"] if model.kind == "chat" else []
        verbs = ["unload" if model.state == "ready" else "load", *measured, "verify", "remove"]
    return [Action(verb, WAYS[verb], why_not(verb, model, models)) for verb in verbs]


def why_not(verb: str, model: Model, models: Models) -> str:
    """Why this can't be done now; empty where it can."""
    if model.id in models.asked:
        return "The gateway hasn't answered the last wish for this model yet."
    if (job := models.job_for(model.id)) is not None and verb != "unload":
        return f"{DOING.get(job.kind, 'Working').lower().capitalize()} is under way. Wait for it, or cancel it."
    if model.state == "loading":
        return "It is being loaded."
    if verb in ("load", "bench", "get", "get_from") and not model.fits and model.state != "ready":
        return too_big(model, models.memory)
    if verb in ("load", "bench") and models.engine.name is None and model.engine is None:
        return models.engine.reason or "No engine is installed that could run it."
    return ""


def memory_line(models: Models) -> tuple[str, str]:
    """Above the bar, and below it."""
    memory, loaded = models.memory, models.loaded
    used = f"{size(memory.used_bytes)} of {size(memory.budget_bytes)} used by models"
    if memory.machine_bytes:
        used += f" · this machine has {size(memory.machine_bytes)}"
    names = ", ".join(model.title for model in loaded[:3]) + (f" and {len(loaded) - 3} more" if len(loaded) > 3 else "")
    return used, f"Loaded: {names}" if loaded else "No model is loaded. One is loaded when it is first asked."


def engine_line(models: Models) -> str:
    engine = models.engine
    if engine.name is None:
        return f"No engine: {engine.reason or 'none is installed'}"
    threads = f" · {engine.threads} thread{'s' if engine.threads != 1 else ''}" if engine.threads else ""
    return f"{ENGINES.get(engine.name, engine.name)} {engine.version or ''}".rstrip() + threads


def first_model(models: Models) -> Model | None:
    """Which to get first, while none is here: the most able chat model that fits and writes fluently on this processor, or
    else the quickest that fits; a toy only where nothing else does. A GPU would do more, but the gateway tells of none.
    """
    if any(model.is_here for model in models.all()):
        return None
    able = [model for model in models.all() if model.kind == "chat" and model.fits]
    good = [model for model in able if not model.demonstration] or able
    helping = min(models.engine.threads, THREADS_THAT_HELP_MAX)
    fluent = [model for model in good if model.bytes <= helping * FLUENT_BYTES_A_THREAD]
    if fluent:
        return max(fluent, key=lambda model: model.memory_bytes)
    return min(good, key=lambda model: model.bytes, default=None)


def first_words(model: Model) -> str:
    licence = f", licence {model.licence}" if model.licence else ""
    return f"{model.good_for} {size(model.bytes)} to get{licence}; needs {size(model.memory_bytes)} of memory.".strip()


def keeps_file(model: Model, path: str | None, folder: str) -> bool:
    """Whether the file stays when the model is removed: those that lie outside of Gatehouse's folder were only linked."""
    if path is None:
        return model.origin in ("ollama", "lmstudio", "folder")
    return not path.startswith(folder.rstrip("/\\") + ("\\" if "\\" in folder else "/"))


def breaks_off(model: Model) -> str:
    """What happens to those who are served just now."""
    asked = model.running + model.waiting
    return f" {asked} request{'s' if asked != 1 else ''} to it will fail." if asked else ""


def unload_question(model: Model) -> tuple[str, str]:
    return f"Unload {model.title or one_line(model.id)}?", f"It is at work:{breaks_off(model)} The next request loads it again."


def remove_question(model: Model, path: str | None, folder: str) -> tuple[str, str]:
    """The question, and what becomes of the file."""
    question = f"Remove {model.title or one_line(model.id)}?"
    if keeps_file(model, path, folder):
        where = f": {one_line(path, 400)}" if path else ""
        return question, f"Gatehouse forgets it. The file stays where it is{where}.{breaks_off(model)}"
    again = " It can be got again." if model.origin == "catalogue" else " The file it was copied from isn't touched."
    return question, f"Its file ({size(model.bytes)}) is deleted from Gatehouse's folder.{again}{breaks_off(model)}"
