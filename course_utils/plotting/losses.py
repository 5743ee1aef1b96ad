"""Losses drawn: value and slope side by side, and the lines that different losses fit to the same points."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

__all__ = ["fitted_lines", "value_and_slope"]

Pair = tuple[np.ndarray, np.ndarray]


def value_and_slope(
    x: ArrayLike, curves: Mapping[str, Pair], message: str, xlabel: str, highest: float | None = None
) -> Figure:
    """Two panels over x [points], a line for each name: the values left, the slopes right.

    curves: name -> (values, slopes), [points] each. highest: both panels end at ± this (values at 0 below).
    Raises ValueError where a curve does not fit x.
    """
    x = np.asarray(x)
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6))
    for name, pair in curves.items():
        if any(np.shape(part) != x.shape for part in pair):
            raise ValueError(f"curve {name!r} does not fit {len(x)} points: give values and slopes, {len(x)} each")
        for axis, part in zip(axes, pair, strict=True):
            axis.plot(x, part, label=name)
    for axis, what in zip(axes, ("loss", "slope of the loss"), strict=True):
        axis.axhline(0, color="#999999", linewidth=0.8, linestyle="-", zorder=0)
        axis.axvline(0, color="#999999", linewidth=0.8, linestyle="-", zorder=0)
        axis.set(xlabel=xlabel, ylabel=what)
    if highest is not None:
        axes[0].set_ylim(-0.05 * highest, highest)
        axes[1].set_ylim(-highest, highest)
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=len(names), fontsize=11)
    figure.suptitle(message, x=0.01, ha="left", fontsize=14)
    return figure


def fitted_lines(
    panels: Mapping[str, tuple[np.ndarray, np.ndarray, Mapping[str, tuple[float, float]]]],
    message: str,
    xlabel: str,
    ylabel: str,
    highest: float | None = None,
) -> Figure:
    """A panel for each title: points and the lines fitted to them, on the same scales.

    panels: title -> (x [points], t [points], name -> (slope, intercept)); every panel has the same names. highest: the
    panels reach from 0 to it, and a point above it becomes an arrow at the upper edge with its number.
    """
    figure, axes = plt.subplots(1, len(panels), figsize=(4.5 * len(panels), 3.6), sharex=True, sharey=True)
    for axis, (title, (x, t, lines)) in zip(np.atleast_1d(axes), panels.items(), strict=True):
        axis.plot(x, t, "o", color="0.6", markersize=5)
        if highest is not None:
            for left, value in zip(x[t > highest], t[t > highest], strict=True):
                tip, foot = (left, highest), (left, 0.8 * highest)
                axis.annotate("", tip, foot, arrowprops={"arrowstyle": "->", "linewidth": 1.5})
                axis.text(left, 0.98 * highest, f"{value:.0f}  ", ha="right", va="top")
        ends = np.array([np.min(x), np.max(x)])
        for name, (slope, intercept) in lines.items():
            axis.plot(ends, slope * ends + intercept, label=name)
        axis.set(xlabel=xlabel)
        axis.set_title(title, fontsize=12)
    first = figure.axes[0]
    first.set_ylabel(ylabel)
    if highest is not None:
        first.set_ylim(0, highest)
    handles, names = first.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=len(names), fontsize=11)
    figure.suptitle(message, x=0.01, ha="left", fontsize=14)
    return figure
