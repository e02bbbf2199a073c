"""System calls that a confined worker has no use for. Refused by the kernel (seccomp), with EPERM, which is an error in the
worker and not its end: libraries try things while they are imported.

What is refused is listed, not what is allowed: numpy, onnxruntime and three C libraries change what they need with each
version, and a reader that dies on a new machine guards nothing. So the list has everything that reaches beyond the process.
"""

import errno
import importlib
from typing import Any

NETWORK = (
    *("socket", "socketpair", "connect", "bind", "listen", "accept", "accept4", "sendto", "sendmsg", "sendmmsg"),
    *("io_uring_setup", "io_uring_enter", "io_uring_register"),  # opens sockets and files past this filter
)
PROGRAMS = ("execve", "fork", "vfork")
OTHER_PROCESSES = (
    *("ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp", "pidfd_open", "pidfd_getfd"),
    *("pidfd_send_signal", "tkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "setpgid", "setsid"),
    *("sched_setaffinity", "sched_setattr", "sched_setparam", "sched_setscheduler", "setpriority", "ioprio_set", "migrate_pages"),
    *("move_pages", "shmget", "shmat", "shmctl", "msgget", "msgsnd", "msgrcv", "msgctl", "semget", "semop", "semctl"),
    *("mq_open", "mq_unlink", "execveat"),
)
# Landlock doesn't know these: they change or watch a file by its name, wherever it is.
FILES = (
    *("chmod", "fchmodat", "fchmodat2", "chown", "lchown", "fchownat", "setxattr", "lsetxattr", "setxattrat", "removexattr"),
    *("lremovexattr", "removexattrat", "utime", "utimes", "utimensat", "futimesat", "mknod", "mknodat", "inotify_init"),
    *("inotify_init1", "inotify_add_watch", "fanotify_init", "fanotify_mark", "name_to_handle_at", "open_by_handle_at"),
    *("quotactl", "quotactl_fd"),
)
SYSTEM = (
    *("mount", "umount", "umount2", "pivot_root", "chroot", "open_tree", "move_mount", "fsopen", "fsconfig", "fsmount", "fspick"),
    *("mount_setattr", "unshare", "setns", "keyctl", "add_key", "request_key", "bpf", "perf_event_open", "userfaultfd", "acct"),
    *("init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot", "swapon", "swapoff", "syslog"),
    *("settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "stime", "sethostname", "setdomainname", "vhangup"),
    *("memfd_create", "memfd_secret"),  # files that Landlock doesn't know, and that could be started as programs
    *("iopl", "ioperm", "modify_ldt", "personality", "lookup_dcookie", "nfsservctl", "uselib", "ustat", "sysfs"),
)
_CLONE_THREAD = 0x0001_0000
_CLONE_NEW = (0x0002_0000, 0x0200_0000, 0x0400_0000, 0x0800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000)
_TIOCSTI = 0x5412  # puts words into the terminal that the server was started from
# A file can send signals to whoever it is told to belong to, as kill does.
_OWNERS = {"fcntl": (8, 10, 15), "ioctl": (0x8901, 0x8902)}  # F_SETOWN, F_SETSIG, F_SETOWN_EX; FIOSETOWN, SIOCSPGRP
_PR_SET_PDEATHSIG = 1  # to end with the server


def library() -> Any:
    """pyseccomp, or None where it, or the libseccomp that it needs, isn't there. Starts a program of the system's."""
    try:
        return importlib.import_module("pyseccomp")
    except (ImportError, OSError, RuntimeError, AttributeError):
        return None


def refuse(pyseccomp: Any, process: int, *, may_start_programs: bool, may_signal: bool) -> None:
    """From now on these calls fail in this process, and in what it starts.

    Shapes:  may_signal: another wall keeps its signals from all but what it started.
    Errors:  OSError, also where there is no library.
    """
    if pyseccomp is None:
        raise OSError("no libseccomp")
    calls = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    no = pyseccomp.ERRNO(errno.EPERM)
    for name in (*NETWORK, *OTHER_PROCESSES, *FILES, *SYSTEM, *(() if may_start_programs else PROGRAMS)):
        _add(calls, no, name)
    _add(calls, pyseccomp.ERRNO(errno.ENOSYS), "clone3")  # its flags lie in memory, unseen: the C library goes on with clone
    _add(calls, no, "prlimit64", pyseccomp.Arg(0, pyseccomp.NE, 0))  # limits of others, the server's
    _add(calls, no, "ioctl", pyseccomp.Arg(1, pyseccomp.MASKED_EQ, 0xFFFF_FFFF, _TIOCSTI))
    for name, requests in _OWNERS.items():
        for request in requests:
            _add(calls, no, name, pyseccomp.Arg(1, pyseccomp.MASKED_EQ, 0xFFFF_FFFF, request))
    _add(calls, no, "prctl", pyseccomp.Arg(0, pyseccomp.MASKED_EQ, 0xFFFF_FFFF, _PR_SET_PDEATHSIG))
    if not may_signal:
        _add(calls, no, "kill")
        _add(calls, no, "tgkill", pyseccomp.Arg(0, pyseccomp.NE, process))  # abort() has to reach us
    if may_start_programs:
        for flag in _CLONE_NEW:
            _add(calls, no, "clone", pyseccomp.Arg(0, pyseccomp.MASKED_EQ, flag, flag))
    else:
        _add(calls, no, "clone", pyseccomp.Arg(0, pyseccomp.MASKED_EQ, _CLONE_THREAD, 0))
    calls.set_attr(pyseccomp.Attr.CTL_TSYNC, 1)
    calls.load()


def _add(calls: Any, action: int, name: str, *arguments: Any) -> None:
    try:
        calls.add_rule(action, name, *arguments)
    except (OSError, ValueError):
        pass  # a call that this processor, or this libseccomp, doesn't have
