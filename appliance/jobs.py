"""Everything that runs on a schedule, in one list (APScheduler)."""

import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from appliance.telemetry.logs import get_logger

FIRST_SECONDS_MAX = 60

_log = get_logger("jobs")


class Job(msgspec.Struct, frozen=True):
    """`work` is called every so many seconds, never twice at a time; what it raises is logged, and it is called again."""

    name: str
    seconds: float
    work: Callable[[], Awaitable[None]]


class Jobs:
    """The schedule. `start` inside the event loop."""

    def __init__(self, jobs: list[Job]) -> None:
        self._jobs = jobs
        self._scheduler: Any = None

    def start(self) -> None:
        from apscheduler.schedulers.asyncio import AsyncIOScheduler

        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        self._scheduler = AsyncIOScheduler(
            timezone="UTC", job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )
        for job in self._jobs:
            # Soon after the start: a desktop may never be up for as long as a daily job's time.
            first = datetime.now(UTC) + timedelta(seconds=min(job.seconds, FIRST_SECONDS_MAX))
            self._scheduler.add_job(_run, "interval", seconds=job.seconds, args=[job], id=job.name, next_run_time=first)
        self._scheduler.start()

    def stop(self) -> None:
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=False)
            self._scheduler = None


async def _run(job: Job) -> None:
    try:
        await job.work()
    except Exception as error:
        _log.error("a scheduled job failed", job=job.name, exc_info=error)
