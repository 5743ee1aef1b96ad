"""Two later blocks: Inception with a shortcut (Szegedy et al. 2016), and a cell found by search (Zoph et al. 2017)."""

from __future__ import annotations

from typing import Any

import paddle
import paddle.nn.functional as F
from paddle import nn

__all__ = ["CellNet", "InceptionResNetA", "NasNetCell", "SeparableTwice"]


class InceptionResNetA(nn.Layer):
    """y = relu(x + scale f(x)), x and y [N, D, H, W]: f joins three branches and widens them to D by a 1x1 convolution.

    width: channels of each branch. The last convolution has a bias and no BatchNorm. scale: the paper multiplies
    residuals by 0.1 to 0.3 where nets of many filters grew unstable.
    Source: Szegedy, Ioffe, Vanhoucke & Alemi 2016, figure 10 (there D = 256, width = 32) and section 3.3.
    """

    def __init__(self, in_channels: int = 256, width: int = 32, scale: float = 0.2) -> None:
        super().__init__()
        self.branch1 = _unit(in_channels, width, 1)
        self.branch3 = nn.Sequential(_unit(in_channels, width, 1), _unit(width, width, 3))
        self.branch33 = nn.Sequential(_unit(in_channels, width, 1), _unit(width, width, 3), _unit(width, width, 3))
        self.join = nn.Conv2D(3 * width, in_channels, 1)
        self.scale = scale

    def forward(self, x: Any) -> Any:
        branches = paddle.concat([self.branch1(x), self.branch3(x), self.branch33(x)], axis=1)  # [N, 3 width, H, W]
        return F.relu(x + self.scale * self.join(branches))


class SeparableTwice(nn.Layer):
    """ReLU, depthwise separable convolution, BatchNorm, and all once more; x and y [N, channels, H, W].

    Source: Zoph et al. 2017, appendix A.4.
    """

    def __init__(self, channels: int, kernel_size: int) -> None:
        super().__init__()
        layers: list[nn.Layer] = []
        for _ in range(2):
            depthwise = _conv(channels, channels, kernel_size, groups=channels)
            layers += [nn.ReLU(), depthwise, _conv(channels, channels, 1), nn.BatchNorm2D(channels)]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Any) -> Any:
        return self.layers(x)


class NasNetCell(nn.Layer):
    """NASNet-A's normal cell: x [N, D, H, W] and before [N, D', H, W] -> [N, 6 width, H, W].

    before: what the cell before the last one gave; x itself where there was none. A 1x1 convolution brings each to
    `width` channels; five sums of two operations follow, and all that nothing else has used is joined.
    Source: Zoph, Vasudevan, Shlens & Le 2017, figure 4.
    """

    def __init__(self, in_channels: int, before_channels: int, width: int) -> None:
        super().__init__()
        self.fit = nn.Sequential(nn.ReLU(), _conv(in_channels, width, 1), nn.BatchNorm2D(width))
        self.fit_before = nn.Sequential(nn.ReLU(), _conv(before_channels, width, 1), nn.BatchNorm2D(width))
        self.three = SeparableTwice(width, 3)
        self.five = SeparableTwice(width, 5)
        self.three_before = SeparableTwice(width, 3)
        self.five_before = SeparableTwice(width, 5)
        self.three_again = SeparableTwice(width, 3)
        self.mean = nn.AvgPool2D(3, 1, padding=1)
        self.out_channels = 6 * width

    def forward(self, x: Any, before: Any = None) -> Any:
        x, before = self.fit(x), self.fit_before(x if before is None else before)  # [N, width, H, W]
        sums = [
            self.five(x) + self.three_before(before),
            self.five_before(before) + self.three_again(before),
            self.mean(x) + before,
            self.mean(before) + self.mean(before),
            self.three(x) + x,
        ]
        return paddle.concat([before, *sums], axis=1)


class CellNet(nn.Layer):
    """x [N, in_channels, H, W] -> logits [N, classes]: NASNet cells in stages; a max pool halves the map between them.

    widths: of the cells of each stage. cells: how many in each. stem_channels, stem_stride: of the first convolution.
    NASNet has a searched reduction cell where this small net has its pool.
    """

    def __init__(
        self,
        classes: int = 10,
        in_channels: int = 3,
        *,
        widths: tuple[int, ...] = (8, 16, 32),
        cells: int = 1,
        stem_channels: int = 16,
        stem_stride: int = 1,
    ) -> None:
        super().__init__()
        stem = _conv(in_channels, stem_channels, 3, stem_stride)
        self.stem = nn.Sequential(stem, nn.BatchNorm2D(stem_channels))
        self.pool = nn.MaxPool2D(3, 2, padding=1)
        channels = before = stem_channels
        self.stages = nn.LayerList()
        for width in widths:
            stage = nn.LayerList()
            for _ in range(cells):
                stage.append(NasNetCell(channels, before, width))
                channels, before = stage[-1].out_channels, channels
            self.stages.append(stage)
        self.fc = nn.Linear(channels, classes)

    def forward(self, x: Any) -> Any:
        x = before = self.stem(x)
        for k, stage in enumerate(self.stages):
            if k:
                x, before = self.pool(x), self.pool(before)
            for cell in stage:
                x, before = cell(x, before), x
        return self.fc(F.relu(x).mean([2, 3]))


def _conv(in_channels: int, out_channels: int, kernel_size: int, stride: int = 1, groups: int = 1) -> nn.Conv2D:
    """Keeps the side (over the stride); without a bias, which the BatchNorm after it would subtract again."""
    return nn.Conv2D(
        in_channels, out_channels, kernel_size, stride, padding=kernel_size // 2, groups=groups, bias_attr=False
    )


def _unit(in_channels: int, out_channels: int, kernel_size: int) -> nn.Sequential:
    convolution = _conv(in_channels, out_channels, kernel_size)
    return nn.Sequential(convolution, nn.BatchNorm2D(out_channels), nn.ReLU())
