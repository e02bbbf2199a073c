"""The processes of one vLLM: all that belong to the session that its launcher began, whoever their parent is by now."""

import os
import sys
import time

import psutil

TRACKER_SECONDS = 1.0
KILL_SECONDS_MAX = 5.0
TRACKER = "multiprocessing.resource_tracker"  # Python's: once the others have ended it removes their shared memory


def members(session: int) -> list[psutil.Process]:
    """The living processes of a session, its leader first. Takes a look at every process; blocks for some milliseconds."""
    found = []
    for pid in psutil.pids():
        try:
            if _session_of(pid) == session:
                process = psutil.Process(pid)
                if process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        except (psutil.Error, OSError):
            continue  # it ended meanwhile, or is somebody else's
    return sorted(found, key=lambda process: process.pid != session)


def end(session: int) -> int:
    """Kill what is left of a session; how many there were. They have ended when this returns, or the kernel holds them.

    They are not waited for as one waits for children: some may be, and somebody else does that.
    """
    ended: set[int] = set()
    began = time.monotonic()
    while (found := members(session)) and (passed := time.monotonic() - began) < KILL_SECONDS_MAX:
        for process in found:
            ended.add(process.pid)
            try:
                if passed > TRACKER_SECONDS or not _is_tracker(process):
                    process.kill()
            except psutil.Error:
                continue
        time.sleep(0.02)
    return len(ended)


def _is_tracker(process: psutil.Process) -> bool:
    return any(TRACKER in word for word in process.cmdline())


def listens(session: int, port: int) -> bool:
    """Whether it is one of these processes that listens on the port: only then may it be told the key, and prompts."""
    for process in members(session):
        try:
            if any(one.status == psutil.CONN_LISTEN and one.laddr.port == port for one in process.net_connections(kind="tcp")):
                return True
        except psutil.Error:
            continue
    return False


def rss_bytes(session: int) -> int:
    """Memory of all of them together."""
    total = 0
    for process in members(session):
        try:
            total += process.memory_info().rss
        except psutil.Error:
            continue
    return total


def _session_of(pid: int) -> int:
    if sys.platform == "win32":  # no sessions there, and no vLLM
        return 0
    return os.getsid(pid)
