"""Optimizers on their way over a landscape of two weights, the sweep for their rates, and rates that change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from course_utils.optimizers import Landscape

__all__ = ["draw_landscape", "path_panels", "race_filmstrip", "race_step", "rate_sweep", "schedule_panels"]


def path_panels(land: Landscape, paths: Mapping[str, np.ndarray], message: str = "", columns: int = 5) -> Figure:
    """A panel for each title -> path [steps + 1, 2]: contours, the way (dots are steps), start and end."""
    rows = -(-len(paths) // columns)
    size = (9, rows * (8.4 / columns + 0.5) + 0.6)
    figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False, sharex=True, sharey=True)
    reach = _reach(land, paths)
    for axis, (title, path) in zip(axes.flat, paths.items(), strict=False):
        draw_landscape(axis, land, reach)
        axis.plot(*path.T, "-", color="C1", marker=".", markersize=4, linewidth=1)
        axis.plot(*path[-1], "*", color="black", markersize=9)
        axis.set_title(title, fontsize=11)
    for axis in axes.flat[len(paths) :]:
        axis.axis("off")
    figure.suptitle(message, x=0.01, ha="left", fontsize=14)
    return figure


def race_step(land: Landscape, paths: Mapping[str, np.ndarray], step: int, message: str = "") -> Figure:
    """Where each stands after `step` steps, and its loss above the lowest so far: name -> path [steps + 1, 2].

    At most seven names, as there are colours. A path that has become nan ends where it did.
    """
    _check(paths, step)
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), width_ratios=[1, 1.15])
    draw_landscape(left, land, _reach(land, paths))
    _draw_heads(left, paths, step)
    left.set(xlabel="$w_1$", ylabel="$w_2$")
    longest = max(len(path) for path in paths.values()) - 1
    gaps = {name: np.maximum(land.value(path) - land.lowest, 1e-12) for name, path in paths.items()}
    for name, gap in gaps.items():
        right.plot(gap[: step + 1], label=name)
    top = max(gap[0] for gap in gaps.values())
    right.set(xlim=(0, longest), ylim=(1e-6 * top, 10 * top), yscale="log")
    right.set(xlabel="step", ylabel="loss above the lowest")
    right.legend(loc="upper right", ncols=2, fontsize=10)
    figure.suptitle(message or f"after {step} steps", x=0.01, ha="left", fontsize=14)
    return figure


def race_filmstrip(land: Landscape, paths: Mapping[str, np.ndarray], steps: Sequence[int], message: str = "") -> Figure:
    """The left half of `race_step` for several steps, side by side."""
    figure, axes = plt.subplots(1, len(steps), figsize=(9, 9 / len(steps) + 0.9), squeeze=False, sharey=True)
    reach = _reach(land, paths)
    for axis, step in zip(axes.flat, steps, strict=True):
        _check(paths, step)
        draw_landscape(axis, land, reach)
        _draw_heads(axis, paths, step)
        axis.set_title(f"step {step}", fontsize=12)
    handles, names = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=len(names), fontsize=10)
    figure.suptitle(message, x=0.01, ha="left", fontsize=14)
    return figure


def rate_sweep(rates: ArrayLike, needed: Mapping[str, Mapping[str, ArrayLike]], message: str = "") -> Figure:
    """Steps that each rule needs at each rate, in cells; the fewest of a row have a frame, inf is an empty cell.

    rates: [rates]. needed: landscape -> rule -> steps [rates]; a table for each landscape, one above the other.
    Raises ValueError where steps do not fit the rates.
    """
    rates = np.asarray(rates)
    tallest = sum(len(rows) for rows in needed.values())
    size, heights = (9, 0.3 * tallest + 0.9 * len(needed)), [len(rows) for rows in needed.values()]
    figure, axes = plt.subplots(len(needed), 1, figsize=size, squeeze=False, sharex=True, height_ratios=heights)
    for axis, (title, rows) in zip(axes.flat, needed.items(), strict=True):
        if wrong := [name for name, steps in rows.items() if np.shape(steps) != rates.shape]:
            raise ValueError(f"the steps of {wrong[0]!r} do not fit {len(rates)} rates: give one number for each")
        table = np.array(list(rows.values()), dtype=float)
        axis.imshow(np.log(np.where(np.isinf(table), np.nan, table + 1)), cmap="Blues_r", aspect="auto", vmin=0, vmax=8)
        for (row, column), steps in np.ndenumerate(table):
            if np.isfinite(steps):
                best = steps == table[row].min()
                frame = {"facecolor": "none", "edgecolor": "C1", "linewidth": 2, "pad": 2} if best else None
                colour = "white" if steps < 20 else "black"
                axis.text(column, row, f"{steps:.0f}", ha="center", va="center", fontsize=10, color=colour, bbox=frame)
        axis.set_yticks(range(len(rows)), labels=list(rows))
        axis.set_xticks(range(len(rates)), labels=[f"{rate:g}" for rate in rates])
        axis.tick_params(length=0)
        axis.spines[:].set_visible(False)
        axis.set_title(title, fontsize=12)
    axes[-1, 0].set_xlabel("learning rate")
    figure.suptitle(message, x=0.01, ha="left", fontsize=14)
    return figure


def schedule_panels(rates: Mapping[str, ArrayLike], message: str = "") -> Figure:
    """A panel for each title -> rates [steps], with one scale."""
    figure, axes = plt.subplots(1, len(rates), figsize=(9, 2.8), squeeze=False, sharey=True)
    for axis, (title, values) in zip(axes.flat, rates.items(), strict=True):
        axis.plot(np.asarray(values), "-", color="C0")
        axis.set(xlabel="step", ylim=(0, None))
        axis.set_title(title, fontsize=12)
    axes[0, 0].set_ylabel("learning rate")
    figure.suptitle(message, x=0.01, ha="left", fontsize=14)
    return figure


def draw_landscape(axis: Axes, land: Landscape, reach: float | None = None) -> None:
    """Contours in a square from -reach to reach around (0, 0), by default one that holds the start, which is a ring."""
    reach = _reach(land, {}) if reach is None else reach
    side = np.linspace(-reach, reach, 81)
    grid = np.stack(np.meshgrid(side, side), axis=-1)  # [81, 81, 2]
    height = land.value(grid) - land.lowest
    axis.contour(side, side, height, levels=height.max() * np.linspace(0.05, 1, 8) ** 2, colors="0.75", linewidths=0.8)
    axis.plot(*land.start, "o", color="black", markersize=7, fillstyle="none")
    axis.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")


def _reach(land: Landscape, paths: Mapping[str, np.ndarray]) -> float:
    """Half a square's side that holds the start and the paths, but for those that go more than twice as far."""
    usual = 1.2 * float(np.abs(land.start).max())
    farthest = max((float(np.nanmax(np.abs(path))) for path in paths.values()), default=0.0)
    return min(max(usual, 1.1 * farthest), 2 * usual)


def _draw_heads(axis: Axes, paths: Mapping[str, np.ndarray], step: int) -> None:
    for name, path in paths.items():
        walked = path[: step + 1]
        (line,) = axis.plot(*walked.T, linewidth=1.5, label=name)
        axis.plot(*walked[-1], "o", color=line.get_color(), markersize=7)


def _check(paths: Mapping[str, np.ndarray], step: int) -> None:
    shortest = min(len(path) for path in paths.values()) - 1
    if not 0 <= step <= shortest:
        raise ValueError(f"step {step} is not on all paths: use 0 to {shortest}")
