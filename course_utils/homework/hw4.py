"""Homework 4: losses and optimizers by hand, on arrays; what is right is what Paddle gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from course_utils.homework.questions import Assignment, Case, Known, Question

__all__ = ["ASSIGNMENT"]

Array = np.ndarray
LOOSE = 1e-6  # Paddle's optimizers keep constants such as 0.9 in float32, also for float64 weights


def cross_entropy(logits: Array, labels: Array) -> float:
    import paddle

    loss = paddle.nn.functional.cross_entropy(paddle.to_tensor(logits), paddle.to_tensor(labels))
    return float(loss.item())


def cross_entropy_gradient(logits: Array, labels: Array) -> Array:
    import paddle

    z = paddle.to_tensor(logits, stop_gradient=False)
    paddle.nn.functional.cross_entropy(z, paddle.to_tensor(labels)).backward()
    return np.asarray(z.grad.numpy())


def smooth_l1(predictions: Array, targets: Array) -> float:
    import paddle

    pair = paddle.to_tensor(predictions), paddle.to_tensor(targets)
    return float(paddle.nn.functional.smooth_l1_loss(*pair).item())


def momentum(w: Array, gradients: Array, rates: list[float], mu: float) -> Array:
    return _descended("Momentum", w, gradients, rates, momentum=mu)


def adam(w: Array, gradients: Array, lr: float, beta1: float, beta2: float, eps: float) -> Array:
    return _descended("Adam", w, gradients, [lr] * len(gradients), beta1=beta1, beta2=beta2, epsilon=eps)


def adamw(w: Array, gradients: Array, lr: float, weight_decay: float) -> Array:
    return _descended("AdamW", w, gradients, [lr] * len(gradients), weight_decay=weight_decay)


def _descended(kind: str, w: Array, gradients: Array, rates: list[float], **settings: Any) -> Array:
    """The weights after a step of Paddle's optimizer for each gradient."""
    import paddle

    weights = paddle.to_tensor(w, stop_gradient=False)
    optimizer = getattr(paddle.optimizer, kind)(rates[0], parameters=[weights], **settings)
    for g, rate in zip(gradients, rates, strict=True):
        optimizer.set_lr(rate)
        (weights * paddle.to_tensor(g)).sum().backward()  # a loss whose gradient is g
        optimizer.step()
        optimizer.clear_grad()
    return np.asarray(weights.numpy())


def scored(generator: np.random.Generator) -> list[Case]:
    def some(n: int, classes: int, offset: float) -> tuple[Array, Array]:
        return offset + 3 * generator.normal(size=(n, classes)), generator.integers(0, classes, n)

    example = np.array([[2.0, 1.0, 0.0], [0.0, 0.0, 3.0]]), np.array([0, 1])
    return [Case("example", example), Case("batch", some(7, 5, 0)), Case("large logits", some(4, 3, 800))]


def measured(generator: np.random.Generator) -> list[Case]:
    example = np.array([1.0, 5.0]), np.array([1.5, 2.0])  # one error below 1, one above
    small, mixed = generator.normal(size=(2, 6)), generator.normal(size=(2, 4, 3)) * 3
    return [
        Case("example", example),
        Case("small errors", (small[0], small[0] + small[1] / 9)),
        Case("mixed", (*mixed,)),
    ]


def heavy(generator: np.random.Generator) -> list[Case]:
    def some(steps: int, rates: list[float], mu: float) -> tuple[Any, ...]:
        return generator.normal(size=3), generator.normal(size=(steps, 3)), rates, mu

    example = np.zeros(1), np.ones((3, 1)), [0.1, 0.1, 0.1], 0.9  # v = 1, 1.9, 2.71
    return [
        Case("example", example),
        Case("a constant rate", some(6, [0.1] * 6, 0.8)),
        Case("a falling rate", some(6, [0.2, 0.2, 0.1, 0.1, 0.05, 0.05], 0.9)),
    ]


def adaptive(generator: np.random.Generator) -> list[Case]:
    def some(steps: int, size: float, eps: float) -> tuple[Any, ...]:
        return generator.normal(size=3), size * generator.normal(size=(steps, 3)), 0.1, 0.9, 0.99, eps

    return [
        Case("first step", (np.zeros(2), np.array([[1000.0, -0.001]]), 0.01, 0.9, 0.999, 1e-8)),
        Case("ten steps", some(10, 1, 1e-8)),
        Case("small gradients", some(10, 1e-6, 1e-6)),  # here eps counts
    ]


def decaying(generator: np.random.Generator) -> list[Case]:
    def some(steps: int, lr: float, decay: float, scale: float = 1.0) -> tuple[Any, ...]:
        return generator.normal(size=3) + 2, scale * generator.normal(size=(steps, 3)), lr, decay

    return [
        Case("one step", some(1, 0.1, 0.5)),
        Case("ten steps", some(10, 0.05, 0.2)),
        Case("no decay", some(5, 0.1, 0.0)),
        Case("small gradients", some(5, 0.1, 0.1, 1e-8)),  # here epsilon counts
    ]


def log_softmax(z: Array) -> Array:
    z = z - z.max(axis=1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


def picked(z: Array, y: Array) -> Array:
    """The losses [N]."""
    return -log_softmax(z)[np.arange(len(y)), y]


def unsafe(z: Array, y: Array) -> float:
    return float(-np.log((np.exp(z) / np.exp(z).sum(axis=1, keepdims=True))[np.arange(len(y)), y]).mean())


def one_hot(z: Array, y: Array) -> Array:
    return np.eye(z.shape[1])[y]


def descended(rule: Callable[..., tuple[Array, Any]], w: Array, gradients: Array, rates: list[float]) -> Array:
    """The loop of all update rules: (w, g, state, lr, t) -> (w, state)."""
    state = None
    for t, (g, lr) in enumerate(zip(gradients, rates, strict=True), start=1):
        w, state = rule(w, g, state, lr, t)
    return w


def _mistaken_momentum(kind: str) -> Callable[..., Array]:
    def answer(w: Array, gradients: Array, rates: list[float], mu: float) -> Array:
        def rule(w: Array, g: Array, v: Any, lr: float, t: int) -> tuple[Array, Any]:
            old = np.zeros_like(w) if v is None else v
            if kind == "rate inside":
                v = mu * old + lr * g
                return w - v, v
            v = mu * old + ((1 - mu) * g if kind == "mean" else g)
            if kind == "nesterov":
                return w - lr * (g + mu * v), v
            return w - lr * (old if kind == "late" else v), v

        return descended(rule, w, gradients, rates)

    return answer


def _mistaken_adam(kind: str) -> Callable[..., Array]:
    def answer(
        w: Array, gradients: Array, lr: float, beta1: float, beta2: float, eps: float, decay: float = 0.0
    ) -> Array:
        if kind == "betas":
            beta1, beta2 = beta2, beta1

        def rule(w: Array, g: Array, state: Any, lr: float, t: int) -> tuple[Array, Any]:
            m, v = state or (np.zeros_like(w), np.zeros_like(w))
            g = g + decay * w if kind == "coupled" else g
            m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * (np.abs(g) if kind == "size" else g**2)
            m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
            if kind == "uncorrected":
                m_hat, v_hat = m, v
            if kind == "half corrected":
                v_hat = v
            size = np.sqrt(v_hat + eps) if kind == "eps inside" else np.sqrt(v_hat) + eps
            size = v_hat + eps if kind == "no root" else size
            if kind == "by lambda":
                w = (1 - decay) * w
            step = lr * m_hat / size
            return (w - step) * (1 - lr * decay) if kind == "after" else w - step, (m, v)

        return descended(rule, w, gradients, [lr] * len(gradients))

    return answer


def _mistaken_adamw(kind: str) -> Callable[..., Array]:
    return lambda w, g, lr, decay: _mistaken_adam(kind)(w, g, lr, 0.9, 0.999, 1e-8, decay)


CROSS_ENTROPY = Question(
    "q1",
    "Cross entropy of logits",
    "cross_entropy",
    5,
    scored,
    cross_entropy,
    (
        Known(
            "the mean over all elements of the one-hot table: divide by the number of samples only.",
            lambda z, y: float(picked(z, y).mean() / z.shape[1]),
        ),
        Known("the sum over the batch: take the mean.", lambda z, y: float(picked(z, y).sum())),
        Known("the sign: a loss is -log p.", lambda z, y: -float(picked(z, y).mean())),
        Known("exp of a large logit overflows: subtract the largest of each row first.", unsafe),
        Known(
            "1e-5 (written 10e-6) inside the logarithm changes the loss: with log-sum-exp it needs nothing.",
            lambda z, y: float(-np.log(np.exp(-picked(z, y)) + 10e-6).mean()),
        ),
        Known(
            "softmax is taken twice: the logits are no probabilities yet.",
            lambda z, y: float(picked(np.exp(log_softmax(z)), y).mean()),
        ),
    ),
    avoid=("cross_entropy(", "CrossEntropyLoss", "log_softmax", "nll_loss"),
)
GRADIENT = Question(
    "q2",
    "Its gradient",
    "cross_entropy_gradient",
    5,
    scored,
    cross_entropy_gradient,
    (
        Known(
            "it is not divided by the number of samples: the loss is a mean.",
            lambda z, y: np.exp(log_softmax(z)) - one_hot(z, y),
        ),
        Known("the sign: p - 1 at the true class.", lambda z, y: (one_hot(z, y) - np.exp(log_softmax(z))) / len(y)),
        Known(
            "divided by all elements: divide by the number of samples only.",
            lambda z, y: (np.exp(log_softmax(z)) - one_hot(z, y)) / z.size,
        ),
        Known(
            "only the true class gets a slope: the other probabilities move too.",
            lambda z, y: (np.exp(log_softmax(z)) - 1) * one_hot(z, y) / len(y),
        ),
        Known(
            "this is the slope for the probabilities, -1 / p: the softmax's own is missing.",
            lambda z, y: -one_hot(z, y) * np.exp(-log_softmax(z)) / len(y),
        ),
        Known("the logits are used as probabilities: softmax first.", lambda z, y: (z - one_hot(z, y)) / len(y)),
    ),
    avoid=("backward", "paddle.grad"),
)
SMOOTH_L1 = Question(
    "q3",
    "Smooth L1",
    "smooth_l1",
    4,
    measured,
    smooth_l1,
    (
        Known("the half is missing in the squared part.", lambda p, t: _huber(p, t, half=1.0)),
        Known("|e| - 1/2 beyond 1: else the two parts do not meet.", lambda p, t: _huber(p, t, shift=0.0)),
        Known("the parts are exchanged: squared below 1, absolute above.", lambda p, t: _huber(p, t, swap=True)),
        Known("the sum: take the mean over all elements.", lambda p, t: _huber(p, t) * p.size),
        Known(
            "the mean over the first axis only counts: divide by all elements.",
            lambda p, t: _huber(p, t) * p.size / len(p),
        ),
        Known("the sign of the error is kept: take its absolute value.", lambda p, t: _huber(p, t, sign=True)),
    ),
    avoid=("smooth_l1_loss", "SmoothL1Loss", "huber_loss"),
)


def _huber(p: Array, t: Array, half: float = 0.5, shift: float = 0.5, swap: bool = False, sign: bool = False) -> float:
    e = p - t if sign else np.abs(p - t)
    return float(np.where((e < 1) ^ swap, half * e**2, e - shift).mean())


MOMENTUM = Question(
    "q4",
    "Momentum",
    "momentum",
    5,
    heavy,
    momentum,
    (
        Known("it climbs: go against the gradient.", lambda w, g, r, mu: 2 * w - momentum(w, g, r, mu)),
        Known("no memory: keep v from step to step.", lambda w, g, r, mu: momentum(w, g, r, 0.0)),
        Known("v = mu v + g, not a mean with (1 - mu) g.", _mistaken_momentum("mean")),
        Known("each step takes the new velocity, not the one before.", _mistaken_momentum("late")),
        Known("this is Nesterov's.", _mistaken_momentum("nesterov")),
        Known("the rate stands outside the velocity: w - lr v.", _mistaken_momentum("rate inside")),
    ),
    tolerance=LOOSE,
    avoid=("paddle.optimizer", "optimizers."),
)
ADAM = Question(
    "q5",
    "Adam",
    "adam",
    8,
    adaptive,
    adam,
    (
        Known(
            "the bias corrections are missing: divide m by 1 - beta1^t and v by 1 - beta2^t.",
            _mistaken_adam("uncorrected"),
        ),
        Known("v is not corrected: divide it by 1 - beta2^t.", _mistaken_adam("half corrected")),
        Known("eps stands outside the root.", _mistaken_adam("eps inside")),
        Known("the root of v is missing.", _mistaken_adam("no root")),
        Known("v is a mean of g^2, not of |g|.", _mistaken_adam("size")),
        Known("beta1 belongs to m and beta2 to v.", _mistaken_adam("betas")),
        Known(
            "eps is ten times too large: 1e-8, not 10e-8.",
            lambda w, g, lr, b1, b2, eps: adam(w, g, lr, b1, b2, 10 * eps),
        ),
        Known("it climbs: go against the gradient.", lambda w, g, *rest: 2 * w - adam(w, g, *rest)),
    ),
    tolerance=LOOSE,
    avoid=("paddle.optimizer", "optimizers."),
)
ADAMW = Question(
    "q6",
    "Decoupled weight decay",
    "adamw",
    6,
    decaying,
    adamw,
    (
        Known("the decay goes through m and v: that is Adam with L2.", _mistaken_adamw("coupled")),
        Known("the decay is multiplied by the rate too.", _mistaken_adamw("by lambda")),
        Known("the weights shrink before the step, not after it.", _mistaken_adamw("after")),
        Known("the decay is missing.", lambda w, g, lr, decay: adamw(w, g, lr, 0.0)),
        Known("the decay grows the weights: 1 - lr * decay.", lambda w, g, lr, decay: adamw(w, g, lr, -decay)),
        Known("the step goes uphill: against the gradient is down.", lambda w, g, lr, decay: adamw(w, -g, lr, decay)),
    ),
    tolerance=LOOSE,
    avoid=("paddle.optimizer", "optimizers."),
)
ASSIGNMENT = Assignment(
    "hw4",
    "hw4_losses_optimizers",
    "Losses and optimizers",
    (CROSS_ENTROPY, GRADIENT, SMOOTH_L1, MOMENTUM, ADAM, ADAMW),
    ("Your loss does not fall. Name three causes, and for each what you would look at to tell it from the others.",),
    paddle=True,
)
