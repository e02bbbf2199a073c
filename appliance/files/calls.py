"""One call in a worker that reads files, with an end."""

import asyncio
from typing import Any, TypeVar

import msgspec

from appliance.files.crew import Member
from appliance.files.document import FileError
from appliance.files.orders import WORN, failed, shaped
from appliance.files.watching import watched
from appliance.telemetry.logs import get_logger
from appliance.workers.process import CallFailed, WorkerDied

Answer = TypeVar("Answer")
_log = get_logger("files")
_SIMPLER = "Send a simpler file, or fewer pages at a time."
_ANEW = "Save it anew with the program that made it."


async def called(member: Member, method: str, order: msgspec.Struct, answer: type[Answer], seconds_max: float) -> Answer:
    """What `method` returns. A worker that is late, or whose caller left, is killed: nothing else stops native code.

    Errors:  FileError: what the worker said, or TIMEOUT, or MALFORMED where it died.
    """
    worker = member.worker
    excess: list[str] = []
    try:
        async with watched(worker, member.watch) as excess, asyncio.timeout(seconds_max):
            body = await worker.call(method, msgspec.to_builtins(order), silent_seconds_max=int(seconds_max) + 1)
    except TimeoutError:
        worker.kill()
        raise FileError("TIMEOUT", "the file takes too long to read", _SIMPLER) from None
    except asyncio.CancelledError:
        worker.kill()
        raise
    except CallFailed as failure:
        raise _told(member, failure) from None
    except WorkerDied as death:
        _log.warning("file_worker_died", method=method, pid=worker.pid, reason=death.reason, stderr=list(death.tail)[-4:])
        if excess:
            raise FileError("TOO_LARGE", f"the file needs more {excess[0]} to read than it may use", _SIMPLER) from None
        if "SIGXCPU" in death.reason:
            raise FileError("TIMEOUT", "the file takes too much work to read", _SIMPLER) from None
        raise FileError("MALFORMED", "the worker that read the file crashed", _ANEW) from None
    return shaped(body, answer)


def _told(member: Member, failure: CallFailed) -> FileError:
    detail: dict[str, Any] = dict(failure.detail)
    member.is_worn = member.is_worn or bool(detail.get(WORN)) or failure.code == "failed"
    try:
        return failed(failure.code, failure.message, str(detail.get("fix", _ANEW)))
    except msgspec.ValidationError:  # "failed": an exception that no reader expected; it was logged by its places
        tail = list(member.worker.stderr_tail)[-4:]
        _log.warning("file_worker_failed", code=failure.code, kind=failure.message, stderr=tail)
        return FileError("MALFORMED", "the file can't be read", _ANEW)
