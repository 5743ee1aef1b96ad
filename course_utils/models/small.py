"""A small version of each network of chapter 07, for pictures of 32x32."""

from __future__ import annotations

from collections.abc import Callable

from paddle import nn

from course_utils.models.alexnet import AlexNet
from course_utils.models.cells import CellNet, InceptionResNetA
from course_utils.models.googlenet import googlenet
from course_utils.models.lenet import LeNet5
from course_utils.models.mobilenet import MobileNet
from course_utils.models.resnet import cifar_resnet
from course_utils.models.vgg import VGG

__all__ = ["small_nets"]


def small_nets(classes: int = 10, in_channels: int = 3) -> dict[str, Callable[[], nn.Layer]]:
    """Name -> a function that builds the net for x [N, in_channels, 32, 32], in the order of their years.

    LeNet-5 is what it was; the others are narrowed until all but it have about the same multiply-accumulates, 5 to 7
    million an image. BatchNorm is in all but LeNet-5 and AlexNet, also where the paper had none, as in VGG. AlexNet is
    without its local response normalization, which would take most of its time.
    """
    return {
        "LeNet-5": lambda: LeNet5(classes, in_channels),
        "AlexNet": lambda: AlexNet(
            classes, in_channels, widths=(16, 44, 64, 64, 44), hidden=128, image_size=32, stem="cifar", lrn=False
        ),
        "VGG": lambda: VGG(
            ((1, 16), (1, 40), (2, 48), (2, 64)), classes, in_channels, hidden=128, image_size=32, batch_norm=True
        ),
        "GoogLeNet": lambda: googlenet(classes, in_channels, width=1 / 8, stem="cifar", stem_stride=1, batch_norm=True),
        "ResNet": lambda: cifar_resnet(14, in_channels=in_channels, num_classes=classes, stem_stride=2),
        "Inception-ResNet": lambda: _inception_resnet(classes, in_channels),
        "NASNet-A": lambda: CellNet(classes, in_channels),
        "MobileNet": lambda: MobileNet(
            classes,
            in_channels,
            plan=((32, 1), (64, 2), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1)),
            stem_channels=16,
            stem_stride=1,
        ),
    }


def _inception_resnet(classes: int, in_channels: int, widths: tuple[int, ...] = (20, 40, 80)) -> nn.Sequential:
    """Two A blocks at each width, between them a pool and a 1x1 convolution."""
    layers: list[nn.Layer] = []
    for k, width in enumerate(widths):
        entry = nn.Conv2D(in_channels, width, 1 if k else 3, 1 if k else 2, padding=0 if k else 1, bias_attr=False)
        layers += [nn.MaxPool2D(2, 2)] if k else []
        layers += [entry, nn.BatchNorm2D(width), nn.ReLU()]
        layers += [InceptionResNetA(width, width // 2), InceptionResNetA(width, width // 2)]
        in_channels = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2D(1), nn.Flatten(), nn.Linear(in_channels, classes))
