"""Width multipliers: one number that makes a whole network narrower (Howard et al. 2017, section 3.3)."""

from __future__ import annotations

__all__ = ["scaled"]


def scaled(channels: int, width: float, multiple: int = 1) -> int:
    """channels times width, rounded to the nearest multiple of `multiple` and at least that.

    Raises ValueError for a width that is not positive.

    >>> scaled(96, 0.25), scaled(96, 0.25, multiple=16), scaled(3, 0.01)
    (24, 32, 1)
    """
    if width <= 0:
        raise ValueError(f"width {width} leaves no channels: use a factor above 0")
    return max(round(channels * width / multiple), 1) * multiple
