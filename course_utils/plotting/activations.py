"""Activation functions and their derivatives as small multiples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

__all__ = ["activation_panels"]

Function = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


def activation_panels(
    functions: Mapping[str, tuple[Function, Sequence[float]]], message: str, reach: float = 7, columns: int = 4
) -> Figure:
    """One small panel a function, value and derivative, from −reach to reach; each on its own scale.

    functions: title -> (x to (f, f′), the kinks, at which the lines are broken). Values beyond ±reach are cut off.
    Raises ValueError where there is none.
    """
    if not functions:
        raise ValueError("there are 0 functions to draw: give at least one")
    rows = -(-len(functions) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(1.75 * columns, 1.5 * rows + 0.9), sharex=True, squeeze=False)
    for axis in axes.flat[len(functions) :]:
        axis.axis("off")
    for axis, (title, (function, kinks)) in zip(axes.flat, functions.items(), strict=False):
        x = np.sort(np.concatenate([np.linspace(-reach, reach, 401), *((k - 1e-6, k, k + 1e-6) for k in kinks)]))
        lines = [np.where(np.isin(x, kinks), np.nan, y) for y in function(x)]
        axis.axhline(0, color="#999999", linewidth=0.8)
        axis.axvline(0, color="#999999", linewidth=0.8)
        for values, colour, style in zip(lines, ("C0", "C1"), ("-", "--"), strict=True):
            axis.plot(x, values, color=colour, linestyle=style)
        low, high = max(np.nanmin(lines), -reach), min(np.nanmax(lines), reach)
        axis.set_ylim(low - 0.08 * (high - low), high + 0.08 * (high - low))
        axis.set_title(title, fontsize=11)
        axis.locator_params(nbins=4)
        axis.tick_params(labelsize=10)
    handles = axes[0, 0].lines[2:]
    figure.legend(handles, ["value f", "derivative f′"], loc="outside lower center", ncols=2, fontsize=12)
    figure.suptitle(message, x=0.01, ha="left", fontsize=14)
    return figure
