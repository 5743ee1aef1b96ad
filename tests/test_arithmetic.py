"""The formulas against brute-force counting and against Paddle's own shapes."""

import doctest

import numpy as np
import paddle
import paddle.nn.functional as F
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from course_utils import arithmetic
from course_utils.arithmetic import conv2d_cost, conv_output_size, pad_amounts, receptive_field

small = st.integers(1, 4)
pads = st.one_of(st.integers(0, 3), st.sampled_from(["same", "valid"]), st.just(((0, 1), (2, 0))))


def positions(size, kernel, stride, before, after, dilation):
    """Count by placing the kernel, step after step, until it no longer fits."""
    start, count = -before, 0
    while start + dilation * (kernel - 1) < size + after:
        start, count = start + stride, count + 1
    return count


def test_the_examples_in_the_docstrings():
    assert doctest.testmod(arithmetic).failed == 0


@settings(max_examples=200, deadline=None)
@given(st.tuples(st.integers(1, 12), st.integers(1, 12)), st.tuples(small, small), small, pads, small)
def test_output_size_equals_placing_the_kernel(size, kernel, stride, padding, dilation):
    sides = pad_amounts(size, kernel, stride, padding, dilation)
    expected = tuple(positions(s, k, stride, *p, dilation) for s, k, p in zip(size, kernel, sides, strict=True))
    if 0 in expected:
        with pytest.raises(ValueError, match="larger than the padded input"):
            conv_output_size(size, kernel, stride, padding, dilation)
    else:
        assert conv_output_size(size, kernel, stride, padding, dilation) == expected


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 20), st.integers(1, 6), st.integers(1, 4))
def test_same_gives_the_ceiling_and_equals_paddle(size, kernel, stride):
    assert conv_output_size(size, kernel, stride, "same") == -(-size // stride)
    x = paddle.ones([1, 1, size, size])
    y = F.conv2d(x, paddle.ones([1, 1, kernel, kernel]), stride=stride, padding="SAME")
    assert y.shape[2] == conv_output_size(size, kernel, stride, "same")
    (top, bottom), (left, right) = pad_amounts(size, kernel, stride, "same")
    ours = F.conv2d(F.pad(x, [left, right, top, bottom]), paddle.ones([1, 1, kernel, kernel]), stride=stride)
    assert np.array_equal(ours.numpy(), y.numpy())


def brute_force(input_shape, kernel_shape, stride, sides, dilation, groups, bias):
    """Count multiplications and additions one by one; padded positions count, as in every convention."""
    filters, depth, rows, columns = kernel_shape
    heights, widths = (
        positions(s, k, stride, *p, dilation) for s, k, p in zip(input_shape[2:], kernel_shape[2:], sides, strict=True)
    )
    multiplications = additions = 0
    for _ in range(input_shape[0] * filters * heights * widths):
        terms = sum(1 for _ in range(depth) for _ in range(rows) for _ in range(columns))
        multiplications += terms
        additions += terms - 1 + (1 if bias else 0)
    return multiplications, additions


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 2), small, st.tuples(small, small), small, small, pads, small, st.integers(1, 2), st.booleans())
def test_cost_equals_counting_one_by_one(batch, channels, kernel, filters, stride, padding, dilation, groups, bias):
    input_shape = (batch, channels * groups, 7, 6)
    kernel_shape = (filters * groups, channels, *kernel)
    sides = pad_amounts((7, 6), kernel, stride, padding, dilation)
    multiplications, additions = brute_force(input_shape, kernel_shape, stride, sides, dilation, groups, bias)
    assume(multiplications)
    cost = conv2d_cost(input_shape, kernel_shape, stride, padding, dilation, groups, bias)
    assert (cost.multiplications, cost.additions, cost.macs) == (multiplications, additions, multiplications)
    layer = paddle.nn.Conv2D(input_shape[1], kernel_shape[0], kernel, groups=groups, bias_attr=None if bias else False)
    assert cost.parameters == sum(p.size for p in layer.parameters())


def test_the_course_s_video_7_1():
    shapes = (10, 3, 224, 224), (64, 3, 3, 3)
    with_bias, without = conv2d_cost(*shapes, padding=1), conv2d_cost(*shapes, padding=1, bias=False)
    assert with_bias.output_shape == (10, 64, 224, 224)
    assert with_bias.multiplications == with_bias.additions == 867_041_280
    assert without.additions == 834_928_640


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(small, st.integers(1, 2), st.integers(1, 2)), min_size=1, max_size=3))
def test_receptive_field_equals_the_gradient_s_support(layers):
    field = receptive_field(layers)
    x = paddle.zeros([1, 1, 1, field.size + field.jump], dtype="float64")
    x.stop_gradient = False
    y = x
    for kernel, stride, dilation in layers:
        y = F.conv2d(y, paddle.ones([1, 1, 1, kernel], dtype="float64"), stride=[1, stride], dilation=[1, dilation])
    for position in (0, 1):
        (gradient,) = paddle.grad(y[0, 0, 0, position], x, retain_graph=True)
        seen = np.flatnonzero(gradient.numpy())
        assert (seen[0], seen[-1]) == (position * field.jump, position * field.jump + field.size - 1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: conv_output_size(5, 7), "kernel 7 is larger than the padded input 5: use padding >= 1"),
        (lambda: conv_output_size(5, 3, dilation=4), r"dilation 4 \(reach 9\) is larger"),
        (lambda: conv_output_size(0, 3), "size 0 must be at least 1"),
        (lambda: conv_output_size(5, 3, stride=0), "stride 0 must be at least 1"),
        (lambda: conv_output_size(5, 3, padding="full"), "use 'same', 'valid' or numbers"),
        (lambda: conv_output_size(5, 3, padding=-1), "padding -1 must be at least 0"),
        (lambda: conv_output_size(5, 3, padding=((1, 1), (1, 1), (1, 1))), r"use \(\(top, bottom\)"),
        (lambda: conv_output_size(5.0, 3), "use a whole number or a pair"),
        (lambda: conv2d_cost((1, 3, 8, 8), (4, 3, 3, 3), groups=2), "groups 2 must divide"),
        (lambda: conv2d_cost((1, 3, 8, 8), (4, 2, 3, 3)), "needs 2 input channels, not 3"),
        (lambda: conv2d_cost((3, 8, 8), (4, 2, 3, 3)), "must be four whole numbers"),
        (lambda: receptive_field([(3, 1), (0, 1)]), "layer 2 is"),
    ],
)
def test_an_impossible_shape_says_why(call, message):
    with pytest.raises(ValueError, match=message):
        call()
