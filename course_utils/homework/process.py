"""A submission in a process of its own, asked for values: started, watched, ended, and started again after a crash.

with StudentProcess(cells, paddle=False, limits=Limits()) as student:
    outcome = ladder.check(question, cases, student)
"""

from __future__ import annotations

import contextlib
import os
import secrets
import select
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from course_utils.errors import CourseError
from course_utils.homework import sandbox, surroundings, values
from course_utils.homework.ladder import Crashed, Description, Raised, Reply, Returned, TimedOut
from course_utils.homework.scratch import Scratch
from course_utils.homework.values import printable

__all__ = ["Limits", "StudentProcess", "isolation"]

LOOK = 0.1  # seconds between two looks at what the process has written
IMPROPER = "it sent no proper answer"


@dataclass(frozen=True)
class Limits:
    """What a submission may take: seconds a cell or call, and for all together; bytes of memory and of files."""

    seconds: float = 10.0
    total: float = 300.0
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
        if os.name != "posix":
            raise CourseError("homework is graded on Linux, macOS or WSL: on Windows use hw.check in the notebook")
        self.cells, self.paddle, self.limits = list(cells), paddle, limits or Limits()
        self.notes: dict[int, str] = {}  # what happened to a cell, by its number from 1
        self._left_out: set[int] = set()
        self._starts = 0
        self._number = 0  # of the command that was sent last
        self._seconds = 0.0  # that it has taken so far
        self._looked = 0.0  # when its files were last counted
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = Scratch()

    def __enter__(self) -> StudentProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()
        self._folder.remove()

    def describe(self, function: str) -> Description | Raised | TimedOut | Crashed | None:
        """What stands under the name after all cells have run."""
        reply = self._ask({"do": "describe", "name": function}, self.limits.seconds)
        if not isinstance(reply, Returned):
            return reply
        match reply.value:
            case None:
                return None
            case {"callable": bool(known), "kind": str(kind), "least": int(least), "most": int() | None as most}:
                return Description(known, printable(kind)[:60], least, most)
        return Crashed(IMPROPER)

    def call(self, function: str, driver: str, args: tuple[Any, ...], seconds: float) -> Reply:
        """One call; after an endless loop or a crash the process is started again when it is next asked."""
        command = {"do": "call", "name": function, "driver": driver, "args": args}
        return self._ask(command, min(seconds, self.limits.seconds))

    def _ask(self, command: dict[str, Any], seconds: float) -> Reply:
        if self._process is None:
            self._start()
        if self._left() <= 0:
            self._end()
            return TimedOut(self.limits.total, whole=True)
        if self._process is None:
            return Crashed("the notebook ends every process that it is run in")
        reply = self._exchange(command, seconds)
        if not isinstance(reply, Returned):
            self._end()
            return reply
        match reply.value:
            case {"is": str("Raised"), "kind": str(kind), "sentence": str(sentence), "where": str(where)}:
                return Raised(printable(kind)[:60], printable(sentence)[:300], printable(where)[:100])
            case {"is": str("Returned"), "value": value}:
                return Returned(value)
        return reply

    def _left(self) -> float:
        return self.limits.total - self._seconds

    def _start(self) -> None:
        """Start and run the cells; a cell that ends the process is left out of the next start."""
        while self._starts < self.limits.starts and self._left() > 0:
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
            if self._left() <= 0:
                return False
            match reply.value:
                case {"kind": str(kind), "sentence": str(sentence)}:
                    said = printable(sentence)[:300].rstrip(".")
                    self.notes[number] = f"cell {number} raised {printable(kind)[:60]}: {said}"
        return True

    def _launch(self) -> bool:
        commands_out, commands_in = os.pipe()
        answers_out, answers_in = os.pipe()
        scratch = self._folder.path / f"run{self._starts}"
        scratch.mkdir()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "course_utils.homework.worker", str(commands_out), str(answers_in)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=surroundings.PACKAGE.parent,
            env=surroundings.environment(scratch),
            pass_fds=(commands_out, answers_in),
            start_new_session=True,
        )
        os.close(commands_out)
        os.close(answers_in)
        self._commands, self._answers, self._scratch = commands_in, answers_out, scratch
        start = {
            "scratch": str(scratch),
            "isolated": not sandbox.missing(),
            "readable": [str(path) for path in surroundings.readable()],
            "memory": self.limits.memory,
            "seconds": int(self.limits.total) + 60,
            "paddle": self.paddle,
        }
        reply = self._exchange(start, 120)
        if reply == Returned("ready"):
            return True
        gigabytes = self.limits.memory / 2**30
        raise CourseError(f"the process for a submission did not start with {gigabytes:g} GB: give it more memory")

    def _exchange(self, command: dict[str, Any], seconds: float) -> Returned | TimedOut | Crashed:
        """Send one command and wait for its answer, watching the time and the files that the process writes."""
        self._number = secrets.randbits(60)  # which the student's code cannot guess for the commands to come
        frame, began = values.encode(command | {"number": self._number}), time.monotonic()
        deadline = began + seconds
        try:
            self._write(struct.pack("<Q", len(frame)) + frame, deadline)
            while True:
                size = struct.unpack("<Q", self._read(8, deadline))[0]
                if size > values.LARGEST:
                    return Crashed("it sent an answer that is too large")
                match values.decode(self._read(size, deadline)):
                    case {"number": int(number), "answer": answer} if number == self._number:
                        return Returned(answer)  # any other was sent by the student's code, or is late
        except TimeoutError:
            return TimedOut(seconds)
        except (BrokenPipeError, EOFError):
            return Crashed(self._how_it_ended())
        except ValueError:
            return Crashed(IMPROPER)
        except OSError as error:
            return Crashed(str(error))
        finally:
            self._seconds += time.monotonic() - began

    def _write(self, data: bytes, deadline: float) -> None:
        view = memoryview(data)
        while view:
            if self._watched(deadline, select.select([], [self._commands], [], LOOK)[1]):
                view = view[os.write(self._commands, view[:4096]) :]  # what a pipe that has room takes at once

    def _read(self, size: int, deadline: float) -> bytearray:
        data = bytearray()
        while len(data) < size:
            if self._watched(deadline, select.select([self._answers], [], [], LOOK)[0]):
                part = os.read(self._answers, min(size - len(data), 2**20))
                if not part:
                    raise EOFError
                data += part
        return data

    def _watched(self, deadline: float, ready: list[int]) -> bool:
        """Whether a pipe is ready; raises where the time is over or the files have grown too large."""
        now = time.monotonic()
        if now > deadline:
            raise TimeoutError
        if now - self._looked > LOOK:
            if surroundings.bytes_in(self._scratch, self.limits.scratch) > self.limits.scratch:
                raise OSError(f"it wrote more than {self.limits.scratch // 2**20} MB of files")
            self._looked = time.monotonic()
        return bool(ready)

    def _how_it_ended(self) -> str:
        assert self._process
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(2)
        code = self._process.returncode
        if code is None:
            return "it closed its connection"
        if code < 0:
            return f"it ended with signal {-code} ({signal.strsignal(-code) or 'unknown'})"
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
