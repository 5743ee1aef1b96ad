"""What surrounds a submission's process: its environment, the folders that it may read, and the one that it writes."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

__all__ = ["BLOCK", "PACKAGE", "bytes_in", "environment", "readable", "remove"]

PACKAGE = Path(__file__).resolve().parent.parent
BLOCK = 4096  # bytes that an empty file or folder counts as


def environment(scratch: Path) -> dict[str, str]:
    """Nothing of the grader's own environment, and every folder that programs write to inside the scratch folder."""
    places = ("HOME", "TMPDIR", "IPYTHONDIR", "MPLCONFIGDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "PADDLE_HOME")
    fixed = {
        "COURSE_GRADING": "1",
        "COURSE_DATA": "sample",
        "COURSE_PROFILE": "quick",
        "LANG": "C.UTF-8",
        "MPLBACKEND": "Agg",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PATH": os.defpath,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONNOUSERSITE": "1",
    }
    return dict.fromkeys(places, str(scratch)) | fixed


def readable() -> list[Path]:
    """Python, its libraries and the system's, the package; no submissions, no home folder, no other process."""
    paths = {Path(sys.prefix), Path(sys.base_prefix), PACKAGE, *map(Path, sysconfig.get_paths().values())}
    system = "/usr /lib /lib64 /bin /sys /dev/null /dev/urandom /dev/random /etc/ld.so.cache /etc/localtime /etc/fonts"
    system += " /proc/self /proc/cpuinfo /proc/meminfo /proc/stat /proc/version /proc/filesystems /proc/sys"
    return sorted({path.resolve() for path in paths} | set(map(Path, system.split())))


def bytes_in(folder: Path, limit: int) -> int:
    """Bytes of the files below a folder, each at least a block; no longer counted once they pass the limit."""
    total, folders = 0, [str(folder)]
    while folders and total <= limit:
        with contextlib.suppress(OSError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                total += BLOCK
                with contextlib.suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_size
    return total


def remove(folder: Path) -> None:
    """Delete a folder, however deep it is and whatever rights its parts were given."""
    if os.name == "posix":  # Python's own way ends at a depth of a thousand
        for command in (["chmod", "-R", "u+rwx"], ["rm", "-rf"]):
            subprocess.run([*command, "--", str(folder)], check=False, stderr=subprocess.DEVNULL)
    shutil.rmtree(folder, ignore_errors=True)
