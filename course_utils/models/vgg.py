"""VGG: nothing but 3x3 convolutions, more of them (Simonyan & Zisserman 2014, table 1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from paddle import nn

from course_utils.models.widths import scaled

__all__ = ["PLANS", "VGG", "vgg", "vgg16"]

Plan = Sequence[tuple[int, int]]

# The paper's columns A, B, D and E by their number of weighted layers; a stage is (convolutions, channels).
PLANS: dict[int, Plan] = {
    11: ((1, 64), (1, 128), (2, 256), (2, 512), (2, 512)),
    13: ((2, 64), (2, 128), (2, 256), (2, 512), (2, 512)),
    16: ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512)),
    19: ((2, 64), (2, 128), (4, 256), (4, 512), (4, 512)),
}


class VGG(nn.Layer):
    """x [N, in_channels, image_size, image_size] -> logits [N, classes]: stages of 3x3 convolutions, linear layers.

    plan: a stage is (convolutions, channels) and ends in a 2x2 max pool. batch_norm: BatchNorm after each
    convolution, which the paper did not have yet. hidden: width of the first two linear layers. dropout: its
    probability, after each of these.
    Raises ValueError for a plan without stages, and for an image that its pools would shrink to nothing.
    """

    def __init__(
        self,
        plan: Plan,
        classes: int = 1000,
        in_channels: int = 3,
        *,
        batch_norm: bool = False,
        hidden: int = 4096,
        image_size: int = 224,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        if not plan:
            raise ValueError("the plan has no stages: give (convolutions, channels) for each")
        side = image_size // 2 ** len(plan)
        if side < 1:
            raise ValueError(f"an image of {image_size} vanishes in {len(plan)} pools: use fewer stages")
        layers: list[nn.Layer] = []
        for convolutions, channels in plan:
            for _ in range(convolutions):
                layers.append(nn.Conv2D(in_channels, channels, 3, padding=1))
                layers += [nn.BatchNorm2D(channels), nn.ReLU()] if batch_norm else [nn.ReLU()]
                in_channels = channels
            layers.append(nn.MaxPool2D(2, 2))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Linear(in_channels * side * side, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, classes),
        )

    def forward(self, x: Any) -> Any:
        return self.classifier(self.features(x).flatten(1))


def vgg(depth: int = 16, classes: int = 1000, in_channels: int = 3, *, width: float = 1.0, **options: Any) -> VGG:
    """VGG with 11, 13, 16 or 19 weighted layers, channels and hidden units times `width`; options as VGG has them.

    Raises ValueError for another depth.
    """
    if depth not in PLANS:
        raise ValueError(f"there is no VGG of depth {depth}: use {', '.join(map(str, PLANS))}, or VGG with your plan")
    plan = [(convolutions, scaled(channels, width)) for convolutions, channels in PLANS[depth]]
    return VGG(plan, classes, in_channels, **{"hidden": scaled(4096, width), **options})


def vgg16(classes: int = 1000, batch_norm: bool = False, **options: Any) -> VGG:
    """VGG-16, column D of the paper; options as `vgg` has them. 138,357,544 parameters by default."""
    return vgg(16, classes, batch_norm=batch_norm, **options)
