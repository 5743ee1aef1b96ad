"""Two tests on the same people: is one better, or did it only look so?"""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binomtest, rankdata

from course_utils.screening.cases import by_label

__all__ = ["AucDifference", "Disagreement", "delong", "mcnemar"]


class Disagreement(NamedTuple):
    """On how many samples only one of two tests is right, and how often chance alone makes it that uneven (p)."""

    only_first: int
    only_second: int
    p: float


class AucDifference(NamedTuple):
    """Two AUCs, second minus first with its interval (low, difference, high), and the p of no difference."""

    first: float
    second: float
    difference: tuple[float, float, float]
    p: float


def mcnemar(first_right: ArrayLike, second_right: ArrayLike) -> Disagreement:
    """McNemar's test in its exact form, two-sided: of the samples on which just one is right, either is as likely.

    first_right, second_right: [N] of False and True (or 0 and 1), whether each test is right about the same samples.
    Source: McNemar 1947; exact as in Fagerland, Lydersen, Laake, BMC Medical Research Methodology 13:91, 2013.
    Raises ValueError where they differ in length, are empty or hold something else.

    >>> mcnemar([1] * 7 + [0] * 1 + [1] * 12, [0] * 7 + [1] * 1 + [1] * 12)
    Disagreement(only_first=7, only_second=1, p=0.0703125)
    """
    first, second = np.asarray(first_right), np.asarray(second_right)
    if first.ndim != 1 or first.shape != second.shape or not first.size or not np.isin([first, second], [0, 1]).all():
        raise ValueError(f"the two are {list(first.shape)} and {list(second.shape)}: give 0 or 1 for the same samples")
    only_first, only_second = int((first > second).sum()), int((second > first).sum())
    unequal = only_first + only_second
    p = float(binomtest(only_first, unequal).pvalue) if unequal else 1.0
    return Disagreement(only_first, only_second, p)


def delong(
    first_scores: ArrayLike, second_scores: ArrayLike, labels: ArrayLike, confidence: float = 0.95
) -> AucDifference:
    """How much the AUC of the second scores exceeds that of the first, both of the same people.

    scores, labels: [N] as `cases` takes them. Each diseased person has a component, the share of the healthy whom they
    outrank, each healthy one the share of the diseased who outrank them; the covariances of these, over P and N,
    give the variance. Source: DeLong, DeLong, Clarke-Pearson, Biometrics 44, 1988, equations 4 to 6, with the ranks of
    Sun, Xu, IEEE Signal Processing Letters 21, 2014.
    Raises ValueError for fewer than two diseased or healthy, and unless 0 < confidence < 1.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence {confidence} is not between 0 and 1: use for example 0.95")
    pairs = [_components(*by_label(scores, labels)) for scores in (first_scores, second_scores)]
    diseased, healthy = (np.stack(parts) for parts in zip(*pairs, strict=True))  # [2, P], [2, N]
    if min(diseased.shape[1], healthy.shape[1]) < 2:
        raise ValueError("a class has one sample, which says nothing of how samples differ: give two or more of each")
    first, second = (float(area) for area in diseased.mean(axis=1))
    covariance = np.cov(diseased) / diseased.shape[1] + np.cov(healthy) / healthy.shape[1]
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    deviation, difference = sqrt(max(variance, 0.0)), second - first
    half = NormalDist().inv_cdf((1 + confidence) / 2) * deviation
    if deviation < 1e-12:
        p = 1.0 if abs(difference) < 1e-12 else 0.0
    else:
        p = 2 * NormalDist().cdf(-abs(difference) / deviation)
    return AucDifference(first, second, (difference - half, difference, difference + half), p)


def _components(positive: np.ndarray, negative: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each diseased one the share of the healthy below, for each healthy one that of the diseased above."""
    together = rankdata(np.concatenate([positive, negative]))
    outranked = (together[: positive.size] - rankdata(positive)) / negative.size
    outranking = 1 - (together[positive.size :] - rankdata(negative)) / positive.size
    return outranked, outranking
