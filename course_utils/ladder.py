"""A training recipe for small pictures as a ladder: each rung changes one thing of the one below it."""

from __future__ import annotations

from typing import Any

import paddle
import paddle.nn.functional as F

from course_utils import augment, datasets, recipes
from course_utils.models.resnet import BasicBlock, ResNet
from course_utils.training import Trainer

__all__ = ["RUNGS", "on_rung", "settings_on"]

# Each rung's change. The last is none in training: the same net is asked for each picture and its mirror image.
RUNGS: dict[str, dict[str, Any]] = {
    "the book's recipe": {},
    "10-way head": {"num_classes": 10},
    "3x3 stem": {"stem": "cifar"},
    "crop + flip": {"crop_and_flip": True},
    "Nesterov + one cycle": {"one_cycle": True},
    "label smoothing": {"smoothing": 0.1},
    "test-time flip": {},
}


def on_rung(
    train: datasets.Split,
    epochs: int,
    seed: int = 0,
    *,
    num_classes: int = 1000,
    stem: str = "imagenet",
    crop_and_flip: bool = False,
    one_cycle: bool = False,
    smoothing: float = 0.0,
    **options: Any,
) -> Trainer:
    """A Trainer for a small ResNet; the defaults are the book's recipe. options: more arguments of Trainer."""
    paddle.seed(seed)
    net = ResNet(BasicBlock, (1, 1, 1), (16, 32, 64), num_classes=num_classes, stem=stem, stem_stride=2)
    if one_cycle:
        rate = recipes.one_cycle(0.1, recipes.steps_in(epochs, train.size, batch_size=64))
        optimizer = recipes.nesterov(net, rate, weight_decay=5e-4)
    else:
        optimizer = paddle.optimizer.Adam(0.001, parameters=net.parameters(), weight_decay=0.005)
    loss = recipes.smoothed_cross_entropy(smoothing) if smoothing else F.cross_entropy
    prepare = augment.standardize(*datasets.channel_statistics(train.images))
    changed = augment.in_turn(augment.crop(4), augment.flip()) if crop_and_flip else None
    return Trainer(net, optimizer, loss=loss, batch_size=64, prepare=prepare, augment=changed, seed=seed, **options)


def settings_on(rung: str) -> dict[str, Any]:
    """The arguments of `on_rung` on this rung: its change and those of all rungs below it.

    Raises ValueError for an unknown rung.
    """
    if rung not in RUNGS:
        raise ValueError(f"no rung is called {rung!r}: use {', '.join(RUNGS)}")
    names = list(RUNGS)
    return {key: value for name in names[: names.index(rung) + 1] for key, value in RUNGS[name].items()}
