"""Chapter 07's comparisons, which its benchmarks share: a race of activations, and small nets on one budget."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import numpy as np
import paddle
from paddle import nn

from course_utils import augment, datasets, recipes
from course_utils.errors import CourseError
from course_utils.models import small_nets
from course_utils.training import Trainer

__all__ = ["ACTIVATIONS", "SWEEP_SEED", "race", "race_net", "small_trainer", "steps_to"]

ACTIVATIONS: dict[str, type[nn.Layer]] = {"ReLU": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}
RACE_BATCH = 64
SWEEP_SEED = 100  # of the runs that choose a learning rate, and of no other


def race_net(activation: type[nn.Layer]) -> nn.Sequential:
    """x [N, 3, 32, 32] -> logits [N, 10] through four layers with weights, 49,050 parameters.

    The stride does what pooling would, so that the activation is all that is not linear.
    """
    return nn.Sequential(
        nn.Conv2D(3, 24, 3, stride=2, padding=1),  # [N, 24, 16, 16]
        activation(),
        nn.Conv2D(24, 48, 3, stride=2, padding=1),  # [N, 48, 8, 8]
        activation(),
        nn.Conv2D(48, 64, 3, stride=2, padding=1),  # [N, 64, 4, 4]
        activation(),
        nn.Flatten(),
        nn.Linear(64 * 4 * 4, 10),
    )


def race(
    activation: str, lr: float, train: datasets.Split, seed: int, *, goal: float = 0.25, epochs: int = 20
) -> list[float]:
    """The training error before the first epoch and after each one, until it is at most `goal` or `epochs` are done.

    Momentum 0.9, batches of 64, a fixed rate, no regularization. The error is counted on the first 2,000 of the
    images. One seed gives every activation the same first weights and the same order of images. A run whose loss is
    no longer finite ends with the error nan.
    """
    paddle.seed(seed)
    net = race_net(ACTIVATIONS[activation])
    prepare = augment.standardize(*datasets.channel_statistics(train.images))
    optimizer = paddle.optimizer.Momentum(lr, 0.9, parameters=net.parameters())
    trainer = Trainer(net, optimizer, batch_size=RACE_BATCH, prepare=prepare, seed=seed, report=None)
    watched = train.take(2_000)
    errors = [1 - trainer.evaluate(watched).accuracy]
    while len(errors) <= epochs and errors[-1] > goal:
        try:
            trainer.fit(train, epochs=len(errors), resume=len(errors) > 1)
        except CourseError:  # the loss is not finite
            return [*errors, float("nan")]
        errors.append(1 - trainer.evaluate(watched).accuracy)
    return errors


def steps_to(goal: float, errors: Sequence[float], images: int) -> float:
    """Steps until the error was `goal`, between two epochs on a line; infinity where it was not reached.

    errors: as `race` gives them, of a run on so many images.
    """
    a_epoch = ceil(images / RACE_BATCH)
    for epoch in range(1, len(errors)):
        before, after = errors[epoch - 1], errors[epoch]
        if after <= goal:
            return a_epoch * (epoch - (goal - after) / (before - after))
    return np.inf


def small_trainer(name: str, lr: float, train: datasets.Split, epochs: int, seed: int) -> Trainer:
    """A Trainer for one of `small_nets` on the budget of all: Nesterov, one cycle of rates up to lr, batches of 32.

    Images are mirrored by chance and not changed otherwise; fit it with `train` and as many epochs.
    """
    paddle.seed(seed)
    net = small_nets()[name]()
    rate = recipes.one_cycle(lr, recipes.steps_in(epochs, train.size, batch_size=32))
    return Trainer(
        net,
        recipes.nesterov(net, rate, weight_decay=5e-4),
        batch_size=32,
        prepare=augment.standardize(*datasets.channel_statistics(train.images)),
        augment=augment.flip(),
        seed=seed,
        report=None,
    )
