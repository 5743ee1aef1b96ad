"""Batch normalization (批归一化) with its gradient and its folding, and layer, group and instance normalization.

All subtract a mean and divide by a standard deviation; they differ in the axes over which the two are taken. Arrays
of NumPy, x [N, C] or [N, C, H, W] (or any number of axes after C), floating point. Variances are biased (divided by
the number of values), as in Paddle.
"""

from __future__ import annotations

import numpy as np

__all__ = [
    "batch_norm",
    "batch_norm_gradient",
    "fold_batch_norm",
    "group_norm",
    "instance_norm",
    "layer_norm",
]

Pair = tuple[np.ndarray, np.ndarray]  # mean and variance, each [C]


def batch_norm(
    x: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    running: Pair,
    training: bool = True,
    momentum: float = 0.9,
    eps: float = 1e-5,
) -> tuple[np.ndarray, Pair]:
    """y and the running statistics after it. x: [N, C, ...]; gamma, beta: [C]; running: mean and variance, [C] each.

    training: normalize by this batch and move the running statistics; else normalize by them and leave them.
    momentum: the share of the old value that is kept, as in Paddle.
    Raises ValueError for shapes that do not fit. Source: Ioffe & Szegedy 2015, algorithms 1 and 2 (there the unbiased
    variance is kept).
    """
    _check_channels(x, gamma=gamma, beta=beta, mean=running[0], variance=running[1])
    mean, var = running
    if training:
        axes = (0, *range(2, x.ndim))  # all but the channels
        mean, var = x.mean(axis=axes), x.var(axis=axes)
        running = (
            momentum * running[0] + (1 - momentum) * mean,
            momentum * running[1] + (1 - momentum) * var,
        )
    x_hat = (x - per_channel(mean, x)) / np.sqrt(per_channel(var, x) + eps)
    return per_channel(gamma, x) * x_hat + per_channel(beta, x), running


def per_channel(values: np.ndarray, x: np.ndarray) -> np.ndarray:
    """values [C] in the shape [C, 1, ...] that broadcasts to x [N, C, ...]."""
    return values.reshape(-1, *[1] * (x.ndim - 2))


def batch_norm_gradient(
    x: np.ndarray, gamma: np.ndarray, slope: np.ndarray, eps: float = 1e-5
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The loss's slopes for x, gamma and beta, from its slope for y [N, C, ...], in training.

    Raises ValueError for shapes that do not fit. Source: Ioffe & Szegedy 2015, section 3, simplified.
    """
    _check_channels(x, gamma=gamma)
    if slope.shape != x.shape:
        raise ValueError(f"the slope is {list(slope.shape)}, x {list(x.shape)}: give one slope for each value of y")
    axes = (0, *range(2, x.ndim))
    s = np.sqrt(x.var(axis=axes) + eps)
    x_hat = (x - per_channel(x.mean(axis=axes), x)) / per_channel(s, x)
    of_gamma, of_beta = (slope * x_hat).sum(axis=axes), slope.sum(axis=axes)
    count = x.size // x.shape[1]  # values of a channel
    rest = slope - per_channel(of_beta / count, x) - x_hat * per_channel(of_gamma / count, x)
    return per_channel(gamma / s, x) * rest, of_gamma, of_beta


def fold_batch_norm(
    w: np.ndarray,
    b: np.ndarray | None,
    gamma: np.ndarray,
    beta: np.ndarray,
    mean: np.ndarray,
    var: np.ndarray,
    eps: float = 1e-5,
) -> Pair:
    """Weights and bias of the one convolution that does what a convolution and a BatchNorm in evaluation do.

    w: [P, D, U, V]; b: [P], or None for none; gamma, beta, and the running mean and variance: [P].
    Raises ValueError for shapes that do not fit. Source: Jacob et al. 2018 (arXiv:1712.05877), equation 14.
    """
    b = np.zeros_like(mean) if b is None else b
    _check_channels(w.swapaxes(0, 1), bias=b, gamma=gamma, beta=beta, mean=mean, variance=var)
    factor = gamma / np.sqrt(var + eps)  # [P]
    return w * factor.reshape(-1, *[1] * (w.ndim - 1)), beta + (b - mean) * factor


def layer_norm(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, eps: float = 1e-5) -> np.ndarray:
    """Each sample by its own statistics, over all its values. x: [N, ...]; gamma, beta: the shape of a sample.

    Raises ValueError for shapes that do not fit. Source: Ba, Kiros & Hinton 2016 (arXiv:1607.06450).
    """
    for name, values in (("gamma", gamma), ("beta", beta)):
        if values.shape != x.shape[1:]:
            raise ValueError(f"{name} is {list(values.shape)}: give the shape of a sample, {list(x.shape[1:])}")
    return gamma * _normalize(x, tuple(range(1, x.ndim)), eps) + beta


def group_norm(x: np.ndarray, groups: int, gamma: np.ndarray, beta: np.ndarray, eps: float = 1e-5) -> np.ndarray:
    """Each sample by its own statistics, in groups of neighbouring channels. x: [N, C, ...]; gamma, beta: [C].

    Raises ValueError for shapes that do not fit, or groups that do not divide C.
    Source: Wu & He 2018 (arXiv:1803.08494), equation 7.
    """
    _check_channels(x, gamma=gamma, beta=beta)
    if groups < 1 or x.shape[1] % groups:
        raise ValueError(f"{x.shape[1]} channels do not fall into {groups} equal groups: use a divisor")
    grouped = x.reshape(len(x), groups, -1)  # [N, G, C/G ...]
    x_hat = _normalize(grouped, (2,), eps).reshape(x.shape)
    return per_channel(gamma, x) * x_hat + per_channel(beta, x)


def instance_norm(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, eps: float = 1e-5) -> np.ndarray:
    """Each map by its own statistics: a group for each channel. x: [N, C, H, W]; gamma, beta: [C].

    Raises ValueError for shapes that do not fit. Source: Ulyanov, Vedaldi & Lempitsky 2016 (arXiv:1607.08022).
    """
    return group_norm(x, x.shape[1], gamma, beta, eps)


def _normalize(x: np.ndarray, axes: tuple[int, ...], eps: float) -> np.ndarray:
    """Mean 0 and variance 1 (nearly: eps) over the axes."""
    return (x - x.mean(axis=axes, keepdims=True)) / np.sqrt(x.var(axis=axes, keepdims=True) + eps)


def _check_channels(x: np.ndarray, **values: np.ndarray) -> None:
    if x.ndim < 2:
        raise ValueError(f"normalization takes [N, C, ...], not {list(x.shape)}")
    for name, array in values.items():
        if array.shape != x.shape[1:2]:
            raise ValueError(f"{name} is {list(array.shape)}: give one value for each of {x.shape[1]} channels")
