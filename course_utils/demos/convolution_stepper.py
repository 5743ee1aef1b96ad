"""A kernel that walks over its input cell by cell, and the output size's formula with the numbers filled in."""

from __future__ import annotations

import ipywidgets as widgets
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from course_utils.arithmetic import conv_output_size
from course_utils.demos.gallery import words
from course_utils.demos.stage import Demo
from course_utils.ops import conv2d_two_loops
from course_utils.plotting.classroom import classroom_axes

__all__ = ["LARGEST", "demo", "draw"]

LARGEST = 9  # rows and columns of the input: the cells must hold digits that the back row can read
READ, LIT, WRITTEN, PAD = "#D55E00", "#FBD9BF", "#0072B2", "#dddddd"


def draw(size: int = 5, kernel: int = 3, stride: int = 1, padding: int = 0, dilation: int = 1, step: int = 1) -> Figure:
    """The cells that output number `step` reads, row by row from 1, and the outputs so far; a later step is the last.

    size: of the square input, 3 to 9. kernel: all ones, so that an output is the sum of the cells that are read.
    Raises ValueError, with the padding that would do, where the kernel does not fit.
    """
    outputs = conv_output_size(size, kernel, stride, padding, dilation)
    x = np.random.default_rng(1).integers(0, 10, (LARGEST, LARGEST))[:size, :size]
    y = conv2d_two_loops(x[None, None], np.ones((1, 1, kernel, kernel), int), None, stride, padding, dilation)[0, 0]
    number = min(step, outputs**2)
    row, column = divmod(number - 1, outputs)
    reach = dilation * (kernel - 1) + 1
    formula = f"⌊({size} + 2·{padding} − {dilation}·({kernel} − 1) − 1) / {stride}⌋ + 1 = {outputs}"
    wide = size + 2 * padding
    figure, axes = classroom_axes(
        f"output size = {formula}", "xy", width_ratios=(wide, max(outputs, 0.6 * wide)), left=0.03, right=0.97
    )
    taken = dilation * np.arange(kernel)
    padded = np.pad(x, padding)
    colours = np.full((wide, wide, 3), to_rgb(PAD))
    colours[padding : padding + size, padding : padding + size] = 1
    rows, columns = np.ix_(row * stride + taken, column * stride + taken)
    colours[rows, columns] = to_rgb(LIT)
    _draw_cells(axes["x"], padded, colours)
    _frame(axes["x"], row * stride, column * stride, reach, READ)
    so_far = np.where(np.arange(outputs**2).reshape(y.shape) < number, y, -1)
    _draw_cells(axes["y"], so_far, np.ones((outputs, outputs, 3)))
    _frame(axes["y"], row, column, 1, WRITTEN)
    axes["x"].set_title(f"input {size}x{size}" + (f", padding {padding} in grey" if padding else ""))
    axes["y"].set_title(f"output {outputs}x{outputs}, step {number} of {outputs**2}")
    terms = [str(value) for value in padded[rows, columns].ravel()]
    figure.text(0.03, 0.03, f"y[{row}, {column}] = {_shortened(terms)} = {y[row, column]}", fontsize=17)
    for axis, side in zip(axes.values(), (wide, outputs), strict=True):
        axis.set(xlim=(-0.1, side + 0.1), ylim=(side + 0.1, -0.1), aspect="equal", anchor="NW")
        axis.axis("off")
    return figure


def demo() -> Demo:
    """The demo, at the first step of a 3x3 kernel on a 5x5 input."""
    return Demo(
        controls={
            "step": widgets.IntSlider(1, min=1, max=81, description="step"),
            "size": widgets.IntSlider(5, min=3, max=LARGEST, description="input"),
            "kernel": widgets.IntSlider(3, min=1, max=5, description="kernel"),
            "stride": widgets.IntSlider(1, min=1, max=4, description="stride"),
            "padding": widgets.IntSlider(0, min=0, max=3, description="padding"),
            "dilation": widgets.IntSlider(1, min=1, max=3, description="dilation"),
        },
        draw=draw,
        presets={
            "Valid": dict(size=5, kernel=3, stride=1, padding=0, dilation=1, step=1),
            "Same": dict(size=5, kernel=3, stride=1, padding=1, dilation=1, step=1),
            "Stride 2": dict(size=7, kernel=3, stride=2, padding=1, dilation=1, step=2),
            "A lost column": dict(size=6, kernel=3, stride=2, padding=0, dilation=1, step=2),
            "Dilation 2": dict(size=7, kernel=3, stride=1, padding=0, dilation=2, step=1),
            "1x1": dict(size=5, kernel=1, stride=1, padding=0, dilation=1, step=1),
        },
        **words("convolution_stepper"),
    )


def _draw_cells(axis: Axes, values: np.ndarray, colours: np.ndarray) -> None:
    """A cell of side 1 for each value, none written below 0; one picture and one set of lines, since time counts."""
    side = len(values)
    axis.imshow(colours, extent=(0, side, side, 0))
    axis.hlines(range(side + 1), 0, side, color="#777777", linewidth=1, linestyle="-")
    axis.vlines(range(side + 1), 0, side, color="#777777", linewidth=1, linestyle="-")
    for (i, j), value in np.ndenumerate(values):
        if value >= 0:
            axis.text(j + 0.5, i + 0.5, str(value), ha="center", va="center", fontsize=15)


def _frame(axis: Axes, row: int, column: int, side: int, colour: str) -> None:
    axis.add_patch(Rectangle((column, row), side, side, fill=False, edgecolor=colour, linewidth=4, zorder=3))


def _shortened(terms: list[str]) -> str:
    """Nine terms at most: the first eight and the last of more."""
    return " + ".join(terms if len(terms) <= 9 else [*terms[:8], "…", terms[-1]])
