"""Nets with one logit for fundus photographs of 224 x 224: two of the well-known course, and a small one of ours.

The course's other nets are `googlenet(1, stem_stride=1)`, `vgg16(1)`, and ResNets with num_classes=1.
"""

from __future__ import annotations

from typing import Any

from paddle import nn

from course_utils.models.resnet import BasicBlock, ResNet

__all__ = ["ScreeningLeNet", "fundus_net", "screening_alexnet"]

ACTIVATIONS = {"sigmoid": nn.Sigmoid, "relu": nn.ReLU}


class ScreeningLeNet(nn.Layer):
    """LeNet stretched to large pictures: x [N, 3, 224, 224] -> logit [N, 1]; 19,233,841 parameters, most in fc1.

    activation: "sigmoid" as in the course, or "relu". batch_norm: BatchNorm between each convolution and its
    activation, 284 parameters more. By default it is the course's net, which does not learn.
    Source: awesome-DeepLearning, junior class, chapter 3 (PaddlePaddle), after LeCun et al. 1998.
    Raises ValueError for another activation.
    """

    def __init__(self, activation: str = "sigmoid", batch_norm: bool = False) -> None:
        super().__init__()
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation {activation!r} is not known: use {' or '.join(map(repr, ACTIVATIONS))}")
        self.conv1 = nn.Conv2D(3, 6, 5)
        self.conv2 = nn.Conv2D(6, 16, 5)
        self.conv3 = nn.Conv2D(16, 120, 4)
        self.bn1, self.bn2, self.bn3 = (nn.BatchNorm2D(d) if batch_norm else nn.Identity() for d in (6, 16, 120))
        self.pool = nn.MaxPool2D(2, 2)
        self.activation = ACTIVATIONS[activation]()
        self.fc1 = nn.Linear(120 * 50 * 50, 64)
        self.fc2 = nn.Linear(64, 1)

    def forward(self, x: Any) -> Any:
        x = self.pool(self.activation(self.bn1(self.conv1(x))))  # [N, 6, 110, 110]
        x = self.pool(self.activation(self.bn2(self.conv2(x))))  # [N, 16, 53, 53]
        x = self.activation(self.bn3(self.conv3(x)))  # [N, 120, 50, 50]
        x = self.activation(self.fc1(x.flatten(1)))  # [N, 64]
        return self.fc2(x)


def screening_alexnet() -> nn.Sequential:
    """The course's AlexNet: x [N, 3, 224, 224] -> logit [N, 1]; 71,916,929 parameters.

    Unlike `models.alexnet`: one tower, padding 5 in the first convolution, which so gives 56 x 56, pools of 2 x 2 that
    do not overlap, and no response normalization.
    Source: awesome-DeepLearning, junior class, chapter 3 (PaddlePaddle), after Krizhevsky et al. 2012.
    """
    return nn.Sequential(
        *(nn.Conv2D(3, 96, 11, stride=4, padding=5), nn.ReLU(), nn.MaxPool2D(2, 2)),  # [N, 96, 28, 28]
        *(nn.Conv2D(96, 256, 5, padding=2), nn.ReLU(), nn.MaxPool2D(2, 2)),  # [N, 256, 14, 14]
        *(nn.Conv2D(256, 384, 3, padding=1), nn.ReLU()),
        *(nn.Conv2D(384, 384, 3, padding=1), nn.ReLU()),
        *(nn.Conv2D(384, 256, 3, padding=1), nn.ReLU(), nn.MaxPool2D(2, 2)),  # [N, 256, 7, 7]
        nn.Flatten(),
        *(nn.Linear(256 * 7 * 7, 4096), nn.ReLU(), nn.Dropout(0.5)),
        *(nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout(0.5)),
        nn.Linear(4096, 1),
    )


def fundus_net() -> ResNet:
    """A small ResNet for fundus photographs: x [N, 3, 224, 224] -> logit [N, 1]; 309,585 parameters.

    One residual unit in each of four stages, 16 to 128 channels wide; its last map is 7 x 7, which Grad-CAM can show.
    """
    return ResNet(BasicBlock, (1, 1, 1, 1), (16, 32, 64, 128), num_classes=1)
