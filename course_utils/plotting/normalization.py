"""What normalization and dropout do: descent on a surface, curves with intervals, axes of four kinds, masked values."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

__all__ = ["axes_of_norms", "descent_contours", "interval_curves", "number_panels"]


def descent_contours(
    axis: Axes, loss: Callable[[np.ndarray, np.ndarray], np.ndarray], path: np.ndarray, title: str = ""
) -> None:
    """Draw into an axis the contours of a loss over two weights, and the way that a descent took.

    loss: (w1, w2), arrays of one shape, -> losses of that shape. path: [steps, 2], which ends near the lowest point;
    the picture is a square around its end, large enough for its start, with one scale for both weights.
    """
    reach = 1.15 * np.abs(path - path[-1]).max()
    sides = [np.linspace(centre - reach, centre + reach, 121) for centre in path[-1]]
    w1, w2 = np.meshgrid(*sides)
    heights = loss(w1, w2)
    lowest = heights.min()
    axis.contour(w1, w2, heights, levels=lowest + (heights.max() - lowest) * np.linspace(0.02, 1, 12) ** 2)
    axis.plot(*path.T, "-", color="C1", marker=".", markersize=4, linewidth=0.8)
    axis.plot(*path[0], "o", color="C1", markersize=9)
    axis.plot(*path[-1], "*", color="black", markersize=13)
    axis.set(xlabel="$w_1$", ylabel="$w_2$", aspect="equal")
    axis.set_title(title, fontsize=12)


def interval_curves(
    axis: Axes,
    x: ArrayLike,
    curves: Mapping[str, tuple[np.ndarray, np.ndarray, np.ndarray]],
    chance: float | None = None,
) -> None:
    """Draw into an axis, for each name, a line and the band around it.

    x: [points]. curves: name -> (low, middle, high), [points] each, as `metrics.mean_interval` gives them.
    chance: a level to draw as a grey line. Raises ValueError where a curve does not fit x.
    """
    x = np.asarray(x)
    for name, parts in curves.items():
        if any(np.shape(part) != x.shape for part in parts) or len(parts) != 3:
            raise ValueError(f"curve {name!r} does not fit {len(x)} points: give (low, middle, high), {len(x)} each")
        low, middle, high = parts
        (line,) = axis.plot(x, middle, label=name, marker="o", markersize=4)
        axis.fill_between(x, low, high, color=line.get_color(), alpha=0.2, linewidth=0)
    if chance is not None:
        axis.axhline(chance, color="0.5", linewidth=1, linestyle=":", label="chance")


def axes_of_norms(influence: Mapping[str, np.ndarray], place: tuple[int, int], message: str) -> Figure:
    """Which outputs one input reaches: name -> booleans [N, C], a panel each; place: the input's (sample, channel)."""
    figure, axes = plt.subplots(1, len(influence), figsize=(2.4 * len(influence), 2.9), squeeze=False, sharey=True)
    for axis, (name, reached) in zip(axes.flat, influence.items(), strict=True):
        axis.imshow(reached, cmap="Blues", vmin=0, vmax=1.6)
        axis.plot(place[1], place[0], "o", color="C1", markersize=9)
        axis.set_xticks(range(reached.shape[1]))
        axis.set_yticks(range(reached.shape[0]))
        axis.set_xticks(np.arange(reached.shape[1] + 1) - 0.5, minor=True)
        axis.set_yticks(np.arange(reached.shape[0] + 1) - 0.5, minor=True)
        axis.grid(True, which="minor", color="0.8", linewidth=1)
        axis.tick_params(which="both", length=0)
        axis.set_xlabel("channel")
        axis.set_title(name, fontsize=12)
    axes[0, 0].set_ylabel("sample")
    figure.suptitle(message, x=0.01, ha="left", fontsize=14)
    return figure


def number_panels(panels: Mapping[str, np.ndarray], message: str, columns: int) -> Figure:
    """Small arrays as numbers in cells, a panel each, row by row: title -> [rows, columns]; zeros are grey."""
    rows = -(-len(panels) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(3 * columns, 1.7 * rows + 0.5), squeeze=False)
    for axis in axes.flat[len(panels) :]:
        axis.axis("off")
    for axis, (title, values) in zip(axes.flat, panels.items(), strict=False):
        axis.imshow(values == 0, cmap="gray_r", vmin=0, vmax=4, aspect="auto")
        for (i, j), value in np.ndenumerate(values):
            axis.text(j, i, f"{value:g}", ha="center", va="center")
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(True)
        axis.set_title(title, fontsize=12)
    figure.suptitle(message, x=0.01, ha="left", fontsize=14)
    return figure
