"""A worker's failures in the words of our tree, for callers and for administrators."""

from appliance import errors
from appliance.errors import GatehouseError
from appliance.local.engines import engine as seam
from appliance.local.engines.batching.watchdog import STUCK_STATUS
from appliance.workers.process import CallFailed, WorkerDied, WorkerError
from appliance.workers.supervisor import WorkerUnavailable

_NOT_LOADED = f"{seam.LOAD_FAILED}: "
_ENDED_STUCK = f"ended with status {STUCK_STATUS}"


class NotAdmitted(WorkerError):
    """The model was not loaded: it does not fit beside the others. `told` is for whoever asked."""

    def __init__(self, told: GatehouseError) -> None:
        super().__init__(told.message)
        self.told = told


def why_it_ended(death: WorkerDied) -> str:
    """The end of a worker, as what follows "its worker"."""
    if death.reason.startswith(_NOT_LOADED):
        return f"could not load it: {death.reason.removeprefix(_NOT_LOADED)}"
    return death.reason.replace(_ENDED_STUCK, "got stuck in one step of its work, and was ended")


def told(name: str, engine: str, error: WorkerError) -> GatehouseError:
    """What whoever asked the model `name` is told."""
    if isinstance(error, NotAdmitted):
        return error.told
    if isinstance(error, CallFailed):
        return _refused(name, engine, error)
    if isinstance(error, WorkerUnavailable):
        return errors.LocalModelFailed(
            f"the local model {name} keeps failing: its worker {why_it_ended(error)}",
            fix="`gatehouse doctor` checks the model, the engine and the memory.",
            retry_after_seconds=max(1.0, error.retry_after_seconds),
        )
    reason = why_it_ended(error) if isinstance(error, WorkerDied) else "failed"
    return errors.LocalModelFailed(f"the worker that ran the local model {name} {reason}", fix="Try again; it is started anew.")


def failed_loading(engine: str, error: WorkerError) -> WorkerError:
    """The same failure, told as one of loading."""
    if isinstance(error, WorkerDied):
        return WorkerDied(f"{error.reason} while {engine} loaded the model", error.tail)
    if isinstance(error, CallFailed) and error.code != seam.LOAD_FAILED:
        # Not the model's fault: the engine itself could not be brought up. Its message names the exception's type.
        why = f"the engine {engine} can't be used on this machine ({error.message or error.code})"
        return CallFailed(seam.LOAD_FAILED, why, {"engine": engine})
    return error


def _refused(name: str, engine: str, error: CallFailed) -> GatehouseError:
    if error.code == seam.CONTEXT_EXCEEDED:
        prompt, context = error.detail.get("n_prompt_tokens", "?"), error.detail.get("n_ctx", "?")
        return errors.ContextLengthExceeded(
            f"the prompt has {prompt} tokens; {name} has a context of {context} tokens here",
            fix="Send fewer or shorter messages, or have an administrator raise local_context_tokens.",
            param="messages",
        )
    if error.code == seam.REQUEST_INVALID:
        return errors.BadRequest(
            f"{name} can't take this request: {error.message}", fix="Check messages, tools and response_format."
        )
    if error.code == "not_sent":
        return errors.BadRequest(
            f"{name} can't take this request: it is too large, nested too deeply, or has a number of more than 64 bits",
            fix="Send less.",
        )
    if error.code == seam.LOAD_FAILED:
        return errors.LocalModelFailed(f"the local model {name} can't be loaded: {error.message}", fix=_mend(engine, error))
    return errors.LocalModelFailed(f"the local model {name} failed while it answered", fix="Try again.")


def _mend(engine: str, error: CallFailed) -> str:
    if error.detail.get("engine") is None:
        return "`gatehouse doctor` checks the file and the memory."
    other = "xllamacpp" if engine == "llama_cpp" else "llama_cpp"
    return f"`gatehouse doctor` checks the engine. Install it anew, or set local_engine to {other}."
