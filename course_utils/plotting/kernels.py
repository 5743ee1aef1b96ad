"""A kernel on its way over an input: one step, a filmstrip of steps, a moving picture; windows in one dimension."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterable, Sequence

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import HTML
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from course_utils.arithmetic import Padding, conv_output_size, pad_amounts
from course_utils.ops import conv2d_two_loops
from course_utils.plotting.images import draw_image

__all__ = ["animate", "filmstrip", "kernel_step", "window_rows"]

WINDOW, OUTPUT, PAD = "#D55E00", "#0072B2", "#dddddd"


def kernel_step(x: np.ndarray, w: np.ndarray, step: int, stride: int = 1, padding: int = 0, bias: float = 0) -> Figure:
    """The kernel at output number `step` (row by row): input, kernel, and the outputs up to this step.

    x: [H, W]. w: [U, V]. Values are written into the cells. Raises ValueError for an impossible shape.
    """
    wide = x.shape[1] + 2 * padding
    sizes = [wide, w.shape[1], (wide - w.shape[1]) // stride + 1]  # in cells, so that all cells are alike
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(0.72 * sum(sizes), 0.72 * wide), width_ratios=sizes)
    products = draw_step(left, right, x, w, step, stride, padding, bias)
    draw_image(middle, w, limit=np.abs(w).max() * 3, signed=True, values=True)
    middle.set_title("kernel w")
    terms = " + ".join(f"{value:g}·({weight:g})" for value, weight in products[:3])
    figure.suptitle(f"step {step + 1}: {terms} + … + bias {bias:g}", x=0.01, ha="left", fontsize=12)
    return figure


def filmstrip(
    x: np.ndarray, w: np.ndarray, steps: Sequence[int], stride: int = 1, padding: int = 0, bias: float = 0
) -> Figure:
    """Several steps side by side, the input above and the outputs so far below."""
    figure, axes = plt.subplots(2, len(steps) + 1, figsize=(2.1 * len(steps) + 1.5, 4.2), height_ratios=[1.2, 1])
    draw_image(axes[0, 0], w, limit=np.abs(w).max() * 3, signed=True, values=True)
    axes[0, 0].set_title("kernel w")
    axes[1, 0].axis("off")
    for column, step in enumerate(steps, start=1):
        draw_step(axes[0, column], axes[1, column], x, w, step, stride, padding, bias)
        axes[0, column].set_title(f"x, step {step + 1}")
        axes[1, column].set_title("y so far")
    figure.suptitle("The same nine weights visit every window", x=0.01, ha="left", fontsize=14)
    return figure


def draw_step(
    above: Axes, below: Axes, x: np.ndarray, w: np.ndarray, step: int, stride: int, padding: int, bias: float
) -> list[tuple[float, float]]:
    """Input with the window at `step`, and the outputs so far; returns the window's (input, weight) pairs."""
    y = conv2d_two_loops(x[None, None], w[None, None], np.array([bias]), stride, padding)[0, 0]
    i, j = divmod(step, y.shape[1])
    padded = np.pad(x, padding)
    shown = np.where(np.arange(y.size).reshape(y.shape) <= step, y, np.nan)
    draw_image(above, padded, limit=np.abs(x).max() * 3, signed=True, values=True)
    above.add_patch(_frame(j * stride, i * stride, w.shape[1], w.shape[0], WINDOW))
    above.set_title("input x")
    _draw_partial(below, shown, float(np.abs(y).max()))
    below.add_patch(_frame(j, i, 1, 1, OUTPUT))
    below.set_title("output y")
    window = padded[i * stride : i * stride + w.shape[0], j * stride : j * stride + w.shape[1]]
    return list(zip(window.ravel().tolist(), w.ravel().tolist(), strict=True))


def animate(figures: Iterable[Figure], alt: str, seconds: float = 0.8) -> HTML:
    """A GIF that shows each figure for `seconds` and starts again; the figures are closed.

    alt: what a reader who cannot see it is told. Show it in a cell tagged nbval-ignore-output, beside a filmstrip.
    """
    frames = []
    for figure in figures:
        png = io.BytesIO()
        figure.savefig(png, format="png")
        frames.append(Image.open(png).convert("RGB").convert("P", palette=Image.Palette.ADAPTIVE))
        plt.close(figure)
    if not frames:
        raise ValueError("a moving picture needs at least one figure")
    gif = io.BytesIO()
    frames[0].save(gif, "GIF", save_all=True, append_images=frames[1:], duration=int(1000 * seconds), loop=0)
    source = base64.b64encode(gif.getvalue()).decode()
    return HTML(f'<img src="data:image/gif;base64,{source}" alt="{html.escape(alt)}" style="max-width: 100%">')


def window_rows(size: int, cases: Sequence[tuple[str, int, int, Padding, int]]) -> Figure:
    """Where a kernel lands in one dimension: a panel for each case (name, kernel, stride, padding, dilation).

    Cells are input pixels (grey: padding), dots the pixels that a window reads, one line an output.
    """
    counts = [conv_output_size((size, size), *case[1:])[0] for case in cases]
    figure, axes = plt.subplots(
        len(cases),
        1,
        figsize=(8, 0.62 * len(cases) + 0.13 * sum(counts)),
        sharex=True,
        height_ratios=[1.6 + 0.45 * count for count in counts],
    )
    for axis, outputs, (name, kernel, stride, padding, dilation) in zip(
        np.atleast_1d(axes), counts, cases, strict=True
    ):
        (before, after), _ = pad_amounts(size, kernel, stride, padding, dilation)
        for cell in range(-before, size + after):
            inside = 0 <= cell < size
            axis.add_patch(Rectangle((cell, 0), 1, 1, facecolor="white" if inside else PAD, edgecolor="black"))
        for output in range(outputs):
            pixels = -before + output * stride + dilation * np.arange(kernel) + 0.5
            height = -0.5 - 0.45 * output
            axis.plot(pixels, [height] * kernel, "o-", color=f"C{output % 2}", markersize=5, linewidth=2)
        axis.set(ylim=(-0.6 - 0.45 * outputs, 1.2), xlim=(-3.2, size + 3.2))
        axis.set_title(f"{name}: {outputs} outputs", fontsize=12)
        axis.axis("off")
    return figure


def _draw_partial(axis: Axes, values: np.ndarray, limit: float) -> None:
    """Numbers so far; cells that are still to come stay empty."""
    axis.imshow(np.zeros(values.shape), cmap="gray_r", vmin=0, vmax=1)
    axis.imshow(values, cmap="RdBu_r", vmin=-3 * limit, vmax=3 * limit)
    for (i, j), value in np.ndenumerate(values):
        if not np.isnan(value):
            axis.text(j, i, f"{value:g}", ha="center", va="center", fontsize=12)
    axis.set_xticks(np.arange(values.shape[1] + 1) - 0.5, labels=[])
    axis.set_yticks(np.arange(values.shape[0] + 1) - 0.5, labels=[])
    axis.tick_params(length=0)
    axis.grid(True, color="grey")
    for side in axis.spines.values():
        side.set(visible=True, color="grey")


def _frame(left: float, top: float, width: float, height: float, colour: str) -> Rectangle:
    return Rectangle(
        (left - 0.5, top - 0.5), width, height, fill=False, edgecolor=colour, linewidth=3.5, zorder=3, clip_on=False
    )
