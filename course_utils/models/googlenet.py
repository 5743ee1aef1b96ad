"""GoogLeNet and its Inception block: four views of one map, side by side (Szegedy et al. 2014, table 1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import paddle
from paddle import nn

from course_utils.models.widths import scaled

__all__ = ["PLAN", "GoogLeNet", "Inception", "InceptionWidths", "googlenet"]


class InceptionWidths(NamedTuple):
    """Channels of the four branches: 1x1; 3x3 after a 1x1 reduction; 5x5 after one; 1x1 after the pool.

    A reduction of 0 leaves that 1x1 convolution out; a pool_proj of 0 passes on the pooled input as it is, the paper's
    naive form (figure 2a).
    """

    one: int
    three_reduce: int
    three: int
    five_reduce: int
    five: int
    pool_proj: int

    def out_channels(self, in_channels: int) -> int:
        """Of the block: its branches are joined."""
        return self.one + self.three + self.five + (self.pool_proj or in_channels)


# Table 1 of the paper: stages of blocks, a pool before each but the first.
PLAN: tuple[tuple[InceptionWidths, ...], ...] = (
    (
        InceptionWidths(64, 96, 128, 16, 32, 32),
        InceptionWidths(128, 128, 192, 32, 96, 64),
    ),
    (
        InceptionWidths(192, 96, 208, 16, 48, 64),
        InceptionWidths(160, 112, 224, 24, 64, 64),
        InceptionWidths(128, 128, 256, 24, 64, 64),
        InceptionWidths(112, 144, 288, 32, 64, 64),
        InceptionWidths(256, 160, 320, 32, 128, 128),
    ),
    (
        InceptionWidths(256, 160, 320, 32, 128, 128),
        InceptionWidths(384, 192, 384, 48, 128, 128),
    ),
)


class Inception(nn.Layer):
    """x [N, D, H, W] -> [N, P, H, W] with P = widths.out_channels(D): four branches over the same map, joined.

    Every convolution is followed by ReLU, and by BatchNorm before it where batch_norm is set.
    vision_form: as paddle.vision has it, without biases, and with one ReLU on the joined map only.
    """

    def __init__(
        self, in_channels: int, widths: Sequence[int], *, batch_norm: bool = False, vision_form: bool = False
    ) -> None:
        super().__init__()
        w = InceptionWidths(*widths)
        form = {"batch_norm": batch_norm, "vision_form": vision_form}
        self.out_channels = w.out_channels(in_channels)
        self.branch1 = _unit(in_channels, w.one, 1, **form)
        self.branch3 = _reduced(in_channels, w.three_reduce, w.three, 3, form)
        self.branch5 = _reduced(in_channels, w.five_reduce, w.five, 5, form)
        pool = nn.MaxPool2D(3, 1, padding=1)
        self.branch_pool = nn.Sequential(pool, *([_unit(in_channels, w.pool_proj, 1, **form)] if w.pool_proj else []))
        self.last = nn.ReLU() if vision_form else nn.Identity()

    def forward(self, x: Any) -> Any:
        branches = [self.branch1(x), self.branch3(x), self.branch5(x), self.branch_pool(x)]
        return self.last(paddle.concat(branches, axis=1))


class GoogLeNet(nn.Layer):
    """x [N, in_channels, H, W] -> logits [N, classes]: a stem, nine Inception blocks, the mean over the map, `fc`.

    plan: stages of InceptionWidths, a 3x3 max pool with stride 2 before each but the first.
    stem: "imagenet" is a 7x7 convolution with `stem_stride`, a pool, 1x1, 3x3 and a pool; "cifar", for small
    pictures, is one 3x3 convolution with `stem_stride` and a pool. stem_widths: channels of the three convolutions.
    Pools round up, as the paper's map sizes need; the paper's two auxiliary classifiers are left out.
    vision_form: without biases, ReLU in the blocks only and pools that round down, as paddle.vision has them.
    Raises ValueError for an unknown stem.
    """

    def __init__(
        self,
        classes: int = 1000,
        in_channels: int = 3,
        *,
        plan: Sequence[Sequence[Sequence[int]]] = PLAN,
        stem: str = "imagenet",
        stem_stride: int = 2,
        stem_widths: Sequence[int] = (64, 64, 192),
        dropout: float = 0.4,
        batch_norm: bool = False,
        vision_form: bool = False,
    ) -> None:
        super().__init__()
        form = {"batch_norm": batch_norm, "vision_form": vision_form}
        pool = nn.MaxPool2D(3, 2, ceil_mode=not vision_form)
        one, two, three = stem_widths
        if stem == "imagenet":
            first = _unit(in_channels, one, 7, stem_stride, **form)
            self.stem = nn.Sequential(first, pool, _unit(one, two, 1, **form), _unit(two, three, 3, **form), pool)
        elif stem == "cifar":
            self.stem = nn.Sequential(_unit(in_channels, three, 3, stem_stride, **form), pool)
        else:
            raise ValueError(f"stem {stem!r} is not known: use 'imagenet' or 'cifar'")
        channels, layers = three, []
        for k, stage in enumerate(plan):
            layers += [pool] if k else []
            for widths in stage:
                layers.append(Inception(channels, widths, **form))
                channels = layers[-1].out_channels
        self.blocks = nn.Sequential(*layers)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(channels, classes)

    def forward(self, x: Any) -> Any:
        x = self.blocks(self.stem(x))  # [N, 1024, 7, 7] for an image of 224
        return self.fc(self.dropout(x.mean([2, 3])))


def googlenet(classes: int = 1000, in_channels: int = 3, *, width: float = 1.0, **options: Any) -> GoogLeNet:
    """GoogLeNet with all channels times `width`; options as GoogLeNet has them.

    6,998,552 parameters with 1000 classes, 5,974,577 with one.
    """
    plan = [[[scaled(channels, width) for channels in block] for block in stage] for stage in PLAN]
    stem = [scaled(channels, width) for channels in (64, 64, 192)]
    return GoogLeNet(classes, in_channels, **{"plan": plan, "stem_widths": stem, **options})


def _unit(
    in_channels: int, out_channels: int, kernel_size: int, stride: int = 1, *, batch_norm: bool, vision_form: bool
) -> nn.Layer:
    """A convolution that keeps the side (over its stride), then BatchNorm where asked for, then ReLU."""
    bias = False if batch_norm or vision_form else None
    convolution = nn.Conv2D(in_channels, out_channels, kernel_size, stride, kernel_size // 2, bias_attr=bias)
    norm = [nn.BatchNorm2D(out_channels)] if batch_norm else []
    return nn.Sequential(convolution, *norm, *([] if vision_form else [nn.ReLU()]))


def _reduced(in_channels: int, reduce: int, out_channels: int, kernel_size: int, form: dict[str, bool]) -> nn.Layer:
    """A convolution after a 1x1 reduction, or alone where that is 0."""
    if not reduce:
        return _unit(in_channels, out_channels, kernel_size, **form)
    return nn.Sequential(_unit(in_channels, reduce, 1, **form), _unit(reduce, out_channels, kernel_size, **form))
