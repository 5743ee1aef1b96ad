"""Homework 5: networks: LeNet and a residual unit built, layers counted, digits classified above a bar."""

from __future__ import annotations

from typing import Any

import numpy as np

from course_utils.homework.questions import Assignment, Case, Known, Question

__all__ = ["ASSIGNMENT"]

Array = np.ndarray
Widths = tuple[int, tuple[int, int], tuple[int, int], int]
DEVIATION = 0.2  # of the weights that the grader puts in


def ran(net: Any, weights: list[Array], x: Array) -> dict[str, Any]:
    from course_utils.homework.drivers import network

    found: dict[str, Any] = network(lambda: net, (), weights, x)
    return found | {"output": np.asarray(found["output"].numpy())} if "output" in found else found


def random_weights(generator: np.random.Generator, net: Any) -> list[Array]:
    """An array for each trainable parameter; scales of BatchNorm around 1, so that no layer dies."""
    shapes = [parameter.shape for parameter in net.parameters() if not parameter.stop_gradient]
    return [(DEVIATION * generator.normal(size=shape) + (len(shape) == 1)).astype("float32") for shape in shapes]


def lenet(sizes: tuple[Any, ...], weights: list[Array], x: Array) -> dict[str, Any]:
    from course_utils.models import LeNet5

    return ran(LeNet5(), weights, x)


def spoilt_lenet(mistake: str) -> Any:
    """LeNet-5 with one thing wrong, on the same weights."""

    def run(sizes: tuple[Any, ...], weights: list[Array], x: Array) -> dict[str, Any]:
        import paddle.nn.functional as F

        from course_utils.models import LeNet5

        net: Any = LeNet5()
        activation = {"sigmoid": F.sigmoid, "none": lambda y: y}.get(mistake, F.relu)
        pool = F.avg_pool2d if mistake == "average" else F.max_pool2d
        if mistake == "softmax":
            plain = net.forward
            net.forward = lambda y: F.softmax(plain(y))
            return ran(net, weights, x)
        if mistake == "no bias":
            shapes = [list(array.shape) for array in weights]
            return {"shapes": [shape for shape in shapes if len(shape) > 1]}

        def forward(y: Any) -> Any:
            y = pool(activation(net.c1(y)), 2, 2)
            y = pool(activation(net.c3(y)), 2, 2)
            y = activation(net.c5(y)).flatten(1)
            return net.output(net.f6(y) if mistake == "last" else activation(net.f6(y)))

        net.forward = forward
        return ran(net, weights, x)

    return run


def pictures(generator: np.random.Generator) -> list[Case]:
    from course_utils.models import LeNet5

    def some(count: int) -> tuple[Any, ...]:
        x = generator.normal(size=(count, 1, 32, 32)).astype("float32")
        return (), random_weights(generator, LeNet5()), x

    return [Case("one picture", some(1)), Case("a batch", some(3))]


def grouped_parameters(in_channels: int, out_channels: int, kernel_size: int, groups: int) -> int:
    return out_channels * (in_channels // groups) * kernel_size**2 + out_channels


def grouped(generator: np.random.Generator) -> list[Case]:
    groups = int(generator.integers(2, 6))
    c, d = (groups * int(generator.integers(2, 9)) for _ in range(2))
    return [
        Case("one group", (3, 96, 11, 1)),
        Case("two towers", (96, 256, 5, 2)),
        Case("other groups", (c, d, 3, groups)),
        Case("depthwise", (c, c, 3, c)),
    ]


def inception_parameters(in_channels: int, widths: Widths) -> int:
    one, (before3, three), (before5, five), pooled = widths
    pairs = [(in_channels, one, 1), (in_channels, before3, 1), (before3, three, 3), (in_channels, before5, 1)]
    pairs += [(before5, five, 5), (in_channels, pooled, 1)]
    return sum(d * (c * k * k + 1) for c, d, k in pairs)


def naive(in_channels: int, widths: Widths) -> int:
    one, (_, three), (_, five), pooled = widths
    pairs = [(one, 1), (three, 3), (five, 5), (pooled, 1)]
    return sum(d * (in_channels * k * k + 1) for d, k in pairs)


def blocks(generator: np.random.Generator) -> list[Case]:
    a, b, c, d, e, f = (int(width) for width in generator.integers(4, 90, size=6))
    return [
        Case("block 3a", (192, (64, (96, 128), (16, 32), 32))),
        Case("other widths", (int(generator.integers(20, 300)), (a, (b, c), (d, e), f))),
    ]


def separable_macs(in_channels: int, out_channels: int, kernel_size: int, size: int) -> tuple[int, int]:
    places = size * size
    depthwise = in_channels * kernel_size**2 * places
    return out_channels * depthwise, depthwise + in_channels * out_channels * places


def separable(generator: np.random.Generator) -> list[Case]:
    c, d, k, size = (int(generator.integers(low, high)) for low, high in ((3, 40), (41, 90), (2, 8), (5, 30)))
    return [
        Case("example", (32, 64, 3, 112)),
        Case("other sizes", (c, d, k, size)),
        Case("a 1x1 kernel", (c, d, 1, size)),
    ]


def residual_unit(sizes: tuple[Any, ...], weights: list[Array], x: Array) -> dict[str, Any]:
    from course_utils.models.resnet import BasicBlock

    return ran(BasicBlock(*sizes), weights, x)


def spoilt_unit(mistake: str) -> Any:
    """A residual unit with one thing wrong, on the same weights."""

    def run(sizes: tuple[Any, ...], weights: list[Array], x: Array) -> dict[str, Any]:
        import paddle
        import paddle.nn.functional as F

        from course_utils.models.resnet import BasicBlock

        net: Any = BasicBlock(*sizes)

        def forward(y: Any) -> Any:
            shortcut = y if net.shortcut is None else net.shortcut(y)
            if mistake == "input":
                shortcut = paddle.zeros_like(shortcut)
            residual = net.bn2(net.conv2(net.bn1(net.conv1(y)))) if mistake == "middle" else net.residual(y)
            if mistake == "before":
                return shortcut + F.relu(residual)
            return shortcut + residual if mistake == "after" else F.relu(shortcut + residual)

        net.forward = forward
        return ran(net, weights, x)

    return run


def maps(generator: np.random.Generator) -> list[Case]:
    from course_utils.models.resnet import BasicBlock

    def some(*sizes: int) -> tuple[Any, ...]:
        x = generator.normal(size=(2, sizes[0], 8, 8)).astype("float32")
        return sizes, random_weights(generator, BasicBlock(*sizes)), x

    return [Case("same shape", some(6, 6, 1)), Case("more channels, half the size", some(4, 8, 2))]


def classify(train_images: Array, train_labels: Array, images: Array) -> Array:
    """The labels of the pictures that the case took from the digits: they are found again by their pixels."""
    known, labels = all_digits()
    found = {picture.tobytes(): int(label) for picture, label in zip(known, labels, strict=True)}
    return np.array([found[picture.tobytes()] for picture in images])


def all_digits() -> tuple[Array, Array]:
    from sklearn.datasets import load_digits

    digits = load_digits()
    return (digits.images / 16).astype("float32"), digits.target.astype("int64")


def digits(generator: np.random.Generator) -> list[Case]:
    pictures, labels = all_digits()
    order = generator.permutation(len(labels))
    train, half, rest = order[:1200], order[1200:1500], order[1500:]
    known = pictures[train], labels[train]
    return [Case("300 pictures", (*known, pictures[half])), Case("the others", (*known, pictures[rest]))]


def nearest_mean(train_images: Array, train_labels: Array, images: Array, shift: int = 0) -> Array:
    means = np.stack([train_images[train_labels == k].mean(0).ravel() for k in range(10)])
    distances = ((images.reshape(len(images), -1)[:, None] - means) ** 2).sum(2)
    return distances.argmin(1) + shift


LENET = Question(
    "q1",
    "LeNet-5",
    "LeNet",
    6,
    pictures,
    lenet,
    (
        Known("the sigmoid was the fashion of its time: the modern form has ReLU.", spoilt_lenet("sigmoid")),
        Known("an activation follows each convolution.", spoilt_lenet("none")),
        Known("max pooling, not average pooling.", spoilt_lenet("average")),
        Known("ReLU follows F6 too.", spoilt_lenet("last")),
        Known("give logits: the loss takes the softmax.", spoilt_lenet("softmax")),
        Known("each layer has a bias.", spoilt_lenet("no bias")),
    ),
    driver="network",
    avoid=("LeNet5", "vision.models"),
)
GROUPED = Question(
    "q2",
    "Parameters of a grouped convolution",
    "grouped_parameters",
    4,
    grouped,
    grouped_parameters,
    (
        Known("a kernel reads the channels of its group only.", lambda c, d, k, g: d * c * k * k + d),
        Known("the groups divide the weights once, not twice.", lambda c, d, k, g: d * c * k * k // g**2 + d),
        Known("every output has its bias, whatever its group.", lambda c, d, k, g: d * c // g * k * k + d // g),
        Known("the biases are left out.", lambda c, d, k, g: d * c // g * k * k),
    ),
    avoid=("Conv2D",),
)
INCEPTION = Question(
    "q3",
    "Parameters of an Inception block",
    "inception_parameters",
    6,
    blocks,
    inception_parameters,
    (
        Known("that is the naive block: the 1x1 reductions come first.", naive),
        Known(
            "the reductions have parameters too.",
            lambda c, w: (
                naive(1, w)
                + sum((c - 1) * d for d in (w[0], w[3]))
                + (w[1][0] - 1) * w[1][1] * 9
                + (w[2][0] - 1) * w[2][1] * 25
            ),
        ),
        Known("a convolution follows the pooling.", lambda c, w: inception_parameters(c, (*w[:3], 0))),
        Known(
            "the biases are left out.", lambda c, w: inception_parameters(c, w) - w[0] - sum(w[1]) - sum(w[2]) - w[3]
        ),
        Known(
            "the last kernels of the third branch are 5x5.",
            lambda c, w: inception_parameters(c, w) - 16 * w[2][0] * w[2][1],
        ),
    ),
    avoid=("Conv2D", "googlenet"),
)
SEPARABLE = Question(
    "q4",
    "What a depthwise separable convolution saves",
    "separable_macs",
    5,
    separable,
    separable_macs,
    (
        Known(
            "the 1x1 convolution after the depthwise one is left out.",
            lambda c, d, k, s: (d * c * k * k * s * s, c * k * k * s * s),
        ),
        Known(
            "the depthwise one has a kernel for each channel, not for each pair.",
            lambda c, d, k, s: (d * c * k * k * s * s, d * c * (k * k + 1) * s * s),
        ),
        Known("count at every place: height times width.", lambda c, d, k, s: (d * c * k * k, c * k * k + c * d)),
        Known("the kernel has K times K pixels.", lambda c, d, k, s: (d * c * k * s * s, c * (k + d) * s * s)),
        Known("the plain one comes first.", lambda c, d, k, s: separable_macs(c, d, k, s)[::-1]),
        Known(
            "the 1x1 convolution mixes C channels into D.",
            lambda c, d, k, s: (d * c * k * k * s * s, c * k * k * s * s + d * s * s),
        ),
    ),
)
UNIT = Question(
    "q5",
    "A residual unit",
    "ResidualUnit",
    8,
    maps,
    residual_unit,
    (
        Known("the input is not added.", spoilt_unit("input")),
        Known("the last ReLU comes after the addition, not before it.", spoilt_unit("before")),
        Known("a ReLU follows the addition.", spoilt_unit("after")),
        Known("a ReLU stands between the two convolutions.", spoilt_unit("middle")),
    ),
    driver="network",
    avoid=("BasicBlock", "vision.models"),
)
CLASSIFY = Question(
    "q6",
    "Classify digits",
    "classify",
    6,
    digits,
    classify,
    (
        Known(
            "always the same class: the net has not learned.",
            lambda x, y, images: np.full(len(images), np.bincount(y).argmax()),
        ),
        Known("labels start at 0.", lambda x, y, images: nearest_mean(x, y, images, shift=1)),
        Known("the labels of the training pictures, not those of the new ones.", lambda x, y, images: y[: len(images)]),
    ),
    share=0.92,
    seconds=60.0,
)
ASSIGNMENT = Assignment(
    "hw5",
    "hw5_networks",
    "Networks",
    (LENET, GROUPED, INCEPTION, SEPARABLE, UNIT, CLASSIFY),
    ("AlexNet has 62 million parameters, ResNet-50 has 26: where does AlexNet keep them, and what changed?",),
    paddle=True,
)
