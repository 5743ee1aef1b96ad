"""From scores to decisions: a threshold chosen on some people, what it does to others, and what a result means."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from course_utils.metrics import wilson_interval
from course_utils.screening.cases import by_label

__all__ = ["OperatingPoint", "operating_point", "predictive_values", "threshold_at"]


class OperatingPoint(NamedTuple):
    """What one threshold does: the four counts, and both shares as (low, estimate, high) with Wilson's interval.

    sensitivity: of the diseased, who are called so; specificity: of the healthy, who are left in peace.
    """

    threshold: float
    true_positives: int
    false_negatives: int
    true_negatives: int
    false_positives: int
    sensitivity: tuple[float, float, float]
    specificity: tuple[float, float, float]


def threshold_at(scores: ArrayLike, labels: ArrayLike, specificity: float) -> float:
    """The lowest of the scores that, as a threshold, leaves at least this share of the healthy ones below it.

    scores, labels: of people on whom the threshold may be chosen, never of those on whom it is judged. Called diseased
    is who scores at the threshold or above; infinity where every score calls too many.
    Raises ValueError where a class is empty or the specificity is not between 0 and 1.

    >>> threshold_at([0.1, 0.2, 0.3, 0.6, 0.4, 0.9], [0, 0, 0, 0, 1, 1], specificity=0.75)
    0.4
    """
    positive, negative = by_label(scores, labels)
    _check_share("specificity", specificity)
    candidates = np.unique(np.concatenate([positive, negative]))
    below = np.searchsorted(np.sort(negative), candidates)  # how many healthy ones score below each
    enough = candidates[below >= specificity * negative.size - 1e-9]
    return float(enough[0]) if enough.size else float("inf")


def operating_point(scores: ArrayLike, labels: ArrayLike, threshold: float, confidence: float = 0.95) -> OperatingPoint:
    """Counts, sensitivity and specificity where everyone with score >= threshold is called diseased."""
    positive, negative = by_label(scores, labels)
    hits, spared = int((positive >= threshold).sum()), int((negative < threshold).sum())
    shares = []
    for right, total in ((hits, positive.size), (spared, negative.size)):
        low, high = wilson_interval(right, total, confidence)
        shares.append((low, right / total, high))
    return OperatingPoint(
        float(threshold), hits, positive.size - hits, spared, negative.size - spared, shares[0], shares[1]
    )


def predictive_values(sensitivity: float, specificity: float, prevalence: float) -> tuple[float, float]:
    """(PPV, NPV): how many of those called diseased are so, and how many of those left in peace are healthy.

    PPV = s q / (s q + (1 - c)(1 - q)), NPV = c (1 - q) / (c (1 - q) + (1 - s) q) by Bayes' rule, for sensitivity s,
    specificity c and prevalence q, the share of diseased among those who are tested. nan where nobody gets the result.
    Source: Altman, Bland: Diagnostic tests 2: predictive values, BMJ 309, 1994.
    Raises ValueError for a share outside 0 to 1.

    >>> ppv, npv = predictive_values(231 / 258, 54 / 86, 0.25)
    >>> print(f"{ppv:.2f} {npv:.2f}")
    0.45 0.95
    """
    for name, share in (("sensitivity", sensitivity), ("specificity", specificity), ("prevalence", prevalence)):
        _check_share(name, share)
    true_positive, false_positive = sensitivity * prevalence, (1 - specificity) * (1 - prevalence)
    true_negative, false_negative = specificity * (1 - prevalence), (1 - sensitivity) * prevalence
    return _share(true_positive, false_positive), _share(true_negative, false_negative)


def _share(part: float, rest: float) -> float:
    return part / (part + rest) if part + rest else float("nan")


def _check_share(name: str, share: float) -> None:
    if not 0 <= share <= 1:
        raise ValueError(f"{name} {share} is not a share: use 0 to 1")
