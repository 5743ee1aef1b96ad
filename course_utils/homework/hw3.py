"""Homework 3: activations and their slopes, batch normalization, dropout; right is what Paddle does."""

from __future__ import annotations

from typing import Any

import numpy as np

from course_utils.homework.questions import Assignment, Case, Known, Question

__all__ = ["ASSIGNMENT"]

Array = np.ndarray


def logistic(x: Array) -> Array:
    return np.where(x >= 0, 1 / (1 + np.exp(-np.abs(x))), np.exp(-np.abs(x)) / (1 + np.exp(-np.abs(x))))


def sigmoid_gradient(x: Array) -> Array:
    import paddle

    tensor = paddle.to_tensor(x, stop_gradient=False)
    paddle.nn.functional.sigmoid(tensor).sum().backward()
    return np.asarray(tensor.grad.numpy())


def inputs(generator: np.random.Generator) -> list[Case]:
    return [
        Case("example", (np.array([-2.0, 0.0, 2.0]),)),
        Case("any shape", (generator.normal(size=(3, 4)),)),
        Case("large inputs", (np.array([-800.0, -30.0, 30.0, 800.0]),)),
    ]


def leaky_relu(x: Array, slope: float) -> Array:
    import paddle

    return np.asarray(paddle.nn.functional.leaky_relu(paddle.to_tensor(x), slope).numpy())


def sloped(generator: np.random.Generator) -> list[Case]:
    return [
        Case("example", (np.array([-2.0, 0.0, 3.0]), 0.1)),
        Case("any shape", (generator.normal(size=(2, 3, 4)), float(generator.uniform(0.05, 0.4)))),
        Case("slope 0 is ReLU", (generator.normal(size=6), 0.0)),
    ]


def largest_gradient(layers: int, gain: float) -> float:
    """Bound of the factor by which `layers` sigmoids with weights of this gain scale a gradient: E9."""
    return float((gain * 0.25) ** layers)


def depths(generator: np.random.Generator) -> list[Case]:
    return [
        Case("one layer", (1, 1.0)),
        Case("gain 1", (int(generator.integers(5, 12)), 1.0)),
        Case("other gains", (int(generator.integers(3, 9)), float(generator.uniform(0.3, 3)))),
    ]


def batch_norm(x: Array, gamma: Array, beta: Array, epsilon: float) -> Array:
    import paddle

    tensors = [paddle.to_tensor(each) for each in (x, np.zeros(x.shape[1]), np.ones(x.shape[1]), gamma, beta)]
    mean, variance, scale, shift = tensors[1:]
    y = paddle.nn.functional.batch_norm(tensors[0], mean, variance, scale, shift, training=True, epsilon=epsilon)
    return np.asarray(y.numpy())


def feature_maps(generator: np.random.Generator) -> list[Case]:
    def some(n: int, c: int, size: int, plain: bool, epsilon: float) -> tuple[Any, ...]:
        x = generator.normal(size=(n, c, size, size + 1)) * generator.uniform(1, 3, size=(1, c, 1, 1)) + 2
        gamma = np.ones(c) if plain else generator.uniform(0.5, 2, c)
        return x, gamma, np.zeros(c) if plain else generator.normal(size=c), epsilon

    return [
        Case("gamma 1, beta 0", some(4, 3, 2, True, 1e-5)),
        Case("gamma and beta", some(2, 2, 3, False, 1e-5)),
        Case("epsilon", some(3, 2, 2, False, 0.5)),
    ]


def normalized(x: Array, gamma: Array, beta: Array, epsilon: float, axes: tuple[int, ...], ddof: int = 0) -> Array:
    """Batch normalization over any axes, from which the known mistakes are made."""
    mean, variance = x.mean(axes, keepdims=True), x.var(axes, keepdims=True, ddof=ddof)
    shape = (1, -1, 1, 1)
    return np.asarray((x - mean) / np.sqrt(variance + epsilon) * gamma.reshape(shape) + beta.reshape(shape))


def running_statistics(batches: list[Array], momentum: float) -> tuple[float, float]:
    import paddle

    layer = paddle.nn.BatchNorm1D(1, momentum=momentum, data_format="NCL")
    for batch in batches:
        layer(paddle.to_tensor(batch.reshape(-1, 1).astype("float32")))
    return float(layer._mean.numpy()[0]), float(layer._variance.numpy()[0])


def streams(generator: np.random.Generator) -> list[Case]:
    def some(count: int, size: int, momentum: float) -> tuple[list[Array], float]:
        return [generator.normal(3, 2, size=size) for _ in range(count)], momentum

    return [
        Case("one batch", ([np.array([1.0, 3.0, 5.0])], 0.9)),
        Case("many batches", some(4, 5, 0.9)),
        Case("another momentum", some(3, 3, 0.6)),
    ]


def moved(batches: list[Array], momentum: float, old: float, new: float, start: float = 1.0, ddof: int = 0) -> Any:
    """Running mean and variance with any weights, from which the known mistakes are made."""
    mean, variance = 0.0, start
    for batch in batches:
        mean = old * mean + new * batch.mean()
        variance = old * variance + new * batch.var(ddof=ddof)
    return float(mean), float(variance)


def dropout(x: Array, mask: Array, p: float, mode: str, training: bool) -> Array:
    """Paddle's two modes, for a given mask of what is kept."""
    if mode == "upscale_in_train":
        return x * mask / (1 - p) if training else x
    return x * mask if training else x * (1 - p)


def masked(generator: np.random.Generator) -> list[Case]:
    cases = []
    for mode in ("upscale_in_train", "downscale_in_infer"):
        for training in (True, False):
            p = float(generator.choice([0.2, 0.3, 0.6, 0.8]))
            mask = (generator.random((4, 5)) >= p).astype("float64")
            mask[0, :2] = 0, 1
            name = f"{mode}, {'training' if training else 'evaluation'}"
            cases.append(Case(name, (generator.normal(size=(4, 5)), mask, p, mode, training)))
    return cases


def swapped(x: Array, mask: Array, p: float, mode: str, training: bool) -> Array:
    other = "downscale_in_infer" if mode == "upscale_in_train" else "upscale_in_train"
    return dropout(x, mask, p, other, training)


SIGMOID = Question(
    "q1",
    "The slope of the sigmoid",
    "sigmoid_gradient",
    4,
    inputs,
    sigmoid_gradient,
    (
        Known("that is the sigmoid itself: its slope is s (1 - s).", logistic),
        Known("1 - s squared is the slope of tanh.", lambda x: 1 - logistic(x) ** 2),
        Known("s (1 - s) takes s = sigmoid(x), not x.", lambda x: x * (1 - x)),
        Known(
            "exp of a large number overflows, and inf / inf is nan: use s (1 - s).",
            lambda x: np.exp(-x) / (1 + np.exp(-x)) ** 2,
        ),
    ),
    avoid=("paddle",),
)
LEAKY = Question(
    "q2",
    "Leaky ReLU",
    "leaky_relu",
    3,
    sloped,
    leaky_relu,
    (
        Known("that is ReLU: negative inputs keep a part of their size.", lambda x, slope: np.maximum(x, 0)),
        Known(
            "the slope is for negative inputs, not for positive ones.", lambda x, slope: np.where(x > 0, slope * x, x)
        ),
        Known("negative inputs stay negative.", lambda x, slope: np.where(x > 0, x, -slope * x)),
        Known("the slope is the factor of x, not a value of its own.", lambda x, slope: np.where(x > 0, x, slope)),
    ),
    avoid=("paddle",),
)
VANISHING = Question(
    "q3",
    "Why gradients vanish",
    "largest_gradient",
    4,
    depths,
    largest_gradient,
    (
        Known("the slope of the sigmoid is at most 1/4, not 1/2.", lambda n, gain: (gain / 2) ** n),
        Known("the slope of the sigmoid is at most 1/4, not 1.", lambda n, gain: gain**n),
        Known("the factors of the layers multiply, they do not add up.", lambda n, gain: n * gain / 4),
        Known("every layer has its weights, so every layer has the gain.", lambda n, gain: gain * 0.25**n),
        Known("the gain of the weights is left out.", lambda n, gain: 0.25**n),
    ),
)
NORMALIZATION = Question(
    "q4",
    "Batch normalization of feature maps",
    "batch_norm",
    7,
    feature_maps,
    batch_norm,
    (
        Known(
            "for images a channel has one mean: over batch, height and width.",
            lambda x, g, b, e: normalized(x, g, b, e, (0,)),
        ),
        Known(
            "that is instance normalization: the batch belongs to the mean too.",
            lambda x, g, b, e: normalized(x, g, b, e, (2, 3)),
        ),
        Known(
            "that is layer normalization: each channel has a mean of its own.",
            lambda x, g, b, e: normalized(x, g, b, e, (1, 2, 3)),
        ),
        Known("one mean for all channels: each has its own.", lambda x, g, b, e: normalized(x, g, b, e, (0, 1, 2, 3))),
        Known(
            "divide by n, not by n - 1: batch normalization uses the biased variance.",
            lambda x, g, b, e: normalized(x, g, b, e, (0, 2, 3), 1),
        ),
        Known(
            "epsilon is added to the variance, inside the root.",
            lambda x, g, b, e: normalized(x, g / (1 + e / x.std((0, 2, 3))), b, 0, (0, 2, 3)),
        ),
        Known(
            "divided by the variance: divide by its root.",
            lambda x, g, b, e: normalized(x, g / np.sqrt(x.var((0, 2, 3)) + e), b, e, (0, 2, 3)),
        ),
        Known("gamma and beta are left out.", lambda x, g, b, e: normalized(x, 0 * g + 1, 0 * b, e, (0, 2, 3))),
        Known("epsilon is left out.", lambda x, g, b, e: normalized(x, g, b, 0, (0, 2, 3))),
    ),
    avoid=("BatchNorm2D", "F.batch_norm", "functional.batch_norm"),
)
RUNNING = Question(
    "q5",
    "Running statistics",
    "running_statistics",
    6,
    streams,
    running_statistics,
    (
        Known(
            "momentum is the share that is kept in Paddle; the other way round is another framework's.",
            lambda bs, m: moved(bs, m, 1 - m, m),
        ),
        Known(
            "the unbiased variance is another framework's: Paddle keeps the biased one.",
            lambda bs, m: moved(bs, m, m, 1 - m, ddof=1),
        ),
        Known("the running variance starts at 1.", lambda bs, m: moved(bs, m, m, 1 - m, start=0.0)),
        Known(
            "the last batch alone: the running statistics remember those before.", lambda bs, m: moved(bs[-1:], m, 0, 1)
        ),
        Known("the new batch counts 1 - momentum.", lambda bs, m: moved(bs, m, m, 1)),
    ),
    avoid=("BatchNorm1D", "BatchNorm2D"),
)
DROPOUT = Question(
    "q6",
    "Dropout's two modes",
    "dropout",
    6,
    masked,
    dropout,
    (
        Known("the two modes are exchanged.", swapped),
        Known(
            "nothing is scaled: the expectation must be the same in training and evaluation.",
            lambda x, mask, p, mode, t: x * mask if t else x,
        ),
        Known(
            "p is the share that is dropped, 1 - p the share that is kept.",
            lambda x, mask, p, mode, t: dropout(x, mask, 1 - p, mode, t),
        ),
        Known(
            "nothing is dropped in evaluation.",
            lambda x, mask, p, mode, t: dropout(x if t else x * mask, mask, p, mode, t),
        ),
        Known(
            "the mask is not used in training.", lambda x, mask, p, mode, t: dropout(x, np.ones_like(mask), p, mode, t)
        ),
    ),
    avoid=("Dropout", "F.dropout"),
)
ASSIGNMENT = Assignment(
    "hw3",
    "hw3_activation_norm_dropout",
    "Activation, normalization, dropout",
    (SIGMOID, LEAKY, VANISHING, NORMALIZATION, RUNNING, DROPOUT),
    ("What are the three benefits of batch normalization, and which experiment would show each?",),
    paddle=True,
)
