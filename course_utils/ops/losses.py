"""Loss functions (损失函数) by hand: from prediction and target to value and gradient for the prediction.

Arrays of NumPy. Each loss is a sum of terms, one for each element of the prediction, divided by what `reduction` says:
"sum" by 1, "batch" by the samples N, "elements" by all elements. Paddle's "mean" is "elements" for losses with a
target for each element, and "batch" for `nll` and `cross_entropy`; these are the defaults here. At a kink, the
gradient is that of one side, or 0 where both are equally near.

All raise ValueError for shapes that do not fit, targets out of range, and an unknown reduction.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

__all__ = [
    "cross_entropy",
    "exponential",
    "hinge",
    "log_softmax",
    "logistic",
    "mae",
    "mape",
    "mse",
    "msle",
    "nll",
    "one_hot",
    "smooth_l1",
]

Pair = tuple[float, np.ndarray]  # value, and gradient in the shape of the prediction


def mse(prediction: ArrayLike, target: ArrayLike, reduction: str = "elements") -> Pair:
    """Squared error (均方误差), (p - t)^2. Source: Legendre 1805."""
    p, t = _same_shape(prediction, target)
    return _reduce((p - t) ** 2, 2 * (p - t), reduction)


def mae(prediction: ArrayLike, target: ArrayLike, reduction: str = "elements") -> Pair:
    """Absolute error (平均绝对误差), |p - t|. Source: Boscovich 1757."""
    p, t = _same_shape(prediction, target)
    return _reduce(np.abs(p - t), np.sign(p - t), reduction)


def smooth_l1(prediction: ArrayLike, target: ArrayLike, reduction: str = "elements", delta: float = 1.0) -> Pair:
    """Half the square up to an error of delta, a straight line beyond. Source: Huber 1964, section 4."""
    p, t = _same_shape(prediction, target)
    if delta <= 0:
        raise ValueError(f"delta is {delta}: the square needs a width above 0")
    inside = np.clip(p - t, -delta, delta)  # the gradient; the line beyond rises by delta a unit
    return _reduce(inside * (p - t) - inside**2 / 2, inside, reduction)


def msle(prediction: ArrayLike, target: ArrayLike, reduction: str = "elements") -> Pair:
    """Squared error of log(1 + p) and log(1 + t): nearly the square of the relative error where both are large."""
    p, t = _same_shape(prediction, target)
    if (lowest := min(p.min(), t.min())) <= -1:
        raise ValueError(f"msle takes the logarithm of 1 + p and 1 + t, and one is {lowest:g}: use values above -1")
    difference = np.log1p(p) - np.log1p(t)
    return _reduce(difference**2, 2 * difference / (1 + p), reduction)


def mape(prediction: ArrayLike, target: ArrayLike, reduction: str = "elements") -> Pair:
    """Absolute error in percent of the target, 100 |p - t| / |t|."""
    p, t = _same_shape(prediction, target)
    if not t.all():
        raise ValueError("mape divides by the target, and one is 0: use targets that stay away from 0")
    return _reduce(100 * np.abs((p - t) / t), 100 * np.sign(p - t) / np.abs(t), reduction)


def logistic(logits: ArrayLike, target: ArrayLike, reduction: str = "elements") -> Pair:
    """Binary cross entropy of the logit z, -y log s(z) - (1 - y) log(1 - s(z)) with the sigmoid s; y from 0 to 1.

    Written so that nothing can overflow and no digits are lost: max(z, 0) - z y + log(1 + exp(-|z|)).
    Source: Cox 1958.
    """
    z, y = _same_shape(logits, target)
    if y.min() < 0 or y.max() > 1:
        raise ValueError(f"targets go from {y.min():g} to {y.max():g}: write them as 0 and 1, or between")
    return _reduce(np.maximum(z, 0) - z * y + np.log1p(np.exp(-np.abs(z))), (1 + np.tanh(z / 2)) / 2 - y, reduction)


def hinge(scores: ArrayLike, target: ArrayLike, reduction: str = "elements") -> Pair:
    """max(0, 1 - y s) for scores s and targets y of -1 or 1. Source: Cortes & Vapnik 1995."""
    s, y = _signs(scores, target)
    return _reduce(np.maximum(0, 1 - y * s), np.where(y * s < 1, -y, 0), reduction)


def exponential(scores: ArrayLike, target: ArrayLike, reduction: str = "elements") -> Pair:
    """exp(-y s) for scores s and targets y of -1 or 1; AdaBoost lowers its sum. Source: Freund & Schapire 1997."""
    s, y = _signs(scores, target)
    return _reduce(np.exp(-y * s), -y * np.exp(-y * s), reduction)


def nll(log_p: ArrayLike, target: ArrayLike, reduction: str = "batch") -> Pair:
    """Negative log likelihood (负对数似然), -log p of the right class. log_p: [N, K]; target: as in `one_hot`."""
    log_p = np.asarray(log_p, float)
    y = one_hot(target, log_p.shape)
    terms = np.multiply(-y, log_p, out=np.zeros(log_p.shape), where=y > 0)  # 0 log 0 counts as 0
    return _reduce(terms, -y, reduction)


def cross_entropy(logits: ArrayLike, target: ArrayLike, reduction: str = "batch") -> Pair:
    """Cross entropy (交叉熵) of softmax(logits), whose gradient is p - y. logits: [N, K]; target: as in `one_hot`.

    Source: Bridle 1990.
    """
    log_p = log_softmax(logits)
    y = one_hot(target, log_p.shape)
    return _reduce(-y * log_p, np.exp(log_p) - y, reduction)


def log_softmax(logits: ArrayLike) -> np.ndarray:
    """z - log sum exp z along the last axis, with the largest z subtracted first, so that exp cannot overflow."""
    z = np.asarray(logits, float)
    z = z - z.max(axis=-1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=-1, keepdims=True))


def one_hot(target: ArrayLike, shape: tuple[int, ...]) -> np.ndarray:
    """Target rows y [N, K], each with the sum 1, from labels [N] of 0 to K - 1 or from such rows. shape: (N, K)."""
    y = np.asarray(target)
    if len(shape) != 2 or y.shape not in (shape, shape[:1]):
        raise ValueError(f"predictions {list(shape)} and targets {list(y.shape)}: give [N, K], and [N] or [N, K]")
    if y.ndim == 1:
        if y.dtype.kind not in "iu" or not ((y >= 0) & (y < shape[1])).all():
            raise ValueError(f"labels must be whole numbers from 0 to {shape[1] - 1}")
        return np.eye(shape[1])[y]
    if y.min() < 0 or not np.allclose(y.sum(axis=1), 1):
        raise ValueError("rows of targets must be probabilities: not negative, with the sum 1")
    return y.astype(float)


def _reduce(terms: np.ndarray, slopes: np.ndarray, reduction: str) -> Pair:
    divisors = {"sum": 1, "batch": len(terms), "elements": terms.size}
    if reduction not in divisors:
        raise ValueError(f"reduction {reduction!r} is not known: use {', '.join(divisors)}")
    return float(terms.sum()) / divisors[reduction], slopes / divisors[reduction]


def _same_shape(prediction: ArrayLike, target: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    p, t = np.asarray(prediction, float), np.asarray(target, float)
    if p.shape != t.shape or not p.size or not p.ndim:
        raise ValueError(
            f"predictions {list(p.shape)} and targets {list(t.shape)}: give one target for each of [N, ...]"
        )
    return p, t


def _signs(scores: ArrayLike, target: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    s, y = _same_shape(scores, target)
    if not np.isin(y, (-1, 1)).all():
        raise ValueError(f"targets go from {y.min():g} to {y.max():g}: write the two classes as -1 and 1")
    return s, y
