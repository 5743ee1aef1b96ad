"""`course doctor`: every row, on machines that have and that lack what it looks for."""

from __future__ import annotations

import gzip
import subprocess
import sys
from collections import namedtuple
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from course_utils import registry
from course_utils.cli import checkup, main
from course_utils.cli.checkup import Row, examine

WELL = {"version": "3.3.1", "cuda": False, "devices": 0}


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting but an empty data folder."""
    for name in ("COURSE_DEVICE", "COURSE_DATA", "COURSE_PROFILE", "COURSE_SEED"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path))


@pytest.fixture
def paddle_says(monkeypatch: pytest.MonkeyPatch):
    """Paddle's answer, without importing it."""

    def answer(**changes: Any) -> None:
        monkeypatch.setattr(checkup, "_ask_paddle", lambda: {**WELL, **changes})

    answer()
    return answer


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch):
    """Versions of packages that differ from what is really installed; None for one that is not."""
    really = metadata.version

    def pretend(**versions: str | None) -> None:
        def version(name: str) -> str:
            found = versions.get(name.replace("-", "_"), "") or None
            if name.replace("-", "_") not in versions:
                return really(name)
            if found is None:
                raise metadata.PackageNotFoundError(name)
            return found

        monkeypatch.setattr(metadata, "version", version)

    return pretend


def row(what: str) -> Row:
    (found,) = [row for row in examine() if row.what == what]
    return found


def doctor(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["course", "doctor", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    return int(end.value.code or 0)


class TestCommand:
    def test_a_good_machine(
        self, paddle_says, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert doctor(monkeypatch) == 0
        shown = capsys.readouterr().out
        assert "The chapters can run." in shown
        assert all(
            word in shown for word in ("Python", "Paddle", "CPU", "CUDA", "Data: mnist", "Disk", "Memory", "Chapters")
        )
        assert doctor(monkeypatch, "--brief") == 0
        assert capsys.readouterr().out == ""

    def test_a_machine_without_paddle(
        self, installed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(checkup, "_ask_paddle", lambda: {"error": "ModuleNotFoundError"})
        installed(paddlepaddle=None)
        assert doctor(monkeypatch) == 1
        assert "No chapter runs yet: 1 row says what to do." in capsys.readouterr().out
        assert doctor(monkeypatch, "--brief") == 1
        (line,) = capsys.readouterr().out.splitlines()
        assert line == f"Paddle: not installed: {checkup.INSTALL}"


class TestPython:
    @pytest.mark.parametrize(("version", "runs"), [((3, 9), False), ((3, 10), True), ((3, 13), True), ((3, 14), False)])
    def test_the_versions_that_paddle_has(
        self, paddle_says, monkeypatch: pytest.MonkeyPatch, version: tuple[int, int], runs: bool
    ) -> None:
        monkeypatch.setattr(checkup.sys, "version_info", (*version, 0))
        assert checkup._python().blocks is not runs


class TestPaddle:
    def test_really_runs_a_convolution(self) -> None:
        answer = checkup._ask_paddle()
        assert answer["version"] == metadata.version("paddlepaddle")
        assert checkup._paddle(answer).verdict == "ok"

    @pytest.mark.parametrize(
        ("code", "error"),
        [
            ("raise TypeError('only length-1 arrays')", "TypeError: only length-1 arrays"),
            ("import os; os.kill(os.getpid(), 9)", "ended with status"),
        ],
    )
    def test_survives_its_end(self, monkeypatch: pytest.MonkeyPatch, code: str, error: str) -> None:
        monkeypatch.setattr(checkup, "PROBE", code)
        answer = checkup._ask_paddle()
        assert answer["error"].startswith(error)
        assert checkup._paddle(answer).blocks
        assert error in checkup._paddle(answer).found

    @pytest.mark.parametrize(
        ("version", "runs"), [("3.3.0", True), ("3.3.1", True), ("3.2.2", False), ("2.6.2", False)]
    )
    def test_supports_3_3(self, paddle_says, version: str, runs: bool) -> None:
        paddle_says(version=version)
        assert row("Paddle").blocks is not runs

    def test_two_builds_at_once(self, paddle_says, installed) -> None:
        installed(paddlepaddle="3.3.1", paddlepaddle_gpu="3.3.1")
        assert row("Paddle").blocks
        assert "Uninstall" in row("Paddle").mend


class TestPackages:
    def test_all_there(self, paddle_says) -> None:
        assert row("Packages").verdict == "ok"

    def test_numpy_too_new(self, paddle_says, installed) -> None:
        installed(numpy="2.4.0")
        assert row("numpy").blocks
        assert row("numpy").found == "2.4.0, and the course needs <2.4,>=1.26"

    def test_two_missing(self, paddle_says, installed) -> None:
        installed(jupyterlab=None, anywidget=None)
        assert [row(name).found for name in ("jupyterlab", "anywidget")] == ["not installed"] * 2

    def test_package_not_installed(self, paddle_says, monkeypatch: pytest.MonkeyPatch) -> None:
        def unknown(name: str) -> list[str]:
            raise metadata.PackageNotFoundError(name)

        monkeypatch.setattr(metadata, "requires", unknown)
        assert row("Packages").found == "course_utils is not installed"


class TestDevice:
    def test_wrong_setting_is_told(self, paddle_says, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COURSE_DEVICE", "tpu")
        assert row("Settings").blocks
        assert "auto, cpu or gpu:0" in row("Settings").mend

    def test_settings_are_shown(self, paddle_says, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COURSE_PROFILE", "quick")
        assert "COURSE_PROFILE=quick" in row("Settings").found

    @pytest.mark.parametrize(("cuda", "devices", "blocks"), [(False, 0, True), (True, 0, True), (True, 1, False)])
    def test_cuda_that_was_asked_for(
        self, paddle_says, monkeypatch: pytest.MonkeyPatch, cuda: bool, devices: int, blocks: bool
    ) -> None:
        paddle_says(cuda=cuda, devices=devices)
        assert row("CUDA").verdict == "ok"
        monkeypatch.setenv("COURSE_DEVICE", "gpu:0")
        assert row("CUDA").blocks is blocks

    def test_a_device_is_called_unproven(self, paddle_says) -> None:
        paddle_says(cuda=True, devices=2)
        assert row("CUDA").found == "2 device(s); unproven: the course never ran on one"

    @pytest.mark.parametrize(
        ("text", "found", "verdict"),
        [
            ("model name : Example 9\nflags : sse avx2\n\nmodel name : Other\n", "Example 9, 4 threads, AVX2", "ok"),
            ("model name : Example 1\nflags : sse\n", "Example 1, 4 threads, no AVX2", "note"),
        ],
    )
    def test_cpu(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, found: str, verdict: str) -> None:
        (tmp_path / "cpuinfo").write_text(text)
        model = checkup._cpu_model(tmp_path / "cpuinfo")
        monkeypatch.setattr(checkup, "_cpu_model", lambda: model)
        monkeypatch.setattr(checkup.os, "cpu_count", lambda: 4)
        assert (checkup._cpu().found, checkup._cpu().verdict) == (found, verdict)

    def test_cpu_of_a_system_that_does_not_tell(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        model, flags = checkup._cpu_model(tmp_path / "none")
        assert model
        assert flags is None
        monkeypatch.setattr(checkup, "_cpu_model", lambda: ("Example", None))
        monkeypatch.setattr(checkup.os, "cpu_count", lambda: 1)
        assert checkup._cpu() == Row("CPU", "Example, 1 thread")


class TestConvolutions:
    def test_says_whose_run_and_who_asked(self, paddle_says, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COURSE_CONV", "paddle")
        monkeypatch.setenv("MKL_DEBUG_CPU_TYPE", "5")
        paddle_says(onednn="convolutions run through oneDNN 3.6.2")
        found = row("Convolutions").found
        assert found == "convolutions run through oneDNN 3.6.2 (COURSE_CONV=paddle); MKL_DEBUG_CPU_TYPE=5 for AMD"

    def test_nothing_is_said_where_paddle_does_not_run(self) -> None:
        assert checkup._convolutions({"error": "no"}) == []

    def test_the_probe_asks_onednn(self) -> None:
        assert "oneDNN" in checkup._ask_paddle()["onednn"]


class TestData:
    def test_nothing_there_blocks_nothing(self, paddle_says) -> None:
        for name in registry.entries():
            assert row(f"Data: {name}").verdict == "note"
            assert f"`course data get {name}`" in row(f"Data: {name}").mend

    def test_incomplete(self, paddle_says, tmp_path: Path) -> None:
        (tmp_path / "mnist").mkdir()
        (tmp_path / "mnist" / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(b"cut"))
        assert row("Data: mnist").found.startswith("incomplete: ")

    def test_a_file_in_the_folders_place(self, paddle_says, tmp_path: Path) -> None:
        (tmp_path / "mnist").write_text("not a folder")
        assert row("Data: mnist").found == "not usable"

    def test_whole(self, paddle_says, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for file in registry.entry("mnist").files:
            path = tmp_path / "mnist" / file.name
            path.parent.mkdir(exist_ok=True)
            with path.open("wb") as stream:
                stream.truncate(file.size)
        assert row("Data: mnist") == Row("Data: mnist", f"in {tmp_path / 'mnist'}")


class TestRoom:
    def test_disk_of_a_folder_that_is_not_made_yet(
        self, paddle_says, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path / "not" / "yet"))
        assert row("Disk").found.endswith(f"at {tmp_path}")

    def test_little_is_noted(self, paddle_says, monkeypatch: pytest.MonkeyPatch) -> None:
        import psutil

        usage = namedtuple("usage", "total used free")
        memory = namedtuple("memory", "total available")
        monkeypatch.setattr(checkup.shutil, "disk_usage", lambda folder: usage(9 * 2**30, 0, 2**29))
        monkeypatch.setattr(psutil, "virtual_memory", lambda: memory(4 * 2**30, 2**29))
        assert (row("Disk").verdict, row("Disk").found[:11]) == ("note", "0.5 GB free")
        assert (row("Memory").verdict, row("Memory").found) == ("note", "0.5 of 4.0 GB free")

    def test_without_psutil(self, paddle_says, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "psutil", None)
        assert row("Memory").found == "unknown: psutil is not installed"


class TestChapters:
    def test_installed_alone(self, paddle_says, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(checkup.settings, "repository", lambda: None)
        assert row("Chapters").verdict == "note"

    def test_clone_or_copy(self, paddle_says, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setattr(checkup.settings, "repository", lambda: tmp_path)
        assert row("Chapters").found == f"copy without git in {tmp_path}"
        (tmp_path / ".git").mkdir()
        assert row("Chapters").found == f"clone in {tmp_path}"


def test_needs_no_paddle_to_start() -> None:
    code = "import sys; sys.modules['paddle'] = None; from course_utils.cli import doctor; print('started')"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stdout == "started\n", run.stderr
