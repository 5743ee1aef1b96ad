"""Receptive fields through a stack: which pixels one output pixel can see, layer by layer."""

from __future__ import annotations

from itertools import pairwise

import ipywidgets as widgets
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Polygon

from course_utils.arithmetic import receptive_field
from course_utils.demos.gallery import words
from course_utils.demos.stage import Demo
from course_utils.plotting.classroom import classroom_axes

__all__ = ["MOST", "demo", "draw"]

MOST = 6  # layers


def draw(layers: int = 3, kernel: int = 3, stride: int = 1, every: int = 1, dilation: str = "1, 1, 1, …") -> Figure:
    """The cone of one output pixel down to the input, in one dimension, and its width after each layer.

    layers: 1 to 6, with the same kernel. stride: of every layer whose number is a multiple of `every`; the others have
    stride 1. dilation: the same in all layers, or doubled from each to the next, as its text says.
    """
    doubled = "2" in dilation
    stack = [(kernel, stride if n % every == 0 else 1, 2 ** (n - 1) if doubled else 1) for n in range(1, layers + 1)]
    fields = [receptive_field(stack[:n]) for n in range(layers + 1)]
    figure, axes = classroom_axes(
        f"After {layers} layers one output pixel sees {fields[-1].size} input pixels, "
        f"and its neighbour starts {fields[-1].jump} further on",
        "cg",
        width_ratios=(2, 1),
    )
    seen = [0.0]  # offsets from the centre, in input pixels, at the level that is drawn
    spans = []
    for level in range(layers, -1, -1):
        spans.append((level, min(seen), max(seen)))
        if level:
            jump, (taps, _, gap) = fields[level - 1].jump, stack[level - 1]
            moves = gap * jump * (np.arange(taps) - (taps - 1) / 2)
            seen = sorted({round(float(at + move), 3) for at in seen for move in moves})
        if len(seen) <= 130 and level:
            axes["c"].plot(seen, [level - 1] * len(seen), "s", color="C0", markersize=max(2.0, 9 - len(seen) / 12))
    axes["c"].plot([0], [layers], "s", color="C1", markersize=12)
    for (above, *top), (below, *bottom) in pairwise(spans):
        corners = [(top[0], above), (top[1], above), (bottom[1], below), (bottom[0], below)]
        axes["c"].add_patch(Polygon(corners, facecolor="C0", alpha=0.15))
    half = max(fields[-1].size / 2, 3)
    axes["c"].set(xlim=(-1.05 * half, 1.05 * half), ylim=(-0.4, layers + 0.4), xlabel="input pixels from the centre")
    axes["c"].set_yticks(range(layers + 1), labels=["input", *(f"layer {n}" for n in range(1, layers + 1))])
    axes["g"].plot(range(layers + 1), [field.size for field in fields], "o-", color="C0", linewidth=3, markersize=9)
    for n, field in enumerate(fields):
        axes["g"].annotate(
            str(field.size), (n, field.size), (-4, 8), textcoords="offset points", ha="right", fontsize=15
        )
    axes["g"].set(xlabel="layers", title="pixels seen", xlim=(-0.9, layers + 0.4), ylim=(0, 1.18 * fields[-1].size))
    axes["g"].set_xticks(range(layers + 1))
    return figure


def demo() -> Demo:
    """The demo, with three 3x3 layers."""
    return Demo(
        controls={
            "layers": widgets.IntSlider(3, min=1, max=MOST, description="layers"),
            "kernel": widgets.IntSlider(3, min=2, max=7, description="kernel"),
            "stride": widgets.IntSlider(1, min=1, max=3, description="stride"),
            "every": widgets.IntSlider(1, min=1, max=3, description="of every … layer"),
            "dilation": widgets.Dropdown(options=["1, 1, 1, …", "1, 2, 4, …"], description="dilation"),
        },
        draw=draw,
        presets={
            "One 5x5": dict(layers=1, kernel=5, stride=1, every=1, dilation="1, 1, 1, …"),
            "Two 3x3": dict(layers=2, kernel=3, stride=1, every=1, dilation="1, 1, 1, …"),
            "Six 3x3": dict(layers=6, kernel=3, stride=1, every=1, dilation="1, 1, 1, …"),
            "Stride 2": dict(layers=5, kernel=3, stride=2, every=2, dilation="1, 1, 1, …"),
            "Dilated": dict(layers=5, kernel=3, stride=1, every=1, dilation="1, 2, 4, …"),
        },
        **words("receptive_field"),
    )
