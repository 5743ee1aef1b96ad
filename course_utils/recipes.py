"""What good training recipes share: a rate that rises and falls, decay of the weights alone, softened labels.

    steps = recipes.steps_in(epochs=10, images=train.size, batch_size=128)
    optimizer = recipes.nesterov(net, recipes.one_cycle(0.4, steps), weight_decay=5e-4)
    trainer = Trainer(net, optimizer, batch_size=128, loss=recipes.smoothed_cross_entropy(0.1), average=0.999)
    trainer.fit(train, valid, epochs=10)

The schedules count steps, as a Trainer moves them by one after every batch.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import Any

import paddle
import paddle.nn.functional as F
from paddle.optimizer.lr import CosineAnnealingDecay, LambdaDecay, LinearWarmup, LRScheduler, OneCycleLR

__all__ = [
    "binary_cross_entropy",
    "cosine",
    "decay_groups",
    "nesterov",
    "one_cycle",
    "smoothed_cross_entropy",
    "steps_in",
    "trapezoid",
]


def steps_in(epochs: int, images: int, batch_size: int) -> int:
    """Steps of a Trainer in so many epochs of so many images; the last batch of an epoch may be short."""
    if min(epochs, images, batch_size) < 1:
        raise ValueError(
            f"{epochs} epochs of {images} images in batches of {batch_size} have no step: use 1 or more of each"
        )
    return epochs * ceil(images / batch_size)


def one_cycle(lr: float, steps: int, rise: float = 0.3, start: float = 0.04, end: float = 1e-4) -> LRScheduler:
    """From start * lr up to lr in the share `rise` of the steps, then down to end * lr at the last one, along cosines.

    The step `rise` * steps - 1, counted from 0, has the rate lr. After the last step there is no rate any more.
    Source: Smith, Topin: Super-convergence, 2018; the cosines are Howard and Gugger's (fastai, 2018).
    Raises ValueError for a rate that is not positive, steps < 2, or a rise that is not a share of at least one step.
    """
    _check(lr, steps)
    if not 1 < rise * steps <= steps:
        raise ValueError(f"a rise of {rise} of {steps} steps has no step or too many: use 0.3 and 4 steps or more")
    return OneCycleLR(lr, steps, divide_factor=1 / start, end_learning_rate=end * lr, phase_pct=float(rise))


def cosine(lr: float, steps: int, warm_up: int = 0) -> LRScheduler:
    """lr (1 + cos(pi t / T)) / 2 for t = 0 .. T - 1 of T = steps - warm_up, after a line from 0 to lr in warm_up steps.

    Source: Loshchilov, Hutter: SGDR, 2017, equation 5, without restarts.
    Raises ValueError for a rate that is not positive, steps < 2, or a warm-up that leaves no step.
    """
    _check(lr, steps)
    if not 0 <= warm_up < steps:
        raise ValueError(f"a warm-up of {warm_up} leaves no step of {steps}: use 0 to {steps - 1}")
    falling = CosineAnnealingDecay(lr, steps - warm_up)
    return LinearWarmup(falling, warm_up, start_lr=0.0, end_lr=lr) if warm_up else falling


def trapezoid(lr: float, steps: int, rise: int, fall: int) -> LRScheduler:
    """A line from lr / rise up to lr in `rise` steps, then lr, then a line down to lr / fall in the last `fall` steps.

    Until it falls it does not depend on `steps`: a run can be kept, and its end be decided later.
    Source: Haegele et al.: Scaling laws and compute-optimal training beyond fixed training durations, 2024.
    Raises ValueError for a rate that is not positive, steps < 2, or a rise and a fall that do not fit into the steps.
    """
    _check(lr, steps)
    if min(rise, fall) < 1 or rise + fall > steps:
        raise ValueError(f"a rise of {rise} and a fall of {fall} do not fit {steps} steps: use 1 or more of each")
    return LambdaDecay(lr, lambda step: max(0.0, min((step + 1) / rise, 1.0, (steps - step) / fall)))


def decay_groups(net: paddle.nn.Layer, weight_decay: float) -> list[dict[str, Any]]:
    """Parameter groups for Paddle's optimizers: kernels and matrices decay, biases and BatchNorm's vectors do not.

    Whatever has two or more dimensions counts as the former; frozen parameters are left out. Pass the groups as
    `parameters` and no weight_decay beside them. Source: He et al., Bag of tricks, 2019, section 3.1.
    Raises ValueError for a negative decay or a net without trainable parameters.
    """
    if weight_decay < 0:
        raise ValueError(f"weight_decay {weight_decay} is negative: use 0 or more")
    trainable = [parameter for parameter in net.parameters() if not parameter.stop_gradient]
    if not trainable:
        raise ValueError("the net has no trainable parameters: set stop_gradient = False on some")
    matrices = [parameter for parameter in trainable if parameter.ndim > 1]
    vectors = [parameter for parameter in trainable if parameter.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": float(weight_decay)}, {"params": vectors, "weight_decay": 0.0}]
    return [group for group in groups if group["params"]]


def nesterov(
    net: paddle.nn.Layer, lr: float | LRScheduler, weight_decay: float = 5e-4, momentum: float = 0.9
) -> paddle.optimizer.Optimizer:
    """Momentum that looks ahead, with decay_groups: v <- mu v + g, then w <- w - lr (g + mu v), g with the decay in it.

    Source: Sutskever et al.: On the importance of initialization and momentum, 2013, in Paddle's form.
    """
    groups = decay_groups(net, weight_decay)
    return paddle.optimizer.Momentum(lr, momentum, parameters=groups, use_nesterov=True)


def smoothed_cross_entropy(epsilon: float = 0.1) -> Callable[..., paddle.Tensor]:
    """A loss for Trainer: cross-entropy against (1 - epsilon) for the label and epsilon / K for each of the K classes.

    Evaluation uses it too, and so does not reach 0. Source: Szegedy et al.: Rethinking the Inception architecture,
    2016, section 7. Raises ValueError for an epsilon outside 0 to 1.
    """
    _check_share(epsilon)

    def loss(logits: paddle.Tensor, labels: paddle.Tensor) -> paddle.Tensor:
        return F.cross_entropy(logits, labels, label_smoothing=epsilon)

    return loss


def binary_cross_entropy(epsilon: float = 0.0) -> Callable[..., paddle.Tensor]:
    """A loss for Trainer of nets with one logit: logits z [N, 1], labels y int64 [N] of 0 or 1.

    The mean of log(1 + e^z) - t z with the target t = (1 - epsilon) y + epsilon / 2: what smoothed_cross_entropy is for
    the two logits (0, z). Raises ValueError for an epsilon outside 0 to 1, and the loss for logits of another shape.
    """
    _check_share(epsilon)

    def loss(logits: paddle.Tensor, labels: paddle.Tensor) -> paddle.Tensor:
        if list(logits.shape) != [len(labels), 1]:
            raise ValueError(
                f"the logits are {list(logits.shape)} for {len(labels)} labels: give a net with one logit, [N, 1]"
            )
        targets = (1 - epsilon) * labels.astype(logits.dtype) + epsilon / 2
        return F.binary_cross_entropy_with_logits(logits.squeeze(1), targets)

    return loss


def _check(lr: float, steps: int) -> None:
    if lr <= 0:
        raise ValueError(f"a learning rate of {lr} does not train: use one above 0")
    if steps < 2:
        raise ValueError(f"{steps} steps are no schedule: use 2 or more")


def _check_share(epsilon: float) -> None:
    if not 0 <= epsilon < 1:
        raise ValueError(f"epsilon {epsilon} is not a share: use 0 to below 1, such as 0.1")
