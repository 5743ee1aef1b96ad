"""Normalization by hand against Paddle's: values, running statistics, gradients, folding, and errors."""

import numpy as np
import paddle
import paddle.nn.functional as F
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils import ops

TOLERANCE = {"float32": 1e-5, "float64": 1e-9}


def same(got, expected, tolerance=None):
    assert got.dtype == expected.dtype
    assert got.shape == expected.shape
    tolerance = tolerance or TOLERANCE[str(expected.dtype)]
    assert np.abs(got - expected).max() <= tolerance * max(np.abs(expected).max(), 1)


@st.composite
def batches(draw, largest=6):
    """x [N, C] or [N, C, H, W], two values a channel at least, and gamma, beta, mean and variance [C]."""
    dtype, rng = draw(st.sampled_from(list(TOLERANCE))), np.random.default_rng(draw(st.integers(0, 999)))
    shape = [draw(st.integers(2, largest)), draw(st.integers(1, 4))]
    if draw(st.booleans()):
        shape += [draw(st.integers(1, 4)), draw(st.integers(1, 4))]
    x = rng.normal(rng.uniform(-2, 2), rng.uniform(0.5, 3), shape)
    gamma, beta, mean = rng.standard_normal((3, shape[1]))
    values = (x, gamma, beta, mean, rng.uniform(0.5, 2, shape[1]))
    return [array.astype(dtype) for array in values]


def tensors(*arrays):
    return [paddle.to_tensor(array, stop_gradient=False) for array in arrays]


@settings(max_examples=100, deadline=None)
@given(batches(), st.booleans(), st.sampled_from([0.0, 0.5, 0.75]), st.sampled_from([1e-5, 1e-3]))
def test_batch_norm_equals_paddle_with_running_statistics(batch, training, momentum, eps):
    x, gamma, beta, mean, var = batch
    y, running = ops.batch_norm(x, gamma, beta, (mean, var), training, momentum, eps)
    moved = tensors(mean, var)
    arguments = dict(training=training, momentum=momentum, epsilon=eps)
    native = F.batch_norm(paddle.to_tensor(x), *moved, *tensors(gamma, beta), **arguments)
    # Paddle keeps eps in float32, also for float64 values.
    same(y, native.numpy(), 1e-7 if x.dtype == np.float64 else None)
    for ours, theirs in zip(running, moved, strict=True):
        same(ours, theirs.numpy())


@settings(max_examples=50, deadline=None)
@given(batches())
def test_its_gradient_equals_paddles(batch):
    x, gamma, beta, mean, var = batch
    slope = np.random.default_rng(len(x)).standard_normal(x.shape).astype(x.dtype)
    inputs = tensors(x, gamma, beta)
    y = F.batch_norm(inputs[0], *tensors(mean, var), *inputs[1:], training=True, epsilon=2.0**-10)
    (y * paddle.to_tensor(slope)).sum().backward()
    for ours, tensor in zip(ops.batch_norm_gradient(x, gamma, slope, eps=2.0**-10), inputs, strict=True):
        scale = 1 + np.abs(slope).max() / np.sqrt(x.var(axis=(0, *range(2, x.ndim))) + 2.0**-10).min()
        assert np.abs(ours - tensor.grad.numpy()).max() <= TOLERANCE[str(x.dtype)] * scale


def test_its_gradient_equals_finite_differences():
    rng = np.random.default_rng(0)
    x, slope, gamma, beta = rng.standard_normal((5, 2)), rng.standard_normal((5, 2)), rng.random(2), rng.random(2)
    of_x, _, _ = ops.batch_norm_gradient(x, gamma, slope)

    def loss(x):
        return (slope * ops.batch_norm(x, gamma, beta, (np.zeros(2), np.ones(2)))[0]).sum()

    for place in np.ndindex(*x.shape):
        step = np.zeros_like(x)
        step[place] = 1e-6
        assert abs((loss(x + step) - loss(x - step)) / 2e-6 - of_x[place]) < 1e-7


def test_the_worked_batch():
    x = np.array([[1.0, 2], [3, 6], [5, 10]])
    y, (mean, var) = ops.batch_norm(x, np.ones(2), np.zeros(2), (np.zeros(2), np.ones(2)))
    assert np.abs(y - np.sqrt(1.5) * np.array([[-1], [0], [1]])).max() < 1e-5
    assert np.allclose(mean, [0.3, 0.6])
    assert np.allclose(var, [0.9 + 0.1 * 8 / 3, 0.9 + 0.1 * 32 / 3])


@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_a_folded_convolution_does_what_both_layers_did(biased, dtype):
    rng = np.random.default_rng(1)
    shapes = (2, 3, 6, 6), (4, 3, 3, 3), (4,), (4,), (4,), (4,)
    x, w, b, gamma, beta, mean = (rng.standard_normal(shape).astype(dtype) for shape in shapes)
    var, b = rng.uniform(0.5, 2, 4).astype(dtype), b if biased else None
    before = F.conv2d(*tensors(x, w), None if b is None else paddle.to_tensor(b))
    two = F.batch_norm(before, *tensors(mean, var, gamma, beta), epsilon=2.0**-10)
    one = F.conv2d(*tensors(x, *ops.fold_batch_norm(w, b, gamma, beta, mean, var, eps=2.0**-10)))
    same(one.numpy(), two.numpy())


@settings(max_examples=60, deadline=None)
@given(batches(), st.integers(0, 3))
def test_layer_group_and_instance_norm_equal_paddles(batch, choice):
    x, gamma, beta, _, _ = batch
    x = x.round()  # else a set of nearly equal values loses digits, in Paddle's E[x^2] - E[x]^2 as in ours
    eps, tensor, channels = 2.0**-10, paddle.to_tensor(x), x.shape[1]
    divisors = [groups for groups in range(1, channels + 1) if channels % groups == 0]
    groups = divisors[choice % len(divisors)]
    whole = [np.broadcast_to(a.reshape(-1, *[1] * (x.ndim - 2)), x.shape[1:]).copy() for a in (gamma, beta)]
    native = F.layer_norm(tensor, x.shape[1:], *tensors(*[a.ravel() for a in whole]), eps)  # it takes them flat
    same(ops.layer_norm(x, *whole, eps), native.numpy())
    native = F.group_norm(tensor, groups, eps, *tensors(gamma, beta))
    same(ops.group_norm(x, groups, gamma, beta, eps), native.numpy())
    if x.ndim == 4 and x[0, 0].size > 1:  # Paddle has none for [N, C]
        native = F.instance_norm(tensor, weight=paddle.to_tensor(gamma), bias=paddle.to_tensor(beta), eps=eps)
        same(ops.instance_norm(x, gamma, beta, eps), native.numpy())


TWO, THREE = np.ones(2), np.ones(3)
X = np.ones((4, 2, 3, 3))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ops.batch_norm(X, THREE, TWO, (TWO, TWO)), r"gamma is \[3\]: give one value for each of 2 channels"),
        (lambda: ops.batch_norm(X, TWO, TWO, (TWO, THREE)), r"variance is \[3\]"),
        (lambda: ops.batch_norm(np.ones(4), TWO, TWO, (TWO, TWO)), r"takes \[N, C, ...\], not \[4\]"),
        (lambda: ops.batch_norm_gradient(X, TWO, X[:1]), r"the slope is \[1, 2, 3, 3\]"),
        (lambda: ops.fold_batch_norm(X, None, THREE, THREE, THREE, THREE), "bias is .* each of 4 channels"),
        (lambda: ops.layer_norm(X, TWO, TWO), r"gamma is \[2\]: give the shape of a sample, \[2, 3, 3\]"),
        (lambda: ops.group_norm(X, 3, TWO, TWO), "2 channels do not fall into 3 equal groups"),
        (lambda: ops.group_norm(X, 0, TWO, TWO), "into 0 equal groups"),
    ],
)
def test_wrong_shapes_say_what_to_do(call, message):
    with pytest.raises(ValueError, match=message):
        call()
