"""Looks at a worker once a second while it works: what the kernel doesn't bound. A bound on one file is no bound on a thousand,
and no system but Linux keeps a process to its memory."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import psutil

from appliance.workers.process import Worker

LOOK_SECONDS = 1.0
THREADS_MAX = 200  # a worker has some ten
ENTRY_BYTES = 4096  # that a file costs, if nothing is in it


class Watch(msgspec.Struct, frozen=True):
    """memory_bytes: 0 where the kernel sees to that."""

    folder_bytes_max: int
    memory_bytes: int = 0


def watch_of(folder_bytes_max: int, memory_bytes: int) -> Watch:
    return Watch(folder_bytes_max, 0 if sys.platform == "linux" else memory_bytes)


@asynccontextmanager
async def watched(worker: Worker, watch: Watch) -> AsyncIterator[list[str]]:
    """Kills the worker that takes too much; what it took too much of is in the list then."""
    excess: list[str] = []
    task = asyncio.ensure_future(_look(worker, watch, excess))
    try:
        yield excess
    finally:
        task.cancel()


async def _look(worker: Worker, watch: Watch, excess: list[str]) -> None:
    while worker.is_alive:
        await asyncio.sleep(LOOK_SECONDS)
        if await asyncio.to_thread(_folder_bytes, worker.folder, watch.folder_bytes_max) > watch.folder_bytes_max:
            excess.append("disk")
        elif _threads(worker.pid) > THREADS_MAX:
            excess.append("threads")
        elif watch.memory_bytes and _memory_bytes(worker.pid) > watch.memory_bytes:
            excess.append("memory")
        if excess:
            worker.kill()
            return


def _folder_bytes(folder: Path, enough: int) -> int:
    """On the disk, all below it, or more than `enough`. Its owner changes it meanwhile."""
    total = 0
    for place, folders, names in os.walk(folder):
        total += ENTRY_BYTES * len(folders)
        if total > enough:
            break
        for name in names:
            try:
                facts = os.lstat(f"{place}/{name}")
            except OSError:
                continue
            total += ENTRY_BYTES + getattr(facts, "st_blocks", facts.st_size // 512) * 512
    return total


def _threads(pid: int) -> int:
    try:
        return int(psutil.Process(pid).num_threads())
    except psutil.Error:
        return 0


def _memory_bytes(pid: int) -> int:
    try:
        used: int = psutil.Process(pid).memory_info().rss
    except psutil.Error:
        return 0
    return used
