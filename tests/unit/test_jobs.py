import asyncio

from appliance.jobs import Job, Jobs


async def test_a_job_runs_again_and_again_also_after_it_failed_and_never_twice_at_a_time() -> None:
    running, most, runs = 0, 0, 0

    async def work() -> None:
        nonlocal running, most, runs
        running, runs = running + 1, runs + 1
        most = max(most, running)
        await asyncio.sleep(0.12)
        running -= 1
        if runs == 1:
            raise RuntimeError("the first time it fails")

    jobs = Jobs([Job("work", 0.05, work)])
    jobs.start()
    async with asyncio.timeout(10):
        while runs < 3:  # noqa: ASYNC110 - the job tells nobody
            await asyncio.sleep(0.02)
    jobs.stop()
    jobs.stop()
    assert most == 1


def test_jobs_that_never_started_can_be_stopped() -> None:
    Jobs([]).stop()
