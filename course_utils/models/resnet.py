"""Residual networks, and the same networks without their shortcuts (He, Zhang, Ren & Sun 2015).

The layers are named as in paddle.vision: conv1, bn1, layer1 to layer4, fc; only its `downsample` is `shortcut` here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import paddle.nn.functional as F
from paddle import ParamAttr, nn

from course_utils.models.weights import copy_weights

__all__ = [
    "BasicBlock",
    "Bottleneck",
    "ResNet",
    "cifar_resnet",
    "copy_from_vision",
    "resnet18",
    "resnet34",
    "resnet50",
]

STEMS = ("imagenet", "cifar")


class BasicBlock(nn.Layer):
    """A residual unit of two 3x3 convolutions: x [N, D, H, W] -> [N, P, H', W'], y = relu(shortcut(x) + residual(x)).

    in_channels: D. width: P. stride: of the first convolution, H' = ceil(H / stride). The shortcut is the identity
    where the shapes agree and else a 1x1 convolution with BatchNorm. use_residual=False: y = relu(residual(x)), and
    there is no shortcut. zero_init_last: the last BatchNorm's weight starts at 0, so that the residual does.
    Source: He, Zhang, Ren & Sun 2015, equations 1 and 2 and figure 5, left.
    """

    expansion = 1  # P / width

    def __init__(
        self,
        in_channels: int,
        width: int,
        stride: int = 1,
        *,
        use_residual: bool = True,
        zero_init_last: bool = False,
    ) -> None:
        super().__init__()
        self.conv1 = _conv(in_channels, width, 3, stride)
        self.bn1 = nn.BatchNorm2D(width)
        self.conv2 = _conv(width, width, 3)
        self.bn2 = _last_norm(width, zero_init_last)
        self.shortcut = _shortcut(in_channels, width, stride) if use_residual else None

    def residual(self, x: Any) -> Any:
        """What the unit adds to its input."""
        y = F.relu(self.bn1(self.conv1(x)))
        return self.bn2(self.conv2(y))

    def forward(self, x: Any) -> Any:
        return _join(self, x)


class Bottleneck(nn.Layer):
    """A residual unit narrow in the middle: 1x1 to `width` channels, 3x3, 1x1 to P = 4 width; else as BasicBlock.

    The stride is the 3x3 convolution's, as in today's libraries; in the paper it was the first 1x1 convolution's.
    Source: He, Zhang, Ren & Sun 2015, figure 5, right.
    """

    expansion = 4

    def __init__(
        self,
        in_channels: int,
        width: int,
        stride: int = 1,
        *,
        use_residual: bool = True,
        zero_init_last: bool = False,
    ) -> None:
        super().__init__()
        out_channels = width * self.expansion
        self.conv1 = _conv(in_channels, width, 1)
        self.bn1 = nn.BatchNorm2D(width)
        self.conv2 = _conv(width, width, 3, stride)
        self.bn2 = nn.BatchNorm2D(width)
        self.conv3 = _conv(width, out_channels, 1)
        self.bn3 = _last_norm(out_channels, zero_init_last)
        self.shortcut = _shortcut(in_channels, out_channels, stride) if use_residual else None

    def residual(self, x: Any) -> Any:
        """What the unit adds to its input."""
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        return self.bn3(self.conv3(y))

    def forward(self, x: Any) -> Any:
        return _join(self, x)


class ResNet(nn.Layer):
    """x [N, in_channels, H, W] -> logits [N, num_classes]: a stem, stages of units, the mean over the map, `fc`.

    block: BasicBlock or Bottleneck. depths: units in each stage. widths: their width; each stage but the first
    halves the map. stem: "imagenet" is 7x7 with stride 2 and max-pooling with stride 2; "cifar" is 3x3 with
    `stem_stride`. use_residual, zero_init_last: as BasicBlock has them.
    Source: He, Zhang, Ren & Sun 2015, table 1 and section 4.2.
    Raises ValueError for an unknown stem, depths that are not as many as widths, and zero_init_last without shortcuts.
    """

    def __init__(
        self,
        block: type[BasicBlock] | type[Bottleneck],
        depths: Sequence[int],
        widths: Sequence[int] = (64, 128, 256, 512),
        *,
        in_channels: int = 3,
        num_classes: int = 1000,
        stem: str = "imagenet",
        stem_stride: int = 1,
        use_residual: bool = True,
        zero_init_last: bool = False,
    ) -> None:
        super().__init__()
        if stem not in STEMS:
            raise ValueError(f"stem {stem!r} is not known: use {' or '.join(map(repr, STEMS))}")
        if len(depths) != len(widths) or not depths:
            raise ValueError(f"there are {len(depths)} depths and {len(widths)} widths: give one of each a stage")
        if zero_init_last and not use_residual:
            raise ValueError("zero_init_last without shortcuts would make a net of zeros: use one of the two")
        large = stem == "imagenet"
        channels = widths[0]
        self.conv1 = _conv(in_channels, channels, 7 if large else 3, 2 if large else stem_stride)
        self.bn1 = nn.BatchNorm2D(channels)
        self.maxpool = nn.MaxPool2D(3, 2, padding=1) if large else None
        self.stages = [f"layer{k + 1}" for k in range(len(depths))]
        options = {"use_residual": use_residual, "zero_init_last": zero_init_last}
        for name, depth, width in zip(self.stages, depths, widths, strict=True):
            units = []
            for k in range(depth):
                stride = 2 if k == 0 and name != "layer1" else 1
                units.append(block(channels, width, stride, **options))
                channels = width * block.expansion
            setattr(self, name, nn.Sequential(*units))
        self.fc = nn.Linear(channels, num_classes)

    def forward(self, x: Any) -> Any:
        x = F.relu(self.bn1(self.conv1(x)))
        if self.maxpool is not None:
            x = self.maxpool(x)
        for name in self.stages:
            x = getattr(self, name)(x)
        return self.fc(x.mean([2, 3]))

    def units(self) -> dict[str, BasicBlock | Bottleneck]:
        """The residual units by name, such as "layer2.0", from input to output."""
        return {f"{name}.{k}": unit for name in self.stages for k, unit in enumerate(getattr(self, name))}


def resnet18(in_channels: int = 3, num_classes: int = 1000, **options: Any) -> ResNet:
    """ResNet-18 of He et al. 2015, table 1; options as ResNet has them. 11,689,512 parameters by default."""
    return ResNet(BasicBlock, (2, 2, 2, 2), in_channels=in_channels, num_classes=num_classes, **options)


def resnet34(in_channels: int = 3, num_classes: int = 1000, **options: Any) -> ResNet:
    """ResNet-34 of He et al. 2015, table 1; options as ResNet has them. 21,797,672 parameters by default."""
    return ResNet(BasicBlock, (3, 4, 6, 3), in_channels=in_channels, num_classes=num_classes, **options)


def resnet50(in_channels: int = 3, num_classes: int = 1000, **options: Any) -> ResNet:
    """ResNet-50 of He et al. 2015, table 1; options as ResNet has them. 25,557,032 parameters by default."""
    return ResNet(Bottleneck, (3, 4, 6, 3), in_channels=in_channels, num_classes=num_classes, **options)


def cifar_resnet(
    depth: int = 20,
    widths: Sequence[int] = (16, 32, 64),
    *,
    in_channels: int = 3,
    num_classes: int = 10,
    stem_stride: int = 1,
    use_residual: bool = True,
    zero_init_last: bool = False,
) -> ResNet:
    """A narrow ResNet for small images, with `depth` weighted layers: stem, two a unit, `fc`; shortcuts not counted.

    With three widths the depth is 6 n + 2: ResNet-20 has 272,474 parameters (He et al. 2015, section 4.2, with 1x1
    shortcuts in place of zero padding). stem_stride=2 quarters the work.
    Raises ValueError where the depth does not divide into equal stages.
    """
    layers = 2 * len(widths)
    if depth < layers + 2 or (depth - 2) % layers:
        raise ValueError(f"depth {depth} does not divide into {len(widths)} equal stages: use {layers} n + 2")
    units = (depth - 2) // layers
    return ResNet(
        BasicBlock,
        [units] * len(widths),
        widths,
        in_channels=in_channels,
        num_classes=num_classes,
        stem="cifar",
        stem_stride=stem_stride,
        use_residual=use_residual,
        zero_init_last=zero_init_last,
    )


def copy_from_vision(theirs: nn.Layer, ours: ResNet) -> None:
    """Copy weights and running statistics of a ResNet of paddle.vision into ours of the same form.

    Raises ValueError, as `copy_weights` does, where a single name or shape does not fit.
    """
    copy_weights(theirs, ours, rename={".downsample.": ".shortcut."})


def _conv(in_channels: int, out_channels: int, kernel_size: int, stride: int = 1) -> nn.Conv2D:
    """Without a bias, which the BatchNorm after it would subtract again."""
    return nn.Conv2D(in_channels, out_channels, kernel_size, stride, padding=kernel_size // 2, bias_attr=False)


def _last_norm(channels: int, zero: bool) -> nn.BatchNorm2D:
    start = nn.initializer.Constant(0.0 if zero else 1.0)
    return nn.BatchNorm2D(channels, weight_attr=ParamAttr(initializer=start))


def _shortcut(in_channels: int, out_channels: int, stride: int) -> nn.Layer:
    if stride == 1 and in_channels == out_channels:
        return nn.Identity()
    return nn.Sequential(_conv(in_channels, out_channels, 1, stride), nn.BatchNorm2D(out_channels))


def _join(unit: BasicBlock | Bottleneck, x: Any) -> Any:
    """relu(shortcut(x) + residual(x)), or without a shortcut relu(residual(x))."""
    y = unit.residual(x)
    return F.relu(y if unit.shortcut is None else y + unit.shortcut(x))
