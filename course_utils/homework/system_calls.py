"""The numbers of the system calls that a student's code is refused, by machine: <asm/unistd.h> of Linux."""

from __future__ import annotations

__all__ = ["REFUSED"]

# Processes, sockets, signals to others, looking into others, mounts, keys and shared memory; then those that make
# threads too. The first number names the machine in a seccomp filter (AUDIT_ARCH).
REFUSED: dict[str, tuple[int, dict[str, int], dict[str, int]]] = {
    "x86_64": (
        0xC000003E,
        {
            "socket": 41, "socketpair": 53, "connect": 42, "bind": 49, "fork": 57, "vfork": 58, "execve": 59,
            "execveat": 322, "kill": 62, "tkill": 200, "tgkill": 234, "rt_sigqueueinfo": 129,
            "rt_tgsigqueueinfo": 297, "pidfd_send_signal": 424, "pidfd_open": 434, "ptrace": 101,
            "process_vm_readv": 310, "process_vm_writev": 311, "setsid": 112, "setpgid": 109, "unshare": 272,
            "setns": 308, "mount": 165, "umount2": 166, "chroot": 161, "bpf": 321, "io_uring_setup": 425,
            "keyctl": 250, "add_key": 248, "shmget": 29, "msgget": 68, "semget": 64, "memfd_create": 319,
            "mq_open": 240,
        },
        {"clone": 56, "clone3": 435},
    ),
    "aarch64": (
        0xC00000B7,
        {
            "socket": 198, "socketpair": 199, "connect": 203, "bind": 200, "execve": 221, "execveat": 281,
            "kill": 129, "tkill": 130, "tgkill": 131, "rt_sigqueueinfo": 138, "rt_tgsigqueueinfo": 240,
            "pidfd_send_signal": 424, "pidfd_open": 434, "ptrace": 117, "process_vm_readv": 270,
            "process_vm_writev": 271, "setsid": 157, "setpgid": 154, "unshare": 97, "setns": 268, "mount": 40,
            "umount2": 39, "chroot": 51, "bpf": 280, "io_uring_setup": 425, "keyctl": 219, "add_key": 217,
            "shmget": 194, "msgget": 186, "semget": 190, "memfd_create": 279, "mq_open": 180,
        },
        {"clone": 220, "clone3": 435},
    ),
}  # fmt: skip
