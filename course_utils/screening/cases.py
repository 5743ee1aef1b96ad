"""Scores and labels as every measure of a screening test takes them, and the complaints about what is neither."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["by_label", "cases"]


def cases(scores: ArrayLike, labels: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Scores float64 [N] and labels int64 [N].

    scores: [N] or [N, 1], such as logits, finite, higher for the more suspicious; labels: [N] of 0 (healthy) and 1.
    Raises ValueError for anything else, and where there is no sample.
    """
    values, truth = np.asarray(scores, dtype=np.float64), np.asarray(labels)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1 or values.shape != truth.shape or not values.size:
        raise ValueError(f"scores are {list(values.shape)}, labels {list(truth.shape)}: give one of each a sample, [N]")
    if not np.isfinite(values).all():
        raise ValueError(f"{int((~np.isfinite(values)).sum())} of the scores are not finite: give finite numbers")
    if not np.isin(truth, [0, 1]).all():
        raise ValueError(f"labels hold {np.unique(truth)[:4].tolist()}: give 0 for healthy and 1 for diseased")
    return values, truth.astype(np.int64)


def by_label(scores: ArrayLike, labels: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """The scores of the diseased [P] and those of the healthy [N]; raises ValueError, too, where one has nobody."""
    values, truth = cases(scores, labels)
    positive, negative = values[truth == 1], values[truth == 0]
    if not positive.size or not negative.size:
        raise ValueError(f"{positive.size} diseased and {negative.size} healthy samples: give at least one of each")
    return positive, negative
