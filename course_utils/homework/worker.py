"""The process that holds one submission: it enters its box, runs the notebook's cells, and answers calls by values.

Started by `process.StudentProcess` with two pipes. Whatever the student's code does to this process changes the
student's own answers and nothing else: expected values and verdicts live in the grader.
"""

from __future__ import annotations

import builtins
import dataclasses
import os
import struct
import sys
from pathlib import Path
from typing import Any

__all__ = ["main"]


def main(commands: int, answers: int) -> None:
    """Serve until the pipe closes. The first command tells the box; the others run cells, describe and call."""
    from course_utils.homework import sandbox, values

    start = values.decode(_read(commands))
    sandbox.limit(start["memory"], start["seconds"])
    scratch = Path(start["scratch"])
    os.chdir(scratch)
    if start["isolated"]:
        sandbox.enter_files(map(Path, start["readable"]), scratch)
    shell = _shell(start["paddle"])
    if start["isolated"]:
        sandbox.enter_processes()
    _write(answers, values.encode({"number": start["number"], "answer": "ready"}))
    from course_utils.homework import assignments, calls, ladder

    for name in assignments.NAMES:
        sys.modules[f"course_utils.homework.{name}"] = None  # type: ignore[assignment]  # importing it fails
    original = dict(vars(builtins))
    while frame := _read(commands):
        command = values.decode(frame)
        if command["do"] == "run":
            answer: Any = _run(shell, command["source"])
        elif command["do"] == "describe":
            found = shell.user_ns.get(command["name"])
            answer = calls.described(found) if command["name"] in shell.user_ns else None
        else:
            answer = calls.call(shell.user_ns.get(command["name"]), command["driver"], tuple(command["args"]))
        vars(builtins).update(original)  # what the student's code made of them is gone for the next question
        try:
            reply = values.encode({"number": command["number"], "answer": _facts(_explained(answer))})
        except (ValueError, MemoryError) as error:
            raised = ladder.Raised(type(error).__name__, str(error))
            reply = values.encode({"number": command["number"], "answer": _facts(raised)})
        _write(answers, reply)


def _shell(with_paddle: bool) -> Any:
    """An IPython shell as a notebook has it, but with nothing that it would keep."""
    import numpy  # noqa: F401  (loaded before the box closes, since importing may look for programs)

    if with_paddle:
        import paddle  # noqa: F401
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "NoColor"
    InteractiveShell.clear_instance()
    shell: Any = InteractiveShell.instance(config=config)
    shell.enable_gui = lambda gui=None: None  # for %matplotlib
    shell.ask_exit = lambda: None  # for exit()
    shell.system = _no_program  # for !command
    return shell


def _no_program(command: str) -> None:
    raise PermissionError(command)


def _run(shell: Any, source: str) -> Any:
    from course_utils.homework import calls

    result = shell.run_cell(source, store_history=False, silent=True)
    error = result.error_before_exec or result.error_in_exec
    return None if error is None else calls.raised(error)


def _explained(answer: Any) -> Any:
    """The same, with the reason where it raised since the box refuses something."""
    outside = ("PermissionError", "ConnectionError", "URLError", "gaierror")
    refused = dict.fromkeys(outside, "programs, network and files outside are") | {"EOFError": "input() is"}
    if what := refused.get(getattr(answer, "kind", "")):
        return dataclasses.replace(answer, sentence=f"{what} not there when homework is graded")
    return answer


def _facts(answer: Any) -> Any:
    """Dataclasses of the ladder as dicts, which are what a frame can hold."""
    if not dataclasses.is_dataclass(answer) or isinstance(answer, type):
        return answer
    facts = {each.name: getattr(answer, each.name) for each in dataclasses.fields(answer)}
    return {"is": type(answer).__name__} | facts


def _read(pipe: int) -> bytes:
    size = struct.unpack("<Q", _exactly(pipe, 8) or bytes(8))[0]
    return _exactly(pipe, size)


def _exactly(pipe: int, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        part = os.read(pipe, min(size - len(data), 2**20))
        if not part:
            return b""
        data += part
    return bytes(data)


def _write(pipe: int, frame: bytes) -> None:
    data = memoryview(struct.pack("<Q", len(frame)) + frame)
    while data:
        data = data[os.write(pipe, data) :]


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
