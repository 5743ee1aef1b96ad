"""The grader's folders: those that a killed grader left are removed at the next start, and nothing else is."""

import os
import subprocess
import sys
import tempfile

import pytest

from course_utils.errors import CourseError
from course_utils.homework import grade, scratch
from course_utils.homework.scratch import Scratch, sweep

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the grader needs Linux, macOS or WSL")


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def killed(temporary):
    """The folder of a process that was killed while it held it."""
    code = "import os; from course_utils.homework.scratch import Scratch; f = Scratch(); (f.path / 'a').mkdir()\n"
    code += "print(f.path, flush=True); os.kill(os.getpid(), 9)"
    run = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"TMPDIR": str(temporary)}, capture_output=True, text=True
    )
    assert run.returncode == -9
    return temporary / run.stdout.split("/")[-1].strip()


def test_it_is_removed_at_the_end():
    with Scratch() as held:
        (held.path / "a.txt").write_text("x")
    assert not held.path.exists()
    held.remove()


def test_a_killed_graders_folder_goes_at_the_next_start(temporary):
    left = killed(temporary)
    assert (left / "a").is_dir()
    with pytest.raises(CourseError, match="does not exist"):
        grade.grade("hw1", temporary / "none", temporary / "out", grade.Plan())
    assert not left.exists()
    assert [path.name for path in temporary.iterdir()] == ["out"]


def test_what_is_used_or_not_ours_stays(temporary, monkeypatch):
    kept = [temporary / "course_submission_x", temporary / "course_grader", temporary / "elsewhere"]
    for folder in kept:
        folder.mkdir()
    (temporary / "course_grader_file").write_text("x")
    (temporary / "course_grader_link").symlink_to(temporary / "elsewhere")
    with Scratch() as held:
        sweep()
        assert held.path.is_dir()
    assert all(folder.is_dir() for folder in kept)
    assert (temporary / "course_grader_file").is_file()
    assert (temporary / "course_grader_link").is_symlink()
    other = temporary / "course_grader_of_another_user"
    other.mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(scratch.os, "getuid", lambda: -2)
        sweep()
    assert other.is_dir()
    sweep()
    assert not other.exists()


def test_a_folder_that_a_sweeper_took_is_not_used(monkeypatch):
    mkdtemp, made = tempfile.mkdtemp, []

    def taken(prefix):
        made.append(mkdtemp(prefix=prefix))
        if len(made) == 1:
            sweep()  # of another grader that starts just now, before the folder is locked
        return made[-1]

    monkeypatch.setattr(tempfile, "mkdtemp", taken)
    with Scratch() as held:
        assert str(held.path) == made[1]
        assert not scratch.Path(made[0]).exists()


def test_a_folder_that_vanishes_while_it_is_locked_is_not_used(monkeypatch):
    flock, calls = scratch.fcntl.flock, []

    def quick(lock, how):
        calls.append(lock)
        if len(calls) == 1:
            raise BlockingIOError
        if len(calls) == 2:
            made[-1].rmdir()
        flock(lock, how)

    made = []
    mkdtemp = tempfile.mkdtemp
    monkeypatch.setattr(
        tempfile, "mkdtemp", lambda prefix: made.append(scratch.Path(mkdtemp(prefix=prefix))) or made[-1]
    )
    monkeypatch.setattr(scratch.fcntl, "flock", quick)
    with Scratch() as held:
        assert held.path == made[2]


def test_a_sweep_passes_over_what_its_grader_has_just_removed(temporary, monkeypatch):
    monkeypatch.setattr(scratch.Path, "glob", lambda path, pattern: [temporary / "course_grader_gone"])
    sweep()


@pytest.mark.parametrize("where", ["a disk without locks", "Windows"])
def test_where_there_are_no_locks_nothing_is_swept(temporary, monkeypatch, where):
    def none(lock, how):
        raise OSError("no locks available")

    (temporary / "course_grader_x").mkdir()
    if where == "Windows":
        monkeypatch.setattr(scratch.sys, "platform", "win32")
    else:
        monkeypatch.setattr(scratch.fcntl, "flock", none)
    with Scratch() as held:
        sweep()
    assert not held.path.exists()
    assert (temporary / "course_grader_x").is_dir()
