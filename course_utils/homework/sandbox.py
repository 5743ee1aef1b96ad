"""Put this process into a box before it runs a student's code: memory, files, network and processes are limited.

Linux only, without root and without a container, by three means of the kernel: resource limits, Landlock (what may be
read and written) and seccomp (no new process, no socket, no signal to others). Elsewhere `enter` says what is missing.
What is entered cannot be left. Sources: landlock(7), seccomp(2); the filter is classic BPF.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

from course_utils.homework.system_calls import REFUSED, Refused

__all__ = ["enter_files", "enter_processes", "limit", "missing"]

FILE_BYTES = 32 * 2**20  # of one file that the student's code writes
OPEN_FILES = 256
PR_SET_NO_NEW_PRIVS, PR_SET_PDEATHSIG = 38, 1
LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT, LANDLOCK_PATH_BENEATH = 444, 445, 446, 1
READ, EVERYTHING_ON_A_FILE = 0b1101, 0b100000000000110  # execute + read file + read dir; what applies to plain files
ABI_RIGHTS = {1: 2**13 - 1, 2: 2**14 - 1, 3: 2**15 - 1, 4: 2**15 - 1, 5: 2**16 - 1}  # all rights on files that it knows

CLONE_THREAD = 0x10000
EPERM, ENOSYS = 1, 38


def missing() -> str:
    """What keeps this machine from isolating a student's code, as a clause; empty where nothing does."""
    if sys.platform != "linux":
        return f"{platform.system()} has neither Landlock nor seccomp"
    if platform.machine() not in REFUSED:
        return f"no list of system calls for {platform.machine()}"
    if _landlock_version() < 1:
        return "this kernel has no Landlock (Linux 5.13 and later have it)"
    return ""


def limit(memory: int, seconds: int) -> None:
    """Limit what this process may take: bytes of memory, seconds of the processor, sizes and number of files."""
    import resource

    for name, value in (
        ("AS", memory), ("CPU", seconds), ("FSIZE", FILE_BYTES), ("NOFILE", OPEN_FILES), ("CORE", 0),
    ):  # fmt: skip
        kind = getattr(resource, f"RLIMIT_{name}")
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (value, value))
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.prctl(PR_SET_PDEATHSIG, 9, 0, 0, 0)  # it does not outlive the grader


def enter_files(readable: Iterable[Path], writable: Path) -> None:
    """From now on only these folders can be read, and only `writable` be written.

    Applies to this thread and what it starts, so call it before others exist. Raises OSError where the kernel refuses.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    version = _landlock_version()
    handled = ABI_RIGHTS[min(version, 5)]
    network = 0b11 if version >= 4 else 0
    scopes = 0b11 if version >= 6 else 0
    attributes = struct.pack("QQQ", handled, network, scopes)[: 8 if version < 4 else 16 if version < 6 else 24]
    rules = _checked(libc.syscall(LANDLOCK_CREATE, attributes, len(attributes), 0))
    for path, rights in [(path, READ) for path in readable] + [(writable, handled)]:
        try:
            folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue  # not on this machine
        if not path.is_dir():
            rights &= EVERYTHING_ON_A_FILE | 1
        rule = struct.pack("=Qi", rights & handled, folder)
        _checked(libc.syscall(LANDLOCK_ADD, rules, LANDLOCK_PATH_BENEATH, rule, 0))
        os.close(folder)
    _checked(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    _checked(libc.syscall(LANDLOCK_RESTRICT, rules, 0))
    os.close(rules)


def enter_processes() -> None:
    """From now on: no new process, no program, no socket, no signal to others. Threads are still possible.

    For all threads of this process. Raises OSError where the kernel refuses.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    program = _filter(REFUSED[platform.machine()])
    code = ctypes.create_string_buffer(b"".join(program), 8 * len(program))

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]

    pointer = ctypes.byref(Program(len(program), ctypes.cast(code, ctypes.c_void_p)))
    _checked(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    number = {"x86_64": 317, "aarch64": 277}[platform.machine()]  # seccomp(2)
    _checked(libc.syscall(number, 1, 1, pointer))  # SECCOMP_SET_MODE_FILTER, for all threads (TSYNC)


def _filter(refused: Refused) -> list[bytes]:
    """Classic BPF: instructions of (code, jump if true, jump if false, k)."""
    load, jump_equal, jump_set, answer = 0x20, 0x15, 0x45, 0x06
    allow, error, kill = 0x7FFF0000, 0x00050000, 0x80000000
    number, machine, first_argument = 0, 4, 16

    def step(code: int, k: int, true: int = 0, false: int = 0) -> bytes:
        return struct.pack("HBBI", code, true, false, k)

    refuse, permit = step(answer, error | EPERM), step(answer, allow)
    program = [
        step(load, machine),
        step(jump_equal, refused.machine, true=1),
        step(answer, kill),  # a 32-bit call would have other numbers
        step(load, number),
        step(0x35, 0x40000000, false=1),  # x32 calls likewise
        refuse,
    ]
    for call in sorted(refused.always.values()):
        program += [step(jump_equal, call, false=1), refuse]
    program += [step(jump_equal, refused.clone3, false=1), step(answer, error | ENOSYS)]  # its flags cannot be read
    argument = step(load, first_argument)
    program += [
        step(jump_equal, refused.clone, false=4),
        argument,
        step(jump_set, CLONE_THREAD, true=1),
        refuse,
        permit,
    ]
    program += [step(jump_equal, refused.prlimit, false=4), argument, step(jump_equal, 0, true=1), refuse, permit]
    program += [step(jump_equal, refused.prctl, false=4), argument, step(jump_equal, PR_SET_PDEATHSIG, false=1)]
    return [*program, refuse, permit, permit]


def _landlock_version() -> int:
    if sys.platform != "linux":
        return 0
    return int(ctypes.CDLL(None).syscall(LANDLOCK_CREATE, None, 0, 1))


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
