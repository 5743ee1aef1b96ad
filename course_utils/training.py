"""The training loop that the chapters share, written to be read: one step, one epoch, and what is kept.

A run is a pure function of the weights, the data and the seed: the order of the images and the seed of each step
(for dropout and augmentation) are derived from (seed, epoch), never carried along. So a run that was interrupted
after any step, in this process or another, goes on to the same bits as one that was not.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np
import paddle
import paddle.nn.functional as F
from paddle.optimizer.lr import LRScheduler, OneCycleLR, ReduceOnPlateau
from tqdm import tqdm

from course_utils import checkpoint, processes
from course_utils.averaging import Average
from course_utils.errors import CourseError
from course_utils.metrics import predicted_classes
from course_utils.modes import (
    Interrupt,
    chosen_convolutions,
    evaluating,
    generator_kept,
    has_bfloat16,
    mixed_precision,
)

__all__ = ["Epoch", "Evaluation", "History", "Trainer"]

Arrays = tuple[np.ndarray, np.ndarray]  # images uint8 [N, C, H, W], whole-number labels [N]; a Split is one

STEPS_BETWEEN_LOOKS = 50  # reading a loss waits for the device, so the losses are read this many at a time


class Epoch(NamedTuple):
    """One row of a history; the valid_ values are None where fit() was given no validation split.

    lr: learning rate of its last step. loss: mean over its samples, while the weights moved. seconds: of training
    alone, without validation.
    """

    epoch: int
    lr: float
    loss: float
    valid_loss: float | None
    valid_accuracy: float | None
    seconds: float

    def __str__(self) -> str:
        valid = ""
        if self.valid_accuracy is not None:
            valid = f"  valid loss {self.valid_loss:.4f}  valid accuracy {100 * self.valid_accuracy:.2f} %"
        return f"epoch {self.epoch:3d}  lr {self.lr:.3g}  loss {self.loss:.4f}{valid}  {self.seconds:.1f} s"


@dataclass
class History:
    """What a training run has shown so far: a row an epoch, and the loss of every step."""

    rows: list[Epoch] = field(default_factory=list)
    step_losses: list[float] = field(default_factory=list)

    def column(self, name: str) -> list[Any]:
        """One column of the rows, to plot: `plt.plot(history.column("epoch"), history.column("loss"))`."""
        if name not in Epoch._fields:
            raise ValueError(f"a history has no column {name!r}: use one of {', '.join(Epoch._fields)}")
        return [getattr(row, name) for row in self.rows]


class Evaluation(NamedTuple):
    """Exact means over the samples: `correct` of `total` is what `metrics.wilson_interval` takes."""

    loss: float
    accuracy: float
    correct: int
    total: int


class Trainer:
    """Trains, evaluates and keeps a classifier; on CPU with oneDNN's convolutions, unless COURSE_CONV says otherwise.

    net: a paddle.nn.Layer, from float images to logits [N, K] (or [N, 1]: class 1 above 0).
    optimizer: over the net's parameters; a learning-rate schedule in it moves by one after every batch.
    loss: (logits, labels) -> mean loss over the batch.
    prepare: uint8 batch [N, C, H, W] -> float batch; by default float32 in [0, 1].
    augment: (prepared batch, NumPy generator) -> batch, in training only; draw all randomness from the generator.
    average: decay of a moving average of the weights, such as 0.999, that evaluates and predicts in their place.
    amp: train in bfloat16 where the device has it, on CPU in oneDNN's convolutions alone (unproven on CUDA).
    seed: of order, dropout and augmentation. folder: where last.npz and best.npz are kept, if anywhere.
    callbacks: each is called as callback(trainer, history) after every epoch.
    report: what to do with each epoch's row; None for silence, and no progress bar then.
    Started by paddle.distributed.launch, several processes share each batch (course_utils/processes.py).
    Raises ValueError for batch_size < 1, a negative seed, an average outside 0 to 1, or a schedule that wants a metric.
    """

    def __init__(
        self,
        net: paddle.nn.Layer,
        optimizer: paddle.optimizer.Optimizer,
        *,
        loss: Callable[..., paddle.Tensor] = F.cross_entropy,
        batch_size: int = 64,
        prepare: Callable[[paddle.Tensor], paddle.Tensor] | None = None,
        augment: Callable[[paddle.Tensor, np.random.Generator], paddle.Tensor] | None = None,
        average: float | None = None,
        amp: bool = False,
        seed: int = 0,
        folder: str | Path | None = None,
        callbacks: Sequence[Callable[[Trainer, History], object]] = (),
        report: Callable[[Epoch], object] | None = print,
    ) -> None:
        if batch_size < 1:
            raise ValueError(f"batch_size {batch_size} holds no image: use 1 or more")
        if seed < 0:
            raise ValueError(f"seed {seed} is negative: use 0 or more")
        processes.join()
        schedule = optimizer._learning_rate
        if isinstance(schedule, ReduceOnPlateau):
            raise ValueError("ReduceOnPlateau waits for a metric: use a schedule that moves with the steps")
        self.net, self.optimizer, self.loss = net, optimizer, loss
        self.batch_size, self.seed, self.callbacks = batch_size, seed, callbacks
        self.report = report if processes.is_first() else None
        self.prepare, self.augment = prepare or _scale, augment
        self.folder = None if folder is None else Path(folder)
        self.schedule = schedule if isinstance(schedule, LRScheduler) else None
        self.average = None if average is None else Average(net, average)
        self.amp = amp
        self._start({})

    def fit(self, train: Arrays, valid: Arrays | None = None, epochs: int = 1, resume: bool = False) -> History:
        """Train until `epochs` epochs are done, and return the history.

        train, valid: (images uint8 [N, C, H, W], whole-number labels [N]). resume: go on from the folder's
        last.npz, or without a folder from where this trainer stands; `epochs` counts those already done.
        After each epoch last.npz is written, and best.npz where the validation accuracy is the best yet.
        Ctrl-C finishes the step, keeps everything and returns the history; a second one raises.
        Raises ValueError for impossible arguments, CourseError for a loss that is not finite or a checkpoint
        that is damaged or of another run.
        """
        if epochs < 0:
            raise ValueError(f"epochs {epochs} is negative: use 0 or more")
        data = _to_device(train, "training")
        held_out = None if valid is None else _to_device(valid, "validation")
        run = {"seed": self.seed, "batch_size": self.batch_size, "training images": len(data.labels)}
        if resume:
            self._resume(run)
        else:
            self._start(run)
        self._check_schedule(run, epochs)
        processes.agree(self.net)
        self.optimizer.clear_grad()
        if not self.net.training:
            self.net.train()
        if self.amp and self.report and not has_bfloat16():
            print("amp: there is no bfloat16 training on this device, so it stays in float32")
        with generator_kept(), chosen_convolutions(), Interrupt() as interrupt:
            while self._epoch < epochs and not interrupt.asked:
                if self._train_epoch(data, interrupt):
                    self._close_epoch(held_out)
        if self._epoch < epochs:
            self._say_how_to_resume(epochs)
        return self.history

    def evaluate(self, split: Arrays, flip: bool = False) -> Evaluation:
        """Loss and accuracy over all samples of (images, labels), with the net in evaluation mode.

        flip: use the mean of each image's logits and those of its mirror image.
        """
        return self._evaluate(_to_device(split, "evaluation"), flip)

    def predict(self, images: np.ndarray, flip: bool = False) -> np.ndarray:
        """The logits of uint8 images [N, C, H, W], float32 [N, K], with the net in evaluation mode.

        flip: the mean of each image's logits and those of its mirror image.
        """
        _check_images(images, "prediction")
        batches = _slices(paddle.to_tensor(images), self.batch_size)
        with self._evaluating():
            logits = [self._logits(batch, flip).astype("float32").numpy() for batch in batches]
        return np.concatenate(logits)

    def save(self, path: str | Path) -> None:
        """Write the whole run to a file: weights and their average, optimizer, schedule, history and position.

        Of several processes the first one writes.
        """
        if not processes.is_first():
            return
        arrays, facts = checkpoint.state(self.net, self.optimizer, self.average)
        arrays["step_losses"] = np.array(self.history.step_losses)
        position = {"epoch": self._epoch, "step": self._step, "seconds": self._seconds}
        checkpoint.write(path, arrays, facts | {"run": self._run, "rows": self.history.rows} | position)

    def load(self, path: str | Path) -> None:
        """Put back what `save` wrote; fit(..., resume=True) then goes on where it stood.

        Raises CourseError where the file is missing, damaged, or of another net, optimizer or schedule; this
        trainer is then unchanged.
        """
        arrays, facts = checkpoint.read(path)
        step_losses = arrays.pop("step_losses").tolist()
        checkpoint.restore(self.net, self.optimizer, arrays, facts, path, self.average)
        self.history = History([Epoch(*row) for row in facts["rows"]], step_losses)
        self._run, self._epoch = facts["run"], facts["epoch"]
        self._step, self._seconds = facts["step"], facts["seconds"]

    def _start(self, run: dict[str, int]) -> None:
        """The beginning of a run; `run` is what must stay the same until its end."""
        self.history, self._run = History(), run
        self._epoch = self._step = 0  # epochs done, and steps done in the one after them
        self._seconds = 0.0  # spent on those steps
        self._lr = float(self.optimizer.get_lr())
        if self.average:
            self.average.updates = 0

    def _check_schedule(self, run: dict[str, int], epochs: int) -> None:
        """Refuse, before the first step, a schedule that would end on the way."""
        if not isinstance(self.schedule, OneCycleLR):  # the others go on for ever
            return
        wanted = epochs * ceil(run["training images"] / self.batch_size) - len(self.history.step_losses)
        left = self.schedule.total_steps - self.schedule.last_epoch
        if wanted > left:
            raise ValueError(
                f"{epochs} epochs have {wanted} more steps and the schedule {left}: make it for all steps of the run"
            )

    def _resume(self, run: dict[str, int]) -> None:
        """The place where a run stood, which must be the run that we are asked for."""
        if self.folder:
            self.load(self.folder / "last.npz")
        elif not self.history.step_losses:
            raise ValueError("resume=True but nothing was trained yet: leave it out, or give the Trainer a folder")
        for name, value in run.items():
            if self._run.get(name, value) != value:
                raise CourseError(
                    f"the run to resume had {name} {self._run[name]}, this one has {value}: use the same, or "
                    "resume=False"
                )
        self._run = run

    def _train_epoch(self, data: _Data, interrupt: Interrupt) -> bool:
        """The steps that are left of this epoch; False where Ctrl-C came before the last of them."""
        generator = np.random.default_rng([self.seed, self._epoch])
        order = paddle.to_tensor(generator.permutation(len(data.labels)))
        seeds = generator.integers(2**31, size=ceil(len(order) / self.batch_size)).tolist()
        unread: list[paddle.Tensor] = []
        began = time.perf_counter() - self._seconds
        bar = tqdm(
            total=len(seeds),
            initial=self._step,
            desc=f"epoch {self._epoch + 1}",
            leave=False,
            disable=None if self.report else True,  # None: no bar where stderr is not a terminal
        )
        try:
            for batch in _slices(order, self.batch_size, first=self._step):
                if interrupt.asked:
                    break
                unread.append(self._train_step(data, batch, seeds[self._step]))
                self._step += 1
                bar.update()
                if len(unread) == STEPS_BETWEEN_LOOKS:
                    self._read(unread)
        finally:
            bar.close()
            self._read(unread)
            self._seconds = time.perf_counter() - began
        if not all(bool(weight.isfinite().all()) for weight in self.net.parameters()):
            self._stop(f"the weights are not finite after step {self._step} of epoch {self._epoch + 1}")
        return self._step == len(seeds)

    def _train_step(self, data: _Data, batch: paddle.Tensor, seed: int) -> paddle.Tensor:
        """One step on the images at the places `batch`; returns the loss, which nobody has waited for yet."""
        paddle.seed(seed + processes.rank())  # dropout's: each process has other images
        images = self.prepare(paddle.gather(data.images, batch))
        if self.augment:
            images = self.augment(images, np.random.default_rng(seed))
        loss = self._learn(images, paddle.gather(data.labels, batch))
        self._lr = self.optimizer.get_lr()
        if self.schedule:
            self.schedule.step()
        if self.average:
            self.average.update()
        return loss

    def _learn(self, images: paddle.Tensor, labels: paddle.Tensor) -> paddle.Tensor:
        """Forward, backward, update; of several processes each has its share of the batch, and all one gradient."""
        images, labels, weight = processes.share(images, labels)
        with mixed_precision(self.amp):
            loss = self.loss(self.net(images), labels)
        loss.backward()
        loss = processes.average(self.net, loss.detach(), weight)
        self.optimizer.step()
        self.optimizer.clear_grad()
        return loss

    def _read(self, unread: list[paddle.Tensor]) -> None:
        """Move the losses of the last steps into the history; stop where one is not finite."""
        if not unread:
            return
        losses = paddle.stack(unread).astype("float32").numpy()
        first = self._step - len(unread)
        unread.clear()
        good = int(np.cumprod(np.isfinite(losses)).sum())
        self.history.step_losses += losses[:good].tolist()
        if good < len(losses):
            self._stop(f"the loss is {losses[good]} in step {first + good + 1} of epoch {self._epoch + 1}")

    def _stop(self, what: str) -> NoReturn:
        kept = f"; the last good state is in {self.folder / 'last.npz'}" if self.folder and self._epoch else ""
        raise CourseError(
            f"{what}: try a learning rate below {self._lr:.3g}, and look for bad values in the images{kept}"
        )

    def _close_epoch(self, held_out: _Data | None) -> None:
        """Validate, add and report the row, call the callbacks, and keep the state that they leave."""
        steps = self._step
        sizes = np.full(steps, self.batch_size)
        sizes[-1] = self._run["training images"] - (steps - 1) * self.batch_size
        loss = float(np.average(self.history.step_losses[-steps:], weights=sizes))
        valid_loss, valid_accuracy = self._validate(held_out) if held_out else (None, None)
        accuracies = [row.valid_accuracy for row in self.history.rows if row.valid_accuracy is not None]
        is_best = valid_accuracy is not None and valid_accuracy > max(accuracies, default=-1)
        row = Epoch(self._epoch + 1, self._lr, loss, valid_loss, valid_accuracy, self._seconds)
        self.history.rows.append(row)
        self._epoch, self._step, self._seconds = self._epoch + 1, 0, 0.0
        try:
            for callback in self.callbacks:
                callback(self, self.history)
            if self.report:  # last, so that rows stand below a figure that a callback draws
                self.report(row)
        finally:  # an epoch's work is not lost because a picture could not be drawn
            if self.folder:
                self.save(self.folder / "last.npz")
                if is_best:
                    self.save(self.folder / "best.npz")

    def _validate(self, held_out: _Data) -> tuple[float, float]:
        """Loss and accuracy as the first process finds them, so that callbacks see the same everywhere."""
        loss, accuracy = processes.from_first(lambda: self._evaluate(held_out)[:2], size=2)
        return loss, accuracy

    @contextlib.contextmanager
    def _evaluating(self) -> Iterator[None]:
        averaged = self.average.applied() if self.average else contextlib.nullcontext()
        with averaged, evaluating(self.net), chosen_convolutions():
            yield

    def _logits(self, images: paddle.Tensor, flip: bool) -> paddle.Tensor:
        images = self.prepare(images)
        logits = self.net(images)
        return (logits + self.net(images.flip(axis=[3]))) / 2 if flip else logits

    def _evaluate(self, data: _Data, flip: bool = False) -> Evaluation:
        losses, correct, total = 0.0, 0, len(data.labels)
        with self._evaluating():
            for images, labels in zip(
                _slices(data.images, self.batch_size), _slices(data.labels, self.batch_size), strict=True
            ):
                logits = self._logits(images, flip)
                losses += float(self.loss(logits, labels)) * len(labels)  # the last batch may be short
                correct += int((predicted_classes(logits.numpy()) == labels.numpy()).sum())
        return Evaluation(losses / total, correct / total, correct, total)

    def _say_how_to_resume(self, epochs: int) -> None:
        where = "where this trainer stands"
        if self.folder:
            self.save(self.folder / "last.npz")
            where = str(self.folder / "last.npz")
        print(
            f"stopped after {self._step} steps of epoch {self._epoch + 1}: "
            f"fit(..., epochs={epochs}, resume=True) goes on from {where}"
        )


class _Data(NamedTuple):
    """A split on the device: images uint8 [N, C, H, W], labels int64 [N]."""

    images: paddle.Tensor
    labels: paddle.Tensor


def _scale(images: paddle.Tensor) -> paddle.Tensor:
    return images.astype("float32") / 255


def _slices(tensor: paddle.Tensor, size: int, first: int = 0) -> Iterator[paddle.Tensor]:
    """`size` rows at a time, from slice `first` on; the last slice may be shorter."""
    for start in range(first * size, len(tensor), size):
        yield tensor[start : start + size]


def _to_device(split: Arrays, name: str) -> _Data:
    images, labels = map(np.asarray, split)
    _check_images(images, name)
    if not np.issubdtype(labels.dtype, np.integer) or labels.ndim != 1:
        raise ValueError(
            f"the {name} labels are {labels.dtype} {list(labels.shape)}: give whole numbers [N], one an image"
        )
    if len(images) != len(labels):
        raise ValueError(f"the {name} split has {len(images)} images and {len(labels)} labels: give one an image")
    return _Data(paddle.to_tensor(images), paddle.to_tensor(labels.astype(np.int64)))


def _check_images(images: np.ndarray, name: str) -> None:
    if images.dtype != np.uint8 or images.ndim != 4:
        raise ValueError(f"the {name} images are {images.dtype} {list(images.shape)}: give uint8 [N, C, H, W]")
    if len(images) == 0:
        raise ValueError(f"the {name} split is empty: give at least one image")
