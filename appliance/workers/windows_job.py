"""A job around this process, on Windows: its memory, its time, no other process, no windows and no clipboard of others.

Source: learn.microsoft.com/windows/win32/procthread/job-objects, read 2026-11-27. Not tried on Windows here.
"""

import ctypes
import sys
from typing import Any

_BASIC_UI, _EXTENDED = 4, 9
_PROCESS_TIME, _ACTIVE_PROCESS, _PROCESS_MEMORY = 0x2, 0x8, 0x100
_DIE_ON_UNHANDLED_EXCEPTION, _KILL_ON_CLOSE = 0x400, 0x2000
_ALL_UI = 0xFF
_TICKS_A_SECOND = 10_000_000

_kept: list[Any] = []  # the job ends with its last handle, and we with it


class _Basic(ctypes.Structure):
    _fields_ = (
        ("process_time", ctypes.c_int64),
        ("job_time", ctypes.c_int64),
        ("flags", ctypes.c_uint32),
        ("working_set_min", ctypes.c_size_t),
        ("working_set_max", ctypes.c_size_t),
        ("processes", ctypes.c_uint32),
        ("affinity", ctypes.c_size_t),
        ("priority", ctypes.c_uint32),
        ("scheduling", ctypes.c_uint32),
    )


class _Extended(ctypes.Structure):
    _fields_ = (
        ("basic", _Basic),
        ("io_counters", ctypes.c_uint64 * 6),
        ("process_memory", ctypes.c_size_t),
        ("job_memory", ctypes.c_size_t),
        ("process_memory_peak", ctypes.c_size_t),
        ("job_memory_peak", ctypes.c_size_t),
    )


def enter(memory_bytes: int, cpu_seconds: int, *, may_start_programs: bool) -> bool:
    """0: no bound. False: the system refused, and nothing has changed."""
    bounds = _Extended()
    bounds.basic.flags = _DIE_ON_UNHANDLED_EXCEPTION | _KILL_ON_CLOSE
    if not may_start_programs:
        bounds.basic.flags |= _ACTIVE_PROCESS
        bounds.basic.processes = 1
    if memory_bytes:
        bounds.basic.flags |= _PROCESS_MEMORY
        bounds.process_memory = memory_bytes
    if cpu_seconds:
        bounds.basic.flags |= _PROCESS_TIME
        bounds.basic.process_time = cpu_seconds * _TICKS_A_SECOND
    return _enter(bounds, ctypes.c_uint32(_ALL_UI))


def _enter(bounds: _Extended, screen: ctypes.c_uint32) -> bool:
    if sys.platform == "win32":
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel.CreateJobObjectW.restype = kernel.GetCurrentProcess.restype = ctypes.c_void_p
        job = ctypes.c_void_p(kernel.CreateJobObjectW(None, None))
        for kind, facts in ((_EXTENDED, bounds), (_BASIC_UI, screen)):
            if not (job.value and kernel.SetInformationJobObject(job, kind, ctypes.byref(facts), ctypes.sizeof(facts))):
                return False
        if kernel.AssignProcessToJobObject(job, ctypes.c_void_p(kernel.GetCurrentProcess())):
            _kept.append(job)
            return True
    return False
