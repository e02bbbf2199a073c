"""What administrators change about models, each change recorded before it is made; what takes time is a job."""

import asyncio
import stat
from collections.abc import Collection
from pathlib import Path
from typing import Any

import msgspec

from appliance import audit
from appliance.clock import Clock
from appliance.errors import Conflict, FeatureUnsupported, GatehouseError, InvalidField, ModelUnknown
from appliance.home import CannotStart, Home
from appliance.local import bench, gguf, imports, verify
from appliance.local.catalogue import catalogue
from appliance.local.fetch import fetch
from appliance.local.imports import ImportKind
from appliance.local.kinds import ModelKind
from appliance.local.model_shown import ModelShown
from appliance.local.models import LocalModels
from appliance.local.registry import ID_PATTERN, id_for
from appliance.local.tasks import Job, JobFailed, Progress, Tasks, in_thread
from appliance.local.vllm import Vllm
from appliance.settings import Settings
from appliance.store.engine import Database, to_the_end

BENCH_CALLERS = (1, 4, 8)
BENCH_TOKENS = 64


class ModelChanges:
    """An administrator's hand on the models. `actor`: who wants it, as the audit names them."""

    def __init__(
        self, models: LocalModels, vllm: Vllm, tasks: Tasks, settings: Settings, home: Home, database: Database, clock: Clock
    ) -> None:
        self.models = models
        self.vllm = vllm
        self.tasks = tasks
        self._settings = settings
        self._home = home
        self._database = database
        self._clock = clock

    async def load(self, model_id: str, *, actor: str) -> ModelShown:
        """Have a model ready. Errors: ModelUnknown, ModelTooLarge, LocalModelFailed."""
        models = self._engine_of(model_id)
        await self._record(actor, "model.load", model_id)
        return await models.load(model_id)

    async def unload(self, model_id: str, *, actor: str) -> ModelShown:
        """End a model's worker; requests that it answers fail. Errors: ModelUnknown."""
        models = self._engine_of(model_id)
        await self._record(actor, "model.unload", model_id)
        return await models.unload(model_id)

    def _engine_of(self, model_id: str) -> LocalModels | Vllm:
        if self.vllm.has(model_id):
            return self.vllm
        self.models.here(model_id)
        return self.models

    async def remove(self, model_id: str, *, actor: str) -> None:
        """Forget a model, and delete its file unless it was linked. Errors: ModelUnknown, Conflict."""
        self.models.here(model_id)
        await self._record(actor, "model.remove", model_id)
        await self.models.unload(model_id)  # first: some systems don't delete what is in use
        try:
            await asyncio.to_thread(self.models.registry.remove, model_id)
        except (CannotStart, OSError) as error:
            why = error.message if isinstance(error, CannotStart) else str(error.strerror)
            raise Conflict(
                f"{model_id} can't be removed: {why}", fix="Mend that in the models folder, then try again."
            ) from error
        finally:
            await self.models.look()  # also where only its file went

    async def get(self, model_id: str, source: str | None, *, actor: str) -> Job:
        """Fetch a model of the catalogue, from `source` (a mirror's base URL, or a folder) where one is named.

        Errors:  ModelUnknown, TooManyRequests.
        """
        entry = catalogue().get(model_id)
        if entry is None:
            raise ModelUnknown(
                f"the catalogue has no model {model_id[:80]!r}",
                param="model_id",
                fix="GET /api/v1/admin/models lists its models.",
            )
        await self._record(actor, "model.get", model_id, {"source": _without_credentials(source)})

        async def work(progress: Progress) -> dict[str, Any]:
            def fetched() -> Path:
                return fetch(
                    entry,
                    self._home.models,
                    progress,
                    source=source,
                    settings=self._settings,
                    is_cancelled=lambda: progress.is_cancelled,
                )

            path = await in_thread(fetched)
            await self.models.look()
            progress.message = f"{model_id} is here"
            return {"id": model_id, "path": str(path)}

        return self.tasks.start("get", model_id, work, of=source, message=f"fetching {model_id}")

    async def add(self, path: Path, model_id: str | None, *, link: bool, actor: str) -> Job:
        """Make a GGUF file of this machine a model: a copy of it, or a link to where it lies.

        Errors:  InvalidField, Conflict, TooManyRequests.
        """
        wanted = model_id or id_for(path)
        await asyncio.to_thread(self._refuse_unusable, path, wanted)
        await self._record(actor, "model.add", wanted, {"path": str(path), "link": link})

        async def work(progress: Progress) -> dict[str, Any]:
            await in_thread(lambda: self.models.registry.add(path, wanted, link=link, on_progress=progress))
            await self.models.look()
            progress.message = f"{wanted} is here"
            return {"id": wanted}

        message = f"{'reading' if link else 'copying'} {path.name}"
        return self.tasks.start("add", wanted, work, of=(path, link), message=message)

    def _refuse_unusable(self, path: Path, model_id: str) -> None:
        if not ID_PATTERN.fullmatch(model_id):
            raise InvalidField(
                f"{model_id[:80]!r} can't be a model's id", param="id", fix="Use up to 64 of a-z, 0-9, dots and dashes."
            )
        if model_id in catalogue() or model_id in self._known() or self.vllm.has(model_id):
            raise Conflict(f"there already is a model {model_id!r}", fix="Choose another id, or remove that one first.")
        if self.models.registry.is_file_of_catalogue(model_id):
            raise Conflict(f"a model of the catalogue has the file {model_id}.gguf", fix="Choose another id.")
        refuse_unusable_file(path)

    def _known(self) -> Collection[str]:
        try:
            return self.models.registry.models()
        except CannotStart as error:
            raise Conflict(error.message, fix=error.fix) from error

    async def adopt(self, kind: ImportKind, path: Path | None, *, actor: str) -> Job:
        """Make the models of another program on this machine ours, where they lie.

        Errors:  InvalidField, TooManyRequests.
        """
        if path is not None and not path.is_absolute():
            raise InvalidField("path must be absolute", param="path", fix="Write it from the root of the file system on.")
        if kind == "folder" and path is None:
            raise InvalidField("a folder must be named", param="path", fix="Send its absolute path.")
        await self._record(actor, "model.import", kind, {"path": None if path is None else str(path)})

        async def work(progress: Progress) -> dict[str, Any]:
            result = await in_thread(lambda: self._adopted(kind, path, progress))
            await self.models.look()
            progress.message = f"{len(result['models'])} adopted, {len(result['skipped'])} left out"
            return result

        return self.tasks.start("import", kind, work, of=path, unit="steps", message=f"looking for models of {kind}")

    def _adopted(self, kind: ImportKind, path: Path | None, progress: Progress) -> dict[str, Any]:
        adopted, skipped = [], []
        offered = imports.candidates(kind, path)
        for number, candidate in enumerate(offered):
            progress(number, len(offered))
            progress.message = f"reading {candidate.id}"
            if candidate.problem:
                skipped.append({"id": candidate.id, "path": str(candidate.path), "problem": candidate.problem})
                continue
            try:
                adopted.append(imports.adopt(self.models.registry, candidate, lambda done, total: progress.check()).id)
            except (gguf.GgufError, OSError, ValueError, GatehouseError, CannotStart) as error:
                skipped.append({"id": candidate.id, "path": str(candidate.path), "problem": str(error)})
        progress(len(offered), len(offered))
        return {"models": adopted, "skipped": skipped}

    def verify(self, model_id: str) -> Job:
        """Is the file still what it was? Errors: ModelUnknown, TooManyRequests."""
        model = self.models.here(model_id)

        async def work(progress: Progress) -> dict[str, Any]:
            problem = await in_thread(lambda: verify.problem(model, progress))
            if problem is not None:
                raise JobFailed(problem, "Remove the model and get it again.")
            progress.message = "the file is what it was"
            return {"problem": None}

        return self.tasks.start("verify", model_id, work, message=f"reading {model.path.name}")

    def bench(self, model_id: str) -> Job:
        """How fast is it here, at 1, 4 and 8 callers? Errors: ModelUnknown, FeatureUnsupported, TooManyRequests."""
        if self.models.here(model_id).kind is ModelKind.EMBEDDING:
            raise FeatureUnsupported(f"{model_id} makes embeddings only", fix="Measure a model for chats.")

        async def work(progress: Progress) -> dict[str, Any]:
            rows = await bench.measure(self.models, model_id, callers=BENCH_CALLERS, tokens=BENCH_TOKENS, on_progress=progress)
            progress.message = "measured"
            return {"rows": [msgspec.to_builtins(row) for row in rows]}

        return self.tasks.start("bench", model_id, work, unit="steps", message=f"measuring {model_id}")

    async def _record(self, actor: str, action: str, target: str, detail: audit.Detail | None = None) -> None:
        await to_the_end(self._recorded(actor, action, target, detail or {}))

    async def _recorded(self, actor: str, action: str, target: str, detail: audit.Detail) -> None:
        async with self._database.transaction() as tx:
            await audit.append(tx, actor=actor, action=action, target=target, detail=detail, at_ms=self._clock.now_ms())


def _without_credentials(source: str | None) -> str | None:
    """An address as it may be written down."""
    if source is None or "://" not in source:
        return source
    scheme, _, rest = source.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path.partition('?')[0]}"


def refuse_unusable_file(path: Path) -> None:
    """Is there a GGUF file at this path that can be run? Blocks. Errors: InvalidField."""
    fix = "Send the absolute path of a GGUF file on this machine."
    if not path.is_absolute():
        raise InvalidField("path must be absolute", param="path", fix=fix)
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would keep whoever opens it waiting for ever
            raise InvalidField("path does not lead to an ordinary file", param="path", fix=fix)
        gguf.read(path)
    except gguf.GgufError as error:
        raise InvalidField(f"the file can't be run: {error}", param="path", fix=fix) from error
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "it is no path"
        raise InvalidField(f"the file can't be read: {why}", param="path", fix=fix) from error
