"""A submission in a process of its own, asked for values: started, watched, ended, and started again after a crash.

with StudentProcess(cells, paddle=False, limits=Limits()) as student:
    outcome = ladder.check(question, cases, student)
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import struct
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from course_utils.homework import sandbox, values
from course_utils.homework.ladder import Crashed, Description, Raised, Reply, Returned, TimedOut

__all__ = ["Limits", "StudentProcess", "isolation"]

PACKAGE = Path(__file__).resolve().parent.parent
LOOK = 0.1  # seconds between two looks at what the process has written


@dataclass(frozen=True)
class Limits:
    """What a submission may take: seconds a cell or call, bytes of memory and of files; isolated where possible."""

    seconds: float = 10.0
    memory: int = 4 * 2**30
    scratch: int = 256 * 2**20
    starts: int = 25  # of its process, after crashes and endless loops


def isolation() -> str:
    """The line of the report that says how well students' code is kept apart on this machine."""
    reason = sandbox.missing()
    if reason:
        return f"NOT ISOLATED but for time and memory: {reason}. Grade only notebooks of students whom you trust."
    return "isolated by Landlock, seccomp and resource limits: own folder, no network, no processes"


class StudentProcess:
    """A ladder.Student: the cells of one notebook, run in order in a process, and then asked.

    Cells that raise are noted and passed over, as a reader would; a cell that does not end or ends the process is left
    out when the process is started again, so that what the other cells define can still be asked for.
    """

    def __init__(self, cells: Sequence[str], paddle: bool, limits: Limits | None = None) -> None:
        self.cells, self.paddle, self.limits = list(cells), paddle, limits or Limits()
        self.notes: dict[int, str] = {}  # what happened to a cell, by its number from 1
        self._left_out: set[int] = set()
        self._starts = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = Path(tempfile.mkdtemp(prefix="course_submission_"))

    def __enter__(self) -> StudentProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()
        for path in [self._folder, *self._folder.rglob("*")]:
            with contextlib.suppress(OSError):
                if path.is_dir() and not path.is_symlink():
                    path.chmod(0o700)  # a folder that was made unreadable
        shutil.rmtree(self._folder, ignore_errors=True)

    def describe(self, function: str) -> Description | Raised | TimedOut | Crashed | None:
        """What stands under the name after all cells have run."""
        reply = self._ask({"do": "describe", "name": function}, self.limits.seconds)
        if not isinstance(reply, Returned):
            return reply
        if reply.value is None:
            return None
        try:
            facts = reply.value
            return Description(bool(facts["callable"]), str(facts["kind"]), int(facts["least"]), facts["most"])
        except (TypeError, KeyError, ValueError):
            return Crashed("it sent no proper answer")

    def call(self, function: str, driver: str, args: tuple[Any, ...], seconds: float) -> Reply:
        """One call; after an endless loop or a crash the process is started again when it is next asked."""
        return self._ask({"do": "call", "name": function, "driver": driver, "args": args}, seconds)

    def _ask(self, command: dict[str, Any], seconds: float) -> Reply:
        if self._process is None:
            self._start()
        if self._process is None:
            return Crashed("the notebook ends every process that it is run in")
        reply = self._exchange(command, seconds)
        if not isinstance(reply, Returned):
            self._end()
            return reply
        value = reply.value
        if isinstance(value, dict) and value.get("is") == "Raised":
            return Raised(
                str(value.get("kind", ""))[:60], str(value.get("sentence", ""))[:300], str(value.get("where", ""))[:100]
            )
        if isinstance(value, dict) and value.get("is") == "Returned":
            return Returned(value.get("value"))
        return Returned(value)

    def _start(self) -> None:
        """Start and run the cells; a cell that ends the process is left out of the next start."""
        while self._starts < self.limits.starts:
            self._starts += 1
            if self._launch() and self._run_cells():
                return
            self._end()

    def _run_cells(self) -> bool:
        for number, source in enumerate(self.cells, 1):
            if number in self._left_out:
                continue
            reply = self._exchange({"do": "run", "source": source}, self.limits.seconds)
            if isinstance(reply, TimedOut | Crashed):
                self._left_out.add(number)
                why = reply.why if isinstance(reply, Crashed) else f"it did not end within {reply.seconds:g} s"
                self.notes[number] = f"cell {number} was left out: {why}"
                return False
            if isinstance(reply, Returned) and isinstance(reply.value, dict):
                facts = {key: str(reply.value.get(key, ""))[:300] for key in ("kind", "sentence")}
                self.notes[number] = f"cell {number} raised {facts['kind']}: {facts['sentence']}"
        return True

    def _launch(self) -> bool:
        commands_out, commands_in = os.pipe()
        answers_out, answers_in = os.pipe()
        scratch = self._folder / f"run{self._starts}"
        scratch.mkdir()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "course_utils.homework.worker", str(commands_out), str(answers_in)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=PACKAGE.parent,
            env=_environment(scratch),
            pass_fds=(commands_out, answers_in),
            start_new_session=True,
        )
        os.close(commands_out)
        os.close(answers_in)
        self._commands, self._answers, self._scratch = commands_in, answers_out, scratch
        start = {
            "scratch": str(scratch),
            "isolated": not sandbox.missing(),
            "readable": [str(path) for path in _readable()],
            "memory": self.limits.memory,
            "seconds": int(60 * self.limits.seconds),
            "paddle": self.paddle,
        }
        reply = self._exchange(start, 120)
        if reply == Returned("ready"):
            return True
        raise RuntimeError(f"the process for a submission did not start ({reply}): run course doctor")

    def _exchange(self, command: dict[str, Any], seconds: float) -> Returned | TimedOut | Crashed:
        """Send one command and wait for its answer, watching the time and the files that the process writes."""
        frame = values.encode(command)
        deadline = time.monotonic() + seconds
        try:
            os.write(self._commands, struct.pack("<Q", len(frame)))
            view = memoryview(frame)
            while view:
                view = view[os.write(self._commands, view[:65536]) :]
            size = struct.unpack("<Q", self._read(8, deadline))[0]
            if size > values.LIMIT + 2**20:
                return Crashed("it sent an answer that is too large")
            return Returned(values.decode(self._read(size, deadline)))
        except TimeoutError:
            return TimedOut(seconds)
        except (BrokenPipeError, EOFError):
            return Crashed(self._how_it_ended())
        except ValueError:
            return Crashed("it sent no proper answer")
        except OSError as error:
            return Crashed(str(error))

    def _read(self, size: int, deadline: float) -> bytes:
        data = bytearray()
        while len(data) < size:
            ready, _, _ = select.select([self._answers], [], [], LOOK)
            if not ready:
                if time.monotonic() > deadline:
                    raise TimeoutError
                if _bytes_in(self._scratch) > self.limits.scratch:
                    raise OSError(f"it wrote more than {self.limits.scratch // 2**20} MB of files")
                continue
            part = os.read(self._answers, min(size - len(data), 2**20))
            if not part:
                raise EOFError
            data += part
        return bytes(data)

    def _how_it_ended(self) -> str:
        assert self._process
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(2)
        code = self._process.returncode
        if code is None:
            return "it closed its connection"
        if code < 0:
            return f"it ended with {signal.Signals(-code).name}"
        return f"it ended itself with exit status {code}"

    def _end(self) -> None:
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait()
        os.close(self._commands)
        os.close(self._answers)
        self._process = None


def _environment(scratch: Path) -> dict[str, str]:
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


def _readable() -> list[Path]:
    """Python, its libraries and the system's, the package itself; not the submissions, not the home folder."""
    paths = {Path(sys.prefix), Path(sys.base_prefix), PACKAGE, *map(Path, sysconfig.get_paths().values())}
    system = ["/usr", "/lib", "/lib64", "/bin", "/etc", "/proc", "/sys", "/dev/null", "/dev/urandom", "/dev/random"]
    return sorted({path.resolve() for path in paths} | set(map(Path, system)))


def _bytes_in(folder: Path) -> int:
    total = 0
    for place, _, files in os.walk(folder):
        for name in files:
            with contextlib.suppress(OSError):
                total += (Path(place) / name).lstat().st_size
    return total
