"""Residual units drawn as what they are: a path of layers, and a way around it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch

__all__ = ["unit_diagrams"]

STEP = 1.0  # from one layer to the next, in the panels' own units
BESIDE = 1.9  # how far right of the layers the shortcut runs


def unit_diagrams(units: Mapping[str, tuple[Sequence[str], str | None]], message: str) -> Figure:
    """One panel a unit: name -> (its layers from input to output, what its shortcut is or None where it has none).

    The layer that is called "+" is where the shortcut comes back; a unit with a shortcut has exactly one.
    Raises ValueError where it has not.
    """
    tallest = max(len(layers) for layers, _ in units.values()) + 2
    figure, axes = plt.subplots(1, len(units), figsize=(2.3 * len(units), 0.46 * tallest + 0.9), squeeze=False)
    for axis, (name, (layers, shortcut)) in zip(axes.flat, units.items(), strict=True):
        if list(layers).count("+") != (shortcut is not None):
            raise ValueError(f"unit {name!r} with shortcut {shortcut!r} has the layers {list(layers)}: give it one '+'")
        _draw(axis, layers, shortcut)
        axis.set(xlim=(-1.3, 2.75), ylim=(-STEP * (tallest - 0.5), 0.4), title=name)
        axis.title.set_fontsize(12)
        axis.axis("off")
    figure.suptitle(message, x=0.01, ha="left", fontsize=14)
    return figure


def _draw(axis: Axes, layers: Sequence[str], shortcut: str | None) -> None:
    texts = ["x", *layers, "y"]
    for k, text in enumerate(texts):
        height = -STEP * k
        if k:
            _arrow(axis, (0, height + 0.7 * STEP), (0, height + 0.3 * STEP))
        if text == "+":
            axis.add_patch(Circle((0, height), 0.3, facecolor="white", edgecolor="C1", linewidth=2))
        elif 0 < k < len(texts) - 1:
            _box(axis, (0, height), "C0")
        axis.text(0, height, text, ha="center", va="center", fontsize=10)
    if shortcut is not None:
        join = -STEP * texts.index("+")
        axis.plot([0.25, BESIDE, BESIDE], [0, 0, join], color="C1", linestyle="-", linewidth=2)
        _arrow(axis, (BESIDE, join), (0.35, join), "C1")
        axis.text(
            BESIDE, join / 2, shortcut, ha="center", va="center", fontsize=10, bbox={"facecolor": "white", "pad": 3}
        )


def _box(axis: Axes, centre: tuple[float, float], colour: str) -> None:
    corner = (centre[0] - 1.1, centre[1] - 0.25)
    axis.add_patch(
        FancyBboxPatch(corner, 2.2, 0.5, boxstyle="round,pad=0.04", facecolor="white", edgecolor=colour, linewidth=1.5)
    )


def _arrow(axis: Axes, start: tuple[float, float], end: tuple[float, float], colour: str = "black") -> None:
    axis.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": colour, "linewidth": 1.5})
