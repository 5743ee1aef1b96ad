"""Two landscapes of two weights to try optimizers on: a ravine and a saddle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

__all__ = ["Landscape", "ravine", "saddle"]


@dataclass(frozen=True)
class Landscape:
    """A loss over two weights: value maps w [..., 2] to [...], gradient to [..., 2]; its lowest value, and a start."""

    value: Callable[[np.ndarray], np.ndarray]
    gradient: Callable[[np.ndarray], np.ndarray]
    lowest: float
    start: tuple[float, float]


def ravine(steep: float = 50.0, angle: float = 30.0) -> Landscape:
    """A long valley: (w1^2 + steep w2^2) / 2, turned by an angle in degrees; its lowest point is (0, 0).

    steep: the condition number. The start is on the valley's side, far from the lowest point.
    Raises ValueError for a steepness below 1.
    """
    if steep < 1:
        raise ValueError(f"a ravine of steepness {steep} is none: use 1 or more")
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    turn = np.array([[cos, -sin], [sin, cos]])
    hessian = turn @ np.diag([1.0, steep]) @ turn.T  # [2, 2]
    first, second = turn @ np.array([-8.0, 2.0])
    return Landscape(
        value=lambda w: (w @ hessian * w).sum(axis=-1) / 2,
        gradient=lambda w: w @ hessian,
        lowest=0.0,
        start=(float(first), float(second)),
    )


def saddle(steep: float = 10.0, off: float = 0.001) -> Landscape:
    """(steep w1^2 - w2^2) / 2 + w2^4 / 24: a saddle at (0, 0), and two lowest points where w2 = +-sqrt(6).

    off: how far beside the line w2 = 0 the start (-3, off) lies; on the line itself every gradient leads into the
    saddle, and no rule leaves it. Raises ValueError for a steepness that is not above 0.
    """
    if steep <= 0:
        raise ValueError(f"a saddle of steepness {steep} has no valley to come from: use a value above 0")
    return Landscape(
        value=lambda w: (steep * w[..., 0] ** 2 - w[..., 1] ** 2) / 2 + w[..., 1] ** 4 / 24,
        gradient=lambda w: np.stack([steep * w[..., 0], w[..., 1] ** 3 / 6 - w[..., 1]], axis=-1),
        lowest=-1.5,
        start=(-3.0, off),
    )
