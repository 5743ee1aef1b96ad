"""The process that holds one submission: it enters its box, runs the notebook's cells, and answers calls by values.

Started by `process.StudentProcess` with two pipes. Whatever the student's code does to this process changes the
student's own answers and nothing else: expected values and verdicts live in the grader.
"""

from __future__ import annotations

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
    _write(answers, values.encode("ready"))
    from course_utils.homework import calls, ladder

    while frame := _read(commands):
        command = values.decode(frame)
        if command["do"] == "run":
            answer: Any = _run(shell, command["source"])
        elif command["do"] == "describe":
            found = shell.user_ns.get(command["name"])
            answer = calls.described(found) if command["name"] in shell.user_ns else None
        else:
            answer = calls.call(shell.user_ns.get(command["name"]), command["driver"], tuple(command["args"]))
        try:
            reply = values.encode(_facts(answer))
        except ValueError as error:
            reply = values.encode(_facts(ladder.Raised("ValueError", str(error))))
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
    return InteractiveShell.instance(config=config)


def _run(shell: Any, source: str) -> Any:
    from course_utils.homework import calls

    result = shell.run_cell(source, store_history=False, silent=True)
    error = result.error_before_exec or result.error_in_exec
    return None if error is None else calls.raised(error)


def _facts(answer: Any) -> Any:
    """Dataclasses of the ladder as dicts, which are what a frame can hold."""
    from dataclasses import fields, is_dataclass

    if not is_dataclass(answer) or isinstance(answer, type):
        return answer
    return {"is": type(answer).__name__} | {each.name: getattr(answer, each.name) for each in fields(answer)}


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
