"""Bars: ratios on a logarithmic axis, and estimates with their intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

__all__ = ["interval_bars", "ratio_bars"]


def ratio_bars(ratios: Mapping[str, float], message: str, reference: str) -> Figure:
    """Times as ratios to `reference`, one a name, in the given order, on a log axis; positive."""
    if min(ratios.values()) <= 0:
        raise ValueError("ratios on a logarithmic axis must be positive")
    figure, axis = plt.subplots(figsize=(8, 0.5 * len(ratios) + 1.4))
    names = list(ratios)[::-1]
    # From 1 on, so that a bar's length is the logarithm of the ratio: to the right slower, to the left faster.
    axis.barh(names, [ratios[name] - 1 for name in names], left=1)
    for row, name in enumerate(names):
        axis.text(max(ratios[name], 1) * 1.08, row, f"{ratios[name]:.3g}", va="center", fontsize=11)
    axis.axvline(1, color="black", linewidth=1, linestyle=":")
    axis.set_xscale("log")
    low, high = min(*ratios.values(), 1), max(*ratios.values(), 1)
    axis.set_xlim(low / 1.3, high * 2)
    axis.set_xlabel(f"time / time of {reference} (log scale; left is faster)")
    axis.set_title(message)
    return figure


def interval_bars(
    estimates: Mapping[str, tuple[float, float, float]], message: str, xlabel: str, marks: Sequence[float] = ()
) -> Figure:
    """Estimates with intervals, one a name: (low, estimate, high). marks: values to draw as vertical lines."""
    figure, axis = plt.subplots(figsize=(8, 0.36 * len(estimates) + 1.4))
    for row, (low, estimate, high) in enumerate(reversed(list(estimates.values()))):
        axis.hlines(row, low, high, color="C0", linewidth=5, alpha=0.5)
        axis.plot([estimate], [row], "o", color="C0", markersize=8)
        axis.annotate(
            f"{low:.1f} to {high:.1f}",
            (high, row),
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            fontsize=11,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},  # a mark must not cross the text
        )
    for mark in marks:
        axis.axvline(mark, color="C1", linewidth=1.5, linestyle="--")
    axis.set_yticks(range(len(estimates)), labels=list(estimates)[::-1])
    axis.set_ylim(-0.6, len(estimates) - 0.4)
    axis.margins(x=0.25)
    axis.set_xlabel(xlabel)
    axis.set_title(message)
    return figure
