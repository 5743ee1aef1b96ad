"""AlexNet, in two towers as it was trained in 2012 or in one (Krizhevsky, Sutskever & Hinton 2012, section 3.5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from paddle import nn

from course_utils.arithmetic import conv_output_size
from course_utils.models.widths import scaled
from course_utils.ops.local_response import local_response_norm

__all__ = ["AlexNet", "LocalResponseNorm", "alexnet"]

WIDTHS = (96, 256, 384, 384, 256)
STEMS = {"imagenet": (11, 4, 2), "cifar": (5, 1, 2)}  # kernel, stride and padding of conv1


class LocalResponseNorm(nn.Layer):
    """`ops.local_response.local_response_norm` as a layer: x [N, C, H, W] -> the same shape."""

    def __init__(self, size: int = 5, alpha: float = 1e-4, beta: float = 0.75, k: float = 2.0) -> None:
        super().__init__()
        self.options = (size, alpha, beta, k)

    def forward(self, x: Any) -> Any:
        return local_response_norm(x, *self.options)


class AlexNet(nn.Layer):
    """x [N, in_channels, image_size, image_size] -> logits [N, classes]: five convolutions, three linear layers.

    towers: 2 cuts conv2, conv4 and conv5 into groups, each of which sees the maps of its own half; conv3 and the
    linear layers see all. widths, hidden: channels of the convolutions, and width of the first two linear layers.
    stem: "imagenet" is an 11x11 convolution with stride 4; "cifar", for small pictures, is 5x5 with stride 1.
    lrn: local response normalization after conv1 and conv2. dropout: its probability, after the first two linear
    layers. The pools are 3x3 with stride 2, so their windows overlap.
    The paper writes an image of 224, with which its map of 55 takes padding; ours is 2 on each side.
    Raises ValueError for an unknown stem, widths that are not five or that towers do not divide, and an image that
    is too small.
    """

    def __init__(
        self,
        classes: int = 1000,
        in_channels: int = 3,
        towers: int = 2,
        *,
        widths: Sequence[int] = WIDTHS,
        hidden: int = 4096,
        image_size: int = 224,
        stem: str = "imagenet",
        lrn: bool = True,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        if stem not in STEMS:
            raise ValueError(f"stem {stem!r} is not known: use {' or '.join(map(repr, STEMS))}")
        if len(widths) != len(WIDTHS) or any(width % towers for width in widths):
            raise ValueError(f"widths {tuple(widths)} do not fit {towers} towers: give five multiples of {towers}")
        kernel, stride, padding = STEMS[stem]
        one, two, three, four, five = widths
        self.conv1 = nn.Conv2D(in_channels, one, kernel, stride, padding)
        self.conv2 = nn.Conv2D(one, two, 5, padding=2, groups=towers)
        self.conv3 = nn.Conv2D(two, three, 3, padding=1)
        self.conv4 = nn.Conv2D(three, four, 3, padding=1, groups=towers)
        self.conv5 = nn.Conv2D(four, five, 3, padding=1, groups=towers)
        self.relu = nn.ReLU()
        self.norm = LocalResponseNorm() if lrn else nn.Identity()
        self.pool = nn.MaxPool2D(3, 2)
        self.dropout = nn.Dropout(dropout)
        side = conv_output_size(image_size, kernel, stride, padding)
        for _ in range(3):
            side = conv_output_size(side, 3, 2)
        self.fc6 = nn.Linear(five * side * side, hidden)
        self.fc7 = nn.Linear(hidden, hidden)
        self.fc8 = nn.Linear(hidden, classes)

    def features(self, x: Any) -> Any:
        """The maps that the linear layers read; [N, 256, 6, 6] for an image of 224."""
        x = self.pool(self.norm(self.relu(self.conv1(x))))  # [N, 96, 27, 27]
        x = self.pool(self.norm(self.relu(self.conv2(x))))  # [N, 256, 13, 13]
        x = self.relu(self.conv3(x))  # [N, 384, 13, 13]
        x = self.relu(self.conv4(x))  # [N, 384, 13, 13]
        return self.pool(self.relu(self.conv5(x)))  # [N, 256, 6, 6]

    def forward(self, x: Any) -> Any:
        x = self.features(x).flatten(1)  # [N, 9216]
        x = self.dropout(self.relu(self.fc6(x)))  # [N, 4096]
        x = self.dropout(self.relu(self.fc7(x)))  # [N, 4096]
        return self.fc8(x)


def alexnet(
    classes: int = 1000, in_channels: int = 3, towers: int = 2, *, width: float = 1.0, **options: Any
) -> AlexNet:
    """AlexNet with all channels and hidden units times `width`; options as AlexNet has them.

    60,965,224 parameters in two towers, 62,378,344 in one.
    For small pictures: `alexnet(10, stem="cifar", image_size=32, width=0.25)`.
    """
    widths = [scaled(channels, width, multiple=towers) for channels in WIDTHS]
    return AlexNet(classes, in_channels, towers, **{"widths": widths, "hidden": scaled(4096, width), **options})
