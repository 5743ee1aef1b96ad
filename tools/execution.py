"""Run a notebook in a fresh kernel, and say which cell failed and why."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from tools.chapters import BuildError

__all__ = ["CELL_TIMEOUT", "METADATA", "WIDGET", "execute"]

CELL_TIMEOUT = 600  # seconds; a cell that a reader waits for takes at most two minutes
WIDGET = "application/vnd.jupyter.widget-view+json"
METADATA = {  # the same for every Python 3 and every machine
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {
        "codemirror_mode": {"name": "ipython", "version": 3},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
    },
}


def execute(notebook: Any, name: str, folder: Path, profile: str) -> None:
    """Run all cells in a fresh kernel that works in folder; the outputs land in the notebook, widgets as their text.

    Raises BuildError with the cell's source and the error where one fails, hangs or kills the kernel.
    """
    environment = {key: value for key, value in os.environ.items() if key != "MPLBACKEND"}  # inline pictures
    environment["COURSE_PROFILE"] = profile
    if data := environment.get("COURSE_DATA_DIR"):
        environment["COURSE_DATA_DIR"] = str(Path(data).expanduser().absolute())
    running: list[Any] = []  # the cells so far; the last one is where a failure happened
    client = NotebookClient(
        notebook,
        on_cell_execute=lambda cell, cell_index: running.append(cell),
        timeout=CELL_TIMEOUT,
        kernel_name="python3",
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(folder)}},
    )
    try:
        client.execute(env=environment, stderr=subprocess.DEVNULL)
    except CellExecutionError:
        raise BuildError(_failure(name, running)) from None
    except CellTimeoutError:
        raise BuildError(_failure(name, running, f"It took longer than {CELL_TIMEOUT} s.")) from None
    except DeadKernelError:
        raise BuildError(_failure(name, running, "The kernel died: out of memory, or a crash.")) from None
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET, None)  # it lives in the kernel that just ended: its text/plain is left


def _failure(name: str, running: list[Any], reason: str = "") -> str:
    """The notebook, the cell's source and the error, without colours."""
    if not running:
        return f"{name}: no cell was executed; nothing was written\n\n{reason}"
    if not reason:
        error = next(output for output in running[-1].outputs if output.output_type == "error")
        reason = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(error.traceback))
    source = "\n".join(f"    {line}" for line in running[-1].source.splitlines())
    return f"{name}: code cell {len(running)} failed; nothing was written\n\n{source}\n\n{reason}"
