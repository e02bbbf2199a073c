"""Local models as administrators are shown them: by the API, by events, in the tray."""

from typing import Literal

import msgspec

from appliance.clock import rfc3339
from appliance.local.catalogue import CatalogueEntry
from appliance.local.gguf_model import GgufInfo
from appliance.local.memory import MemoryNeed
from appliance.local.registry import LocalModel
from appliance.local.running import ModelStatus

ModelState = Literal["not_here", "unloaded", "loading", "ready", "failed"]


class ModelShown(msgspec.Struct, frozen=True, kw_only=True):
    """One model. `not_here`: of the catalogue, and can be got.

    bytes:        of its file; roughly where that is not here.
    memory_bytes: what running it takes, estimated; `fits`: the memory for local models is enough for it alone.
    rss_bytes:    what its worker takes by now.
    is_default:   the setting local_model names it.
    """

    id: str
    title: str
    kind: Literal["chat", "embedding"]
    state: ModelState
    origin: Literal["catalogue", "added", "ollama", "lmstudio", "folder"]
    licence: str
    bytes: int
    sha256: str
    context_tokens: int
    memory_bytes: int
    fits: bool
    rss_bytes: int | None = None
    running: int = 0
    waiting: int = 0
    engine: Literal["llama_cpp", "xllamacpp", "vllm"] | None = None
    demonstration: bool = False
    good_for: str = ""
    last_failure: str | None = None
    added_at: str | None = None
    is_default: bool = False


class ModelDetail(ModelShown, frozen=True, kw_only=True):
    """One model with what its file says of itself; empty where that is not here. `path` is where the file lies."""

    architecture: str = ""
    name: str = ""
    tensors: int = 0
    tools: bool = False
    embedding_length: int = 0
    chat_template: str = ""
    path: str | None = None
    memory: MemoryNeed


class MemoryShown(msgspec.Struct, frozen=True):
    """Memory for local models: what they may have together, what they use, and what this machine has."""

    budget_bytes: int
    used_bytes: int
    machine_bytes: int


class EngineShown(msgspec.Struct, frozen=True):
    """What runs the models that are loaded from now on. `reason` says why nothing can be run, where nothing can."""

    name: str | None
    version: str | None
    threads: int
    reason: str


class Here(msgspec.Struct, frozen=True):
    """A model whose file is here: what is known of it, and how it stands."""

    model: LocalModel
    info: GgufInfo
    context_tokens: int
    need: MemoryNeed
    status: ModelStatus


def model_here(here: Here, entry: CatalogueEntry | None, *, budget: int, is_default: bool) -> ModelDetail:
    """A model that can be run."""
    model, info, status = here.model, here.info, here.status
    shown = damaged(model, status.last_failure, entry, is_default=is_default)
    return msgspec.structs.replace(
        shown,
        state=status.state,
        context_tokens=here.context_tokens,
        memory_bytes=here.need.total,
        fits=here.need.total <= budget,
        rss_bytes=status.rss_bytes,
        running=status.running,
        waiting=status.waiting,
        engine=status.engine_name,
        architecture=info.architecture,
        name=info.name,
        tensors=info.tensors,
        tools=info.tools_in_template,
        embedding_length=info.embedding_length,
        chat_template=info.chat_template,
        memory=here.need,
    )


def damaged(model: LocalModel, why: str | None, entry: CatalogueEntry | None, *, is_default: bool) -> ModelDetail:
    """A model whose file is here, as far as that can be told without its header."""
    return ModelDetail(
        id=model.id,
        title=model.title,
        kind=model.kind.value,
        state="failed",
        origin=model.origin,
        licence=model.licence,
        bytes=model.bytes,
        sha256=model.sha256,
        context_tokens=model.context,
        memory_bytes=0,
        fits=False,
        demonstration=model.demonstration,
        good_for=entry.good_for if entry is not None else "",
        last_failure=why,
        added_at=rfc3339(model.added_at),
        is_default=is_default,
        path=str(model.path),
        memory=MemoryNeed(0, 0, 0, 0),
    )


def not_here(entry: CatalogueEntry, *, budget: int, is_default: bool) -> ModelDetail:
    """A model of the catalogue that can be got."""
    return ModelDetail(
        id=entry.id,
        title=entry.title,
        kind=entry.kind.value,
        state="not_here",
        origin="catalogue",
        licence=entry.licence,
        bytes=entry.size,
        sha256=entry.sha256,
        context_tokens=entry.context,
        memory_bytes=entry.memory,
        fits=entry.memory <= budget,
        demonstration=entry.demonstration,
        good_for=entry.good_for,
        is_default=is_default,
        memory=MemoryNeed(0, 0, 0, entry.memory),
    )


def without_detail(detail: ModelDetail) -> ModelShown:
    """The same as it stands in lists and events."""
    return ModelShown(**{name: getattr(detail, name) for name in ModelShown.__struct_fields__})
