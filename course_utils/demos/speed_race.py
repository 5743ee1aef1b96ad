"""The race of chapter 01's ladder: one convolution by seven programs, timed in turns on this machine."""

from __future__ import annotations

from functools import lru_cache, partial

import ipywidgets as widgets
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from course_utils.arithmetic import conv2d_cost
from course_utils.demos.gallery import words
from course_utils.demos.stage import Demo
from course_utils.ops import LADDER
from course_utils.plotting.classroom import classroom_axes
from course_utils.timing import interleaved_ratios

__all__ = ["demo", "draw", "race"]

WINNER = "paddle native"
ON_TENSORS = ("paddle unfold", WINNER)
ROUNDS = 3


@lru_cache(maxsize=64)
def race(size: int, channels: int, heat: int) -> dict[str, float]:
    """Each program's time over Paddle's for one picture [1, C, size, size] and C kernels 3x3, padding 1.

    The median of three rounds in turns; a further heat is a further measurement of the same.
    """
    import paddle

    generator = np.random.default_rng(heat)
    x = generator.standard_normal((1, channels, size, size), "float32")
    w = generator.standard_normal((channels, channels, 3, 3), "float32")
    tensors = paddle.to_tensor(x), paddle.to_tensor(w)
    calls = {
        name: partial(program, *(tensors if name in ON_TENSORS else (x, w)), padding=1)
        for name, program in LADDER.items()
    }
    with paddle.no_grad():
        return interleaved_ratios(calls, WINNER, ROUNDS)


def draw(size: int = 16, channels: int = 8, heat: int = 1) -> Figure:
    """The times as bars on a log axis, as multiples of Paddle's; measured when these values are first asked for.

    size: of the picture, 4 to 32. channels: of input and output, 1 to 64. heat: the number of the measurement.
    """
    ratios = race(size, channels, heat)
    macs = conv2d_cost((1, channels, size, size), (channels, channels, 3, 3), padding=1, bias=False).macs
    slowest = max(ratios, key=lambda name: ratios[name])
    figure, axes = classroom_axes(
        f'Here the program "{slowest}" takes {_times(ratios[slowest])} as long as {WINNER}, '
        f"for the same {macs:,} multiplications",
        "r",
        left=0.24,
        right=0.9,
    )
    names = list(ratios)[::-1]
    colours = ["C1" if name == WINNER else "C0" for name in names]
    axes["r"].barh(names, [ratios[name] - 1 for name in names], left=1, color=colours)
    for row, name in enumerate(names):
        axes["r"].text(max(ratios[name], 1) * 1.1, row, _times(ratios[name]), va="center", fontsize=16)
    axes["r"].axvline(1, color="black", linewidth=1.5, linestyle=":")
    axes["r"].set(xscale="log", xlim=(min(*ratios.values(), 1) / 1.3, 5 * max(ratios.values())))
    axes["r"].xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes["r"].set_xlabel(f"time / time of {WINNER} (log scale; left is faster)")
    return figure


def demo() -> Demo:
    """The demo; the first race is run when it is set on its stage."""
    return Demo(
        controls={
            "size": widgets.IntSlider(16, min=4, max=32, step=4, description="picture, pixels a side"),
            "channels": widgets.SelectionSlider(options=[1, 2, 4, 8, 16, 32, 64], value=8, description="channels"),
            "heat": widgets.IntSlider(1, min=1, max=5, description="measurement number"),
        },
        draw=draw,
        presets={
            "One channel": {"size": 16, "channels": 1},
            "Many channels": {"size": 16, "channels": 64},
            "A tiny picture": {"size": 4, "channels": 8},
            "A large picture": {"size": 32, "channels": 8},
        },
        **words("speed_race"),
    )


def _times(ratio: float) -> str:
    """Two digits, and no exponent."""
    return f"{ratio:,.0f} times" if ratio >= 10 else f"{ratio:.2g} times"
