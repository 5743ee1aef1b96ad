"""`course train`: the recipe of a chapter from a terminal, for runs that are longer than a notebook likes."""

from __future__ import annotations

import _thread
import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from course_utils import settings
from course_utils.cli.runlog import RunLog, about_this_machine, begun_with
from course_utils.errors import CourseError

if TYPE_CHECKING:
    from course_utils.datasets import Split
    from course_utils.training import Trainer

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Train a chapter's net from a terminal; stop and resume at will.")


@app.callback()
def _train() -> None:
    pass  # without it, a single command would swallow the group's name


@app.command()
def cifar10(
    net: Annotated[
        Literal["small", "resnet20", "resnet18"],
        typer.Option(help="0.31, 0.27 or 11.2 million parameters; small is the fastest on a CPU."),
    ] = "small",
    epochs: Annotated[int, typer.Option(min=1, help="In all, with those already done.")] = 10,
    batch_size: Annotated[int, typer.Option(min=1, help="Images a step, all processes together.")] = 128,
    lr: Annotated[float, typer.Option(help="The highest learning rate of the cycle.")] = 0.2,
    seed: Annotated[
        int, typer.Option(min=0, max=2**31 - 1, envvar="COURSE_SEED", help="Of weights, order, augmentation, split.")
    ] = 0,
    folder: Annotated[Path | None, typer.Option(help="For weights and log.", show_default="runs/cifar10-NET")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in the folder.")] = False,
    minutes: Annotated[float | None, typer.Option(help="Stop after so long; --resume goes on.")] = None,
) -> None:
    """Train a ResNet on CIFAR-10, or on generated pictures where that is not here.

    One cycle of the rate, Nesterov momentum, weight decay, softened labels, shifted and mirrored images, an average of
    the weights; tested once, at the end. Ctrl-C keeps everything. The folder gets last.npz, best.npz and log.jsonl.

    On several processes: python -m paddle.distributed.launch --nproc_per_node 2 course train cifar10
    """
    if not 0 < lr < float("inf"):
        raise CourseError(f"--lr {lr:g} does not train: use a rate above 0, such as 0.2")
    if minutes is not None and not 0 < minutes < 1e6:
        raise CourseError(f"--minutes {minutes:g} is no time to train: use more than 0")
    folder = folder or Path("runs") / f"cifar10-{net}"
    _check_folder(folder, resume)
    asked = {"net": net, "epochs": epochs, "batch_size": batch_size, "lr": lr, "seed": seed}
    log_path = folder / "log.jsonl"
    if resume:
        _check_same(begun_with(log_path), asked)
    os.environ["COURSE_SEED"] = str(seed)
    settings.setup("train")
    from course_utils import datasets, processes

    processes.join()
    with _one_ctrl_c(processes.is_first()):
        data = datasets.cifar10()
        train, valid = data.train.stratified(data.train.size // 10, seed)
        trainer = _trainer(net, train, epochs, batch_size, lr, seed, folder)
        if resume:
            trainer.load(folder / "last.npz")
        if not processes.is_first():
            _follow(trainer, train, valid, epochs, resume)
            return
        print(f"{data.source}; {train.size:,} of them to learn from, {valid.size:,} to validate; folder {folder}")
        log = RunLog(log_path, epoch=len(trainer.history.rows))
        log.add("start", **asked, data=data.source, **about_this_machine(), processes=processes.count())
        trainer.callbacks = [lambda _, history: log.add("epoch", **history.rows[-1]._asdict())]
        with _time_limit(minutes) as expired:
            history = trainer.fit(train, valid, epochs, resume)
        if len(history.rows) < epochs:
            log.add("stopped", steps=len(history.step_losses))
            print("The same command with --resume goes on.")
            raise typer.Exit(0 if expired.is_set() else 130)
        _test(trainer, data.test, log)


def _check_folder(folder: Path, resume: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise CourseError(f"{folder} is a file: name another --folder")
    there = (folder / "last.npz").exists()
    if there and not resume:
        raise CourseError(f"{folder} holds a run already: add --resume to go on with it, or name another --folder")
    if resume and not there:
        raise CourseError(f"{folder} holds no run to resume: leave out --resume, or name its --folder")


def _check_same(begun: dict[str, Any], asked: dict[str, Any]) -> None:
    """Refuse to go on with other options than the run was begun with, as its log tells."""
    for name, value in asked.items():
        if begun.get(name, value) != value:
            option = f"--{name.replace('_', '-')}"
            raise CourseError(
                f"the run was begun with {option} {begun[name]}, not {value}: use the same, or leave out --resume and "
                "name another --folder"
            )


def _trainer(name: str, train: Split, epochs: int, batch_size: int, lr: float, seed: int, folder: Path) -> Trainer:
    import paddle

    from course_utils import augment, datasets, recipes
    from course_utils.models import resnet
    from course_utils.training import Trainer

    paddle.seed(seed)
    if name == "resnet18":
        net = resnet.resnet18(num_classes=10, stem="cifar")
    elif name == "resnet20":
        net = resnet.cifar_resnet(20)
    else:
        net = resnet.cifar_resnet(8, widths=(32, 64, 128), stem_stride=2)
    steps = recipes.steps_in(epochs, train.size, batch_size)
    if steps < 4:
        raise CourseError(f"{epochs} epochs of {train.size} images have {steps} steps, too few for a cycle: use more")
    return Trainer(
        net,
        recipes.nesterov(net, recipes.one_cycle(lr, steps), weight_decay=5e-4),
        loss=recipes.smoothed_cross_entropy(0.1),
        batch_size=batch_size,
        prepare=augment.standardize(*datasets.channel_statistics(train.images)),
        augment=augment.in_turn(augment.crop(4, reflect=True), augment.flip()),
        average=0.99,
        amp=paddle.get_device() != "cpu",
        seed=seed,
        folder=folder,
    )


def _follow(trainer: Trainer, train: Split, valid: Split, epochs: int, resume: bool) -> None:
    """What a process does that is not the first: it ends with the first one, and that one has said why."""
    try:
        trainer.fit(train, valid, epochs, resume)
    except CourseError as error:
        print(error)


def _test(trainer: Trainer, test: Split, log: RunLog) -> None:
    from course_utils.metrics import wilson_interval

    for flip in (False, True):
        found = trainer.evaluate(test, flip=flip)
        low, high = wilson_interval(found.correct, found.total)
        log.add(
            "test", flip=flip, correct=found.correct, total=found.total, accuracy=found.accuracy, interval=[low, high]
        )
        views = "the mean of image and mirror image" if flip else "the image"
        print(f"test, {views}: {100 * found.accuracy:.2f} % [{100 * low:.2f}, {100 * high:.2f}] of {found.total:,}")


@contextlib.contextmanager
def _one_ctrl_c(first: bool) -> Iterator[None]:
    """SIGTERM, which paddle.distributed.launch sends three times, is one Ctrl-C.

    It is the first process that stops, and keeps its state; the others ignore both and end with it. A script's
    background job begins with Ctrl-C ignored, and here no longer: else neither SIGTERM nor the time limit would end it.
    """

    def stop(number: int, frame: Any) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.raise_signal(signal.SIGINT)

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    signal.signal(signal.SIGTERM, stop if first else signal.SIG_IGN)
    if not first or before[signal.SIGINT] == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler if first else signal.SIG_IGN)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _time_limit(minutes: float | None) -> Iterator[threading.Event]:
    """Press Ctrl-C after so many minutes; the event says whether that was it."""
    expired = threading.Event()

    def expire() -> None:
        expired.set()
        _thread.interrupt_main()

    timer = threading.Timer(60 * minutes, expire) if minutes else None
    if timer:
        timer.daemon = True
        timer.start()
    try:
        yield expired
    finally:
        if timer:
            timer.cancel()
