"""Homework 7: recurrent cells, masks and clipping by hand; right is what Paddle's layers give."""

from __future__ import annotations

from typing import Any

import numpy as np

from course_utils.homework.questions import Assignment, Case, Known, Question

__all__ = ["ASSIGNMENT"]

Array = np.ndarray
Weights = tuple[Array, Array, Array, Array]


def _layer(kind: str, weights: Weights) -> Any:
    """Paddle's layer of one direction with these weights."""
    import paddle

    hidden = weights[1].shape[1]
    paddle.set_default_dtype("float64")
    try:
        layer = getattr(paddle.nn, kind)(weights[0].shape[1], hidden)
    finally:
        paddle.set_default_dtype("float32")
    for parameter, array in zip(layer.parameters(), weights, strict=True):
        parameter.set_value(array)
    return layer


def _run(kind: str, weights: Weights, *arrays: Any, **options: Any) -> Any:
    import paddle

    with paddle.no_grad():
        return _layer(kind, weights)(*map(paddle.to_tensor, arrays), **options)


def simple_rnn(x: Array, w: Array, u: Array, b: Array, b2: Array) -> Array:
    return np.asarray(_run("SimpleRNN", (w, u, b, b2), x)[0].numpy())


def lstm_step(x: Array, h: Array, c: Array, w: Array, u: Array, b: Array, b2: Array) -> tuple[Array, Array]:
    import paddle

    cell = _layer("LSTMCell", (w, u, b, b2))
    with paddle.no_grad():
        _, (new_h, new_c) = cell(*[paddle.to_tensor(x), tuple(map(paddle.to_tensor, (h, c)))])
    return np.asarray(new_h.numpy()), np.asarray(new_c.numpy())


def gru_step(x: Array, h: Array, w: Array, u: Array, b: Array, b2: Array) -> Array:
    import paddle

    cell = _layer("GRUCell", (w, u, b, b2))
    with paddle.no_grad():
        return np.asarray(cell(paddle.to_tensor(x), paddle.to_tensor(h))[1].numpy())


def last_state(x: Array, lengths: Array, w: Array, u: Array, b: Array, b2: Array) -> Array:
    import paddle

    state = _run("SimpleRNN", (w, u, b, b2), x, sequence_length=paddle.to_tensor(lengths))[1]
    return np.asarray(state.numpy()[0])


def recurrent_parameters(kind: str, inputs: int, hidden: int) -> int:
    import paddle

    layer = getattr(paddle.nn, {"rnn": "SimpleRNN", "gru": "GRU", "lstm": "LSTM"}[kind])(inputs, hidden)
    return int(sum(parameter.size for parameter in layer.parameters()))


def clip(gradients: list[Array], limit: float) -> list[Array]:
    length = np.sqrt(sum((g**2).sum() for g in gradients))
    return [g * min(1.0, limit / length) for g in gradients]


def weights_of(generator: np.random.Generator, blocks: int, inputs: int, hidden: int) -> Weights:
    shapes = (blocks * hidden, inputs), (blocks * hidden, hidden), (blocks * hidden,), (blocks * hidden,)
    w, u, b, b2 = (generator.normal(size=shape) * 0.7 for shape in shapes)
    return w, u, b, b2


def sequences(generator: np.random.Generator) -> list[Case]:
    one = np.array([[[1.0], [0.0], [0.0]]]), np.ones((1, 1)), np.full((1, 1), 0.5), np.zeros(1), np.zeros(1)
    return [
        Case("example", one),
        Case("one step", (generator.normal(size=(3, 1, 2)), *weights_of(generator, 1, 2, 4))),
        Case("batch of sequences", (generator.normal(size=(2, 5, 3)), *weights_of(generator, 1, 3, 4))),
        Case("as many states as inputs", (generator.normal(size=(2, 3, 3)), *weights_of(generator, 1, 3, 3))),
    ]


def steps(generator: np.random.Generator, blocks: int, cell_state: bool) -> list[Case]:
    def some(n: int, inputs: int, hidden: int) -> tuple[Any, ...]:
        states = [generator.normal(size=(n, hidden)) for _ in range(1 + cell_state)]
        return (generator.normal(size=(n, inputs)), *states, *weights_of(generator, blocks, inputs, hidden))

    zeros = tuple(np.zeros(shape) for shape in ((blocks, 1), (blocks, 1), blocks, blocks))
    states = [np.zeros((1, 1)), np.full((1, 1), 8.0)] if cell_state else [np.full((1, 1), 0.8)]
    return [
        Case("weights of 0", (np.ones((1, 1)), *states, *zeros)),
        Case("one sequence", some(1, 3, 2)),
        Case("a batch", some(3, 2, 4)),
    ]


def padded(generator: np.random.Generator) -> list[Case]:
    def some(lengths: list[int]) -> tuple[Any, ...]:
        x = generator.normal(size=(len(lengths), max(lengths), 2))
        return x, np.array(lengths), *weights_of(generator, 1, 2, 3)

    return [Case("all as long", some([4, 4])), Case("shorter ones", some([2, 5, 3])), Case("one step", some([1, 3]))]


def layers(generator: np.random.Generator) -> list[Case]:
    sizes = [int(size) for size in generator.integers(3, 40, size=4)]
    return [
        Case("SimpleRNN", ("rnn", 10, 20)),
        Case("SimpleRNN", ("rnn", sizes[0], sizes[1])),
        Case("GRU", ("gru", 10, 20)),
        Case("GRU", ("gru", sizes[1], sizes[2])),
        Case("LSTM", ("lstm", 10, 20)),
        Case("LSTM", ("lstm", sizes[2], sizes[3])),
    ]


def gradients(generator: np.random.Generator) -> list[Case]:
    long = [5 * generator.normal(size=shape) for shape in ((2, 3), (4,))]
    return [
        Case("example", ([np.array([3.0]), np.array([4.0])], 1.0)),
        Case("too long", (long, 2.0)),
        Case("too long", ([np.array([3.0, 4.0]), np.array([0.3])], 1.0)),
        Case("short enough", ([g / 100 for g in long], 2.0)),
    ]


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def rnn_by_hand(x: Array, w: Array, u: Array, b: Array, back: str = "state") -> Array:
    """The simple net with what is fed back: the state, nothing, the input before, or the state times u's rows."""
    h, states = np.zeros((len(x), u.shape[0])), []
    for t in range(x.shape[1]):
        fed = {"state": h @ u.T, "nothing": 0 * h, "rows": h @ u}[back]
        h = np.tanh(x[:, t] @ w.T + fed + b)
        states.append(h)
    return np.stack(states, 1)


def lstm_by_hand(mistake: str) -> Any:
    def step(x: Array, h: Array, c: Array, w: Array, u: Array, b: Array, b2: Array) -> tuple[Array, Array]:
        z = np.split(x @ w.T + h @ u.T + b + (0 if mistake == "bias" else b2), 4, axis=1)
        order = {"ifog": (0, 1, 3, 2), "figo": (1, 0, 2, 3)}.get(mistake, (0, 1, 2, 3))
        i, f, g, o = (z[place] for place in order)
        i, f, o = sigmoid(i), sigmoid(f), sigmoid(o)
        g = sigmoid(g) if mistake == "sigmoid" else np.tanh(g)
        new_c = f * c + (g if mistake == "input" else (1 - f) * g if mistake == "coupled" else i * g)
        new_h = o * new_c if mistake == "tanh" else o * np.tanh(new_c)
        return (new_c, new_h) if mistake == "order" else (new_h, new_c)

    return step


def gru_by_hand(mistake: str) -> Any:
    def step(x: Array, h: Array, w: Array, u: Array, b: Array, b2: Array) -> Array:
        of_x, of_h = np.split(x @ w.T + b, 3, axis=1), np.split(h @ u.T + b2, 3, axis=1)
        r, z = sigmoid(of_x[0] + of_h[0]), sigmoid(of_x[1] + of_h[1])
        if mistake == "blocks":
            r, z = z, r
        g = np.tanh(of_x[2] + r * of_h[2])
        size = h.shape[1]
        if mistake == "before":
            g = np.tanh(of_x[2] + (r * h) @ u[2 * size :].T + b2[2 * size :])
        if mistake == "no reset":
            g = np.tanh(of_x[2] + of_h[2])
        if mistake == "forgets":
            return (1 - z) * g
        return (1 - z) * h + z * g if mistake == "exchanged" else z * h + (1 - z) * g

    return step


def masked_by_hand(mistake: str) -> Any:
    def state(x: Array, lengths: Array, w: Array, u: Array, b: Array, b2: Array) -> Array:
        states = simple_rnn(x, w, u, b, b2)
        if mistake == "input":
            real = np.arange(x.shape[1]) < lengths[:, None]
            return simple_rnn(x * real[..., None], w, u, b, b2)[:, -1]
        if mistake == "zero":
            return states[:, -1] * (lengths == x.shape[1])[:, None]
        places = {"end": np.full_like(lengths, x.shape[1] - 1), "late": np.minimum(lengths, x.shape[1] - 1)}
        return states[np.arange(len(x)), places[mistake]]

    return state


def counted(biases: int, factors: dict[str, int]) -> Any:
    return lambda kind, d, h: factors[kind] * h * (h + d + biases)


FACTORS = {"rnn": 1, "gru": 3, "lstm": 4}
SIMPLE = Question(
    "q1",
    "A recurrent net",
    "simple_rnn",
    6,
    sequences,
    simple_rnn,
    (
        Known(
            "the state is not handed on: each step starts from 0.",
            lambda x, w, u, b, b2: rnn_by_hand(x, w, u, b + b2, "nothing"),
        ),
        Known(
            "a row of U gives one new state: h times U transposed.",
            lambda x, w, u, b, b2: rnn_by_hand(x, w, u, b + b2, "rows"),
        ),
        Known("Paddle has two biases: add both.", lambda x, w, u, b, b2: rnn_by_hand(x, w, u, b)),
        Known(
            "only the last state: give all of them, [N, T, H].",
            lambda x, w, u, b, b2: simple_rnn(x, w, u, b, b2)[:, -1],
        ),
        Known(
            "the steps come before the states: give [N, T, H].",
            lambda x, w, u, b, b2: simple_rnn(x, w, u, b, b2).swapaxes(0, 1),
        ),
        Known(
            "the tanh is left out.",
            lambda x, w, u, b, b2: np.arctanh(simple_rnn(x, w, u, b, b2).clip(-0.999999, 0.999999)),
        ),
    ),
    avoid=("SimpleRNN", "ops.unroll"),
)
COUNT = Question(
    "q2",
    "Parameters as Paddle counts them",
    "recurrent_parameters",
    5,
    layers,
    recurrent_parameters,
    (
        Known("one bias, as the papers have it: Paddle keeps two.", counted(1, FACTORS)),
        Known("the biases are left out: there are two.", counted(0, FACTORS)),
        Known(
            "an LSTM has three gates and a candidate, a GRU two gates and a candidate.",
            counted(2, {"rnn": 1, "gru": 2, "lstm": 3}),
        ),
        Known("GRU and LSTM are exchanged.", counted(2, {"rnn": 1, "gru": 4, "lstm": 3})),
        Known("the weights from state to state are left out.", lambda kind, d, h: FACTORS[kind] * h * (d + 2)),
    ),
    avoid=("SimpleRNN", "nn.GRU", "nn.LSTM"),
)
LSTM = Question(
    "q3",
    "One step of an LSTM",
    "lstm_step",
    8,
    lambda generator: steps(generator, 4, True),
    lstm_step,
    (
        Known("Paddle's blocks are in the order i, f, g, o, not i, f, o, g.", lstm_by_hand("ifog")),
        Known("Paddle's blocks are in the order i, f, g, o, not f, i, g, o.", lstm_by_hand("figo")),
        Known("the candidate g goes through tanh, the gates through the sigmoid.", lstm_by_hand("sigmoid")),
        Known("h is o times tanh(c): the tanh is left out.", lstm_by_hand("tanh")),
        Known("the input gate is left out: f c + i g.", lstm_by_hand("input")),
        Known("1 - f in place of the input gate: the two are not coupled.", lstm_by_hand("coupled")),
        Known("Paddle has two biases: add both.", lstm_by_hand("bias")),
        Known("h comes first, then c.", lstm_by_hand("order")),
    ),
    avoid=("LSTMCell", "ops.lstm"),
)
GRU = Question(
    "q4",
    "One step of a GRU",
    "gru_step",
    7,
    lambda generator: steps(generator, 3, False),
    gru_step,
    (
        Known("the reset gate comes before the product in the paper, and after it in Paddle.", gru_by_hand("before")),
        Known("z keeps the old state in Paddle; 1 - z is another convention.", gru_by_hand("exchanged")),
        Known("Paddle's blocks are in the order r, z, g.", gru_by_hand("blocks")),
        Known("the reset gate is left out.", gru_by_hand("no reset")),
        Known("the old state is left out: z keeps a share of it.", gru_by_hand("forgets")),
    ),
    avoid=("GRUCell", "ops.gru"),
)
MASK = Question(
    "q5",
    "Sequences of different length",
    "last_state",
    6,
    padded,
    last_state,
    (
        Known("the state after all steps: the padding of the shorter ones is in it.", masked_by_hand("end")),
        Known("padding of 0 still moves the state: hold it.", masked_by_hand("input")),
        Known("one step too late: the last real step has the number length - 1.", masked_by_hand("late")),
        Known("the state was set to 0 behind the end: keep the last real one.", masked_by_hand("zero")),
        Known(
            "that is the state of zeros before the first step: give the one after the last.",
            lambda x, lengths, w, u, b, b2: 0 * last_state(x, lengths, w, u, b, b2),
        ),
    ),
    avoid=("SimpleRNN", "ops.unroll"),
)
CLIP = Question(
    "q6",
    "Clipping by the global norm",
    "clip",
    4,
    gradients,
    clip,
    (
        Known(
            "each by its own norm: the norm is that of all together.",
            lambda gs, limit: [clip([g], limit)[0] for g in gs],
        ),
        Known(
            "every value was cut off: scale them all by one factor.",
            lambda gs, limit: [g.clip(-limit, limit) for g in gs],
        ),
        Known(
            "short gradients stay as they are.",
            lambda gs, limit: [g * limit / np.sqrt(sum((g**2).sum() for g in gs)) for g in gs],
        ),
        Known(
            "the root is missing.", lambda gs, limit: [g * min(1.0, limit / sum((g**2).sum() for g in gs)) for g in gs]
        ),
        Known(
            "the norms were added up: add the squares, then take the root.",
            lambda gs, limit: [g * min(1.0, limit / sum(np.linalg.norm(g) for g in gs)) for g in gs],
        ),
    ),
    avoid=("ClipGradBy", "ops.clip"),
)
ASSIGNMENT = Assignment(
    "hw7",
    "hw7_recurrent",
    "Recurrent nets",
    (SIMPLE, COUNT, LSTM, GRU, MASK, CLIP),
    ("Why does an LSTM remember longer than a simple recurrent net? Which path does the gradient take?",),
    paddle=True,
)
