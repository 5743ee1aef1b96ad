"""Nets side by side: several measures of each, and how the way to a goal depends on the learning rate."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, StrMethodFormatter

__all__ = ["goal_curves", "measure_panels"]

Interval = tuple[float, float, float]  # low, estimate, high


def measure_panels(measures: Mapping[str, Mapping[str, float | Interval]], message: str) -> Figure:
    """One panel a measure, one row a net: measure with its unit -> net -> a number or (low, estimate, high).

    Numbers are bars from 0, intervals a line with a dot; the value stands beside it, with three digits.
    Raises ValueError where the measures are not of the same nets in the same order.
    """
    nets = list(next(iter(measures.values())))
    if any(list(of_nets) != nets for of_nets in measures.values()):
        raise ValueError("the measures are not of the same nets: give each the same names in the same order")
    figure, axes = plt.subplots(
        1, len(measures), figsize=(2.6 * len(measures), 0.42 * len(nets) + 1.5), sharey=True, squeeze=False
    )
    for axis, (name, of_nets) in zip(axes.flat, measures.items(), strict=True):
        for row, value in enumerate(of_nets.values()):
            _draw(axis, row, value)
        axis.margins(x=0.4)
        axis.set_xlabel(name, fontsize=11)
    axes[0, 0].set_yticks(range(len(nets)), labels=nets)
    axes[0, 0].set_ylim(len(nets) - 0.4, -0.6)
    figure.suptitle(message, x=0.01, ha="left", fontsize=14)
    return figure


def goal_curves(axis: Axes, ways: Mapping[str, Mapping[float, float]], limit: float) -> None:
    """Into `axis`: name -> rate -> steps to the goal, both on log axes; hollow above `limit` where it was not reached.

    Not reached is written as infinity; each curve has a height of its own there. The lowest of each is drawn larger.
    """
    for number, (name, steps) in enumerate(ways.items()):
        rates, values = np.array(list(steps)), np.array(list(steps.values()))
        reached = np.isfinite(values)
        colour, marker = f"C{number}", "os^D"[number % 4]
        axis.plot(rates, np.where(reached, values, np.nan), color=colour, marker=marker, label=name)
        axis.plot(
            rates[~reached],
            np.full((~reached).sum(), limit * 1.15 ** (number + 1)),
            marker,
            color=colour,
            fillstyle="none",
        )
        if reached.any():
            best = int(np.argmin(values))
            axis.plot(rates[best], values[best], marker, color=colour, markersize=12)
    axis.axhline(limit, color="0.5", linewidth=1, linestyle=":")
    axis.set(xscale="log", yscale="log", xlabel="learning rate", ylabel="steps to the goal")
    ticks = np.unique([rate for steps in ways.values() for rate in steps])
    axis.set_xticks(ticks, labels=[f"{rate:g}" for rate in ticks])
    axis.set_xticks([], minor=True)
    axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axis.set_yticks([], minor=True)


def _draw(axis: Axes, row: int, value: float | Interval) -> None:
    if isinstance(value, tuple):
        low, value, high = value
        axis.hlines(row, low, high, color="C0", linewidth=5, alpha=0.5, linestyle="-")
        axis.plot([value], [row], "o", color="C0", markersize=7)
        end = high
    else:
        axis.barh(row, value, color="C0", height=0.6)
        end = value
    axis.annotate(_short(value), (end, row), xytext=(5, 0), textcoords="offset points", va="center", fontsize=10)


def _short(value: float) -> str:
    """Three digits, without an exponent below a million."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
