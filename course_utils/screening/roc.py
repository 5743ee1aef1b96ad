"""How well scores order the diseased above the healthy, whatever the threshold: ROC curve and area under it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import rankdata

from course_utils.screening.cases import by_label

__all__ = ["auc", "auc_interval", "roc_band", "roc_points"]


def auc(scores: ArrayLike, labels: ArrayLike) -> float:
    """The chance that a diseased sample scores above a healthy one, ties counted half: 0 to 1.

    scores, labels: as `cases` takes them. Exact: U / (P N) with the rank sum's U = R - P (P + 1) / 2.
    Source: Mann, Whitney 1947; Hanley, McNeil: The meaning and use of the area under a ROC curve, Radiology 143, 1982.
    Raises ValueError where a class is empty.

    >>> auc([0.9, 0.4, 0.4, 0.1], [1, 1, 0, 0])
    0.875
    """
    return _auc(*by_label(scores, labels))


def auc_interval(
    scores: ArrayLike, labels: ArrayLike, confidence: float = 0.95, repeats: int = 2000, seed: int = 0
) -> tuple[float, float, float]:
    """(low, AUC, high): the percentiles of the AUC over `repeats` samples drawn from these ones with replacement.

    Diseased and healthy are drawn apart, so that each sample has as many of both as the study has (stratified).
    Source: Efron, Tibshirani: An introduction to the bootstrap, 1993, chapter 13; strata as in Carpenter, Bithell 2000.
    Raises ValueError where a class is empty, repeats < 1, or confidence is not between 0 and 1.
    """
    positive, negative = by_label(scores, labels)
    tail = _tail(confidence, repeats)
    drawn = [_auc(*sample) for sample in _samples(positive, negative, repeats, seed)]
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return float(low), _auc(positive, negative), float(high)


def roc_points(scores: ArrayLike, labels: ArrayLike) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(false alarms, sensitivity, threshold), each [K + 1], from the strictest threshold to the laxest.

    Someone is called diseased where the score >= threshold; the K thresholds are the different scores, with infinity
    before them, where nobody is. False alarms are the share of the healthy who are called diseased.
    """
    positive, negative = by_label(scores, labels)
    thresholds = np.unique(np.concatenate([positive, negative]))[::-1]
    false_alarms = 1 - np.searchsorted(np.sort(negative), thresholds) / negative.size
    sensitivity = 1 - np.searchsorted(np.sort(positive), thresholds) / positive.size
    return np.r_[0.0, false_alarms], np.r_[0.0, sensitivity], np.r_[np.inf, thresholds]


def roc_band(
    scores: ArrayLike,
    labels: ArrayLike,
    false_alarms: ArrayLike,
    confidence: float = 0.95,
    repeats: int = 1000,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """(low, high): between which the sensitivity lies at each share of false alarms [K], by the same bootstrap.

    Each place has its own interval; the whole curve stays inside the band less often. Raises as `auc_interval`.
    """
    positive, negative = by_label(scores, labels)
    tail = _tail(confidence, repeats)
    places = np.asarray(false_alarms, dtype=np.float64)
    curves = [sensitivity_at(*sample, places) for sample in _samples(positive, negative, repeats, seed)]
    low, high = np.quantile(curves, [tail, 1 - tail], axis=0)
    return low, high


def sensitivity_at(positive: np.ndarray, negative: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The best sensitivity [K] of a threshold with at most these shares of false alarms [K]."""
    allowed = np.floor(places * negative.size + 1e-9).astype(np.int64)  # so many healthy ones may be called diseased
    falling = np.r_[np.sort(negative)[::-1], -np.inf]
    strictest = falling[np.minimum(allowed, negative.size)]  # a threshold just above the first who must not be called
    return 1 - np.searchsorted(np.sort(positive), strictest, side="right") / positive.size


def _auc(positive: np.ndarray, negative: np.ndarray) -> float:
    ranks = rankdata(np.concatenate([positive, negative]))
    u = ranks[: positive.size].sum() - positive.size * (positive.size + 1) / 2
    return float(u / (positive.size * negative.size))


def _samples(
    positive: np.ndarray, negative: np.ndarray, repeats: int, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    generator = np.random.default_rng(seed)
    for _ in range(repeats):
        yield generator.choice(positive, positive.size), generator.choice(negative, negative.size)


def _tail(confidence: float, repeats: int) -> float:
    if not 0 < confidence < 1:
        raise ValueError(f"confidence {confidence} is not between 0 and 1: use for example 0.95")
    if repeats < 1:
        raise ValueError(f"{repeats} repeats give no interval: use 1000 or more")
    return (1 - confidence) / 2
