"""A model's details in plain words, without Qt."""

import datetime

from gui.model_row_state import ENGINES, ORIGINS, size, too_big
from gui.models_state import Details, Memory, Model, Need
from gui.plain_text import one_line

Fact = tuple[str, str]


def facts(model: Model, details: Details | None) -> list[Fact]:
    """Names and values, in the order in which they are shown. What isn't known is left out."""
    told = details or Details()
    found: list[Fact] = [
        ("Id", one_line(model.id)),
        ("Kind", "Embeddings" if model.kind == "embedding" else "Chat" + (", knows tools" if told.tools else "")),
        ("Licence", model.licence or "not stated in the file"),
        ("From", ORIGINS.get(model.origin, model.origin)),
        ("Size", f"{size(model.bytes)} on disk" if model.is_here else f"{size(model.bytes)} to get"),
        ("Context", f"{model.context_tokens:,} tokens a conversation" if model.context_tokens else ""),
        ("Dimensions", f"{told.embedding_length:,}" if model.kind == "embedding" and told.embedding_length else ""),
        ("Architecture", told.architecture or ""),
        ("Name in file", told.name or ""),
        ("Engine", ENGINES.get(model.engine or "", model.engine or "")),
        ("Added", day(model.added_at)),
        ("File", one_line(told.path, 400) if told.path else ""),
    ]
    return [(name, value) for name, value in found if value]


def day(at: str | None) -> str:
    """The local date; nothing where there is none."""
    try:
        return f"{datetime.datetime.fromisoformat(at).astimezone():%d %B %Y}".lstrip("0") if at else ""
    except ValueError:
        return ""


def need_parts(need: Need) -> list[Fact]:
    """What the memory is for."""
    return [("weights", size(need.weights)), ("conversations", size(need.cache)), ("working room", size(need.compute))]


def need_line(model: Model, memory: Memory, need: Need | None) -> str:
    if not model.fits and model.state != "ready":
        return too_big(model, memory)
    total = need.total if need is not None else model.memory_bytes
    told = f"About {size(total)} when loaded" if total else "Not known before it is here"
    return f"{told}; it uses {size(model.rss_bytes)} now." if model.rss_bytes else f"{told}."


def hash_lines(sha256: str | None) -> str:
    """In groups of eight, which wrap, and which a person can compare."""
    given = sha256 or ""
    return " ".join(given[at : at + 8] for at in range(0, len(given), 8))
