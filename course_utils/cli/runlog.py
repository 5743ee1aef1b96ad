"""The log of a training run: one JSON object a line, so that it can be read while it grows and after any end."""

from __future__ import annotations

import datetime
import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

from course_utils.errors import CourseError

__all__ = ["RunLog", "about_this_machine", "begun_with"]


class RunLog:
    """Appends to a file of JSON lines, each with its "kind" and "wall_seconds": since the start, over all resumptions.

    epoch: how many epochs are kept; lines of later ones in the file were lost with their weights, and go. With 0 the
    file begins anew. Raises CourseError where the file cannot be read or written.
    """

    def __init__(self, path: Path, epoch: int = 0) -> None:
        self.path = path
        lines = self._kept(epoch) if epoch else []
        before = lines[-1]["wall_seconds"] if lines else 0.0
        self._began = time.perf_counter() - before
        self._write("w", *lines)

    def add(self, kind: str, **facts: Any) -> None:
        """Write one more line."""
        wall = round(time.perf_counter() - self._began, 2)
        self._write("a", {"kind": kind, **facts, "wall_seconds": wall})

    def _kept(self, epoch: int) -> list[dict[str, Any]]:
        return [line for line in _lines(self.path) if line.get("epoch", 0) <= epoch and line["kind"] != "test"]

    def _write(self, mode: str, *lines: dict[str, Any]) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open(mode, encoding="utf-8") as file:
                file.writelines(json.dumps(line) + "\n" for line in lines)
        except OSError as error:
            raise CourseError(
                f"the log {self.path} cannot be written ({error.strerror}): name another --folder"
            ) from error


def begun_with(path: Path) -> dict[str, Any]:
    """The first line of a log, or nothing where there is none. Raises CourseError where it cannot be read."""
    return next(iter(_lines(path)), {})


def about_this_machine() -> dict[str, Any]:
    """Command, date, machine and versions: what a reader of the log needs to know about the run."""
    import numpy as np
    import paddle

    from course_utils import __version__
    from course_utils.cli.checkup import processor

    return {
        "command": " ".join(["course", *sys.argv[1:]]),
        "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "machine": {
            "processor": processor(),
            "cores": os.cpu_count(),
            "threads": os.environ.get("OMP_NUM_THREADS"),
            "system": f"{platform.system()} {platform.machine()}",
            "device": paddle.get_device(),
        },
        "versions": {
            "course_utils": __version__,
            "python": platform.python_version(),
            "paddle": paddle.__version__,
            "numpy": np.__version__,
        },
    }


def _lines(path: Path) -> list[dict[str, Any]]:
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise CourseError(f"the log {path} cannot be read: move it away to begin a new one") from error
