"""Ten losses by hand: values and gradients against Paddle's or scikit-learn's, finite differences, and errors."""

import numpy as np
import paddle
import paddle.nn.functional as F
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from course_utils.ops import losses

RNG = np.random.default_rng


@st.composite
def arrays(draw, dims=(1, 2, 3)):
    """A generator and a shape [N, ...]."""
    shape = tuple(draw(st.integers(1, 5)) for _ in range(draw(st.sampled_from(dims))))
    return RNG(draw(st.integers(0, 999))), shape


def same(ours, native, prediction, factor=1.0):
    """Value and gradient of ours equal the tensor native and its gradient for the tensor prediction."""
    value, gradient = ours
    native.backward()
    theirs = prediction.grad.numpy()
    assert gradient.shape == theirs.shape
    assert abs(value - factor * native.item()) <= 1e-9 * max(1, abs(value))
    assert np.abs(gradient - factor * theirs).max() <= 1e-9 * max(1, np.abs(gradient).max())


def tensor(array):
    return paddle.to_tensor(array, stop_gradient=False)


@settings(max_examples=25, deadline=None)
@given(arrays(), st.sampled_from(["sum", "elements", "batch"]), st.sampled_from([0.5, 1.0, 2.0]))
def test_losses_of_each_element_equal_paddles(drawn, reduction, delta):
    rng, shape = drawn
    p, t, y = rng.normal(0, 2, shape), rng.normal(0, 2, shape), rng.random(shape)
    signs = rng.choice([-1.0, 1.0], shape)
    native = {"reduction": "mean" if reduction == "elements" else "sum"}
    factor = 1 / shape[0] if reduction == "batch" else 1
    for ours, loss, target in (
        (losses.mse(p, t, reduction), F.mse_loss, t),
        (losses.mae(p, t, reduction), F.l1_loss, t),
        (losses.smooth_l1(p, t, reduction, delta), lambda *a, **k: F.smooth_l1_loss(*a, **k, delta=delta), t),
        (losses.logistic(p, y, reduction), F.binary_cross_entropy_with_logits, y),
        (losses.logistic(p, (signs + 1) / 2, reduction), F.soft_margin_loss, signs),
    ):
        x = tensor(p)
        same(ours, loss(x, paddle.to_tensor(target), **native), x, factor)


@settings(max_examples=25, deadline=None)
@given(arrays(dims=(2,)), st.sampled_from(["sum", "batch"]))
def test_nll_and_cross_entropy_equal_paddles(drawn, reduction):
    rng, (n, k) = drawn
    z, labels, rows = rng.normal(0, 3, (n, k)), rng.integers(k, size=n), rng.dirichlet(np.ones(k), n)
    native = {"reduction": "mean" if reduction == "batch" else "sum"}
    x = tensor(z)
    same(losses.cross_entropy(z, labels, reduction), F.cross_entropy(x, paddle.to_tensor(labels), **native), x)
    x = tensor(z)
    soft = F.cross_entropy(x, paddle.to_tensor(rows), soft_label=True, **native)
    same(losses.cross_entropy(z, rows, reduction), soft, x)
    log_p = losses.log_softmax(z)
    assert np.allclose(log_p, F.log_softmax(paddle.to_tensor(z)).numpy(), rtol=0, atol=1e-12)
    x = tensor(log_p)
    same(losses.nll(log_p, labels, reduction), F.nll_loss(x, paddle.to_tensor(labels), **native), x)


@settings(max_examples=25, deadline=None)
@given(arrays(dims=(1,)))
def test_msle_mape_and_hinge_equal_scikit_learns(drawn):
    rng, shape = drawn
    p, t = rng.uniform(0, 9, shape), rng.uniform(0.5, 9, shape)
    assert np.isclose(losses.msle(p, t)[0], metrics.mean_squared_log_error(t, p))
    assert np.isclose(losses.mape(p, t)[0], 100 * metrics.mean_absolute_percentage_error(t, p))
    signs, scores = np.concatenate([[-1, 1], np.sign(t - 4)]), rng.normal(0, 2, len(t) + 2)
    # scikit-learn takes a lone class for the negative one, so both are there.
    assert np.isclose(losses.hinge(scores, signs)[0], metrics.hinge_loss(signs, scores))


P = RNG(1).uniform(0.2, 3, (3, 4))
T = RNG(2).uniform(0.5, 4, (3, 4))
SIGNS = np.where(T > 2, 1.0, -1.0)
ROWS = T / T.sum(axis=1, keepdims=True)
TEN = {
    "mse": T,
    "mae": T,
    "smooth_l1": T,
    "msle": T,
    "mape": T,
    "logistic": ROWS,
    "hinge": SIGNS,
    "exponential": SIGNS,
    "nll": ROWS,
    "cross_entropy": ROWS,
}


@pytest.mark.parametrize("reduction", ["sum", "batch", "elements"])
@pytest.mark.parametrize("name", TEN)
def test_gradients_equal_finite_differences_and_reductions_divide(name, reduction):
    loss = getattr(losses, name)
    value, gradient = loss(P, TEN[name], reduction)
    for place in np.ndindex(*P.shape):
        step = np.zeros(P.shape)
        step[place] = 1e-6
        slope = (loss(P + step, TEN[name], reduction)[0] - loss(P - step, TEN[name], reduction)[0]) / 2e-6
        assert abs(slope - gradient[place]) < 1e-7 * max(1, abs(slope))
    divisor = {"sum": 1, "batch": 3, "elements": 12}[reduction]
    assert np.isclose(value * divisor, loss(P, TEN[name], "sum")[0])


def test_safe_forms_hold_where_the_plain_formulas_break():
    with np.errstate(all="ignore"):
        assert np.isinf(-np.log(1 - 1 / (1 + np.exp(-40.0))))  # the sigmoid of 40 is rounded to 1
        assert np.isnan(np.exp([1000.0, 0]) / np.exp([1000.0, 0]).sum()).any()
    assert losses.logistic([40.0], [0])[0] == 40
    assert losses.logistic([-1000.0], [0])[0] == 0
    assert losses.logistic([-40.0], [0])[0] == np.exp(-40.0)  # no digit is lost: 1 + exp(-40) is rounded to 1
    value, gradient = losses.cross_entropy([[1000.0, 0]], [1])
    assert value == 1000
    assert gradient.tolist() == [[1, -1]]


def test_worked_numbers():
    assert losses.mse([1, 4], [1, 2]) == (2, pytest.approx([0, 2]))
    assert losses.mae([3, 2], [2, 2])[1].tolist() == [0.5, 0]
    assert losses.smooth_l1([0.5, 3], [0, 0], "sum") == (0.125 + 2.5, pytest.approx([0.5, 1]))
    assert losses.hinge([0.5, 2], [1, 1], "sum") == (0.5, pytest.approx([-1, 0]))
    assert losses.nll(np.log([[0.8, 0.2]]), [0])[0] == pytest.approx(0.22314, abs=1e-5)
    with np.errstate(divide="ignore"):
        assert losses.nll(np.log([[1.0, 0.0]]), [0])[0] == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: losses.mse([1, 2], [1]), r"predictions \[2\] and targets \[1\]: give one target for each"),
        (lambda: losses.mse(1, 2), r"predictions \[\]"),
        (lambda: losses.mse([], []), r"predictions \[0\]"),
        (lambda: losses.mse([1], [1], "mean"), "reduction 'mean' is not known: use sum, batch, elements"),
        (lambda: losses.smooth_l1([1], [1], delta=0), "delta is 0"),
        (lambda: losses.msle([1, -1], [1, 1]), "one is -1: use values above -1"),
        (lambda: losses.mape([1, 1], [1, 0]), "divides by the target, and one is 0"),
        (lambda: losses.logistic([1, 1], [-1, 1]), "targets go from -1 to 1: write them as 0 and 1"),
        (lambda: losses.hinge([1, 1], [0, 1]), "targets go from 0 to 1: write the two classes as -1 and 1"),
        (lambda: losses.exponential([1], [2]), "write the two classes"),
        (lambda: losses.cross_entropy([[1, 2]], [2]), "labels must be whole numbers from 0 to 1"),
        (lambda: losses.cross_entropy([[1, 2]], [0.5]), "labels must be whole numbers"),
        (lambda: losses.nll([[1, 2]], [[1, 2]]), "rows of targets must be probabilities"),
        (lambda: losses.nll([1, 2], [1]), r"predictions \[2\] and targets \[1\]: give \[N, K\]"),
        (lambda: losses.cross_entropy([[1, 2]], [0, 1]), r"predictions \[1, 2\] and targets \[2\]"),
    ],
)
def test_wrong_arguments_say_what_to_do(call, message):
    with pytest.raises(ValueError, match=message):
        call()
