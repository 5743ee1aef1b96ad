"""Pooling's windows over an input, and what each rule makes of them."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

__all__ = ["pooling_panels"]

TINTS = ("#9ad0f0", "#f7d48a", "#8fd9bf", "#f0a888")  # light forms of the course's colours
UNREAD = "#e6e6e6"


def pooling_panels(x: np.ndarray, kernel_size: int, outputs: Mapping[str, np.ndarray], message: str = "") -> Figure:
    """The input with each window in a colour, and outputs whose values have the colours of their windows.

    x: [H, W]. kernel_size: of windows that touch and do not overlap (the stride is the kernel). outputs: name ->
    [H', W'], all of one shape. Pixels that no window reads are grey.
    Raises ValueError where an output has not the shape [H // kernel_size, W // kernel_size].
    """
    height, width = (size // kernel_size for size in x.shape)
    for name, y in outputs.items():
        if y.shape != (height, width):
            raise ValueError(
                f"{name} is {list(y.shape)}: windows of {kernel_size} over {list(x.shape)} give {[height, width]}"
            )
    sizes = [x.shape[1], *[width] * len(outputs)]
    width_inches, height_inches = 0.58 * sum(sizes) + 0.8 * len(outputs), 0.58 * len(x) + 0.9
    figure, axes = plt.subplots(1, len(sizes), figsize=(width_inches, height_inches), width_ratios=sizes)
    figure.set_layout_engine("constrained", w_pad=0.2, h_pad=0.08)  # or the outputs would look like one table
    _draw_cells(axes[0], x, kernel_size, (height, width))
    axes[0].set_title("input")
    for axis, (name, y) in zip(axes[1:], outputs.items(), strict=True):
        _draw_cells(axis, y, 1, (height, width))
        axis.set_title(name)
    if message:
        figure.suptitle(message, x=0.01, ha="left", fontsize=14)
    return figure


def _draw_cells(axis: Axes, values: np.ndarray, side: int, windows: tuple[int, int]) -> None:
    """Values in cells; the cell at row i, column j belongs to window (i // side, j // side)."""
    colours = np.empty((*values.shape, 3))
    for (i, j), value in np.ndenumerate(values):
        row, column = i // side, j // side
        read = row < windows[0] and column < windows[1]
        colours[i, j] = to_rgb(TINTS[2 * (row % 2) + column % 2] if read else UNREAD)
        axis.text(j, i, f"{value:g}", ha="center", va="center", fontsize=12)
    axis.imshow(colours)
    axis.set_xticks(np.arange(1, values.shape[1]) - 0.5, labels=[""] * (values.shape[1] - 1))
    axis.set_yticks(np.arange(1, values.shape[0]) - 0.5, labels=[""] * (values.shape[0] - 1))
    axis.tick_params(length=0)
    axis.grid(True, color="white", linewidth=1.5)
    axis.set_frame_on(False)
