"""Jobs in plain words, without Qt: how far one is, how it ended, how fast a model is."""

from collections.abc import Iterable
from typing import Any

import msgspec

from gui.model_row_state import DOING, share, size
from gui.models_state import Job, Models
from gui.plain_text import one_line, sentences

DONE = {"get": "Got", "add": "Added", "import": "Imported", "verify": "Verified", "bench": "Measured"}
FAILED = {
    "get": "Couldn't get",
    "add": "Couldn't add",
    "import": "Couldn't import",
    "verify": "Couldn't verify",
    "bench": "Couldn't measure",
}
NAME_CHARACTERS_MAX = 80
SOURCES = {"ollama": "from Ollama", "lmstudio": "from LM Studio", "folder": "from the folder"}


class JobShown(msgspec.Struct, frozen=True):
    """`mark` is working, done, failed or cancelled. `share` as in a row."""

    id: str
    mark: str
    text: str
    share: float | None
    is_running: bool


class Speed(msgspec.Struct, frozen=True):
    """Tokens a second, all callers together."""

    callers: int
    tokens_per_second: float


def job_shown(job: Job, models: Models, now: float) -> JobShown:
    known = models.get(job.model)
    name = SOURCES.get(job.model) if job.kind == "import" else None
    name = name or one_line(known.title if known is not None else job.model, NAME_CHARACTERS_MAX) or "a model"
    text = {"running": _running, "done": _done, "failed": _failed}.get(job.state, _cancelled)(job, name, models, now)
    return JobShown(job.id, "working" if job.is_running else job.state, text, share(job), job.is_running)


def _running(job: Job, name: str, models: Models, now: float) -> str:
    parts = [f"{DOING.get(job.kind, 'Working on')} {name}"]
    if job.unit == "bytes" and job.total > 0:
        parts.append(f"{size(job.done)} of {size(job.total)}")
        if rate := models.rate(job, now):
            parts.append(f"{size(int(rate))}/s")
            parts.append(left((job.total - job.done) / rate))
    elif job.total > 0 and job.total != 1:
        parts.append(f"step {min(job.done + 1, job.total)} of {job.total}")
    if job.kind == "import" and job.message:
        parts.append(job.message)
    return " · ".join(parts)


def left(seconds: float) -> str:
    """Rounded up, so that it is rather earlier than it was told."""
    if seconds < 60:
        return "less than a minute left"
    minutes = int(seconds // 60) + 1
    return f"{minutes} min left" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min left"


def _done(job: Job, name: str, models: Models, now: float) -> str:
    del models, now
    said = f"{DONE.get(job.kind, 'Done:')} {name}"
    if job.kind == "bench" and (speeds := speeds_of(job.result)):
        return f"{said}: {speed_line(speeds)}"
    if job.kind == "import":
        return f"{said}: {_imported(job)}"
    return f"{said}: {job.message}." if job.kind == "verify" and job.message else f"{said}."


def _imported(job: Job) -> str:
    """How many, and the first that was left out, with the reason."""
    result = job.result if isinstance(job.result, dict) else {}
    adopted, skipped = result.get("models") or [], result.get("skipped") or []
    if not adopted and not skipped:
        return "there was no model."
    said = f"{len(adopted)} model{'s' if len(adopted) != 1 else ''}"
    if not skipped:
        return f"{said}."
    first = skipped[0] if isinstance(skipped[0], dict) else {}
    why = f"{one_line(first.get('id', ''), NAME_CHARACTERS_MAX)} ({one_line(first.get('problem', ''), 160)})"
    more = f" and {len(skipped) - 1} more" if len(skipped) > 1 else ""
    return f"{said}. Left out: {why}{more}."


def _failed(job: Job, name: str, models: Models, now: float) -> str:
    del models, now
    why = sentences(job.message or "no reason was given", job.fix)
    return f"{FAILED.get(job.kind, 'Failed:')} {name}. {why}"


def _cancelled(job: Job, name: str, models: Models, now: float) -> str:
    del models, now
    return f"{DOING.get(job.kind, 'Working on')} {name} was cancelled."


def speeds_of(result: Any) -> list[Speed]:
    """By the number of callers; empty where there is nothing that can be read."""
    rows = result.get("rows") if isinstance(result, dict) else None
    found = []
    for one in rows if isinstance(rows, list) else ():
        try:
            found.append(msgspec.convert(one, Speed))
        except msgspec.ValidationError:
            continue
    return sorted(found, key=lambda speed: speed.callers)


def speed_line(speeds: Iterable[Speed]) -> str:
    """28 / 45 / 52 tokens a second with 1 / 4 / 8 callers."""
    told = list(speeds)
    rates = " / ".join(f"{speed.tokens_per_second:.0f}" for speed in told)
    return f"{rates} tokens a second with {' / '.join(str(speed.callers) for speed in told)} callers at once"
