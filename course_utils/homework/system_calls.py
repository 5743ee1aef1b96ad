"""The numbers of the system calls that a student's code is refused, by machine: <asm/unistd.h> of Linux."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["REFUSED", "Refused"]


@dataclass(frozen=True)
class Refused:
    """A machine's number in a seccomp filter (AUDIT_ARCH), the calls that are always refused, and those by argument.

    clone and clone3 make threads too; prlimit sets one's own limits only; prctl may not undo the end with the grader.
    """

    machine: int
    clone: int
    clone3: int
    prlimit: int
    prctl: int
    always: dict[str, int]


REFUSED = {
    "x86_64": Refused(
        0xC000003E, clone=56, clone3=435, prlimit=302, prctl=157,
        always={
            # processes and programs
            "fork": 57, "vfork": 58, "execve": 59, "execveat": 322, "setsid": 112, "setpgid": 109, "unshare": 272,
            "setns": 308,
            # signals to others, and looking into them
            "kill": 62, "tkill": 200, "tgkill": 234, "rt_sigqueueinfo": 129, "rt_tgsigqueueinfo": 297,
            "pidfd_send_signal": 424, "pidfd_open": 434, "pidfd_getfd": 438, "ptrace": 101, "process_vm_readv": 310,
            "process_vm_writev": 311, "process_madvise": 440, "process_mrelease": 448, "kcmp": 312,
            "perf_event_open": 298,
            # what other processes may take
            "setpriority": 141, "sched_setparam": 142, "sched_setscheduler": 144, "sched_setattr": 314,
            "sched_setaffinity": 203, "ioprio_set": 251, "migrate_pages": 256, "move_pages": 279,
            # what Landlock leaves open on files: modes, owners, times, lengths
            "chmod": 90, "fchmod": 91, "fchmodat": 268, "chown": 92, "lchown": 94, "fchown": 93, "fchownat": 260,
            "utime": 132, "utimes": 235, "utimensat": 280, "futimesat": 261, "truncate": 76, "setxattr": 188,
            "lsetxattr": 189, "fsetxattr": 190, "removexattr": 197, "lremovexattr": 198, "fremovexattr": 199,
            "open_by_handle_at": 304, "fchmodat2": 452, "setxattrat": 463, "removexattrat": 466, "file_setattr": 469,
            # network and memory that others share
            "socket": 41, "socketpair": 53, "connect": 42, "bind": 49, "io_uring_setup": 425, "shmget": 29,
            "msgget": 68, "semget": 64, "memfd_create": 319, "mq_open": 240, "keyctl": 250, "add_key": 248,
            "bpf": 321,
            # the machine, for a grader that is root
            "mount": 165, "umount2": 166, "chroot": 161, "pivot_root": 155, "open_tree": 428, "move_mount": 429,
            "fsopen": 430, "mount_setattr": 442, "reboot": 169, "swapon": 167, "swapoff": 168, "sethostname": 170,
            "setdomainname": 171, "settimeofday": 164, "clock_settime": 227, "adjtimex": 159, "clock_adjtime": 305,
            "init_module": 175, "finit_module": 313, "delete_module": 176, "kexec_load": 246, "acct": 163,
            "quotactl": 179, "syslog": 103,
        },
    ),
    "aarch64": Refused(
        0xC00000B7, clone=220, clone3=435, prlimit=261, prctl=167,
        always={
            # processes and programs
            "execve": 221, "execveat": 281, "setsid": 157, "setpgid": 154, "unshare": 97, "setns": 268,
            # signals to others, and looking into them
            "kill": 129, "tkill": 130, "tgkill": 131, "rt_sigqueueinfo": 138, "rt_tgsigqueueinfo": 240,
            "pidfd_send_signal": 424, "pidfd_open": 434, "pidfd_getfd": 438, "ptrace": 117, "process_vm_readv": 270,
            "process_vm_writev": 271, "process_madvise": 440, "process_mrelease": 448, "kcmp": 272,
            "perf_event_open": 241,
            # what other processes may take
            "setpriority": 140, "sched_setparam": 118, "sched_setscheduler": 119, "sched_setattr": 274,
            "sched_setaffinity": 122, "ioprio_set": 30, "migrate_pages": 238, "move_pages": 239,
            # what Landlock leaves open on files: modes, owners, times, lengths
            "fchmod": 52, "fchmodat": 53, "fchown": 55, "fchownat": 54, "utimensat": 88, "truncate": 45,
            "setxattr": 5, "lsetxattr": 6, "fsetxattr": 7, "removexattr": 14, "lremovexattr": 15, "fremovexattr": 16,
            "open_by_handle_at": 265, "fchmodat2": 452, "setxattrat": 463, "removexattrat": 466, "file_setattr": 469,
            # network and memory that others share
            "socket": 198, "socketpair": 199, "connect": 203, "bind": 200, "io_uring_setup": 425, "shmget": 194,
            "msgget": 186, "semget": 190, "memfd_create": 279, "mq_open": 180, "keyctl": 219, "add_key": 217,
            "bpf": 280,
            # the machine, for a grader that is root
            "mount": 40, "umount2": 39, "chroot": 51, "pivot_root": 41, "open_tree": 428, "move_mount": 429,
            "fsopen": 430, "mount_setattr": 442, "reboot": 142, "swapon": 224, "swapoff": 225, "sethostname": 161,
            "setdomainname": 162, "settimeofday": 170, "clock_settime": 112, "adjtimex": 171, "clock_adjtime": 266,
            "init_module": 105, "finit_module": 273, "delete_module": 106, "kexec_load": 104, "acct": 89,
            "quotactl": 60, "syslog": 116,
        },
    ),
}  # fmt: skip
