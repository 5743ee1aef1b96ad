"""Activation functions (激活函数) by hand: from x, an array of any shape, to value and derivative (f, f′).

The 22 that the course notes list, by the notes' names, and gelu, mish and silu. The default parameters are Paddle's,
or, for those that Paddle no longer has, such that their shape shows near 0. At a kink, f′ is the slope of one side.
activation_table.py has the formulas as texts, and what Paddle calls each today.
"""

from __future__ import annotations

from math import erf, pi, sqrt

import numpy as np

__all__ = [
    "brelu",
    "elu",
    "exp",
    "gelu",
    "hard_shrink",
    "hard_sigmoid",
    "leaky_relu",
    "logsigmoid",
    "maxout",
    "mish",
    "pow",
    "prelu",
    "relu",
    "relu6",
    "sigmoid",
    "silu",
    "soft_relu",
    "softplus",
    "softshrink",
    "softsign",
    "stanh",
    "swish",
    "tanh",
    "tanh_shrink",
    "thresholded_relu",
]

Pair = tuple[np.ndarray, np.ndarray]


def sigmoid(x: np.ndarray) -> Pair:
    """Between 0 and 1, with a slope of at most 1/4."""
    f = (1 + np.tanh(x / 2)) / 2  # the same as 1 / (1 + exp(-x)), and cannot overflow
    return f, f * (1 - f)


def tanh(x: np.ndarray) -> Pair:
    """The sigmoid's relative between −1 and 1: tanh(x) = 2 σ(2x) − 1."""
    f = np.tanh(x)
    return f, 1 - f**2


def stanh(x: np.ndarray, scale_a: float = 0.67, scale_b: float = 1.7159) -> Pair:
    """Source: LeCun, Bottou, Orr & Müller 1998, section 4.4."""
    f, slope = tanh(scale_a * x)
    return scale_b * f, scale_b * scale_a * slope


def softsign(x: np.ndarray) -> Pair:
    """Source: Bergstra, Desjardins, Lamblin & Bengio 2009."""
    return x / (1 + np.abs(x)), 1 / (1 + np.abs(x)) ** 2


def hard_sigmoid(x: np.ndarray, slope: float = 1 / 6, offset: float = 0.5) -> Pair:
    """Source: Courbariaux, Bengio & David 2015, equation 3 (slope 1/2); Howard et al. 2019 (slope 1/6)."""
    f, derivative = brelu(slope * x + offset, 0, 1)
    return f, slope * derivative


def brelu(x: np.ndarray, t_min: float = 0.0, t_max: float = 4.0) -> Pair:
    """x, cut off below and above."""
    return np.clip(x, t_min, t_max), np.where((t_min < x) & (x < t_max), 1.0, 0.0)


def relu6(x: np.ndarray) -> Pair:
    """Source: Krizhevsky 2010, Convolutional deep belief networks on CIFAR-10."""
    return brelu(x, 0, 6)


def thresholded_relu(x: np.ndarray, threshold: float = 1.0) -> Pair:
    """Source: Konda, Memisevic & Krueger 2015."""
    on = np.where(x > threshold, 1.0, 0.0)
    return on * x, on


def relu(x: np.ndarray) -> Pair:
    """Source: Nair & Hinton 2010."""
    return np.maximum(x, 0), np.where(x > 0, 1.0, 0.0)


def leaky_relu(x: np.ndarray, negative_slope: float = 0.01) -> Pair:
    """Source: Maas, Hannun & Ng 2013, equation 2."""
    slope = np.where(x > 0, 1.0, negative_slope)
    return slope * x, slope


def prelu(x: np.ndarray, weight: float = 0.25) -> Pair:
    """A leaky ReLU whose slope is learned. Source: He, Zhang, Ren & Sun 2015, equation 1."""
    return leaky_relu(x, weight)


def maxout(x: np.ndarray, weights: tuple[float, float] = (1.0, -0.5)) -> Pair:
    """The larger of two features, here both multiples of x. Source: Goodfellow et al. 2013, section 3."""
    first, second = weights
    slope = np.where(first * x > second * x, first, second)
    return slope * x, slope


def softplus(x: np.ndarray) -> Pair:
    """Source: Dugas et al. 2001."""
    return np.logaddexp(0, x), sigmoid(x)[0]


def soft_relu(x: np.ndarray, threshold: float = 4.0) -> Pair:
    """The softplus of x, which is cut off at ±threshold first."""
    clipped, slope = brelu(x, -threshold, threshold)
    f, derivative = softplus(clipped)
    return f, slope * derivative


def logsigmoid(x: np.ndarray) -> Pair:
    """The logarithm of a probability, without computing the probability, which may round to 0."""
    return -softplus(-x)[0], sigmoid(-x)[0]


def exp(x: np.ndarray) -> Pair:
    """The function that is its own derivative."""
    return np.exp(x), np.exp(x)


def elu(x: np.ndarray, alpha: float = 1.0) -> Pair:
    """Source: Clevert, Unterthiner & Hochreiter 2016, equation 15."""
    below = np.minimum(x, 0)  # exp of a large x would overflow, and is not needed
    return np.maximum(x, 0) + alpha * np.expm1(below), np.where(x > 0, 1.0, alpha * np.exp(below))


def swish(x: np.ndarray) -> Pair:
    """Source: Ramachandran, Zoph & Le 2017, with β = 1."""
    f, slope = sigmoid(x)
    return x * f, f + x * slope


def silu(x: np.ndarray) -> Pair:
    """Swish's first name. Source: Hendrycks & Gimpel 2016; Elfwing, Uchibe & Doya 2018."""
    return swish(x)


def gelu(x: np.ndarray) -> Pair:
    """x times the share of a normal distribution that lies below x. Source: Hendrycks & Gimpel 2016."""
    share = (1 + np.vectorize(erf, otypes=[float])(x / sqrt(2))) / 2
    return x * share, share + x * np.exp(-(x**2) / 2) / sqrt(2 * pi)


def mish(x: np.ndarray) -> Pair:
    """Source: Misra 2020."""
    s, s_slope = softplus(x)
    t, t_slope = tanh(s)
    return x * t, t + x * t_slope * s_slope


def hard_shrink(x: np.ndarray, threshold: float = 0.5) -> Pair:
    """Source: Donoho & Johnstone 1994, hard thresholding."""
    on = np.where(np.abs(x) > threshold, 1.0, 0.0)
    return on * x, on


def softshrink(x: np.ndarray, threshold: float = 0.5) -> Pair:
    """Source: Donoho & Johnstone 1994, soft thresholding."""
    return x - np.clip(x, -threshold, threshold), np.where(np.abs(x) > threshold, 1.0, 0.0)


def tanh_shrink(x: np.ndarray) -> Pair:
    """What tanh takes away from x."""
    f = np.tanh(x)
    return x - f, f**2


def pow(x: np.ndarray, factor: float = 2.0) -> Pair:
    """x to the power of factor; x is positive where factor is no whole number."""
    return x**factor, factor * x ** (factor - 1)
