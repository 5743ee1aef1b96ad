"""The Makefile, tools/setup.sh and .ci/run, with stand-ins for Python and pip: nothing is installed."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no make: the README gives three pip lines")

# What it answers is read from files beside it, so that a copy of it in .venv/bin answers the same.
PYTHON = """#!/bin/sh
case "$*" in
*"import sys, platform"*) echo "{answer}" ;;
*"import venv"*) exit {no_venv} ;;
*"-m venv"*) mkdir -p .venv/bin && cp "$0" .venv/bin/python && cp {course} .venv/bin/course ;;
*"pip --version"*) ;;
*"pip install"*) echo "$*" >>{calls}; . {pip} ;;
*) echo "$*" >>{calls} ;;
esac
"""
TOOLS = ("bash", "sh", "make", "cat", "cp", "rm", "mkdir", "cksum", "awk", "echo", "sleep", "dirname")


class Machine:
    """A folder with a clone (its path has a space in it) and a PATH with nothing but what it was given."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self.clone = folder / "my course"
        self.pip = folder / "pip-says"
        self.calls = folder / "calls"
        for path in ("Makefile", "pyproject.toml", "constraints.txt", "tools/setup.sh", ".ci/run"):
            (self.clone / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / path, self.clone / path)
        self.bin.mkdir()
        for tool in TOOLS:
            found = shutil.which(tool)
            assert found, tool
            (self.bin / tool).symlink_to(found)
        self.pip_says("Installing collected packages")
        self.course = self.script(folder / "course", f'echo "course $*" >>{self.calls}')

    def script(self, path: Path, body: str) -> Path:
        path.write_text(body if body.startswith("#!") else f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return path

    def has_python(self, name: str, answer: str = "3.12 Linux x86_64", venv: bool = True) -> None:
        """Put a Python on the PATH that gives this answer about itself."""
        text = PYTHON.format(answer=answer, no_venv=int(not venv), course=self.course, calls=self.calls, pip=self.pip)
        self.script(self.bin / name, text)

    def pip_says(self, text: str, status: int = 0) -> None:
        self.pip.write_text(f"echo '{text}'; exit {status}\n")

    def called(self) -> list[str]:
        """What was asked of pip, pytest and the course command since the last time."""
        lines = self.calls.read_text().splitlines() if self.calls.exists() else []
        self.calls.unlink(missing_ok=True)
        return lines

    def environment(self, **variables: str) -> dict[str, str]:
        return {"PATH": str(self.bin), "HOME": str(self.clone.parent), **variables}

    def run(self, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=self.clone, env=self.environment(**variables), capture_output=True, text=True
        )

    def setup(self, wanted: str = "study", **variables: str) -> subprocess.CompletedProcess[str]:
        return self.run("bash", "tools/setup.sh", wanted, **variables)

    def stamps(self) -> list[str]:
        return sorted(path.name for path in (self.clone / ".venv").glob(".installed-*"))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def sentence(run: subprocess.CompletedProcess[str]) -> str:
    """The one sentence with which a command failed."""
    assert run.returncode != 0
    (line,) = run.stderr.splitlines()
    assert line.endswith((".", ")"))
    return line


class TestWhatIsMissing:
    def test_no_python(self, machine: Machine) -> None:
        assert "No Python was found" in sentence(machine.setup())

    @pytest.mark.parametrize("version", ["2.7", "3.9", "3.14"])
    def test_only_another_python(self, machine: Machine, version: str) -> None:
        machine.has_python("python3", f"{version} Linux x86_64")
        expected = f"needs Python 3.10, 3.11, 3.12 or 3.13 and python3 is Python {version}: install"
        assert expected in sentence(machine.setup())

    @pytest.mark.parametrize(
        ("platform", "named"),
        [("Linux aarch64", "no wheel for Linux aarch64"), ("Darwin x86_64", "no wheel for Intel macOS")],
    )
    def test_a_platform_without_paddle(self, machine: Machine, platform: str, named: str) -> None:
        machine.has_python("python3", f"3.12 {platform}")
        assert named in sentence(machine.setup())

    def test_no_venv_module(self, machine: Machine) -> None:
        machine.has_python("python3", "3.11 Linux x86_64", venv=False)
        assert "sudo apt install python3.11-venv" in sentence(machine.setup())

    @pytest.mark.parametrize(
        ("pip", "named"),
        [
            ("WARNING: Retrying (Retry(total=0)) after connection broken", "connect to the network"),
            ("ERROR: Could not install packages: No space left on device", "The disk is full"),
            ("ERROR: No matching distribution found", "the end of .venv/pip.log says why"),
        ],
    )
    def test_pip_fails(self, machine: Machine, pip: str, named: str) -> None:
        machine.has_python("python3.12")
        machine.pip_says(pip, status=1)
        assert named in sentence(machine.setup())
        assert machine.stamps() == []
        assert pip in (machine.clone / ".venv/pip.log").read_text()

    def test_the_folder_cannot_be_written(self, machine: Machine) -> None:
        machine.has_python("python3.12")
        (machine.clone / ".venv").write_text("in the way")
        assert "could not be made" in sentence(machine.setup())

    def test_an_old_environment_of_another_python(self, machine: Machine) -> None:
        machine.has_python("python3.12")
        assert machine.setup().returncode == 0
        machine.has_python("python3.9", "3.9 Linux x86_64")
        (machine.bin / "python3.9").rename(machine.clone / ".venv/bin/python")
        (machine.clone / ".venv/.installed-study").unlink()
        assert "remove the folder .venv" in sentence(machine.setup())

    def test_unknown_word(self, machine: Machine) -> None:
        assert "study or tools/setup.sh author" in machine.setup("student").stderr


class TestChoiceOfPython:
    def test_the_newest_that_will_do(self, machine: Machine) -> None:
        machine.has_python("python3.13", "3.13 Linux x86_64", venv=False)
        machine.has_python("python3.11", "3.11 Darwin arm64")
        machine.has_python("python3", "3.14 Linux x86_64")
        assert "Making .venv with python3.11" in machine.setup().stdout

    def test_the_one_that_is_named(self, machine: Machine) -> None:
        machine.has_python("python3.13", "3.13 Linux x86_64")
        machine.has_python("my python", "3.10 Linux x86_64")
        assert "Making .venv with my python" in machine.setup(PYTHON="my python").stdout

    def test_the_named_one_is_not_replaced_in_silence(self, machine: Machine) -> None:
        machine.has_python("python3.13", "3.13 Linux x86_64")
        assert "No Python was found (python4)" in sentence(machine.setup(PYTHON="python4"))


class TestStamp:
    def test_a_second_call_does_nothing(self, machine: Machine) -> None:
        machine.has_python("python3.12")
        assert machine.setup().returncode == 0
        (call,) = machine.called()
        assert call.endswith("-c constraints.txt -e .[cpu]")
        second = machine.setup()
        assert (second.returncode, second.stdout, machine.called()) == (0, "", [])

    @pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt", "tools/setup.sh"])
    def test_a_change_installs_again(self, machine: Machine, name: str) -> None:
        machine.has_python("python3.12")
        machine.setup()
        machine.called()
        with (machine.clone / name).open("a") as file:
            file.write("# changed\n")
        assert machine.setup().returncode == 0
        assert len(machine.called()) == 1

    def test_a_moved_folder_installs_again(self, machine: Machine) -> None:
        machine.has_python("python3.12")
        machine.setup()
        machine.called()
        machine.clone = machine.clone.rename(machine.clone.with_name("moved"))
        assert machine.setup().returncode == 0
        assert len(machine.called()) == 1

    def test_author_holds_for_study_but_not_the_other_way(self, machine: Machine) -> None:
        machine.has_python("python3.12")
        machine.setup("study")
        machine.setup("author")
        assert [call.split()[-1] for call in machine.called()] == [".[cpu]", ".[cpu,author]"]
        machine.setup("study")
        assert machine.called() == []

    def test_the_gpu_build_stays(self, machine: Machine) -> None:
        machine.has_python("python3.12")
        machine.setup()
        (machine.clone / ".venv/lib/python3.12/site-packages/paddlepaddle_gpu-3.3.1.dist-info").mkdir(parents=True)
        machine.setup("author")
        assert machine.called()[-1].endswith(".[gpu,author]")

    def test_interrupted_leaves_none(self, machine: Machine) -> None:
        machine.has_python("python3.12")
        assert machine.setup().returncode == 0
        assert machine.stamps() == [".installed-study"]
        (machine.clone / "constraints.txt").write_text("")
        machine.pip.write_text(f"echo started >>{machine.calls}; sleep 60\n")
        machine.called()
        run = subprocess.Popen(
            ["bash", "tools/setup.sh", "study"],
            cwd=machine.clone,
            env=machine.environment(),
            start_new_session=True,
            stdout=subprocess.DEVNULL,
        )
        try:
            while not (machine.calls.exists() and "started" in machine.calls.read_text()):
                assert run.poll() is None
        finally:
            os.killpg(run.pid, signal.SIGINT)
        assert run.wait() != 0
        assert machine.stamps() == []


class TestMake:
    def targets(self) -> dict[str, str]:
        lines = (ROOT / "Makefile").read_text().splitlines()
        return dict(re.findall(r"^([a-z-]+):.*  ## (.+)$", "\n".join(lines), flags=re.MULTILINE))

    def test_help_is_the_default_and_lists_every_target(self, machine: Machine) -> None:
        shown = machine.run("make")
        assert shown.stdout == machine.run("make", "help").stdout
        listed = [line.split(maxsplit=2)[1:] for line in shown.stdout.splitlines()]
        assert listed == [[name, text] for name, text in self.targets().items()]
        phony = next(line for line in (ROOT / "Makefile").read_text().splitlines() if line.startswith(".PHONY:"))
        assert {*phony.split()[1:]} == {*self.targets(), "ready"}

    def test_study_installs_and_passes_arguments_through(self, machine: Machine) -> None:
        machine.has_python("python3.12")
        assert machine.run("make", "study", "ARGS=--no-browser --port 9").returncode == 0
        assert machine.called()[1:] == ["course study --no-browser --port 9"]
        assert machine.run("make", "study").stdout == ""
        assert machine.called() == ["course study"]

    def test_tests_end_with_pytest(self, machine: Machine) -> None:
        machine.has_python("python3.12")
        assert machine.run("make", "test").returncode == 0
        tools = [call.split()[1] for call in machine.called() if not call.startswith("-m pip")]
        assert tools == ["ruff", "ruff", "mypy", "tools.build", "tools.homework", "pytest"]

    @pytest.mark.parametrize("browser", ["chromium", "chromium-browser", "google-chrome"])
    def test_browser_tests_take_the_chromium_that_is_there(self, machine: Machine, browser: str) -> None:
        machine.has_python("python3.12")
        machine.script(machine.bin / browser, "exit 1")
        assert "No Chromium" not in machine.run("make", "test").stdout
        machine.called()
        machine.run("make", "test-browser")
        (call,) = machine.called()
        assert call.endswith("tests/test_browser.py tests/test_browser_lab.py")

    def test_without_chromium_one_line_says_so(self, machine: Machine) -> None:
        machine.has_python("python3.12")
        run = machine.run("make", "test")
        assert run.returncode == 0
        assert run.stdout.count("No Chromium is here: the browser tests are skipped") == 1
        machine.called()
        machine.script(machine.bin / "id", "echo 1000")
        run = machine.run("make", "test-browser")
        assert "Chromium is missing: install it" in run.stderr
        assert (run.returncode != 0, machine.called()) == (True, [])

    def test_root_gets_chromium_from_debian(self, machine: Machine) -> None:
        machine.has_python("python3.12")
        machine.setup("author")
        machine.called()
        machine.script(machine.bin / "id", "echo 0")
        machine.script(machine.bin / "apt-get", f'echo "apt-get $*" >>{machine.calls}')
        machine.run("make", "test-browser")
        assert machine.called()[0] == "apt-get install -y chromium"

    def test_gpu_tests_ask_for_the_device_first(self, machine: Machine) -> None:
        machine.has_python("python3.12")
        machine.setup("author")
        machine.called()
        (machine.clone / ".venv/bin/course").write_text("#!/bin/sh\necho 'CUDA: no device'; exit 1\n")
        run = machine.run("make", "test-gpu")
        assert (run.stdout, machine.called()) == ("CUDA: no device\n", [])
        assert run.returncode != 0

    def test_real_tests_ask_for_the_data_first(self, machine: Machine) -> None:
        machine.has_python("python3.12")
        machine.setup("author")
        machine.called()
        machine.run("make", "test-real")
        verify, pytest_call = machine.called()
        assert verify == "course data verify mnist"
        assert pytest_call.endswith("notebooks/06_lenet_digits.ipynb")


class TestContinuousIntegration:
    @pytest.mark.parametrize("shared", [True, False])
    def test_runs_the_tests_on_the_data_that_is_there(self, machine: Machine, shared: bool) -> None:
        (machine.bin / "make").unlink()
        machine.script(machine.bin / "make", 'echo "make $* data=${COURSE_DATA_DIR:-none}"')
        data = machine.clone.parent / "shared" / "data"
        if shared:
            data.mkdir(parents=True)
        run = machine.run("bash", ".ci/run")
        assert run.stdout == f"make test data={data if shared else 'none'}\n"
