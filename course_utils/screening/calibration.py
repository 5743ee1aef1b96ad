"""Whether 80 % means 80 %: the calibration of probabilities, and one number that mends it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar

from course_utils.metrics import wilson_interval
from course_utils.screening.cases import cases

__all__ = ["Calibration", "calibration_curve", "calibration_error", "fit_temperature", "log_loss"]

HOTTEST = 100.0  # temperatures are looked for between 1 / HOTTEST and HOTTEST


class Calibration(NamedTuple):
    """For each bin with samples: mean probability, share of diseased with its interval, and how many; [K] each."""

    predicted: np.ndarray
    observed: np.ndarray
    low: np.ndarray
    high: np.ndarray
    size: np.ndarray


def calibration_curve(
    probabilities: ArrayLike, labels: ArrayLike, bins: int = 10, confidence: float = 0.95
) -> Calibration:
    """Samples sorted into bins of equal width by their probability of disease, and what became of each bin.

    probabilities: [N], 0 to 1; labels: [N] of 0 and 1. A bin holds what lies above its lower end, up to its upper end.
    The interval is Wilson's. Source: Niculescu-Mizil, Caruana: Predicting good probabilities, 2005.
    Raises ValueError for other values, or bins < 1.
    """
    values, truth = cases(probabilities, labels)
    if values.min() < 0 or values.max() > 1:
        raise ValueError(f"probabilities run from {values.min():.3g} to {values.max():.3g}: use 0 to 1, not logits")
    if bins < 1:
        raise ValueError(f"{bins} bins hold nothing: use 1 or more")
    places = np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], values)
    count = np.bincount(places, minlength=bins)
    held = count > 0
    diseased = np.bincount(places, truth, bins)[held].astype(np.int64)
    count, sums = count[held], np.bincount(places, values, bins)[held]
    ends = [wilson_interval(int(k), int(n), confidence) for k, n in zip(diseased, count, strict=True)]
    low, high = np.array(ends).T
    return Calibration(sums / count, diseased / count, low, high, count)


def calibration_error(probabilities: ArrayLike, labels: ArrayLike, bins: int = 10) -> float:
    """Expected calibration error: the mean over samples of |share of diseased - mean probability| of their bin.

    Of few samples it is above 0 for perfect probabilities, too. Arguments and errors as `calibration_curve`.
    Source: Naeini et al. 2015; Guo et al.: On calibration of modern neural networks, 2017, equation 3, with the
    disease's probability in place of the confidence in the predicted class.
    """
    curve = calibration_curve(probabilities, labels, bins)
    return float(np.average(np.abs(curve.observed - curve.predicted), weights=curve.size))


def log_loss(logits: ArrayLike, labels: ArrayLike, temperature: float = 1.0) -> float:
    """Mean of -log(probability of the truth), where logit z means the probability 1 / (1 + exp(-z / temperature)).

    logits: [N] or [N, 1]; labels: [N] of 0 and 1. Raises ValueError for other values or a temperature not above 0.
    """
    values, truth = cases(logits, labels)
    if temperature <= 0:
        raise ValueError(f"temperature {temperature} is not positive: use for example 1")
    return float(np.logaddexp(0, np.where(truth == 1, -values, values) / temperature).mean())


def fit_temperature(logits: ArrayLike, labels: ArrayLike) -> float:
    """The temperature by which to divide logits so that their log_loss is least: above 1 for a net that is too sure.

    logits, labels: of people whom the net was not trained on, and on whom it is not judged. The order of the scores,
    and so the AUC, stays. The answer lies between 1/100 and 100; it is near an end where no temperature is best, for
    logits that are right without exception or worse than none.
    Source: Guo et al.: On calibration of modern neural networks, 2017, section 4.2, for one logit.
    """
    values, truth = cases(logits, labels)
    limit = np.log(HOTTEST)
    found = minimize_scalar(
        lambda log_t: log_loss(values, truth, np.exp(log_t)), bounds=(-limit, limit), options={"xatol": 1e-6}
    )
    return float(np.exp(found.x))
