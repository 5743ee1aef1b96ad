"""Every rung of the ladder against Paddle's operator, over random shapes."""

import numpy as np
import paddle
import paddle.nn.functional as F
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils import ops
from course_utils.arithmetic import pad_amounts

TENSOR_RUNGS = ("paddle unfold", "paddle native")


def run(rung, x, w, b=None, **arguments):
    """Call a rung with arrays, whatever it takes, and return an array."""
    if rung not in TENSOR_RUNGS:
        return ops.LADDER[rung](x, w, b, **arguments)
    tensors = [None if a is None else paddle.to_tensor(a) for a in (x, w, b)]
    return ops.LADDER[rung](*tensors, **arguments).numpy()


def same(got, expected, tolerance=1e-5):
    assert got.shape == expected.shape
    assert np.abs(got - expected).max() <= tolerance * max(np.abs(expected).max(), 1e-3)


@st.composite
def cases(draw):
    groups = draw(st.integers(1, 3))
    shape = dict(
        x=(draw(st.integers(1, 3)), groups * draw(st.integers(1, 3)), draw(st.integers(5, 9)), draw(st.integers(5, 9))),
        kernel=(draw(st.integers(1, 3)), draw(st.integers(1, 3))),
        filters=groups * draw(st.integers(1, 3)),
    )
    side = st.tuples(st.integers(0, 2), st.integers(0, 2))
    arguments = dict(
        stride=draw(st.one_of(st.integers(1, 3), st.tuples(st.integers(1, 3), st.integers(1, 3)))),
        padding=draw(st.one_of(st.integers(0, 2), st.tuples(side, side), st.sampled_from(["same", "valid"]))),
        dilation=draw(st.integers(1, 2)),
        groups=groups,
    )
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    x = rng.standard_normal(shape["x"], dtype="float32")
    w = rng.standard_normal((shape["filters"], shape["x"][1] // groups, *shape["kernel"]), dtype="float32")
    b = rng.standard_normal(shape["filters"], dtype="float32") if draw(st.booleans()) else None
    return x, w, b, arguments


@settings(max_examples=100, deadline=None)
@given(cases())
def test_every_rung_equals_paddle(case):
    x, w, b, arguments = case
    pads = pad_amounts(x.shape[2:], w.shape[2:], arguments["stride"], arguments["padding"], arguments["dilation"])
    (top, bottom), (left, right) = pads
    padded = F.pad(paddle.to_tensor(x), [left, right, top, bottom])
    bias = None if b is None else paddle.to_tensor(b)
    expected = F.conv2d(
        padded, paddle.to_tensor(w), bias, arguments["stride"], 0, arguments["dilation"], arguments["groups"]
    ).numpy()
    for rung in ops.LADDER:
        same(run(rung, x, w, b, **arguments), expected)


@pytest.mark.parametrize("rung", [name for name in ops.LADDER if name not in TENSOR_RUNGS])
def test_numpy_rungs_keep_the_dtype(rung):
    x, w = np.ones((1, 2, 5, 5)), np.ones((3, 2, 3, 3))
    assert ops.LADDER[rung](x, w).dtype == np.float64
    assert ops.LADDER[rung](x.astype("float32"), w.astype("float32")).dtype == np.float32


@pytest.mark.parametrize("rung", ops.LADDER)
def test_the_kernel_is_not_flipped(rung):
    x = np.arange(1, 10, dtype="float32").reshape(1, 1, 3, 3)
    w = np.arange(4, dtype="float32").reshape(1, 1, 2, 2)
    assert run(rung, x, w).tolist() == [[[[25, 31], [43, 49]]]]  # the book's example, section 5.1.2


@pytest.mark.parametrize("rung", ops.LADDER)
@pytest.mark.parametrize(
    ("x_shape", "w_shape", "b_shape", "message"),
    [
        ((1, 1, 2, 2), (1, 1, 3, 3), None, "larger than the padded input"),
        ((1, 2, 5, 5), (1, 3, 3, 3), None, "needs 3 input channels, not 2"),
        ((2, 5, 5), (1, 1, 3, 3), None, "must be four whole numbers"),
        ((1, 1, 5, 5), (2, 1, 3, 3), (3,), "does not fit 2 kernels"),
    ],
)
def test_wrong_shapes_say_what_to_do(rung, x_shape, w_shape, b_shape, message):
    b = None if b_shape is None else np.zeros(b_shape, "float32")
    with pytest.raises(ValueError, match=message):
        run(rung, np.zeros(x_shape, "float32"), np.zeros(w_shape, "float32"), b)


def gradients(function, *arrays):
    tensors = [paddle.to_tensor(a, stop_gradient=False) for a in arrays]
    function(*tensors).square().sum().backward()
    return [t.grad.numpy() for t in tensors]


def test_unfold_has_the_gradients_of_the_native_convolution():
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(s) for s in ((2, 4, 7, 6), (6, 2, 3, 2), (6,))]
    arguments = dict(stride=2, padding=((1, 2), (0, 1)), dilation=(1, 2), groups=2)
    own = gradients(lambda *t: ops.conv2d_unfold(*t, **arguments), *arrays)
    native = gradients(lambda *t: ops.conv2d_native(*t, **arguments), *arrays)
    for got, expected in zip(own, native, strict=True):
        same(got, expected, 1e-9)
