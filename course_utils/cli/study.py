"""`course study`: the chapters as copies that are the student's own, opened in JupyterLab."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import webbrowser
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from course_utils.cli.handout import hand_out
from course_utils.errors import CourseError
from course_utils.settings import repository

__all__ = ["study"]


def study(
    context: typer.Context,
    reset: Annotated[
        list[str] | None,
        typer.Option(metavar="NN", help="A fresh copy of this chapter or homework; yours is kept aside."),
    ] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Start JupyterLab and print its address.")] = False,
    port: Annotated[int | None, typer.Option(metavar="P", help="The port that JupyterLab listens on.")] = None,
) -> None:
    """Copy the chapters to study/ and open them in JupyterLab; what you changed there is never overwritten.

    Other arguments go to JupyterLab as they are.
    """
    clone = repository()
    if clone is None:
        raise CourseError(
            "`course study` opens the chapters of a clone of the course, and this installation has none: "
            "clone the repository and run `make study` in it"
        )
    folder = clone / "study"
    for line in hand_out(clone / "notebooks", folder, reset or ()):
        print(line)
    if importlib.util.find_spec("jupyterlab") is None:
        raise CourseError("JupyterLab is not installed in this Python: run `make study`, or pip as the README says")
    address = None if port else _open_already(folder)
    if address:
        print(f"JupyterLab is open on these chapters already: {address}")
        if not no_browser:
            webbrowser.open(address)
        return
    options = ["--no-browser"] * no_browser + ([f"--port={port}"] if port else [])
    print(f"Opening {folder} in JupyterLab; Ctrl-C here ends it.", flush=True)
    _become(_jupyterlab(folder, [*options, *context.args]), _environment(folder))


def _jupyterlab(folder: Path, options: list[str]) -> list[str]:
    """The command: the chapters' folder, and nothing that asks or fetches."""
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder}"]
    command += ["--ServerApp.answer_yes=True", "--LabApp.extension_manager=readonly"]
    command += ["--LabApp.default_url=/lab/tree/00_start.ipynb"]
    command += ["--ServerApp.log_level=WARN", "--LabApp.log_level=WARN"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # in a container: who is root there has chosen so
        command.append("--ServerApp.allow_root=True")
    return command + options


def _environment(folder: Path) -> dict[str, str]:
    """The environment: a configuration that takes JupyterLab's news and update questions away, and `course` on the
    path of its terminals."""
    config = folder / ".jupyter"
    page = config / "labconfig" / "page_config.json"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(json.dumps({"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}))
    others = os.environ.get("JUPYTER_CONFIG_PATH")
    path = os.pathsep.join([str(config), others] if others else [str(config)])
    commands = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return {**os.environ, "JUPYTER_CONFIG_PATH": path, "PATH": commands}


def _open_already(folder: Path) -> str | None:
    """The address of a running JupyterLab that shows this folder, from the notes that servers leave for one another.

    jupyter_server has a function for it, whose import takes longer than everything else here.
    """
    from jupyter_core.paths import jupyter_runtime_dir

    for note in Path(jupyter_runtime_dir()).glob("jpserver-*.json"):
        try:
            server = json.loads(note.read_bytes())
            if Path(server["root_dir"]) == folder and _is_jupyter(server["pid"]):
                return f"{server['url']}lab?token={server['token']}"
        except (OSError, ValueError, KeyError):  # it is being written, or removed
            continue
    return None


def _is_jupyter(pid: int) -> bool:
    """Whether that process runs and is a Jupyter server: numbers are given out again, and notes can outlive theirs."""
    import psutil

    try:
        return any(Path(part).name.startswith("jupyter") for part in psutil.Process(pid).cmdline())
    except psutil.Error:
        return False


def _become(command: list[str], environment: dict[str, str]) -> NoReturn:
    """Run the command in this process's place, so that Ctrl-C and the exit status are its own."""
    if os.name == "nt":  # there exec returns to the prompt at once
        sys.exit(subprocess.call(command, env=environment))
    os.execve(command[0], command, environment)
