"""Clipping (梯度裁剪): a gradient that is too long is shortened, and keeps its direction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["clip_by_global_norm", "clip_by_norm"]


def clip_by_norm(gradient: np.ndarray, limit: float) -> np.ndarray:
    """g limit / |g| where the norm |g| (of all its values, of any shape) exceeds the limit, else g itself.

    Raises ValueError unless limit > 0. Source: Pascanu, Mikolov & Bengio 2013 (arXiv:1211.5063), algorithm 1.
    """
    return clip_by_global_norm([gradient], limit)[0]


def clip_by_global_norm(gradients: Sequence[np.ndarray], limit: float) -> list[np.ndarray]:
    """All gradients by one factor, so that the norm of all their values together is at most the limit.

    This keeps the direction of the whole step; each one clipped by its own norm would turn it.
    Raises ValueError unless limit > 0. Source: as `clip_by_norm`, which takes all weights as one vector.
    """
    if not limit > 0:
        raise ValueError(f"limit {limit} leaves no gradient: use a number above 0")
    norm = float(np.sqrt(sum(float((gradient**2).sum()) for gradient in gradients)))
    factor = limit / max(norm, limit)
    return [gradient * np.asarray(factor, gradient.dtype) for gradient in gradients]
