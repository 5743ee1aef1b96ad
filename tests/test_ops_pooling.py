"""Pooling against Paddle's over random shapes: odd sizes, padding, ceil_mode, both averages, and the gradients."""

import numpy as np
import paddle
import paddle.nn.functional as F
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from course_utils import ops

POOLS = {
    "max": (ops.max_pool2d, F.max_pool2d, {}),
    "average": (ops.avg_pool2d, F.avg_pool2d, {}),
    "average, padding counted": (ops.avg_pool2d, F.avg_pool2d, {"exclusive": False}),
}


def same(got, expected, tolerance):
    assert got.shape == expected.shape
    assert np.abs(got - expected).max() <= tolerance * max(np.abs(expected).max(), 1e-3)


def gradient(pool, x, arguments):
    tensor = paddle.to_tensor(x, stop_gradient=False)
    pool(tensor, **arguments).square().sum().backward()
    return tensor.grad.numpy()


def empty_window(size, kernel, stride, padding):
    """Whether ceil_mode makes a window without a pixel along one axis, told by listing the windows."""
    starts = list(range(-padding, size + padding - kernel + stride, stride))  # Paddle's rule: the ceiling
    return starts[-1] >= size


@pytest.mark.parametrize("kind", POOLS)
@settings(max_examples=80, deadline=None)
@given(
    size=st.tuples(st.integers(3, 9), st.integers(3, 9)),
    kernel=st.tuples(st.integers(2, 4), st.integers(2, 4)),
    stride=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    padding=st.tuples(st.integers(0, 1), st.integers(0, 1)),
    ceil_mode=st.booleans(),
    dtype=st.sampled_from(["float32", "float64"]),
    seed=st.integers(0, 99),
)
def test_pooling_equals_paddle(kind, size, kernel, stride, padding, ceil_mode, dtype, seed):
    own, native, extra = POOLS[kind]
    assume(all(h + 2 * p >= k for h, k, p in zip(size, kernel, padding, strict=True)))
    x = np.random.default_rng(seed).standard_normal((2, 3, *size)).astype(dtype)
    arguments = dict(kernel_size=kernel, stride=stride, padding=padding, ceil_mode=ceil_mode, **extra)
    if ceil_mode and any(map(empty_window, size, kernel, stride, padding)):
        with pytest.raises(ValueError, match="ceil_mode would add a window that begins at pixel"):
            own(paddle.to_tensor(x), **arguments)
        return
    ours = own(paddle.to_tensor(x), **arguments)
    assert ours.dtype == getattr(paddle, dtype)
    same(ours.numpy(), native(paddle.to_tensor(x), **arguments).numpy(), 1e-9 if dtype == "float64" else 1e-5)
    tolerance = 1e-9 if (dtype, kind) == ("float64", "max") else 1e-5  # Paddle's average divides by a float32 count
    same(gradient(own, x, arguments), gradient(native, x, arguments), tolerance)


def test_the_stride_is_the_kernel_where_none_is_given():
    x = paddle.arange(1, 17, dtype="float32").reshape([1, 1, 4, 4])
    assert ops.max_pool2d(x, 2).numpy().tolist() == [[[[6, 8], [14, 16]]]]  # the book's example, section 5.2.2
    assert ops.avg_pool2d(x, 2).numpy().tolist() == [[[[3.5, 5.5], [11.5, 13.5]]]]


def test_what_counts_at_the_edge():
    """Five pixels, windows of 3, stride 2, padding 1; and six, where the ceiling adds a window."""
    five, six = (paddle.arange(1, n + 1, dtype="float64").reshape([1, 1, 1, n]) for n in (5, 6))
    row = dict(kernel_size=(1, 3), stride=(1, 2), padding=(0, 1))
    assert ops.avg_pool2d(five, **row).flatten().tolist() == [1.5, 3, 4.5]
    assert ops.avg_pool2d(five, exclusive=False, **row).flatten().tolist() == [1, 3, 3]
    assert ops.max_pool2d(-five, **row).flatten().tolist() == [-1, -2, -4]  # a padded zero would have won
    assert ops.avg_pool2d(six, ceil_mode=True, **row).flatten().tolist() == [1.5, 3, 5, 6]
    assert ops.avg_pool2d(six, ceil_mode=True, exclusive=False, **row).flatten().tolist() == [1, 3, 5, 3]  # 6 / 2


@pytest.mark.parametrize(
    ("shape", "arguments", "message"),
    [
        ([3, 3], dict(kernel_size=2), r"takes \[N, C, H, W\], not \[3, 3\]"),
        ([1, 1, 3, 3], dict(kernel_size=4), "larger than the padded input"),
        ([1, 1, 3, 3], dict(kernel_size=2, padding=2), "padding 2 would leave a window of 2 without a pixel"),
        ([1, 1, 5, 5], dict(kernel_size=2, padding=1, ceil_mode=True), "begins at pixel 5 of 5"),
        ([1, 1, 5, 5], dict(kernel_size=2, stride=0), "stride .* must be at least 1"),
    ],
)
@pytest.mark.parametrize("pool", [ops.max_pool2d, ops.avg_pool2d])
def test_the_impossible_is_said(pool, shape, arguments, message):
    with pytest.raises(ValueError, match=message):
        pool(paddle.zeros(shape), **arguments)
