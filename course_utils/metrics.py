"""How good a classifier is, and how sure we are of it: accuracy, its interval, and who is taken for whom."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["accuracy", "confusion_matrix", "mean_interval", "paired_difference", "predicted_classes", "wilson_interval"]


def predicted_classes(values: ArrayLike) -> np.ndarray:
    """The class that each row votes for, int64 [N].

    values: logits or probabilities [N, K] (the largest wins; the first of equals), one logit [N, 1] (class 1
    where it is above 0), or whole-number predictions [N] or [N, 1], which are returned as they are.
    Raises ValueError for anything else.
    """
    array = np.asarray(values)
    whole = np.issubdtype(array.dtype, np.integer)
    if whole and (array.ndim == 1 or (array.ndim == 2 and array.shape[1] == 1)):
        return array.reshape(-1).astype(np.int64)
    if array.ndim == 2 and array.shape[1] == 1:
        return (array[:, 0] > 0).astype(np.int64)
    if array.ndim == 2 and array.shape[1] > 1:
        return array.argmax(axis=1)
    raise ValueError(
        f"predictions are {array.dtype} {list(array.shape)}: give logits [N, K] or whole-number classes [N]"
    )


def accuracy(logits_or_predictions: ArrayLike, labels: ArrayLike) -> float:
    """The share of samples whose predicted class is the label, 0 to 1.

    logits_or_predictions: as `predicted_classes` takes them; labels: whole numbers [N] or [N, 1].
    Raises ValueError where there is nothing to compare, or the two differ in length.

    >>> accuracy([[2.0, 1.0], [0.5, 3.0], [0.1, 0.2]], [0, 1, 0])
    0.6666666666666666
    """
    predictions, truth = _pair(logits_or_predictions, labels)
    if len(truth) == 0:
        raise ValueError("there are 0 labels, so there is no accuracy: give at least one sample")
    return float((predictions == truth).mean())


def wilson_interval(correct: int, total: int, confidence: float = 0.95) -> tuple[float, float]:
    """The interval (low, high) of a true proportion of which `correct` of `total` samples were seen.

    It solves |p̂ − p| = z √(p (1 − p) / n) for p, where p̂ = correct / total and n = total, so that it stays
    inside [0, 1] and does not shrink to nothing at 0 or 100 %.
    Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22, 1927.
    Raises ValueError unless 0 <= correct <= total, total >= 1 and 0 < confidence < 1.

    >>> low, high = wilson_interval(81, 263)
    >>> print(f"{low:.4f} {high:.4f}")
    0.2553 0.3662
    """
    if total < 1 or not 0 <= correct <= total:
        raise ValueError(f"{correct} correct of {total} is impossible: use 0 <= correct <= total and total >= 1")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence {confidence} is not between 0 and 1: use for example 0.95")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = correct / total
    centre = share + z * z / (2 * total)
    half = z * sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    scale = 1 + z * z / total
    low = 0.0 if correct == 0 else (centre - half) / scale
    high = 1.0 if correct == total else (centre + half) / scale
    return low, high


def mean_interval(values: ArrayLike, confidence: float = 0.95) -> tuple[Any, Any, Any]:
    """Of several runs: the interval of the true mean, with the mean seen in between, (low, mean, high).

    values: [runs], which gives three numbers, or [runs, ...], which gives three arrays [...]; finite.
    mean ± t s / √n with the standard deviation s of the n runs and Student's t for n − 1 degrees of freedom.
    Source: Student, The probable error of a mean, Biometrika 6, 1908.
    Raises ValueError for fewer than two runs, and unless 0 < confidence < 1.

    >>> low, mean, high = mean_interval([1, 2, 3])
    >>> print(f"{low:.2f} {mean:.2f} {high:.2f}")
    -0.48 2.00 4.48
    """
    from scipy.stats import t as student

    runs = np.asarray(values, dtype=np.float64)
    n = len(np.atleast_1d(runs))
    if n < 2:
        raise ValueError(f"{n} run says nothing of how runs differ: give two or more")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence {confidence} is not between 0 and 1: use for example 0.95")
    mean = runs.mean(axis=0)
    half = student.ppf((1 + confidence) / 2, n - 1) * runs.std(axis=0, ddof=1) / sqrt(n)
    return mean - half, mean, mean + half


def paired_difference(first: ArrayLike, second: ArrayLike, confidence: float = 0.95) -> tuple[float, float, float]:
    """(low, difference, high): how much larger the second one's share is, both on the same n samples.

    first, second: [N] of 0 or 1, such as whether each of two nets is right. Where both are right or both wrong, a
    sample says nothing, so the interval is narrower than that of two nets on samples of their own: the difference
    d of the two shares has the variance (b - d^2) / n, with b the share of samples on which they differ.
    Source: Q. McNemar, Note on the sampling error of the difference between correlated proportions, 1947.
    Raises ValueError where the two differ in length, are empty or hold something else.

    >>> low, difference, high = paired_difference([0] * 30 + [1] * 70, [1] * 90 + [0] * 10)
    >>> print(f"{low:.3f} {difference:.3f} {high:.3f}")
    0.083 0.200 0.317
    """
    a, b = np.asarray(first), np.asarray(second)
    if a.ndim != 1 or a.shape != b.shape or not a.size or not np.isin([a, b], [0, 1]).all():
        raise ValueError(f"the two are {list(a.shape)} and {list(b.shape)}: give 0 or 1 for each of the same samples")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence {confidence} is not between 0 and 1: use for example 0.95")
    steps = b.astype(np.int64) - a
    half = NormalDist().inv_cdf((1 + confidence) / 2) * steps.std() / sqrt(steps.size)
    return float(steps.mean() - half), float(steps.mean()), float(steps.mean() + half)


def confusion_matrix(predictions: ArrayLike, labels: ArrayLike, classes: int | Sequence[str]) -> np.ndarray:
    """How often each class was taken for each: int64 [K, K], rows are true classes, columns predicted ones.

    predictions: as `predicted_classes` takes them; labels: [N]; classes: their number K, or their names.
    Raises ValueError for a class outside 0 to K − 1, or where the two differ in length.

    >>> confusion_matrix([0, 1, 1, 1], [0, 0, 1, 1], classes=2).tolist()
    [[1, 1], [0, 2]]
    """
    count = classes if isinstance(classes, int) else len(classes)
    guessed, truth = _pair(predictions, labels)
    for name, values in (("labels", truth), ("predictions", guessed)):
        if values.size and not 0 <= values.min() <= values.max() < count:
            raise ValueError(
                f"{name} run from {values.min()} to {values.max()}: with {count} classes use 0 to {count - 1}"
            )
    return np.bincount(truth * count + guessed, minlength=count * count).reshape(count, count)


def _pair(predictions: ArrayLike, labels: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Predicted and true classes, both int64 [N]."""
    truth = np.asarray(labels)
    if not np.issubdtype(truth.dtype, np.integer) or truth.ndim == 0 or truth.size != len(truth):
        raise ValueError(f"labels are {truth.dtype} {list(truth.shape)}: give whole numbers, one a sample")
    guessed = predicted_classes(predictions)
    if len(guessed) != len(truth):
        raise ValueError(f"there are {len(guessed)} predictions and {len(truth)} labels: give one label a sample")
    return guessed, truth.reshape(-1).astype(np.int64)
