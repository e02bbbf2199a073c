"""Jobs: what takes its time with models. `GET /api/v1/admin/jobs`, one of them, and `DELETE` to cancel it."""

from typing import Annotated, Any

import msgspec
from litestar import delete, get
from litestar.di import NamedDependency
from litestar.params import PathParameter

from appliance import errors
from appliance.api.admin.access import requires
from appliance.api.error_answers import error_answers, success
from appliance.local.tasks import Job, Tasks

EXAMPLE: dict[str, Any] = {
    "id": "job_5f2d9c0e8b7a41d3a6c1f0e2",
    "kind": "get",
    "model": "smollm2-135m-instruct",
    "state": "running",
    "done": 41_943_040,
    "total": 98_362_432,
    "unit": "bytes",
    "message": "fetching smollm2-135m-instruct",
    "fix": "",
    "result": None,
    "started_at": "2026-11-25T13:17:08.123Z",
    "ended_at": None,
}
CANCELLED_EXAMPLE = {**EXAMPLE, "state": "cancelled", "message": "cancelled", "ended_at": "2026-11-25T13:17:12.000Z"}
ERRORS = (errors.TokenInvalid, errors.Forbidden)

JobId = Annotated[str, PathParameter(description="Its id (`job_…`).")]


class JobList(msgspec.Struct):
    """Those that are remembered, the newest first: 64 at most. `next_cursor` is always null."""

    items: list[Job]
    next_cursor: str | None = None


@get(
    "/api/v1/admin/jobs",
    guards=[requires("models:read")],
    operation_id="listJobs",
    summary="List jobs",
    description="Those that run and those that ended lately; a restart forgets them. The event `job` tells of each change.",
    tags=["Models"],
    responses={200: success(JobList, {"items": [EXAMPLE], "next_cursor": None}, "The jobs."), **error_answers(*ERRORS)},
    sync_to_thread=False,
)
def list_jobs(tasks: NamedDependency[Tasks]) -> JobList:
    return JobList(tasks.all())


@get(
    "/api/v1/admin/jobs/{job_id:str}",
    guards=[requires("models:read")],
    operation_id="getJob",
    summary="How far is a job?",
    description="Ask now and then until `state` is no longer `running`.",
    tags=["Models"],
    responses={200: success(Job, EXAMPLE, "The job."), **error_answers(*ERRORS, errors.NotFound)},
    sync_to_thread=False,
)
def get_job(job_id: JobId, tasks: NamedDependency[Tasks]) -> Job:
    return tasks.one(job_id)


@delete(
    "/api/v1/admin/jobs/{job_id:str}",
    guards=[requires("models:change")],
    operation_id="cancelJob",
    summary="Cancel a job",
    description="What it had begun is taken back. A job that has ended stays as it is.",
    tags=["Models"],
    status_code=200,
    responses={
        200: success(Job, CANCELLED_EXAMPLE, "The job; still `running` where its work takes some seconds to end."),
        **error_answers(*ERRORS, errors.NotFound),
    },
)
async def cancel_job(job_id: JobId, tasks: NamedDependency[Tasks]) -> Job:
    return await tasks.cancel(job_id)


routes: list[Any] = [list_jobs, get_job, cancel_job]
