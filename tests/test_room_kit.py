"""The room kit: its contents and its page. `make test-room-kit` makes a whole one and installs from it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from course_utils import registry
from course_utils.errors import CourseError
from course_utils.manifest import Entry, File
from tools import room_kit
from tools.room_kit import commands, main, make, requirements, try_out

PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
WHEEL = "paddlepaddle-3.3.1-cp312-cp312-win_amd64.whl"
posix = pytest.mark.skipif(sys.platform == "win32", reason="the commands of Linux and macOS")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A small clone with one commit, in a folder with a space in its name."""
    root = tmp_path / "my course"
    (root / "notebooks").mkdir(parents=True)
    shutil.copy(room_kit.ROOT / "pyproject.toml", root)
    (root / "constraints.txt").write_text("")
    (root / "notebooks" / "01.ipynb").write_text("{}")
    identity = ("-c", "user.name=T", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    for command in (["init", "-q"], ["add", "."], [*identity, "commit", "-q", "-m", "Start"]):
        subprocess.run(["git", *command], cwd=root, check=True)
    return root


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder that is empty, and three sets that it could hold."""
    checksum = "sha256:b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c"  # of "foo\n"
    texts = {"title": "Digits & co", "what": "", "licence": "free", "citation": "Example (1999)"}
    sets = {
        name: Entry(name=name, files=(File(f"{name}.bin", 4, checksum),), **texts)  # type: ignore[arg-type]
        for name in ("whole", "damaged", "missing")
    }
    monkeypatch.setattr(registry, "entries", lambda: sets)
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("COURSE_DATA_DIR", str(folder))
    return folder


@pytest.fixture
def wheels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wheels without a network: an empty file with a wheel's name."""

    def fetch(root: Path, target: Path) -> None:
        target.mkdir(exist_ok=True)
        (target / WHEEL).touch()

    monkeypatch.setattr(room_kit, "_fetch_wheels", fetch)


@pytest.fixture
def kit(clone: Path, data: Path, wheels: None, tmp_path: Path) -> Path:
    for name, content in (("whole", "foo\n"), ("damaged", "fo")):
        (data / name).mkdir()
        (data / name / f"{name}.bin").write_text(content)
    folder = tmp_path / "the kit"
    make(folder, clone)
    return folder


class TestContents:
    def test_has_the_last_commit(self, kit: Path) -> None:
        assert sorted(path.name for path in (kit / "course").iterdir()) == [
            "constraints.txt",
            "notebooks",
            "pyproject.toml",
        ]

    def test_has_the_sets_that_are_whole(self, kit: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert [path.name for path in (kit / "data").iterdir()] == ["whole"]
        assert (kit / "data/whole/whole.bin").read_text() == "foo\n"

    def test_says_what_stays_out(
        self, clone: Path, kit: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (clone / "constraints.txt").write_text("# changed")
        make(kit, clone)
        shown = capsys.readouterr().out
        assert "missing is not here and stays out." in shown
        assert "damaged is not whole and stays out: `course data verify damaged` says why." in shown
        assert "What is not committed stays out" in shown
        assert (kit / "course/constraints.txt").read_text() == ""

    def test_made_again_it_drops_what_left_the_clone(self, clone: Path, kit: Path) -> None:
        (kit / "course" / "old.py").touch()
        (kit / "wheels" / "other-1-py3-none-any.whl").touch()
        make(kit, clone)
        assert not (kit / "course" / "old.py").exists()
        assert (kit / "wheels" / "other-1-py3-none-any.whl").exists()

    def test_page_says_for_whom_and_what_to_type(self, kit: Path) -> None:
        page = (kit / "README.html").read_text(encoding="utf-8")
        assert "<li>Windows amd64 with Python 3.12</li>" in page
        assert "Digits &amp; co: free. Example (1999)" in page
        assert ".venv/bin/course data get whole --from &quot;$KIT/data/whole&quot;" in page
        assert "data get damaged" not in page

    def test_page_without_data(self, clone: Path, data: Path, wheels: None, tmp_path: Path) -> None:
        make(tmp_path / "kit", clone)
        assert "none: the chapters use their samples" in (tmp_path / "kit/README.html").read_text(encoding="utf-8")


class TestWheels:
    def test_are_those_that_the_project_names(self) -> None:
        names = {need.split("=")[0].split(">")[0].split("<")[0] for need in requirements()}
        assert names >= {"setuptools", "paddlepaddle", "numpy", "jupyterlab", "pytest"}
        assert "paddlepaddle-gpu" not in names

    def test_are_held_to_the_constraints(self, clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: list[list[str]] = []

        def run(command: list[str]) -> subprocess.CompletedProcess[str]:
            asked.append(command)
            return subprocess.CompletedProcess(command, 1)

        monkeypatch.setattr(room_kit.subprocess, "run", run)
        with pytest.raises(CourseError, match="pip could not fetch all wheels"):
            room_kit._fetch_wheels(clone, tmp_path / "wheels")
        (command,) = asked
        assert command[:4] == [sys.executable, "-m", "pip", "wheel"]
        assert command[command.index("--constraint") + 1] == str(clone / "constraints.txt")
        assert command[command.index("--wheel-dir") + 1] == str(tmp_path / "wheels")
        assert command[-len(requirements(clone)) :] == requirements(clone)

    @pytest.mark.parametrize(
        ("wheel", "laptop"),
        [
            ("paddlepaddle-3.3.1-cp311-cp311-manylinux1_x86_64.whl", "Linux x86_64 with Python 3.11"),
            ("paddlepaddle-3.3.1-cp310-cp310-linux_x86_64.whl", "Linux x86_64 with Python 3.10"),
            ("paddlepaddle-3.3.1-cp313-cp313-macosx_11_0_arm64.whl", "macOS arm64 with Python 3.13"),
            (WHEEL, "Windows amd64 with Python 3.12"),
        ],
    )
    def test_tell_which_laptops_they_serve(self, tmp_path: Path, wheel: str, laptop: str) -> None:
        (tmp_path / wheel).touch()
        assert room_kit._served(tmp_path) == [laptop]


class TestRefusals:
    def test_a_folder_with_something_else_in_it(self, clone: Path, tmp_path: Path) -> None:
        theirs = tmp_path / "stick"
        (theirs / "course").mkdir(parents=True)
        (theirs / "course" / "thesis.txt").write_text("mine")
        with pytest.raises(CourseError, match="is not empty and no room kit"):
            make(theirs, clone)
        assert (theirs / "course" / "thesis.txt").exists()

    def test_without_git_history(self, tmp_path: Path) -> None:
        (tmp_path / "bare").mkdir()
        with pytest.raises(CourseError, match="git rev-parse failed"):
            make(tmp_path / "kit", tmp_path / "bare")

    def test_without_git(self, clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(CourseError, match="git is not installed"):
            make(tmp_path / "kit", clone)

    def test_are_one_sentence_and_status_1(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "file").write_text("")
        assert main([str(tmp_path)]) == 1
        assert (
            capsys.readouterr().err
            == f"{tmp_path} is not empty and no room kit: name a folder that does not exist yet\n"
        )
        assert main([str(tmp_path / "file")]) == 1
        assert capsys.readouterr().err.startswith("the kit could not be written: ")


@posix
class TestTryOut:
    def fake_python(self, folder: Path, monkeypatch: pytest.MonkeyPatch, status: int) -> Path:
        """A Python on the PATH that makes an environment whose programs note their arguments."""
        folder.mkdir()
        calls = folder / "calls"
        body = f'#!/bin/sh\necho "$(basename "$0") $*" >>"{calls}"\n'
        (folder / "program").write_text(f"{body}exit {status}\n")
        copies = f'mkdir -p .venv/bin\nfor name in python course; do cp "{folder}/program" .venv/bin/$name; done\n'
        (folder / f"python{PYTHON}").write_text(body + copies)
        for path in folder.iterdir():
            path.chmod(0o755)
        monkeypatch.setenv("PATH", str(folder), prepend=":")
        return calls

    def test_follows_the_page(self, kit: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        calls = self.fake_python(tmp_path / "bin", monkeypatch, status=0)
        try_out(kit)
        assert calls.read_text().splitlines() == [
            f"python{PYTHON} -m venv .venv",
            f"python -m pip install --no-index --find-links {kit}/wheels -c constraints.txt -e .[cpu]",
            f"course data get whole --from {kit}/data/whole",
            "course doctor",
        ]

    def test_tells_a_failure(self, kit: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.fake_python(tmp_path / "bin", monkeypatch, status=1)
        with pytest.raises(CourseError, match="failed with the network off"):
            try_out(kit)

    def test_goes_on_where_unshare_is_not_allowed(
        self, kit: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.fake_python(tmp_path / "bin", monkeypatch, status=0)
        (tmp_path / "bin" / "unshare").write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / "bin" / "unshare").chmod(0o755)
        try_out(kit)
        assert "unshare is not allowed here" in capsys.readouterr().out

    def test_is_asked_for_on_the_command_line(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        done: list[str] = []
        monkeypatch.setattr(room_kit, "make", lambda folder: done.append(f"make {folder}"))
        monkeypatch.setattr(room_kit, "try_out", lambda folder: done.append(f"try {folder}"))
        assert main([str(tmp_path / "kit"), "--try"]) == 0
        assert done == [f"make {tmp_path / 'kit'}", f"try {tmp_path / 'kit'}"]


def test_windows_commands_name_windows_paths() -> None:
    typed = "\n".join(commands(True, "3.12", ["mnist"]))
    assert (
        'py -3.12 -m venv .venv\n.venv\\Scripts\\python -m pip install --no-index --find-links "$KIT\\wheels"' in typed
    )
    assert "/" not in typed
