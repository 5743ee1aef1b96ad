"""The grader's folders for what students handed in: each locked while it is used, the rest removed at the next start.

The lock is the kernel's (flock on the folder) and ends with the process that holds it, however that ends. So a folder
of ours that is not locked was left by a grader that was killed.
"""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from pathlib import Path
from types import TracebackType

from course_utils.homework import surroundings

if sys.platform != "win32":
    import fcntl

__all__ = ["Scratch", "sweep"]

PREFIX = "course_grader_"


class Scratch:
    """A new folder in the temporary folder, at `path`, that is removed at the end of a `with` or by `remove`."""

    def __init__(self) -> None:
        while True:
            self.path = Path(tempfile.mkdtemp(prefix=PREFIX))
            self._lock = _locked(self.path)
            if self._lock is not None:
                return

    def __enter__(self) -> Scratch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()

    def remove(self) -> None:
        """Delete the folder with everything in it, and give up its lock."""
        surroundings.remove(self.path)
        if self._lock is not None and self._lock >= 0:
            os.close(self._lock)
        self._lock = None


def sweep() -> None:
    """Remove the folders that graders of this user left behind; nothing where the system or the disk has no locks."""
    if sys.platform == "win32":
        return
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            facts = path.lstat()
        except OSError:
            continue  # its grader has just removed it
        if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.getuid():
            continue
        lock = _locked(path)
        if lock is not None and lock >= 0:
            surroundings.remove(path)
            os.close(lock)


def _locked(path: Path) -> int | None:
    """A descriptor that locks the folder; -1 where there are no locks, None where another process has it or took it."""
    if sys.platform == "win32":
        return -1
    try:
        lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None  # a sweeper was quicker
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if path.is_dir() and os.path.samestat(os.fstat(lock), path.stat()):
            return lock
        unlocked = None
    except BlockingIOError:
        unlocked = None
    except OSError:  # a network disk, for instance
        unlocked = -1
    os.close(lock)
    return unlocked
