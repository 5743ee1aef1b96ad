"""MobileNet: a convolution split into one for each map and one for each pixel (Howard et al. 2017, table 1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from paddle import nn

from course_utils.models.widths import scaled

__all__ = ["PLAN", "DepthwiseSeparable", "MobileNet", "mobilenet"]

# The units of table 1: (channels, stride).
PLAN = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *5 * ((512, 1),), (1024, 2), (1024, 1))


class DepthwiseSeparable(nn.Layer):
    """x [N, D, H, W] -> [N, P, H', W'], H' = ceil(H / stride): a 3x3 kernel for each map, then a 1x1 convolution.

    The depthwise (逐通道) part has D kernels of depth 1, the pointwise (逐点) part P of depth D; BatchNorm and ReLU
    after each. Source: Howard et al. 2017, figure 3.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        self.depthwise = _unit(in_channels, in_channels, 3, stride, groups=in_channels)
        self.pointwise = _unit(in_channels, out_channels, 1)

    def forward(self, x: Any) -> Any:
        return self.pointwise(self.depthwise(x))


class MobileNet(nn.Layer):
    """x [N, in_channels, H, W] -> logits [N, classes]: a 3x3 convolution, separable units, the mean over the map, `fc`.

    plan: (channels, stride) of each unit. stem_channels, stem_stride: of the first convolution; small pictures want
    stem_stride=1 and a plan with fewer strides.
    """

    def __init__(
        self,
        classes: int = 1000,
        in_channels: int = 3,
        *,
        plan: Sequence[tuple[int, int]] = PLAN,
        stem_channels: int = 32,
        stem_stride: int = 2,
    ) -> None:
        super().__init__()
        self.stem = _unit(in_channels, stem_channels, 3, stem_stride)
        inputs = [stem_channels, *(channels for channels, _ in plan)]
        units = [DepthwiseSeparable(d, p, stride) for d, (p, stride) in zip(inputs, plan, strict=False)]
        self.units = nn.Sequential(*units)
        self.fc = nn.Linear(inputs[-1], classes)

    def forward(self, x: Any) -> Any:
        x = self.units(self.stem(x))  # [N, 1024, 7, 7] for an image of 224
        return self.fc(x.mean([2, 3]))


def mobilenet(classes: int = 1000, in_channels: int = 3, *, width: float = 1.0, **options: Any) -> MobileNet:
    """MobileNet v1 with all channels times `width`; options as MobileNet has them. 4,231,976 parameters by default."""
    plan = [(scaled(channels, width), stride) for channels, stride in PLAN]
    return MobileNet(classes, in_channels, **{"plan": plan, "stem_channels": scaled(32, width), **options})


def _unit(in_channels: int, out_channels: int, kernel_size: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    convolution = nn.Conv2D(
        in_channels, out_channels, kernel_size, stride, padding=kernel_size // 2, groups=groups, bias_attr=False
    )
    return nn.Sequential(convolution, nn.BatchNorm2D(out_channels), nn.ReLU())
