"""Local models as administrators meet them: which are here, how they stand, and everything that is done with them."""

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.openapi.spec import Example
from litestar.params import Body, PathParameter
from msgspec import Meta

from appliance import errors
from appliance.api.admin import jobs
from appliance.api.admin.access import CALLER, requires
from appliance.api.bodies import json_body
from appliance.api.error_answers import error_answers, success
from appliance.identity.caller import Caller
from appliance.identity.roles import insist
from appliance.local.changes import ModelChanges
from appliance.local.model_shown import EngineShown, MemoryShown, ModelDetail, ModelShown
from appliance.local.models import LocalModels
from appliance.local.tasks import Job
from appliance.local.vllm import Vllm

PathText = Annotated[str, Meta(max_length=4096)]


class ModelList(msgspec.Struct):
    """Models that vLLM serves, those whose files are here, then those of the catalogue that can be got. `next_cursor` is null."""

    items: list[ModelShown]
    memory: MemoryShown
    engine: EngineShown
    next_cursor: str | None = None


class GetModel(msgspec.Struct, forbid_unknown_fields=True):
    """Where from; by default from where the catalogue says."""

    source: Annotated[PathText, Meta(description="A mirror's base URL; from this machine itself also a folder.")] | None = None


class AddModel(msgspec.Struct, forbid_unknown_fields=True):
    """A GGUF file on the appliance's machine."""

    path: Annotated[PathText, Meta(description="Its absolute path.")]
    id: Annotated[str, Meta(description="What callers write as model; made from the file's name where left out.")] | None = None
    link: Annotated[bool, Meta(description="Leave the file where it is instead of copying it.")] = False


class ImportModels(msgspec.Struct, forbid_unknown_fields=True, rename={"kind": "from"}):
    """Whose models to adopt, where they lie."""

    kind: Literal["ollama", "lmstudio", "folder"]
    path: (
        Annotated[PathText, Meta(description="Where to look instead of the program's usual place; a folder must be named.")]
        | None
    ) = None


_MODEL_EXAMPLE: dict[str, Any] = {
    "id": "smollm2-135m-instruct",
    "title": "SmolLM2 135M Instruct (Q4_1)",
    "kind": "chat",
    "state": "ready",
    "origin": "catalogue",
    "licence": "Apache-2.0",
    "bytes": 98_362_432,
    "sha256": "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    "context_tokens": 4096,
    "memory_bytes": 540_000_000,
    "fits": True,
    "rss_bytes": 412_000_000,
    "running": 1,
    "waiting": 0,
    "engine": "llama_cpp",
    "demonstration": True,
    "good_for": "Showing that the appliance works.",
    "last_failure": None,
    "added_at": "2026-11-25T13:17:08.123Z",
    "is_default": True,
}
_UNLOADED_EXAMPLE = {**_MODEL_EXAMPLE, "state": "unloaded", "engine": None, "rss_bytes": None, "running": 0}
_DETAIL_EXAMPLE = {
    **_MODEL_EXAMPLE,
    "architecture": "llama",
    "name": "SmolLM2 135M Instruct",
    "tensors": 272,
    "tools": False,
    "embedding_length": 576,
    "chat_template": "{% for message in messages %}…",
    "path": "/home/you/.gatehouse/models/SmolLM2-135M-Instruct.Q4_1.gguf",
    "memory": {"weights": 98_362_432, "cache": 188_743_680, "compute": 252_000_000, "total": 539_106_112},
}
_LIST_EXAMPLE = {
    "items": [_MODEL_EXAMPLE],
    "next_cursor": None,
    "memory": {"budget_bytes": 12_800_000_000, "used_bytes": 540_000_000, "machine_bytes": 16_000_000_000},
    "engine": {"name": "llama_cpp", "version": "0.3.36", "threads": 7, "reason": ""},
}
_ERRORS = (errors.TokenInvalid, errors.Forbidden)
_BODY_ERRORS = (errors.MalformedJson, errors.InvalidField, *_ERRORS)

ModelId = Annotated[str, PathParameter(description="Its id, as callers write it as `model`.")]


@get(
    "/api/v1/admin/models",
    guards=[requires("models:read")],
    operation_id="listLocalModels",
    summary="List local models",
    description="With the memory that they may have together, and the engine that runs them. The event `model` tells of changes.",
    tags=["Models"],
    responses={200: success(ModelList, _LIST_EXAMPLE, "The models."), **error_answers(*_ERRORS)},
    sync_to_thread=False,
)
def list_models(local_models: NamedDependency[LocalModels], vllm: NamedDependency[Vllm]) -> ModelList:
    return ModelList([*vllm.shown(), *local_models.shown()], local_models.memory_shown(), local_models.engine_shown())


@get(
    "/api/v1/admin/models/{model_id:str}",
    guards=[requires("models:read")],
    operation_id="getLocalModel",
    summary="One local model, with what its file says",
    description="Licence and chat template stand in the file; the memory is estimated before it is loaded.",
    tags=["Models"],
    responses={200: success(ModelDetail, _DETAIL_EXAMPLE, "The model."), **error_answers(*_ERRORS, errors.ModelUnknown)},
    sync_to_thread=False,
)
def get_model(model_id: ModelId, local_models: NamedDependency[LocalModels], vllm: NamedDependency[Vllm]) -> ModelDetail:
    return vllm.detail(model_id) if vllm.has(model_id) else local_models.detail(model_id)


@post(
    "/api/v1/admin/models/{model_id:str}/load",
    guards=[requires("models:change")],
    dependencies=CALLER,
    operation_id="loadLocalModel",
    summary="Load a model",
    description=(
        "Answers when it is ready, which may take minutes. Idle models make room, the least recently used first; where that is "
        "not enough, `model_too_large` has both figures."
    ),
    tags=["Models"],
    status_code=200,
    responses={
        200: success(ModelShown, _MODEL_EXAMPLE, "It is ready."),
        **error_answers(*_ERRORS, errors.ModelUnknown, errors.ModelTooLarge, errors.LocalModelFailed),
    },
)
async def load_model(model_id: ModelId, caller: NamedDependency[Caller], changes: NamedDependency[ModelChanges]) -> ModelShown:
    return await changes.load(model_id, actor=caller.actor)


@post(
    "/api/v1/admin/models/{model_id:str}/unload",
    guards=[requires("models:change")],
    dependencies=CALLER,
    operation_id="unloadLocalModel",
    summary="Unload a model",
    description="Its memory is free again. Requests that it answers fail; the next request loads it.",
    tags=["Models"],
    status_code=200,
    responses={
        200: success(ModelShown, _UNLOADED_EXAMPLE, "It is unloaded."),
        **error_answers(*_ERRORS, errors.ModelUnknown),
    },
)
async def unload_model(model_id: ModelId, caller: NamedDependency[Caller], changes: NamedDependency[ModelChanges]) -> ModelShown:
    return await changes.unload(model_id, actor=caller.actor)


@post(
    "/api/v1/admin/models/{model_id:str}/get",
    guards=[requires("models:change")],
    dependencies=CALLER,
    operation_id="getModelOfCatalogue",
    summary="Get a model of the catalogue",
    description="Fetches its file, goes on where an earlier try broke off, and checks its sha256.",
    tags=["Models"],
    status_code=202,
    responses={
        202: success(Job, jobs.EXAMPLE, "A job."),
        **error_answers(*_BODY_ERRORS, errors.Conflict, errors.ModelUnknown, errors.TooManyRequests),
    },
    **json_body(GetModel),
)
async def get_of_catalogue(
    model_id: ModelId,
    data: Annotated[GetModel, Body(examples=[Example(value={}), Example(value={"source": "https://mirror.example.org/models"})])],
    caller: NamedDependency[Caller],
    changes: NamedDependency[ModelChanges],
) -> Job:
    if data.source is not None and not data.source.startswith(("http://", "https://")):
        insist(caller, "machine:control")  # a folder: what lies on this machine is nobody's business over the network
    return await changes.get(model_id, data.source, actor=caller.actor)


@post(
    "/api/v1/admin/models/{model_id:str}/verify",
    guards=[requires("models:change")],
    operation_id="verifyModel",
    summary="Is a model's file still what it was?",
    description="Reads all of it and compares its sha256. The job fails where it differs.",
    tags=["Models"],
    status_code=202,
    responses={
        202: success(Job, {**jobs.EXAMPLE, "kind": "verify"}, "A job."),
        **error_answers(*_ERRORS, errors.ModelUnknown, errors.TooManyRequests),
    },
)
async def verify_model(model_id: ModelId, changes: NamedDependency[ModelChanges]) -> Job:
    return changes.verify(model_id)


@post(
    "/api/v1/admin/models/{model_id:str}/bench",
    guards=[requires("models:change")],
    operation_id="benchModel",
    summary="How fast is a model here?",
    description="Tokens a second at 1, 4 and 8 callers, in the job's `result`. Requests of others meanwhile count against it.",
    tags=["Models"],
    status_code=202,
    responses={
        202: success(Job, {**jobs.EXAMPLE, "kind": "bench", "unit": "steps", "done": 1, "total": 3}, "A job."),
        **error_answers(*_ERRORS, errors.ModelUnknown, errors.FeatureUnsupported, errors.TooManyRequests),
    },
)
async def bench_model(model_id: ModelId, changes: NamedDependency[ModelChanges]) -> Job:
    return changes.bench(model_id)


@post(
    "/api/v1/admin/models",
    guards=[requires("machine:control")],
    dependencies=CALLER,
    operation_id="addModel",
    summary="Add a GGUF file as a model",
    description="The file lies on this machine: takes the control token, from loopback only. Its header is checked first.",
    tags=["Models"],
    status_code=202,
    responses={
        202: success(Job, {**jobs.EXAMPLE, "kind": "add"}, "A job."),
        **error_answers(*_BODY_ERRORS, errors.Conflict, errors.TooManyRequests),
    },
    **json_body(AddModel),
)
async def add_model(
    data: Annotated[AddModel, Body(examples=[Example(value={"path": "/data/Qwen2.5-7B-Instruct-Q4_K_M.gguf", "link": True})])],
    caller: NamedDependency[Caller],
    changes: NamedDependency[ModelChanges],
) -> Job:
    return await changes.add(Path(data.path), data.id, link=data.link, actor=caller.actor)


@post(
    "/api/v1/admin/models/import",
    guards=[requires("machine:control")],
    dependencies=CALLER,
    operation_id="importModels",
    summary="Adopt another program's models",
    description="Ollama's, LM Studio's, or a folder's, without copying. Takes the control token, from loopback only.",
    tags=["Models"],
    status_code=202,
    responses={
        202: success(Job, {**jobs.EXAMPLE, "kind": "import", "model": "ollama", "unit": "steps"}, "A job."),
        **error_answers(*_BODY_ERRORS, errors.Conflict, errors.TooManyRequests),
    },
    **json_body(ImportModels),
)
async def import_models(
    data: Annotated[
        ImportModels,
        Body(examples=[Example(value={"from": "ollama"}), Example(value={"from": "folder", "path": "/data/models"})]),
    ],
    caller: NamedDependency[Caller],
    changes: NamedDependency[ModelChanges],
) -> Job:
    return await changes.adopt(data.kind, None if data.path is None else Path(data.path), actor=caller.actor)


@delete(
    "/api/v1/admin/models/{model_id:str}",
    guards=[requires("models:change")],
    dependencies=CALLER,
    operation_id="removeModel",
    summary="Remove a model",
    description="And its file, unless that was only linked or adopted. Requests that it answers fail.",
    tags=["Models"],
    responses=error_answers(*_ERRORS, errors.ModelUnknown, errors.Conflict),
)
async def remove_model(model_id: ModelId, caller: NamedDependency[Caller], changes: NamedDependency[ModelChanges]) -> None:
    await changes.remove(model_id, actor=caller.actor)


routes: list[Any] = [
    list_models,
    get_model,
    load_model,
    unload_model,
    get_of_catalogue,
    verify_model,
    bench_model,
    add_model,
    import_models,
    remove_model,
]
