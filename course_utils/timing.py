"""Times as ratios: what runs beside what, in one run, in turns."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

__all__ = ["interleaved_ratios"]


def interleaved_ratios(calls: Mapping[str, Callable[[], Any]], reference: str, repeats: int = 10) -> dict[str, float]:
    """Median over `repeats` rounds of each call's time divided by the reference's time in the same round.

    Every call runs once to warm up, then all take turns, so that a busy moment of the machine strikes all alike.
    Raises ValueError for an unknown reference or fewer than one round.
    """
    if reference not in calls or repeats < 1:
        raise ValueError(f"reference {reference!r} must be one of {', '.join(calls)}, and repeats at least 1")
    for call in calls.values():
        call()
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - start)
    base = np.array(seconds[reference])
    return {name: float(np.median(np.array(times) / base)) for name, times in seconds.items()}
