"""Recurrent cells by hand against Paddle's layers: outputs, states, masks, gradients, counts, and errors."""

import contextlib

import numpy as np
import paddle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paddle import nn

from course_utils import ops

TOLERANCE = {"float32": 1e-5, "float64": 1e-9}
KINDS = {"simple": (ops.simple_cell, nn.SimpleRNN), "lstm": (ops.lstm_cell, nn.LSTM), "gru": (ops.gru_cell, nn.GRU)}


@contextlib.contextmanager
def made_in(dtype):
    """Paddle's recurrent layers take their type when they are made; `layer.to` breaks them."""
    paddle.set_default_dtype(dtype)
    try:
        yield
    finally:
        paddle.set_default_dtype("float32")


@st.composite
def cases(draw, kinds=tuple(KINDS)):
    """(kind, x [N, T, D], h0 [N, H], weights, lengths [N] or None)."""
    kind, dtype = draw(st.sampled_from(kinds)), draw(st.sampled_from(list(TOLERANCE)))
    n, t, d, h = (draw(st.integers(1, largest)) for largest in (4, 6, 4, 5))
    rng, rows = np.random.default_rng(draw(st.integers(0, 999))), h * {"simple": 1, "lstm": 4, "gru": 3}[kind]
    arrays = [rng.normal(size=shape) for shape in ((n, t, d), (n, h), (rows, d), (rows, h), (rows,), (rows,))]
    x, h0, *weights = (array.astype(dtype) for array in arrays)
    return kind, x, h0, tuple(weights), draw(st.none() | st.just(rng.integers(1, t + 1, n)))


def layer_with(kind, weights, size):
    """Paddle's layer with these weights."""
    with made_in(str(weights[0].dtype)):
        layer = KINDS[kind][1](weights[0].shape[1], size)
    for parameter, value in zip(layer.parameters(), weights, strict=True):
        parameter.set_value(value)
    return layer


def same(got, expected):
    assert got.dtype == expected.dtype
    assert got.shape == expected.shape
    assert np.abs(got - expected).max() <= TOLERANCE[str(expected.dtype)] * max(np.abs(expected).max(), 1)


def run_paddle(layer, x, h0, lengths, kind):
    start = paddle.to_tensor(h0[None])
    state = (start, paddle.zeros_like(start)) if kind == "lstm" else start
    return layer(x, state, sequence_length=None if lengths is None else paddle.to_tensor(lengths))


@settings(max_examples=60, deadline=None)
@given(cases())
def test_unrolled_cells_equal_paddles_layers(case):
    kind, x, h0, weights, lengths = case
    state = (h0, np.zeros_like(h0)) if kind == "lstm" else h0
    outputs, last = ops.unroll(KINDS[kind][0], x, state, weights, lengths)
    native, theirs = run_paddle(layer_with(kind, weights, h0.shape[1]), paddle.to_tensor(x), h0, lengths, kind)
    same(outputs, native.numpy())
    for ours, paddles in zip(last, theirs, strict=True) if kind == "lstm" else [(last, theirs)]:
        same(ours, paddles.numpy()[0])


@settings(max_examples=40, deadline=None)
@given(cases(kinds=("simple",)))
def test_bptt_equals_paddles_gradient(case):
    kind, x, h0, weights, lengths = case
    layer, tensor = layer_with(kind, weights, h0.shape[1]), paddle.to_tensor(x, stop_gradient=False)
    slopes = np.random.default_rng(1).normal(size=(*x.shape[:2], h0.shape[1])).astype(x.dtype)
    outputs, _ = run_paddle(layer, tensor, h0, lengths, kind)
    (outputs * paddle.to_tensor(slopes)).sum().backward()
    of_x, _, of_weights = ops.bptt(x, h0, weights, slopes, lengths)
    pairs = [(of_x, tensor), *zip(of_weights, layer.parameters(), strict=True)]
    for ours, theirs in pairs:
        expected = theirs.grad.numpy()
        assert ours.dtype == expected.dtype
        # Sums of many terms that cancel: relative to the terms, not to what is left of them.
        assert np.abs(ours - expected).max() <= 10 * TOLERANCE[str(x.dtype)] * (1 + np.abs(of_weights[0]).max())


@pytest.mark.parametrize("lengths", [None, [4, 2, 1]])
def test_bptt_equals_finite_differences(lengths):
    rng = np.random.default_rng(0)
    x, h0, slopes = rng.normal(size=(3, 4, 2)), rng.normal(size=(3, 3)), rng.normal(size=(3, 4, 3))
    weights = tuple(rng.normal(size=shape) for shape in ((3, 2), (3, 3), (3,), (3,)))
    of_x, of_h0, of_weights = ops.bptt(x, h0, weights, slopes, lengths)

    def loss():
        return (slopes * ops.unroll(ops.simple_cell, x, h0, weights, lengths)[0]).sum()

    for array, slope in zip((x, h0, *weights), (of_x, of_h0, *of_weights), strict=True):
        for place in np.ndindex(*array.shape):
            kept, values = array[place], []
            for step in (1e-6, -1e-6):
                array[place] = kept + step
                values.append(loss())
            array[place] = kept
            assert abs((values[0] - values[1]) / 2e-6 - slope[place]) < 1e-7


@pytest.mark.parametrize("kind", KINDS)
def test_padding_changes_nothing_where_lengths_are_given(kind):
    rng, layer = np.random.default_rng(2), KINDS[kind][1](3, 4)
    weights = tuple(parameter.numpy() for parameter in layer.parameters())
    x, lengths = rng.normal(size=(3, 6, 3)).astype("float32"), [6, 4, 1]
    start = np.zeros((3, 4), "float32")
    outputs, last = ops.unroll(KINDS[kind][0], x, (start, start) if kind == "lstm" else start, weights, lengths)
    for k, length in enumerate(lengths):
        alone = start[:1]
        single, end = ops.unroll(
            KINDS[kind][0], x[k : k + 1, :length], (alone, alone) if kind == "lstm" else alone, weights
        )
        assert np.allclose(outputs[k, :length], single[0], atol=1e-6)
        assert not outputs[k, length:].any()
        h, end = (last[0], end[0]) if kind == "lstm" else (last, end)
        assert np.allclose(h[k], end[0], atol=1e-6)


def test_a_worked_cell():
    one = np.ones((1, 1))
    weights = (one, one / 2, np.zeros(1), np.zeros(1))
    outputs, _ = ops.unroll(ops.simple_cell, np.array([[[1.0], [0.0], [0.0]]]), np.zeros((1, 1)), weights)
    assert np.allclose(outputs.ravel(), [0.7616, 0.3634, 0.1797], atol=1e-4)


def test_gates_with_weights_of_zero_are_half_open():
    zero = np.zeros((8, 3)), np.zeros((8, 2)), np.zeros(8), np.zeros(8)
    i, f, g, o = ops.lstm_gates(np.ones((1, 3)), np.ones((1, 2)), zero)
    assert (i == 0.5).all() and (f == 0.5).all() and (o == 0.5).all() and (g == 0).all()  # noqa: PT018
    h, c = ops.lstm_cell(np.ones((1, 3)), (np.zeros((1, 2)), np.full((1, 2), 8.0)), zero)
    assert np.allclose(c, 4)
    assert np.allclose(h, np.tanh(4) / 2)


def test_the_papers_gru_differs_only_where_the_reset_gate_acts():
    rng = np.random.default_rng(3)
    x, h = rng.normal(size=(2, 3)), rng.normal(size=(2, 4))
    w, u, b, c = (rng.normal(size=shape) for shape in ((12, 3), (12, 4), (12,), (12,)))
    after, before = (ops.gru_cell(x, h, (w, u, b, c), reset_after) for reset_after in (True, False))
    assert not np.allclose(after, before)
    open_gate = b.copy()
    open_gate[:4] = 1e3  # r = 1
    after, before = (ops.gru_cell(x, h, (w, u, open_gate, c), reset_after) for reset_after in (True, False))
    assert np.allclose(after, before)


@pytest.mark.parametrize("kind", KINDS)
def test_parameters_are_those_of_paddle(kind):
    layer = KINDS[kind][1](10, 20)
    assert ops.recurrent_parameters(kind, 10, 20) == sum(parameter.size for parameter in layer.parameters())


def test_one_bias_counts_as_in_jozefowicz_2015():
    counts = [ops.recurrent_parameters(kind, 10, 20, biases=1) for kind in ("simple", "gru", "lstm")]
    assert counts == [620, 1_860, 2_480]


def test_large_sums_do_not_overflow():
    huge = np.full((4, 1), 1e4), np.zeros((4, 1)), np.zeros(4), np.zeros(4)
    i, _, _, o = ops.lstm_gates(-np.ones((1, 1)), np.zeros((1, 1)), huge)
    assert (i.item(), o.item()) == (0, 0)


X, H = np.ones((2, 3, 1)), np.ones((2, 1))
ONE = np.ones((1, 1)), np.ones((1, 1)), np.ones(1), np.ones(1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: ops.simple_cell(H, H, (*ONE[:3], np.ones(2))),
            r"a simple cell of this size takes \[\[1, 1\], \[1, 1\]",
        ),
        (lambda: ops.lstm_cell(H, (H, H), ONE), r"a lstm cell of this size takes \[\[4, 1\], \[4, 1\], \[4\], \[4\]\]"),
        (lambda: ops.gru_cell(H[:1], H, ONE), "x as many rows as h"),
        (lambda: ops.unroll(ops.simple_cell, H, H, ONE), r"x is \[2, 1\]: give sequences"),
        (lambda: ops.unroll(ops.simple_cell, X, H, ONE, [3, 4]), r"\[3, 4\]: give one from 1 to 3 for each of 2"),
        (lambda: ops.unroll(ops.simple_cell, X, H, ONE, [0, 1]), "give one from 1 to 3"),
        (lambda: ops.unroll(ops.simple_cell, X, H, ONE, [1]), "for each of 2 sequences"),
        (lambda: ops.bptt(X, H, ONE, X[:, :2]), r"the slopes are \[2, 2, 1\]: give one for each output, \[2, 3, 1\]"),
        (lambda: ops.recurrent_parameters("rnn", 1, 1), "called 'rnn': use simple, lstm, gru"),
        (lambda: ops.recurrent_parameters("lstm", 1, 0), "1 inputs, 0 units, 2 biases"),
        (lambda: ops.recurrent_parameters("lstm", 1, 1, 3), "0 to 2"),
    ],
)
def test_wrong_arguments_say_what_to_do(call, message):
    with pytest.raises(ValueError, match=message):
        call()
