"""The `course` command as a whole: help, version, names, and how it ends."""

from __future__ import annotations

import subprocess
import sys

import pytest

import course_utils
from course_utils import cli, registry
from course_utils.cli import main
from course_utils.errors import CourseError


@pytest.fixture
def course(monkeypatch: pytest.MonkeyPatch):
    """Runs `course` with these arguments; returns its status."""

    def run(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["course", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        return int(end.value.code or 0)

    return run


def test_help_names_every_command(course, capsys: pytest.CaptureFixture[str]) -> None:
    assert course("--help") == 0
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("study", "doctor", "data", "train", "--version"))


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("study", "what you changed there is never overwritten."),
        ("doctor", "status 1 where no chapter can run."),
        ("data", "List, get and check the data sets."),
        ("train", "stop and resume at will."),
    ],
)
def test_every_command_says_what_it_does(
    course, capsys: pytest.CaptureFixture[str], command: str, sentence: str
) -> None:
    assert course(command, "--help") == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert f"Usage: course {command}" in shown
    assert sentence in shown


def test_version(course, capsys: pytest.CaptureFixture[str]) -> None:
    assert course("--version") == 0
    assert capsys.readouterr().out == f"course {course_utils.__version__}\n"


@pytest.mark.parametrize(("typed", "nearest"), [(["docter"], "doctor"), (["sudy"], "study"), (["data", "lst"], "list")])
def test_unknown_name_suggests_the_nearest(
    course, capsys: pytest.CaptureFixture[str], typed: list[str], nearest: str
) -> None:
    assert course(*typed) == 2
    assert f"Did you mean '{nearest}'?" in capsys.readouterr().err


def test_course_error_is_one_sentence_and_status_1(course, capsys: pytest.CaptureFixture[str]) -> None:
    assert course("data", "get", "mnits") == 1
    out, err = capsys.readouterr()
    assert out == ""
    with pytest.raises(CourseError) as error:
        registry.entry("mnits")
    assert err == f"{error.value}\n"


def test_interrupt_is_one_line_and_status_130(
    course, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(registry, "entries", interrupted)
    assert course("data", "list") == 130
    assert capsys.readouterr().err == "Stopped.\n"


def test_help_imports_nothing_heavy() -> None:
    heavy = ("paddle", "sklearn", "skimage", "scipy", "matplotlib", "pooch", "psutil", "jupyterlab", "jupyter_server")
    code = f"import sys, course_utils.cli; print([name for name in {heavy} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


def test_runs_as_a_console_script() -> None:
    run = subprocess.run(
        [sys.executable, "-c", "from course_utils.cli import main; main()", "--version"], capture_output=True, text=True
    )
    assert (run.returncode, run.stdout) == (0, f"course {course_utils.__version__}\n")
    assert cli.__all__ == ["app", "main"]
