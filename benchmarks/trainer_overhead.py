"""What the Trainer adds to a bare training loop, and what its data pipeline costs: ratios, side by side.

    OMP_NUM_THREADS=1 python benchmarks/trainer_overhead.py

Steps of the two loops alternate: the Trainer runs as it always does, and each time it asks for a prepared batch,
one step of the bare loop is made and timed before it gets it. So a slow moment of the machine falls on both.
The bare loop has its images as float32 already, in order, and keeps nothing: it is the least that a loop can do.
"""

from __future__ import annotations

import contextlib
import io
import time
from collections.abc import Iterator

import numpy as np
import paddle
import paddle.nn.functional as F

from course_utils.models import LeNet5
from course_utils.training import Trainer

STEPS, BATCH = 800, 64
WARM_UP = 20


def main() -> None:
    rng = np.random.default_rng(0)
    ratios, whole = paired_steps(rng)
    low, high = median_interval(ratios, rng)
    parameters = sum(parameter.size for parameter in LeNet5().parameters())
    print(f"Paddle {paddle.__version__}, LeNet-5, {parameters:,} parameters, batch {BATCH}")
    print(f"Trainer step / bare step: median {np.median(ratios):.4f} (95 % interval {low:.4f} to {high:.4f})")
    print(f"sum of {len(ratios)} Trainer steps / sum of bare steps: {whole:.4f}")
    seconds = pipeline_epochs(rng)
    print(f"data pipeline, 60,000 x 1 x 32 x 32: {min(seconds):.3f} to {max(seconds):.3f} s an epoch")


def paired_steps(rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """Ratio of each Trainer step to the bare step beside it, and the ratio of their sums."""
    images = rng.integers(0, 256, (STEPS * BATCH, 1, 32, 32), dtype=np.uint8)
    labels = rng.integers(0, 10, len(images))
    bare = bare_steps(paddle.to_tensor(images.astype("float32") / 255), paddle.to_tensor(labels))
    bare_seconds, trainer_seconds, resumed_at = [], [], [0.0]

    def prepare(batch: paddle.Tensor) -> paddle.Tensor:
        trainer_seconds.append(time.perf_counter() - resumed_at[0])  # since the last batch was asked for
        bare_seconds.append(next(bare))
        resumed_at[0] = time.perf_counter()
        return batch.astype("float32") / 255

    net = LeNet5()
    trainer = Trainer(net, adam(net), batch_size=BATCH, prepare=prepare)
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
        trainer.fit((images, labels))
    steps = np.array(trainer_seconds[1 + WARM_UP :])  # the nth call ends step n - 1
    beside = np.array(bare_seconds[WARM_UP:-1])
    return steps / beside, steps.sum() / beside.sum()


def bare_steps(images: paddle.Tensor, labels: paddle.Tensor) -> Iterator[float]:
    """The textbook's loop, one step at a time; yields the seconds of each."""
    net = LeNet5()
    optimizer = adam(net)
    for start in range(0, len(labels), BATCH):
        began = time.perf_counter()
        loss = F.cross_entropy(net(images[start : start + BATCH]), labels[start : start + BATCH])
        loss.backward()
        optimizer.step()
        optimizer.clear_grad()
        yield time.perf_counter() - began


def adam(net: paddle.nn.Layer) -> paddle.optimizer.Optimizer:
    return paddle.optimizer.Adam(0.001, parameters=net.parameters())


def median_interval(values: np.ndarray, rng: np.random.Generator) -> tuple[float, float]:
    """95 % bootstrap interval of the median."""
    medians = np.median(rng.choice(values, (2000, len(values))), axis=1)
    low, high = np.quantile(medians, [0.025, 0.975])
    return low, high


def pipeline_epochs(rng: np.random.Generator, epochs: int = 5) -> list[float]:
    """Seconds of epochs in which everything is done to the data and nothing with it."""

    class NoTraining(Trainer):
        def _learn(self, images: paddle.Tensor, labels: paddle.Tensor) -> paddle.Tensor:
            return zero

    zero = paddle.zeros([])
    images = rng.integers(0, 256, (60_000, 1, 32, 32), dtype=np.uint8)
    net = LeNet5()
    trainer = NoTraining(net, adam(net), batch_size=BATCH)
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
        history = trainer.fit((images, rng.integers(0, 10, 60_000)), epochs=epochs)
    return history.column("seconds")


if __name__ == "__main__":
    main()
