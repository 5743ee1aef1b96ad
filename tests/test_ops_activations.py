"""Activations: by hand against Paddle, derivatives against autograd and differences, formulas against functions."""

import re
from dataclasses import replace

import numpy as np
import paddle
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import ndtr

from course_utils.errors import CourseError
from course_utils.ops import activations
from course_utils.ops.activation_table import (
    ACTIVATIONS,
    Activation,
    activation_table,
    paddle_call,
    paddle_value_and_slope,
)

NOTES = """relu tanh sigmoid elu relu6 pow stanh hard_sigmoid swish prelu brelu leaky_relu soft_relu thresholded_relu
maxout logsigmoid hard_shrink softsign softplus tanh_shrink softshrink exp"""
POINTS = np.linspace(-8, 8, 101) + 0.03
BY_NAME = {activation.name: activation for activation in ACTIVATIONS}
each = pytest.mark.parametrize("activation", ACTIVATIONS, ids=BY_NAME)


def test_the_notes_22_and_three_more():
    assert sorted(a.name for a in ACTIVATIONS if a.noted) == sorted(NOTES.split())
    assert [a.name for a in ACTIVATIONS if not a.noted] == ["silu", "gelu", "mish"]
    assert sorted(activations.__all__) == sorted(BY_NAME)
    assert all(np.abs(POINTS - kink).min() > 0.005 for a in ACTIVATIONS for kink in a.kinks)


@each
def test_value_and_derivative_equal_paddles(activation):
    ours, theirs = activation(POINTS), paddle_value_and_slope(paddle_call(activation), POINTS)
    for mine, native in zip(ours, theirs, strict=True):
        assert mine.shape == POINTS.shape
        np.testing.assert_allclose(mine, native, rtol=1e-9, atol=1e-9)


@each
@given(x=arrays(np.float64, st.integers(1, 6), elements=st.floats(-15, 15)))
def test_any_points_equal_paddles(activation, x):
    away = np.array([all(abs(value - kink) > 1e-6 for kink in activation.kinks) for value in x])
    for mine, native in zip(activation(x), paddle_value_and_slope(paddle_call(activation), x), strict=True):
        # hardshrink keeps 0.5 itself, though its documentation says it does not
        np.testing.assert_allclose(mine[away], native[away], rtol=1e-9, atol=1e-9)


@each
def test_derivative_equals_differences(activation):
    h = 1e-6
    difference = (activation(POINTS + h)[0] - activation(POINTS - h)[0]) / (2 * h)
    np.testing.assert_allclose(activation(POINTS)[1], difference, rtol=1e-6, atol=1e-7)


@each
def test_kinks_are_where_the_slope_jumps_and_nowhere_else(activation):
    x = np.arange(-8, 8.25, 0.25)
    left, right = (activation(x + side)[1] for side in (-1e-7, 1e-7))
    assert tuple(x[np.abs(left - right) > 1e-3]) == activation.kinks


@each
def test_at_a_kink_the_slope_is_that_of_one_side(activation):
    kinks = np.array(activation.kinks, dtype=float)
    if kinks.size:
        sides = [activation(kinks + step)[1] for step in (-1e-6, 1e-6)]
        for slope in (activation(kinks)[1], paddle_value_and_slope(paddle_call(activation), kinks)[1]):
            assert np.isclose(slope, sides, atol=1e-5).any(axis=0).all()


def evaluated(formula, x, f=None):
    """A formula of the table as Python: brackets are truth values, and the field's signs are its operators."""
    text = formula.replace("²", "**2").replace("·", "*").replace("−", "-").replace("≤", "<=")
    text = re.sub(r"\|([^|]*)\|", r"abs(\1)", text).replace("[", "(").replace("]", ")")
    names = {name: getattr(np, name) for name in ("exp", "log", "tanh")} | {"max": np.maximum, "min": np.minimum}
    sigmoid = lambda x: 1 / (1 + np.exp(-x))  # noqa: E731
    density = lambda x: np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)  # noqa: E731
    names |= {"σ": sigmoid, "φ": density, "Φ": ndtr}
    return eval(text, names | {"x": x, "f": f, "s": np.log(1 + np.exp(x))})


@each
def test_the_formulas_are_what_is_computed(activation):
    f, slope = getattr(activations, activation.name)(POINTS)
    np.testing.assert_allclose(evaluated(activation.formula, POINTS), f, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(evaluated(activation.slope, POINTS, f) * 1.0, slope, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", sorted(set(BY_NAME) - {"exp", "pow", "soft_relu"}))
def test_far_points_neither_overflow_nor_lose_the_shape(name):
    x = np.array([[-800.0, 800.0]])
    f, slope = BY_NAME[name](x)
    assert f.shape == slope.shape == x.shape
    assert np.isfinite(f).all()
    assert np.isfinite(slope).all()


def test_gone_names_are_found_gone_and_others_by_rule():
    calls = {a.name: paddle_call(a) for a in ACTIVATIONS}
    assert {name for name, call in calls.items() if call == BY_NAME[name].replacement} == {"brelu", "soft_relu"}
    assert not any(hasattr(module, name) for module in (paddle, paddle.nn.functional) for name in ("brelu", "softrelu"))
    assert calls["hard_shrink"] == "F.hardshrink(x)"
    assert calls["exp"] == "paddle.exp(x)"
    assert calls["relu"] == "F.relu(x)"


@pytest.mark.parametrize(
    ("activation", "message"),
    [
        (Activation("no_such", "x", "1"), "no_such by no function of that name"),
        (
            replace(BY_NAME["relu"], arguments="x + 1"),
            r"does not compute relu by F.relu\(x \+ 1\)",
        ),
        (replace(BY_NAME["brelu"], replacement="F.hardtanh(x, 0, 5)"), r"brelu by F.hardtanh\(x, 0, 5\): use Paddle"),
    ],
)
def test_what_does_not_agree_is_refused(activation, message):
    with pytest.raises(CourseError, match=message):
        paddle_call(activation)


def test_the_table_as_text_and_as_html():
    table = activation_table((BY_NAME["brelu"], BY_NAME["hard_shrink"]))
    assert repr(table) == str(table)
    assert "brelu             f = min(max(0, x), 4)\n" in str(table)
    assert "gone: F.hardtanh(x, 0, 4)" in str(table)
    page = table._repr_html_()
    assert page.count("<td>") == page.count("</td>") == 8
    assert "<td>[0 &lt; x] · [x &lt; 4]</td>" in page
    assert "<td>F.hardshrink(x)</td>" in page
