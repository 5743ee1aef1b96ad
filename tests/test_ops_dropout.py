"""Dropout by hand against Paddle's, on the mask that Paddle drew, and its errors."""

import numpy as np
import paddle
import paddle.nn.functional as F
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils.ops.dropout import MODES, dropout, dropout_mask

TOLERANCE = {"float32": 1e-5, "float64": 1e-9}


def same(got, expected, p=0.5):
    assert got.dtype == expected.dtype
    assert got.shape == expected.shape
    # Paddle computes 1 - p in float32, also for float64 values.
    tolerance = TOLERANCE[str(expected.dtype)] if float(np.float32(p)) == p else 1e-5
    assert np.abs(got - expected).max() <= tolerance * max(np.abs(expected).max(), 1e-3)


def nowhere_zero(seed, shape, dtype):
    """Values from 0.5 to 1.5 with random signs, so that a zero in an output was dropped."""
    rng = np.random.default_rng(seed)
    return (rng.uniform(0.5, 1.5, shape) * rng.choice([-1, 1], shape)).astype(dtype)


CASES = dict(
    mode=st.sampled_from(MODES),
    p=st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 0.9]),
    dtype=st.sampled_from(list(TOLERANCE)),
    seed=st.integers(0, 99),
)


@settings(max_examples=100, deadline=None)
@given(shape=st.lists(st.integers(1, 5), min_size=2, max_size=4), **CASES)
def test_equals_paddle_on_the_same_mask_and_in_evaluation(shape, mode, p, dtype, seed):
    x = nowhere_zero(seed, shape, dtype)
    tensor = paddle.to_tensor(x, stop_gradient=False)
    paddle.seed(seed)
    native = F.dropout(tensor, p, mode=mode)
    mask = native.numpy() != 0
    same(dropout(x, p, mode, mask=mask), native.numpy(), p)
    own = paddle.to_tensor(x, stop_gradient=False)
    y = dropout(own, p, mode, mask=mask)
    same(y.numpy(), native.numpy(), p)
    native.square().sum().backward()
    y.square().sum().backward()
    same(own.grad.numpy(), tensor.grad.numpy(), p)
    evaluated = F.dropout(tensor, p, training=False, mode=mode).numpy()
    same(dropout(x, p, mode, training=False), evaluated, p)
    same(dropout(own, p, mode, training=False).numpy(), evaluated, p)


@settings(max_examples=50, deadline=None)
@given(shape=st.tuples(*[st.integers(1, 5)] * 4), seed=st.integers(0, 99), p=st.sampled_from([0.0, 0.3, 0.5]))
def test_whole_maps_equal_paddle(shape, seed, p):
    x = nowhere_zero(seed, shape, "float32")
    paddle.seed(seed)
    native = F.dropout2d(paddle.to_tensor(x), p).numpy()
    same(dropout(x, p, mask=native[:, :, :1, :1] != 0), native, p)
    drawn = dropout(x, p, generator=np.random.default_rng(seed), whole_maps=True)
    assert np.isin((drawn != 0).sum(axis=(2, 3)), (0, shape[2] * shape[3])).all()


def test_the_modes_on_ones():
    ones = paddle.ones([4, 100])
    paddle.seed(0)
    assert set(np.unique(F.dropout(ones, 0.5).numpy())) == {0, 2}
    generator = np.random.default_rng(0)
    values = {mode: dropout(np.ones((4, 100)), 0.5, mode, generator=generator) for mode in MODES}
    assert {mode: set(np.unique(y)) for mode, y in values.items()} == {MODES[0]: {0, 2}, MODES[1]: {0, 1}}
    assert [dropout(np.ones(3), 0.5, mode, training=False).tolist() for mode in MODES] == [[1] * 3, [0.5] * 3]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("whole_maps", [False, True])
def test_the_mean_over_masks_is_the_evaluation(mode, whole_maps):
    x = nowhere_zero(1, (100, 100, 1, 1), "float64")
    generator = np.random.default_rng(1)
    mean = np.mean([dropout(x, 0.5, mode, generator=generator, whole_maps=whole_maps) for _ in range(400)], axis=0)
    expected = dropout(x, 0.5, mode, training=False)
    assert abs((mean / expected).mean() - 1) < 0.003  # six standard errors
    assert np.abs(mean / expected - 1).max() < 0.35


def test_the_mask_drops_with_probability_p_and_shares_within_a_map():
    mask = dropout_mask((200, 50, 7, 7), 0.3, np.random.default_rng(2), whole_maps=True)
    assert (mask.shape, mask.dtype) == ((200, 50, 1, 1), np.float32)
    assert abs(mask.mean() - 0.7) < 0.03
    assert dropout_mask([3, 4], 0.0, np.random.default_rng(2)).min() == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mode": "downgrade_in_infer"}, "no mode 'downgrade_in_infer': did you mean 'downscale_in_infer'"),
        ({"mode": "upscale"}, "did you mean 'upscale_in_train'"),
        ({"p": 1.0}, "with p = 1.0 has nothing to keep.*: use 0 <= p < 1"),
        ({"p": -0.1}, "p = -0.1"),
        ({"p": float("nan")}, "p = nan"),
        ({}, "neither mask nor generator: give one"),
        ({"mask": np.full((2, 3), 2.0)}, "other than 0 and 1"),
        ({"mask": np.ones((3, 3))}, r"mask of shape \[3, 3\] does not fit x \[2, 3\]"),
        ({"mask": np.ones((1, 2, 3))}, r"mask of shape \[1, 2, 3\] does not fit"),
        ({"generator": np.random.default_rng(0), "whole_maps": True}, r"whole maps .* not from \[2, 3\]"),
    ],
)
def test_wrong_arguments_say_what_to_do(arguments, message):
    for x in (np.ones((2, 3)), paddle.ones([2, 3])):
        with pytest.raises(ValueError, match=message) as error:
            dropout(x, **arguments)
        assert "\n" not in str(error.value)


def test_a_wrong_name_is_wrong_in_evaluation_too():
    with pytest.raises(ValueError, match="downscale_in_infer"):
        dropout(np.ones(3), mode="downgrade_in_infer", training=False)
    with pytest.raises(ValueError, match="p = 2 has"):
        dropout_mask([3], 2, np.random.default_rng(0))


def test_paddle_notices_the_wrong_name_when_the_layer_is_called():
    layer = paddle.nn.Dropout(0.5, mode="downgrade_in_infer")
    with pytest.raises(ValueError, match=f"{MODES[1]}.*{MODES[0]}"):
        layer(paddle.ones([1, 2]))
