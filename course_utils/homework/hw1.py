"""Homework 1: counting what a convolution costs, by functions that are graded on other shapes than the text's."""

from __future__ import annotations

from itertools import pairwise
from math import prod

import numpy as np

from course_utils.arithmetic import conv2d_cost, conv_output_size, receptive_field
from course_utils.homework.questions import Assignment, Case, Known, Question

__all__ = ["ASSIGNMENT"]


def output_size(size: int, kernel_size: int, stride: int, padding: int) -> int:
    return conv_output_size(size, kernel_size, stride=stride, padding=padding)


def output_sizes(generator: np.random.Generator) -> list[Case]:
    def some(stride: int, padding: int) -> tuple[int, ...]:
        kernel = int(generator.integers(2, 8))
        return (int(generator.integers(kernel + 5, 120)), kernel, stride, padding)

    odd = (2 * int(generator.integers(20, 60)), 3, 2, 1)  # does not divide: the floor shows
    return [
        Case("example", (224, 3, 1, 1)),
        Case("no padding", some(1, 0)),
        Case("padding", some(1, 2)),
        Case("stride", odd),
        Case("stride", some(3, 2)),
    ]


def conv_parameters(in_channels: int, out_channels: int, kernel_size: int, bias: bool) -> int:
    return out_channels * in_channels * kernel_size**2 + (out_channels if bias else 0)


def layers(generator: np.random.Generator) -> list[Case]:
    c, d, k = (int(generator.integers(low, high)) for low, high in ((2, 9), (10, 40), (2, 8)))
    return [
        Case("example", (3, 6, 5, True)),
        Case("without bias", (c, d, k, False)),
        Case("with bias", (c, d, k, True)),
    ]


def conv_multiplications(x_shape: tuple[int, ...], w_shape: tuple[int, ...], stride: int, padding: int) -> int:
    return conv2d_cost(tuple(x_shape), tuple(w_shape), stride=stride, padding=padding).multiplications


def conv_additions(x_shape: tuple[int, ...], w_shape: tuple[int, ...], stride: int, padding: int, bias: bool) -> int:
    return conv2d_cost(tuple(x_shape), tuple(w_shape), stride=stride, padding=padding, bias=bias).additions


def convolutions(generator: np.random.Generator) -> list[tuple[str, tuple[int, ...], tuple[int, ...], int, int]]:
    n, c, d = (int(generator.integers(low, high)) for low, high in ((2, 12), (2, 6), (3, 20)))
    k, size = 2 * int(generator.integers(1, 3)) + 1, int(generator.integers(20, 60))
    return [
        ("example", (10, 3, 224, 224), (64, 3, 3, 3), 1, 1),
        ("one picture", (1, c, size, size), (d, c, k, k), 1, k // 2),
        ("a batch", (n, c, size, size), (d, c, k, k), 1, 0),
        ("height and width differ", (n, c, size, size + 7), (d, c, k, k), 1, 1),
        ("stride", (n, c, size, size), (d, c, k, k), 2, 1),
    ]


def multiplication_cases(generator: np.random.Generator) -> list[Case]:
    return [Case(part, (x, w, stride, padding)) for part, x, w, stride, padding in convolutions(generator)]


def addition_cases(generator: np.random.Generator) -> list[Case]:
    found = convolutions(generator)
    return [
        Case(
            f"{'example' if part == 'example' else 'other shapes'}, {'with' if bias else 'without'} bias",
            (*sizes, bias),
        )
        for bias in (False, True)
        for part, *sizes in found
    ]


def _outputs(x_shape: tuple[int, ...], w_shape: tuple[int, ...], stride: int, padding: int) -> int:
    (n, _, h, w), (d, _, k, _) = x_shape, w_shape
    return n * d * prod(conv_output_size(side, k, stride=stride, padding=padding) for side in (h, w))


def linear_shapes(features: list[int]) -> list[tuple[int, ...]]:
    """Weight and bias of each layer of a net of fully connected layers, as Paddle keeps them."""
    return [shape for i, o in pairwise(features) for shape in ((i, o), (o,))]


def feature_cases(generator: np.random.Generator) -> list[Case]:
    widths = [int(width) for width in generator.choice(np.arange(2, 400), size=4, replace=False)]
    return [Case("example", ([50176, 64, 1],)), Case("one layer", (widths[:2],)), Case("three layers", (widths,))]


def receptive_field_size(stack: list[tuple[int, int]]) -> int:
    """Receptive field of a stack of (kernel size, stride)."""
    return receptive_field([(kernel, stride) for kernel, stride in stack]).size


def stacks(generator: np.random.Generator) -> list[Case]:
    kernels = [2 * int(k) + 1 for k in generator.integers(1, 4, size=3)]
    return [
        Case("stride 1", ([(3, 1), (3, 1)],)),
        Case("stride 1", ([(k, 1) for k in kernels],)),
        Case("strides", ([(kernels[0], 2), (kernels[1], 1), (kernels[2], 2)],)),
        Case("strides", ([(5, 1), (2, 2), (5, 1), (2, 2)],)),
    ]


SIZE = Question(
    "q1",
    "The size of the output",
    "output_size",
    4,
    output_sizes,
    output_size,
    (
        Known("the stride is left out: divide by it, then add 1.", lambda n, k, s, p: n - k + 2 * p + 1),
        Known("padding lies on both sides, so it counts twice.", lambda n, k, s, p: (n - k + p) // s + 1),
        Known("the padding is left out.", lambda n, k, s, p: (n - k) // s + 1),
        Known("the 1 at the end is missing: the first place counts too.", lambda n, k, s, p: (n - k + 2 * p) // s),
        Known(
            "rounded up: a kernel that does not fit gives no output.", lambda n, k, s, p: -((k - n - 2 * p) // s) + 1
        ),
        Known("not a whole number: use // for the floor.", lambda n, k, s, p: (n - k + 2 * p) / s + 1),
    ),
    avoid=("conv_output_size",),
)
PARAMETERS = Question(
    "q2",
    "Parameters of a convolution",
    "conv_parameters",
    4,
    layers,
    conv_parameters,
    (
        Known("a kernel is as deep as its input has channels.", lambda c, d, k, bias: d * k * k + d * bias),
        Known("a kernel has K rows and K columns.", lambda c, d, k, bias: d * c * k + d * bias),
        Known(
            "every kernel has one bias, so there are as many as outputs.", lambda c, d, k, bias: d * c * k * k + bias
        ),
        Known("a bias for each input channel is too many.", lambda c, d, k, bias: d * c * (k * k + bias)),
        Known("the biases are left out.", lambda c, d, k, bias: d * c * k * k),
        Known("this layer is asked for without a bias.", lambda c, d, k, bias: d * c * k * k + d),
    ),
    avoid=("conv2d_cost", "Conv2D"),
)
MULTIPLICATIONS = Question(
    "q3",
    "Multiplications of a convolution",
    "conv_multiplications",
    6,
    multiplication_cases,
    conv_multiplications,
    (
        Known(
            "the count of one picture: every picture of the batch is convolved.",
            lambda x, w, s, p: conv_multiplications((1, *x[1:]), w, s, p),
        ),
        Known("every kernel reads all input channels.", lambda x, w, s, p: conv_multiplications(x, w, s, p) // x[1]),
        Known(
            "the count of a single kernel: there are D of them.",
            lambda x, w, s, p: conv_multiplications(x, w, s, p) // w[0],
        ),
        Known(
            "counted at every input place: use the size of the output.",
            lambda x, w, s, p: prod(w) * x[0] * x[2] * x[3],
        ),
        Known(
            "the height was used for the width too.",
            lambda x, w, s, p: conv_multiplications((*x[:3], x[2]), w, s, p),
        ),
        Known("the stride is left out.", lambda x, w, s, p: conv_multiplications(x, w, 1, p)),
        Known("the padding is left out.", lambda x, w, s, p: conv_multiplications(x, w, s, 0)),
    ),
    avoid=("conv2d_cost", "flops"),
)
ADDITIONS = Question(
    "q4",
    "Additions of a convolution",
    "conv_additions",
    6,
    addition_cases,
    conv_additions,
    (
        Known(
            "as many as multiplications: the sum of n products takes n - 1 additions, and the bias one more.",
            lambda x, w, s, p, bias: conv_multiplications(x, w, s, p),
        ),
        Known(
            "the bias is one more addition for each output value.",
            lambda x, w, s, p, bias: conv_additions(x, w, s, p, False),
        ),
        Known(
            "the bias is added at every output, not once.",
            lambda x, w, s, p, bias: conv_additions(x, w, s, p, False) + bias,
        ),
        Known(
            "the height was used for the width too.",
            lambda x, w, s, p, bias: conv_additions((*x[:3], x[2]), w, s, p, bias),
        ),
        Known(
            "n - 1 of each channel: the channels' sums are added up too.",
            lambda x, w, s, p, bias: _outputs(x, w, s, p) * (x[1] * (w[2] * w[3] - 1) + bias),
        ),
        Known(
            "the count of one picture: every picture of the batch is convolved.",
            lambda x, w, s, p, bias: conv_additions((1, *x[1:]), w, s, p, bias),
        ),
    ),
    avoid=("conv2d_cost", "flops"),
)
LINEAR = Question(
    "q5",
    "Shapes of fully connected layers",
    "linear_shapes",
    4,
    feature_cases,
    linear_shapes,
    (
        Known(
            "Paddle keeps a weight as [in, out]; [out, in] is another framework's order.",
            lambda widths: [shape for i, o in pairwise(widths) for shape in ((o, i), (o,))],
        ),
        Known(
            "a bias has one value for each output.",
            lambda widths: [shape for i, o in pairwise(widths) for shape in ((i, o), (i,))],
        ),
        Known(
            "a bias is a vector, with one axis.",
            lambda widths: [shape for i, o in pairwise(widths) for shape in ((i, o), (1, o))],
        ),
        Known(
            "the biases are missing: weight and bias of each layer, in turn.", lambda widths: linear_shapes(widths)[::2]
        ),
    ),
    avoid=("Linear",),
)
FIELD = Question(
    "q6",
    "The receptive field of a stack",
    "receptive_field_size",
    6,
    stacks,
    receptive_field_size,
    (
        Known("the kernel sizes added up: each layer adds its size minus 1.", lambda stack: sum(k for k, _ in stack)),
        Known("the strides of the layers before are left out.", lambda stack: 1 + sum(k - 1 for k, _ in stack)),
        Known(
            "a layer's own stride counts only for the layers after it.",
            lambda stack: 1 + sum((k - 1) * prod(s for _, s in stack[: i + 1]) for i, (k, _) in enumerate(stack)),
        ),
    ),
    avoid=("receptive_field",),
)
ASSIGNMENT = Assignment(
    "hw1",
    "hw1_counting",
    "Counting",
    (SIZE, PARAMETERS, MULTIPLICATIONS, ADDITIONS, LINEAR, FIELD),
    ("Why does a convolution need so many fewer weights than a fully connected layer of the same sizes?",),
)
