"""The form of a figure for a projector: ten inches wide, and nothing on it smaller than 14 points."""

from __future__ import annotations

import textwrap
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

__all__ = ["classroom_axes", "power_of_ten"]

SMALLEST = 15  # points; at 390 px of width they are 8 px


def classroom_axes(message: str, mosaic: str, **grid: Any) -> tuple[Figure, dict[str, Axes]]:
    """A figure of 10 x 5.6 inches, its message above (two lines at most), and its panels by letter.

    mosaic: rows of letters, as `Figure.subplot_mosaic` takes them, such as "ab" or "aa;bc". grid: settings of the
    grid, such as width_ratios. Margins are fixed, since a layout that is computed costs half of a redraw; and pyplot
    does not know the figure, so that it is freed when the next one takes its place.
    """
    lines = textwrap.wrap(message, 72)[:2]
    figure = Figure(figsize=(10, 5.6), layout="none")  # type: ignore[arg-type]  # set later it costs a second drawing
    place = {"left": 0.1, "right": 0.955, "bottom": 0.14, "top": 0.9 - 0.06 * len(lines), "wspace": 0.28, "hspace": 0.5}
    axes = figure.subplot_mosaic(mosaic, gridspec_kw=place | grid)
    for axis in axes.values():
        axis.tick_params(labelsize=SMALLEST)
        for label in (axis.xaxis.label, axis.yaxis.label):
            label.set_fontsize(SMALLEST + 1)
    figure.suptitle("\n".join(lines), x=0.012, y=0.985, ha="left", va="top", fontsize=18)
    return figure, axes


def power_of_ten(exponent: int) -> str:
    """10⁻³ for -3, and 1 for 0: a tick label in plain letters, since a formula takes ten times as long to set."""
    return "10" + str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")) if exponent else "1"
