"""Homework 2: convolution and pooling by hand, on arrays; what is right is what Paddle's operators give."""

from __future__ import annotations

from typing import Any

import numpy as np

from course_utils.homework.questions import Assignment, Case, Known, Question

__all__ = ["ASSIGNMENT"]

Array = np.ndarray


def correlate(x: Array, w: Array) -> Array:
    return conv2d(x[None, None], w[None, None], np.zeros(1, x.dtype), 1, 0)[0, 0]


def conv2d(x: Array, w: Array, b: Array, stride: int, padding: int) -> Array:
    import paddle

    arrays = [paddle.to_tensor(each) for each in (x, w, b)]
    return np.asarray(paddle.nn.functional.conv2d(*arrays, stride=stride, padding=padding).numpy())


def max_pool2d(x: Array, kernel_size: int, stride: int) -> Array:
    import paddle

    return np.asarray(paddle.nn.functional.max_pool2d(paddle.to_tensor(x), kernel_size, stride).numpy())


def avg_pool2d(x: Array, kernel_size: int, stride: int) -> Array:
    import paddle

    return np.asarray(paddle.nn.functional.avg_pool2d(paddle.to_tensor(x), kernel_size, stride).numpy())


def patches(x: Array, kernel_size: int, stride: int) -> Array:
    import paddle

    return np.asarray(paddle.nn.functional.unfold(paddle.to_tensor(x), kernel_size, strides=stride).numpy())


def single_maps(generator: np.random.Generator) -> list[Case]:
    def some(height: int, width: int, rows: int, columns: int) -> tuple[Array, Array]:
        return generator.normal(size=(height, width)), generator.normal(size=(rows, columns))

    small = np.arange(9.0).reshape(3, 3), np.array([[0.0, 1.0], [2.0, 3.0]])
    return [Case("example", small), Case("square", some(6, 6, 3, 3)), Case("height and width differ", some(5, 8, 2, 3))]


def batches(generator: np.random.Generator) -> list[Case]:
    def some(n: int, c: int, d: int, k: int, stride: int, padding: int) -> tuple[Any, ...]:
        x, w = generator.normal(size=(n, c, 7, 9)), generator.normal(size=(d, c, k, k))
        return x, w, generator.normal(size=d), stride, padding

    return [
        Case("one channel", some(1, 1, 1, 3, 1, 0)),
        Case("channels", some(1, 3, 2, 3, 1, 0)),
        Case("batch", some(3, 2, 2, 3, 1, 0)),
        Case("stride", some(2, 2, 3, 3, 2, 0)),
        Case("padding", some(2, 2, 3, 3, 1, 1)),
        Case("all at once", some(2, 3, 4, 2, 2, 1)),
    ]


def pictures(generator: np.random.Generator) -> list[Case]:
    def some(n: int, c: int, h: int, w: int, k: int, stride: int) -> tuple[Any, ...]:
        return generator.normal(size=(n, c, h, w)) - 3, k, stride  # mostly negative: zeros would show

    return [
        Case("2 by 2", some(1, 1, 4, 4, 2, 2)),
        Case("channels", some(2, 3, 6, 4, 2, 2)),
        Case("overlap", some(1, 2, 8, 8, 3, 2)),
        Case("rest left over", some(1, 2, 5, 8, 3, 3)),
    ]


def windows(x: Array, size: int, stride: int) -> Array:
    """All windows [N, C, H', W', K, K]; the known mistakes are made from them."""
    view = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(2, 3))  # type: ignore[call-overload]
    return np.asarray(view[:, :, ::stride, ::stride])


def one_sided(x: Array, w: Array, b: Array, stride: int, padding: int) -> Array:
    padded = np.pad(x, ((0, 0), (0, 0), (padding, 0), (padding, 0)))
    return conv2d(padded, w, b, stride, 0)


def rounded_up(x: Array, size: int, stride: int) -> Array:
    fills = [(0, -(side - size) % stride) for side in x.shape[2:]]
    return windows(np.pad(x, ((0, 0), (0, 0), *fills)), size, stride).max((4, 5))


def as_rows(x: Array, size: int, stride: int) -> Array:
    view = windows(x, size, stride)
    return view.transpose(0, 2, 3, 1, 4, 5).reshape(len(x), -1, x.shape[1] * size * size)


def pixels_first(x: Array, size: int, stride: int) -> Array:
    view = windows(x, size, stride).transpose(0, 4, 5, 1, 2, 3)
    return view.reshape(len(x), x.shape[1] * size * size, -1)


CORRELATE = Question(
    "q1",
    "One map, one kernel",
    "correlate",
    4,
    single_maps,
    correlate,
    (
        Known("the kernel is flipped: that is a true convolution.", lambda x, w: correlate(x, w[::-1, ::-1].copy())),
        Known("the kernel's rows and columns are exchanged.", lambda x, w: correlate(x, w.T.copy())),
        Known(
            "the last row and column of outputs are missing: there are N - K + 1.",
            lambda x, w: correlate(x, w)[:-1, :-1],
        ),
        Known(
            "the window does not move: it starts at row i and column j.",
            lambda x, w: np.full_like(correlate(x, w), correlate(x, w)[0, 0]),
        ),
    ),
    avoid=("conv2d", "correlate2d", "convolve", "convolve2d"),
)
CONVOLUTION = Question(
    "q2",
    "A convolution layer",
    "conv2d",
    8,
    batches,
    conv2d,
    (
        Known("the bias is missing.", lambda x, w, b, s, p: conv2d(x, w, 0 * b, s, p)),
        Known("the stride is ignored.", lambda x, w, b, s, p: conv2d(x, w, b, 1, p)),
        Known("the padding is ignored.", lambda x, w, b, s, p: conv2d(x, w, b, s, 0)),
        Known("padding lies on both sides of each axis.", one_sided),
        Known(
            "the kernels are flipped: that is a true convolution.",
            lambda x, w, b, s, p: conv2d(x, w[:, :, ::-1, ::-1].copy(), b, s, p),
        ),
        Known(
            "only the first channel is read: add up over all of them.",
            lambda x, w, b, s, p: conv2d(x[:, :1], w[:, :1].copy(), b, s, p),
        ),
        Known(
            "the mean over the channels in place of their sum.",
            lambda x, w, b, s, p: conv2d(x, w / x.shape[1], b, s, p),
        ),
        Known("only the first picture of the batch was convolved.", lambda x, w, b, s, p: conv2d(x[:1], w, b, s, p)),
        Known("the bias is added once for each channel.", lambda x, w, b, s, p: conv2d(x, w, x.shape[1] * b, s, p)),
    ),
    avoid=("F.conv2d", "functional.conv2d", "Conv2D", "unfold"),
)
MAXIMUM = Question(
    "q3",
    "Max pooling",
    "max_pool2d",
    5,
    pictures,
    max_pool2d,
    (
        Known("the mean of each window, not its maximum.", lambda x, k, s: windows(x, k, s).mean((4, 5))),
        Known("the stride is ignored.", lambda x, k, s: windows(x, k, 1).max((4, 5))),
        Known("the window moves by its size and not by the stride.", lambda x, k, s: windows(x, k, k).max((4, 5))),
        Known("a window that sticks out gives no output: round down.", rounded_up),
        Known(
            "the maximum over the channels too: each channel is pooled alone.",
            lambda x, k, s: windows(x, k, s).max((1, 4, 5)),
        ),
        Known(
            "a maximum that starts from 0 never gets negative.", lambda x, k, s: windows(x, k, s).max((4, 5)).clip(0)
        ),
    ),
    avoid=("MaxPool2D", "F.max_pool2d"),
)
AVERAGE = Question(
    "q4",
    "Average pooling",
    "avg_pool2d",
    5,
    pictures,
    avg_pool2d,
    (
        Known(
            "the sum of each window: divide by the number of its pixels.", lambda x, k, s: windows(x, k, s).sum((4, 5))
        ),
        Known("divided by K: a window has K times K pixels.", lambda x, k, s: windows(x, k, s).sum((4, 5)) / k),
        Known("the maximum of each window, not its mean.", lambda x, k, s: windows(x, k, s).max((4, 5))),
        Known("the stride is ignored.", lambda x, k, s: windows(x, k, 1).mean((4, 5))),
        Known("the window moves by its size and not by the stride.", lambda x, k, s: windows(x, k, k).mean((4, 5))),
    ),
    avoid=("AvgPool2D", "F.avg_pool2d"),
)
PATCHES = Question(
    "q5",
    "Patches as columns",
    "patches",
    6,
    pictures,
    patches,
    (
        Known("a patch is a column, not a row: exchange the last two axes.", as_rows),
        Known("the channels come first within a column, then rows, then columns.", pixels_first),
        Known("the stride is ignored.", lambda x, k, s: patches(x, k, 1)),
        Known("the window moves by its size and not by the stride.", lambda x, k, s: patches(x, k, k)),
        Known("the batch axis is lost.", lambda x, k, s: patches(x, k, s)[0]),
    ),
    avoid=("unfold",),
)
ASSIGNMENT = Assignment(
    "hw2",
    "hw2_operators",
    "Operators",
    (CORRELATE, CONVOLUTION, MAXIMUM, AVERAGE, PATCHES),
    ("A picture moves by one pixel to the right. What happens to the output of a convolution, and of a max pooling?",),
    paddle=True,
)
