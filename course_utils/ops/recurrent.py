"""Recurrent cells (循环单元) by hand: simple, LSTM and GRU, unrolled over a sequence, and the simple one's gradient.

Arrays of NumPy. x [N, T, D]: N sequences of T steps with D values each; a state h [N, H]. Weights are a tuple in the
order of Paddle's `layer.parameters()`: w [G H, D] on the input, u [G H, H] on the state, and two biases [G H]. G is 1
(simple), 4 (LSTM) or 3 (GRU), and the G blocks lie one below the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

__all__ = ["bptt", "gru_cell", "lstm_cell", "lstm_gates", "recurrent_parameters", "simple_cell", "unroll"]

Weights = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # w, u, the bias beside w, the bias beside u
State = Any  # h [N, H], or for an LSTM the pair (h, c)
BLOCKS = {"simple": 1, "lstm": 4, "gru": 3}


def simple_cell(x: np.ndarray, h: np.ndarray, weights: Weights) -> np.ndarray:
    """The next state [N, H], h' = tanh(W x + U h + b), from the input x [N, D] and the state h [N, H].

    Raises ValueError for weights that do not fit. Source: Elman 1990, Finding structure in time (there a sigmoid).
    """
    of_input, of_state = _sums(x, h, weights, "simple")
    return np.tanh(of_input + of_state)


def lstm_gates(x: np.ndarray, h: np.ndarray, weights: Weights) -> tuple[np.ndarray, ...]:
    """Input gate i, forget gate f, candidate g and output gate o, [N, H] each, in Paddle's order of the blocks.

    i, f and o are sigmoids of W x + U h + b, from 0 to 1; g is a tanh, from -1 to 1. Raises ValueError for weights that
    do not fit. Source: Hochreiter & Schmidhuber 1997 (i, g, o), Gers, Schmidhuber & Cummins 2000 (f).
    """
    i, f, g, o = np.split(sum(_sums(x, h, weights, "lstm")), 4, axis=1)
    return _sigmoid(i), _sigmoid(f), np.tanh(g), _sigmoid(o)


def lstm_cell(x: np.ndarray, state: tuple[np.ndarray, np.ndarray], weights: Weights) -> tuple[np.ndarray, np.ndarray]:
    """The next (h, c), [N, H] each: c' = f c + i g, h' = o tanh(c'). Source and errors as `lstm_gates`."""
    h, c = state
    i, f, g, o = lstm_gates(x, h, weights)
    c = f * c + i * g
    return o * np.tanh(c), c


def gru_cell(x: np.ndarray, h: np.ndarray, weights: Weights, reset_after: bool = True) -> np.ndarray:
    """The next state [N, H], h' = z h + (1 - z) g, with the blocks in Paddle's order: reset r, update z, candidate g.

    reset_after: g = tanh(W x + b + r (U h + c)) with the second bias c, as Paddle and cuDNN have it; else
    g = tanh(W x + b + U (r h) + c), the paper's form. Raises ValueError for weights that do not fit.
    Source: Cho et al. 2014 (arXiv:1406.1078), equations 5 to 8.
    """
    of_input, of_state = (np.split(part, 3, axis=1) for part in _sums(x, h, weights, "gru"))
    r, z = (_sigmoid(of_input[k] + of_state[k]) for k in (0, 1))
    if reset_after:
        g = np.tanh(of_input[2] + r * of_state[2])
    else:
        size = h.shape[1]
        g = np.tanh(of_input[2] + (r * h) @ weights[1][2 * size :].T + weights[3][2 * size :])
    return z * h + (1 - z) * g


def unroll(
    cell: Callable[..., State],
    x: np.ndarray,
    state: State,
    weights: Weights,
    lengths: Sequence[int] | np.ndarray | None = None,
) -> tuple[np.ndarray, State]:
    """The output at each step [N, T, H], and the last state: one cell, with the same weights at every step.

    cell: one of this module's cells, (x [N, D], state, weights) -> state; x: [N, T, D], T >= 1. lengths: how many steps
    of each sequence are real, 1 to T [N]. After its length a sequence's state stays and its output is 0, as in Paddle.
    Raises ValueError for other shapes and lengths.
    """
    if x.ndim != 3 or not x.shape[1]:
        raise ValueError(f"x is {list(x.shape)}: give sequences [N, T, D] of at least one step")
    real = _mask(lengths, x)
    outputs = []
    for t in range(x.shape[1]):
        state = _choose(real[:, t, None], cell(x[:, t], state, weights), state)
        h = state[0] if isinstance(state, tuple) else state
        outputs.append(np.where(real[:, t, None], h, 0))
    return np.stack(outputs, axis=1).astype(x.dtype), state


def bptt(
    x: np.ndarray,
    h0: np.ndarray,
    weights: Weights,
    slopes: np.ndarray,
    lengths: Sequence[int] | np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray, Weights]:
    """The loss's slopes for x, h0 and the weights of an unrolled simple cell: back-propagation through time.

    slopes: the loss's slopes for the outputs of `unroll` [N, T, H]; the rest as there. Raises ValueError for shapes
    that do not fit. Source: Werbos 1990, Backpropagation through time: what it does and how to do it.
    """
    outputs, _ = unroll(simple_cell, x, h0, weights, lengths)
    if slopes.shape != outputs.shape:
        raise ValueError(f"the slopes are {list(slopes.shape)}: give one for each output, {list(outputs.shape)}")
    w, u, _, _ = weights
    real = _mask(lengths, x)
    before = np.concatenate([h0[:, None], outputs[:, :-1]], axis=1)  # the state that each step began with
    of_x, of_w, of_u, of_b = np.zeros_like(x), np.zeros_like(w), np.zeros_like(u), np.zeros_like(weights[2])
    of_h = np.zeros_like(h0)  # what all later steps say of the state
    for t in reversed(range(x.shape[1])):
        # Behind its length a sequence has no step: nothing arrives, and nothing has to pass.
        of_sum = np.where(real[:, t, None], (slopes[:, t] + of_h) * (1 - outputs[:, t] ** 2), 0)
        of_x[:, t] = of_sum @ w
        of_w += of_sum.T @ x[:, t]
        of_u += of_sum.T @ before[:, t]
        of_b += of_sum.sum(axis=0)
        of_h = of_sum @ u
    return of_x, of_h, (of_w, of_u, of_b, of_b.copy())


def recurrent_parameters(kind: str, in_features: int, hidden: int, biases: int = 2) -> int:
    """How many weights a layer of `kind` "simple", "lstm" or "gru" has: G H (D + H + biases), with G = 1, 4 or 3.

    biases: 2 as Paddle, PyTorch and cuDNN keep them, one beside each matrix; 1 as Jozefowicz et al. 2015 write
    LSTM and GRU; 0 as Cho et al. 2014 print the GRU (equations 5 to 8). Raises ValueError for another kind, sizes below
    1 and other numbers of biases.

    >>> [recurrent_parameters(kind, 10, 20) for kind in ("simple", "gru", "lstm")]
    [640, 1920, 2560]
    """
    if kind not in BLOCKS:
        raise ValueError(f"no recurrent layer is called {kind!r}: use {', '.join(BLOCKS)}")
    if min(in_features, hidden) < 1 or biases not in (0, 1, 2):
        raise ValueError(f"{in_features} inputs, {hidden} units, {biases} biases: use 1 or more, 1 or more, and 0 to 2")
    return BLOCKS[kind] * hidden * (in_features + hidden + biases)


def _sums(x: np.ndarray, h: np.ndarray, weights: Weights, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """W x + b and U h + c, [N, G H] each."""
    w, u, b, c = weights
    rows = BLOCKS[kind] * h.shape[-1]
    expected = [(rows, x.shape[-1]), (rows, h.shape[-1]), (rows,), (rows,)]
    if (found := [part.shape for part in weights]) != expected or x.shape[:-1] != h.shape[:-1]:
        raise ValueError(
            f"x {list(x.shape)} and h {list(h.shape)} do not fit the weights {[list(shape) for shape in found]}: a "
            f"{kind} cell of this size takes {[list(shape) for shape in expected]}, and x as many rows as h"
        )
    return x @ w.T + b, h @ u.T + c


def _mask(lengths: Sequence[int] | np.ndarray | None, x: np.ndarray) -> np.ndarray:
    """Which steps are real, booleans [N, T]."""
    count, steps = x.shape[:2]
    if lengths is None:
        return np.ones((count, steps), dtype=bool)
    ends = np.asarray(lengths)
    if ends.shape != (count,) or ends.min() < 1 or ends.max() > steps:
        raise ValueError(f"the lengths are {ends.tolist()}: give one from 1 to {steps} for each of {count} sequences")
    return np.arange(steps) < ends[:, None]


def _choose(real: np.ndarray, new: State, old: State) -> State:
    """The new state where a step is real, else the old one."""
    if isinstance(new, tuple):
        return tuple(np.where(real, a, b) for a, b in zip(new, old, strict=True))
    return np.where(real, new, old)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return (1 + np.tanh(x / 2)) / 2  # exp(-x) would overflow for large negative x
