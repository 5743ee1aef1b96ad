"""`course study`: what a student changed is never lost, and the rest follows the clone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from course_utils.cli import main
from course_utils.cli.handout import hand_out
from course_utils.errors import CourseError

module = sys.modules["course_utils.cli.study"]


def write_notebook(path: Path, source: str, output: str = "") -> None:
    outputs = [{"output_type": "stream", "name": "stdout", "text": [output]}] if output else []
    cell = {"cell_type": "code", "source": [source], "outputs": outputs, "metadata": {}, "execution_count": None}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.fixture(autouse=True)
def _own_signatures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jupyter keeps in the user's folder which notebooks it trusts: here in one that goes away."""
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with two chapters, one homework and one picture, in a folder with a space in its name."""
    root = tmp_path / "my course"
    (root / "notebooks" / "src").mkdir(parents=True)
    write_notebook(root / "notebooks/01_convolution.ipynb", "print(1)", "1")
    write_notebook(root / "notebooks/06_lenet_digits.ipynb", "print(6)", "6")
    write_notebook(root / "notebooks/homework/hw1_kernels.ipynb", "# your answer")
    (root / "notebooks/pictures").mkdir()
    (root / "notebooks/pictures/map.png").write_bytes(b"picture")
    return root


@pytest.fixture
def study(clone: Path) -> Path:
    assert hand_out(clone / "notebooks", clone / "study") == []
    return clone / "study"


LENET = "06_lenet_digits.ipynb"


class TestHandOut:
    def test_first_copies_everything(self, clone: Path, study: Path) -> None:
        expected = files(clone / "notebooks")
        assert files(study) == [".course.json", *expected]
        assert [(study / name).read_bytes() for name in expected] == [
            (clone / "notebooks" / name).read_bytes() for name in expected
        ]

    def test_untouched_follows_the_clone_in_silence(self, clone: Path, study: Path) -> None:
        write_notebook(clone / "notebooks" / LENET, "print(66)")
        (clone / "notebooks/pictures/map.png").write_bytes(b"better picture")
        assert hand_out(clone / "notebooks", study) == []
        assert (study / LENET).read_bytes() == (clone / "notebooks" / LENET).read_bytes()
        assert (study / "pictures/map.png").read_bytes() == b"better picture"

    def test_opened_is_not_changed(self, clone: Path, study: Path) -> None:
        """JupyterLab writes its own metadata into a notebook that was only opened, and saves it after a while."""
        notebook = json.loads((study / LENET).read_bytes())
        notebook["metadata"]["kernelspec"] = {"display_name": "Python 3 (ipykernel)"}
        notebook["cells"][0]["outputs"][0]["text"] = "6"
        (study / LENET).write_text(json.dumps(notebook, indent=1))
        write_notebook(clone / "notebooks" / LENET, "print(66)")
        assert hand_out(clone / "notebooks", study) == []
        assert "print(66)" in (study / LENET).read_text()

    def test_copies_are_trusted(self, study: Path) -> None:
        from nbformat import v4
        from nbformat.sign import NotebookNotary

        assert NotebookNotary().check_signature(v4.reads((study / LENET).read_text()))

    def test_deleted_comes_back(self, clone: Path, study: Path) -> None:
        (study / LENET).unlink()
        assert hand_out(clone / "notebooks", study) == []
        assert (study / LENET).exists()

    @pytest.mark.parametrize(("source", "output"), [("print(7)", "7"), ("print(6)", "6 again")])
    def test_edited_or_merely_run_is_kept(self, clone: Path, study: Path, source: str, output: str) -> None:
        write_notebook(study / LENET, source, output)
        mine = (study / LENET).read_bytes()
        assert hand_out(clone / "notebooks", study) == []
        write_notebook(clone / "notebooks" / LENET, "print(66)")
        announcement = hand_out(clone / "notebooks", study)
        assert announcement == [
            f"{LENET} has a newer edition, and yours is kept: `course study --reset 06` gives it to you"
        ]
        assert hand_out(clone / "notebooks", study) == announcement
        assert (study / LENET).read_bytes() == mine

    def test_an_edition_with_other_outputs_only_is_not_announced(self, clone: Path, study: Path) -> None:
        write_notebook(study / LENET, "print(7)")
        write_notebook(clone / "notebooks" / LENET, "print(6)", "6, executed anew")
        assert hand_out(clone / "notebooks", study) == []

    def test_changed_picture_is_kept_and_named_in_full(self, clone: Path, study: Path) -> None:
        (study / "pictures/map.png").write_bytes(b"mine")
        (clone / "notebooks/pictures/map.png").write_bytes(b"better picture")
        (line,) = hand_out(clone / "notebooks", study)
        assert "`course study --reset pictures/map.png`" in line
        assert (study / "pictures/map.png").read_bytes() == b"mine"

    def test_own_files_are_left_alone(self, clone: Path, study: Path) -> None:
        (study / "my_notes.ipynb").write_text("mine")
        hand_out(clone / "notebooks", study, reset=["01", "06"])
        assert (study / "my_notes.ipynb").read_text() == "mine"

    @pytest.mark.parametrize("manifest", ["", "{", "[1]", '{"06_lenet_digits.ipynb": 3}'])
    def test_without_a_manifest_nothing_is_lost(self, clone: Path, study: Path, manifest: str) -> None:
        write_notebook(study / LENET, "print(7)")
        mine = (study / LENET).read_bytes()
        (study / ".course.json").write_text(manifest)
        assert len(hand_out(clone / "notebooks", study)) == 1
        assert (study / LENET).read_bytes() == mine
        write_notebook(clone / "notebooks/01_convolution.ipynb", "print(11)")
        hand_out(clone / "notebooks", study)
        assert "print(11)" in (study / "01_convolution.ipynb").read_text()

    def test_damaged_copy_is_kept_too(self, clone: Path, study: Path) -> None:
        (study / LENET).write_text("{cut off")
        write_notebook(clone / "notebooks" / LENET, "print(66)")
        assert len(hand_out(clone / "notebooks", study)) == 1
        assert (study / LENET).read_text() == "{cut off"


class TestReset:
    @pytest.mark.parametrize("asked", ["06", "6", "06_lenet_digits", LENET])
    def test_gives_the_newest_and_keeps_mine_aside(self, clone: Path, study: Path, asked: str) -> None:
        write_notebook(clone / "notebooks" / LENET, "print(66)")
        for number in (1, 2):
            write_notebook(study / LENET, f"print('mine {number}')")
            told = hand_out(clone / "notebooks", study, reset=[asked])
            assert told == [f"{LENET} is fresh, and yours is kept as 06_lenet_digits.kept-{number}.ipynb"]
            assert f"mine {number}" in (study / f"06_lenet_digits.kept-{number}.ipynb").read_text()
            assert (study / LENET).read_bytes() == (clone / "notebooks" / LENET).read_bytes()
        assert hand_out(clone / "notebooks", study) == []

    def test_of_an_untouched_one_keeps_nothing_aside(self, clone: Path, study: Path) -> None:
        before = files(study)
        assert hand_out(clone / "notebooks", study, reset=["hw1"]) == ["homework/hw1_kernels.ipynb is fresh"]
        assert files(study) == before

    @pytest.mark.parametrize(
        ("asked", "hint"),
        [
            ("07", "did you mean 06?"),
            ("06_lenet", "did you mean 06?"),
            ("hw2", "did you mean hw1?"),
            ("x", "use one of 01, "),
        ],
    )
    def test_unknown_names_the_nearest_and_changes_nothing(
        self, clone: Path, study: Path, asked: str, hint: str
    ) -> None:
        write_notebook(study / LENET, "print(7)")
        mine = (study / LENET).read_bytes()
        with pytest.raises(CourseError, match="no chapter or homework") as error:
            hand_out(clone / "notebooks", study, reset=["06", asked])
        assert hint in str(error.value)
        assert (study / LENET).read_bytes() == mine


class TestWriting:
    def test_a_clone_without_chapters_is_a_sentence(self, tmp_path: Path) -> None:
        with pytest.raises(CourseError, match="there is no chapter in"):
            hand_out(tmp_path, tmp_path / "study")
        assert not (tmp_path / "study").exists()

    def test_a_file_in_the_folders_place_is_a_sentence(self, clone: Path) -> None:
        (clone / "study").write_text("mine")
        with pytest.raises(CourseError, match="could not be copied"):
            hand_out(clone / "notebooks", clone / "study")

    def test_interrupted_copy_leaves_the_whole_old_file(
        self, clone: Path, study: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = (study / LENET).read_bytes()
        write_notebook(clone / "notebooks" / LENET, "print(66)")

        def full(path: Path, content: bytes) -> None:
            path.touch()
            raise OSError(28, "No space left on device", str(path))

        with monkeypatch.context() as patch:
            patch.setattr(Path, "write_bytes", full)
            with pytest.raises(CourseError, match="No space left"):
                hand_out(clone / "notebooks", study)
        assert (study / LENET).read_bytes() == before
        assert hand_out(clone / "notebooks", study) == []
        assert "print(66)" in (study / LENET).read_text()


@pytest.fixture
def course(clone: Path, monkeypatch: pytest.MonkeyPatch):
    """Runs `course study` in the clone; returns what would have been started, as (command, environment)."""
    started: list[tuple[list[str], dict[str, str]]] = []
    monkeypatch.setattr(module, "repository", lambda: clone)
    monkeypatch.setattr(module, "_open_already", lambda folder: None)
    monkeypatch.setattr(module, "_become", lambda *what: started.append(what))

    def run(*arguments: str) -> list[tuple[list[str], dict[str, str]]]:
        started.clear()
        monkeypatch.setattr(sys, "argv", ["course", "study", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        assert bool(started) == (not end.value.code)
        return list(started)

    return run


class TestCommand:
    def test_opens_jupyterlab_of_this_python_on_the_copies(self, course, clone: Path) -> None:
        ((command, environment),) = course()
        assert command[:3] == [sys.executable, "-m", "jupyterlab"]
        assert f"--ServerApp.root_dir={clone / 'study'}" in command
        assert "--no-browser" not in command
        config = Path(environment["JUPYTER_CONFIG_PATH"].split(os.pathsep)[0])
        page = json.loads((config / "labconfig/page_config.json").read_text())
        assert page == {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}

    def test_passes_its_own_and_other_options_through(self, course) -> None:
        ((command, _),) = course("--no-browser", "--port", "9123", "--ServerApp.token=abc")
        assert command[-3:] == ["--no-browser", "--port=9123", "--ServerApp.token=abc"]

    def test_keeps_the_users_own_configuration(self, course, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("JUPYTER_CONFIG_PATH", "/their/own")
        ((_, environment),) = course()
        assert environment["JUPYTER_CONFIG_PATH"].split(os.pathsep)[1:] == ["/their/own"]

    def test_resets_and_says_so(self, course, clone: Path, capsys: pytest.CaptureFixture[str]) -> None:
        course()
        write_notebook(clone / "study" / LENET, "print(7)")
        course("--reset", "06", "--reset", "01")
        shown = capsys.readouterr().out
        assert "06_lenet_digits.ipynb is fresh, and yours is kept as" in shown
        assert "01_convolution.ipynb is fresh\n" in shown

    def test_unknown_chapter_starts_nothing(self, course, capsys: pytest.CaptureFixture[str]) -> None:
        assert course("--reset", "16") == []
        assert "did you mean 06?" in capsys.readouterr().err

    def test_without_a_clone_is_a_sentence(
        self, course, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(module, "repository", lambda: None)
        assert course() == []
        assert "clone the repository" in capsys.readouterr().err

    def test_without_jupyterlab_is_a_sentence(
        self, course, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
        assert course() == []
        assert "JupyterLab is not installed" in capsys.readouterr().err


class TestOpenAlready:
    def test_shows_the_address_instead_of_starting_a_second(
        self, course, clone: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        opened: list[str] = []
        monkeypatch.setattr(module, "_open_already", lambda folder: f"http://localhost:1/lab?token={folder.name}")
        monkeypatch.setattr(module.webbrowser, "open", opened.append)
        for arguments, expected in ([], ["http://localhost:1/lab?token=study"]), (["--no-browser"], []):
            opened.clear()
            monkeypatch.setattr(sys, "argv", ["course", "study", *arguments])
            with pytest.raises(SystemExit) as end:
                main()
            assert (end.value.code, opened) == (0, expected)
            assert "http://localhost:1/lab?token=study" in capsys.readouterr().out

    @pytest.fixture
    def note(self, clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        """Writes what a server leaves about itself; `pid` is that of a process which calls itself jupyter."""
        monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
        sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", "jupyter"])

        def write(name: str, **changes: object) -> None:
            server = {"root_dir": str(clone / "study"), "url": f"http://localhost/{name}/", "token": "t"}
            (tmp_path / f"jpserver-{name}.json").write_text(json.dumps({**server, "pid": sleeper.pid, **changes}))

        yield write
        sleeper.kill()
        sleeper.wait()

    def test_finds_the_server_of_this_folder(self, note, clone: Path) -> None:
        note("1", root_dir="/elsewhere")
        assert module._open_already(clone / "study") is None
        note("2")
        assert module._open_already(clone / "study") == "http://localhost/2/lab?token=t"
        assert module._open_already(clone / "notebooks") is None

    def test_believes_no_old_note(self, note, clone: Path, tmp_path: Path) -> None:
        note("1", pid=os.getpid())  # a number that was given out again: this process is pytest
        note("2", pid=2**31 - 1)
        note("3", token=None)
        (tmp_path / "jpserver-3.json").write_text("{cut off")
        assert module._open_already(clone / "study") is None


def test_becomes_the_command_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, list[str], dict[str, str]]] = []
    monkeypatch.setattr(module.os, "execve", lambda *what: calls.append(what), raising=False)
    monkeypatch.setattr(module.os, "name", "posix")
    module._become(["/bin/python", "-m", "jupyterlab"], {"A": "1"})
    assert calls == [("/bin/python", ["/bin/python", "-m", "jupyterlab"], {"A": "1"})]


def test_waits_for_it_on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.subprocess, "call", lambda command, env: 3)
    monkeypatch.setattr(module, "os", type("Windows", (), {"name": "nt"}))
    with pytest.raises(SystemExit) as end:
        module._become(["python"], {})
    assert end.value.code == 3
