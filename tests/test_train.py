"""`course train`: what it prints, keeps and logs, how it stops and goes on, and one sentence for what is wrong."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import paddle
import pytest

from course_utils import checkpoint, datasets, processes, settings
from course_utils.cli import main, runlog, train
from course_utils.cli.runlog import RunLog
from course_utils.errors import CourseError
from course_utils.training import Trainer

rng = np.random.default_rng(0)
FEW = datasets.Split(rng.integers(0, 256, (90, 3, 32, 32), dtype=np.uint8), np.arange(90) % 10)
DATA = datasets.Dataset("few", FEW, FEW.take(20), tuple("abcdefghij"), False, "few pictures", "", "")
STEPS = 3  # an epoch of 81 images in batches of 32

Course = Callable[..., int]


@pytest.fixture
def course(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Course]:
    """Runs `course train cifar10` on a few pictures with these options, in a folder of its own; returns its status."""
    monkeypatch.setattr(settings, "setup", lambda name: print(f"{name} · settings"))  # it changes the whole process
    monkeypatch.setattr(datasets, "cifar10", lambda: DATA)
    monkeypatch.setenv("COURSE_DATA", "sample")
    monkeypatch.setenv("COURSE_SEED", "0")
    monkeypatch.chdir(tmp_path)

    def run(*options: str) -> int:
        monkeypatch.setattr(sys, "argv", ["course", "train", "cifar10", "--batch-size", "32", *options])
        with pytest.raises(SystemExit) as end:
            main()
        return int(end.value.code or 0)

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)  # test runners change that in their workers
    yield run
    for number, handler in before.items():
        signal.signal(number, handler)


def log(folder: str = "runs/cifar10-small") -> list[dict]:
    return [json.loads(line) for line in Path(folder, "log.jsonl").read_text(encoding="utf-8").splitlines()]


def in_step(monkeypatch: pytest.MonkeyPatch, step: int, action: Callable[[], object]) -> None:
    """Do something in the nth step from now."""
    share, calls = processes.share, iter(range(1, 10_000))

    def acting(*batch: paddle.Tensor) -> tuple[paddle.Tensor, paddle.Tensor, float]:
        if next(calls) == step:
            action()
        return share(*batch)

    monkeypatch.setattr(processes, "share", acting)


def kept(folder: str) -> tuple[dict[str, bytes], list[list[float]]]:
    arrays, facts = checkpoint.read(Path(folder, "last.npz"))
    return {name: array.tobytes() for name, array in arrays.items()}, [row[:-1] for row in facts["rows"]]


def test_a_run_prints_keeps_and_logs(course: Course, capsys: pytest.CaptureFixture[str]) -> None:
    assert course("--epochs", "2") == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0] == "train · settings"
    assert lines[1] == "few pictures; 81 of them to learn from, 9 to validate; folder runs/cifar10-small"
    assert [line.split()[:2] for line in lines[2:4]] == [["epoch", "1"], ["epoch", "2"]]
    assert [line.split(":")[0] for line in lines[4:]] == ["test, the image", "test, the mean of image and mirror image"]
    assert err == ""
    assert {path.name for path in Path("runs/cifar10-small").iterdir()} >= {"last.npz", "log.jsonl"}
    start, *rows, plain, flipped = log()
    assert start["command"] == "course train cifar10 --batch-size 32 --epochs 2"
    assert (start["lr"], start["processes"], start["machine"]["device"]) == (0.2, 1, paddle.get_device())
    assert start["versions"]["paddle"] == paddle.__version__
    assert [(row["kind"], row["epoch"]) for row in rows] == [("epoch", 1), ("epoch", 2)]
    assert lines[3].endswith(f"valid accuracy {100 * rows[1]['valid_accuracy']:.2f} %  {rows[1]['seconds']:.1f} s")
    assert (plain["flip"], flipped["flip"], plain["total"]) == (False, True, 20)
    assert plain["interval"][0] <= plain["accuracy"] <= plain["interval"][1]
    walls = [line["wall_seconds"] for line in log()]
    assert walls == sorted(walls)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_and_resumed_equals_uninterrupted(
    number: signal.Signals, course: Course, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert course("--epochs", "2", "--folder", "whole") == 0
    with monkeypatch.context() as patch:
        repeats = 1 if number == signal.SIGINT else 3  # as paddle.distributed.launch sends it
        in_step(patch, STEPS + 2, lambda: [signal.raise_signal(number) for _ in range(repeats)])
        assert course("--epochs", "2", "--folder", "parts") == 130
    out, err = capsys.readouterr()
    assert out.splitlines()[-1] == "The same command with --resume goes on."
    assert err == "Stopped.\n"
    assert log("parts")[-1].items() >= {"kind": "stopped", "steps": STEPS + 2}.items()
    assert course("--epochs", "2", "--folder", "parts", "--resume") == 0
    assert kept("parts") == kept("whole")
    kinds = [line["kind"] for line in log("parts")]
    assert kinds == ["start", "epoch", "stopped", "start", "epoch", "test", "test"]
    assert course("--epochs", "2", "--folder", "parts", "--resume") == 0
    assert [line["kind"] for line in log("parts")] == [*kinds[:-2], "start", "test", "test"]


def test_a_time_limit_stops_with_status_0(
    course: Course, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    expired = threading.Event()
    monkeypatch.setattr(train._thread, "interrupt_main", lambda: (signal.raise_signal(signal.SIGINT), expired.set()))
    timers = []

    class Timer:
        def __init__(self, seconds: float, action: Callable[[], None]) -> None:
            timers.append((seconds, action))

        start = cancel = lambda self: None

    monkeypatch.setattr(train.threading, "Timer", Timer)
    in_step(monkeypatch, 2, lambda: timers[0][1]())
    assert course("--epochs", "2", "--minutes", "0.5") == 0
    assert timers[0][0] == 30
    assert expired.is_set()
    assert "--resume goes on" in capsys.readouterr().out


def test_a_background_job_that_ignores_ctrl_c_ends_by_sigterm_all_the_same(
    course: Course, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    in_step(monkeypatch, 2, lambda: signal.raise_signal(signal.SIGTERM))
    assert course("--epochs", "2") == 130
    assert capsys.readouterr().err == "Stopped.\n"
    assert log()[-1]["steps"] == 2
    assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN


@pytest.mark.parametrize("net", ["resnet20", "resnet18"])
def test_every_net_is_built(net: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    trainer = train._trainer(net, FEW, 2, 32, 0.1, 0, tmp_path)
    sizes = {"resnet20": 272_474, "resnet18": 11_173_962}
    assert sum(weight.size for weight in trainer.net.parameters() if not weight.stop_gradient) == sizes[net]


def test_a_process_that_is_not_the_first_writes_nothing_and_ends_with_it(
    course: Course, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def lost(self: Trainer, *_: object) -> None:
        assert signal.getsignal(signal.SIGINT) == signal.getsignal(signal.SIGTERM) == signal.SIG_IGN
        raise CourseError("another process of this job has ended")

    monkeypatch.setattr(processes, "rank", lambda: 1)
    monkeypatch.setattr(Trainer, "fit", lost)
    assert course("--epochs", "2") == 0
    assert capsys.readouterr().out.splitlines()[1:] == ["another process of this job has ended"]
    assert not Path("runs").exists()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_what_is_there_is_not_written_over(course: Course, capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path("run")
    folder.mkdir()
    (folder / "last.npz").write_bytes(b"a run")
    assert course("--folder", "run") == 1
    assert (
        capsys.readouterr().err == "run holds a run already: add --resume to go on with it, or name another --folder\n"
    )
    assert course("--folder", "run", "--resume") == 1
    assert "last.npz is damaged or is no checkpoint" in capsys.readouterr().err
    assert (folder / "last.npz").read_bytes() == b"a run"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--lr", "0"], "--lr 0 does not train: use a rate above 0, such as 0.2"),
        (["--lr", "nan"], "--lr nan does not train: use a rate above 0, such as 0.2"),
        (["--minutes", "-1"], "--minutes -1 is no time to train: use more than 0"),
        (["--resume"], "runs/cifar10-small holds no run to resume: leave out --resume, or name its --folder"),
        (["--folder", "file"], "file is a file: name another --folder"),
        (["--epochs", "1"], "1 epochs of 81 images have 3 steps, too few for a cycle: use more"),
    ],
)
def test_bad_input_is_one_sentence(
    options: list[str], sentence: str, course: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("file").touch()
    assert course(*options) == 1
    assert capsys.readouterr().err.replace(os.sep, "/") == f"{sentence}\n"


@pytest.mark.parametrize("options", [["--net", "resnet"], ["--epochs", "0"], ["--batch-size", "0"], ["--seed", "-1"]])
def test_an_option_out_of_range_is_told(options: list[str], course: Course, capsys: pytest.CaptureFixture[str]) -> None:
    assert course(*options) == 2
    assert f"Invalid value for '{options[0]}'" in capsys.readouterr().err


def test_resuming_another_run_is_refused(course: Course, capsys: pytest.CaptureFixture[str]) -> None:
    assert course("--epochs", "2") == 0
    assert course("--epochs", "3", "--resume") == 1
    assert "the run was begun with --epochs 2, not 3: use the same, or leave out" in capsys.readouterr().err
    Path("runs/cifar10-small/log.jsonl").unlink()
    assert course("--epochs", "3", "--resume") == 1  # without the log, the checkpoint knows
    assert "OneCycleLR(total_steps=6" in capsys.readouterr().err


def test_a_log_keeps_what_the_checkpoint_keeps(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    first = RunLog(path)
    for epoch in (1, 2, 3):
        first.add("epoch", epoch=epoch)
    first.add("test")
    again = RunLog(path, epoch=2)
    again.add("start")
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [(line["kind"], line.get("epoch")) for line in lines] == [("epoch", 1), ("epoch", 2), ("start", None)]
    path.write_text("no log", encoding="utf-8")
    with pytest.raises(CourseError, match="cannot be read: move it away to begin a new one"):
        RunLog(path, epoch=2)
    path.unlink()
    assert RunLog(path, epoch=2).path.read_text(encoding="utf-8") == ""
    (tmp_path / "file").touch()
    with pytest.raises(CourseError, match="cannot be written"):
        RunLog(tmp_path / "file" / "log.jsonl")


def test_the_machine_is_told() -> None:
    about = runlog.about_this_machine()
    assert about["machine"]["cores"] == os.cpu_count()
    assert about["machine"]["processor"]
    assert set(about["versions"]) == {"course_utils", "python", "paddle", "numpy"}
