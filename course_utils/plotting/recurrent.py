"""Recurrent nets drawn: unrolled over time, the gates inside a cell, what they do, and how far gradients reach."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch

from course_utils.metrics import mean_interval

__all__ = ["gate_activity", "gate_diagrams", "lag_curves", "unrolled_nets", "wall_and_valley"]

Place = tuple[float, float]


def unrolled_nets(fed_back: Mapping[str, str], message: str, steps: int = 4) -> Figure:
    """A recurrent net unrolled over `steps` steps, a panel for each title -> what goes to the next step.

    "state": the hidden state h (Elman); "output": the output y (Jordan). Raises ValueError for anything else.
    """
    figure, axes = plt.subplots(1, len(fed_back), figsize=(4.8 * len(fed_back), 3.2), squeeze=False)
    for axis, (title, what) in zip(axes.flat, fed_back.items(), strict=True):
        if what not in ("state", "output"):
            raise ValueError(f"panel {title!r} feeds back {what!r}: use 'state' or 'output'")
        for t in range(1, steps + 1):
            x = 1.6 * t
            for text, y, colour in (("x", 0, "0.5"), ("h", 1.5, "C0"), ("y", 3, "0.5")):
                _node(axis, (x, y), f"${text}_{t}$", colour)
            _arrow(axis, (x, 0.38), (x, 1.12))
            _arrow(axis, (x, 1.88), (x, 2.62))
            if t < steps:
                start = (x + 0.38, 1.5) if what == "state" else (x + 0.3, 2.72)
                _arrow(axis, start, (x + 1.2, 1.5 if what == "state" else 1.75), "C1", 2)
        axis.text(1.75, 0.7, "W", fontsize=11)
        axis.text(1.75, 2.2, "V", fontsize=11)
        axis.text(2.3, 1.62 if what == "state" else 2.4, "U", fontsize=11, color="C1")
        axis.set(xlim=(0.6, 1.6 * steps + 1.2), ylim=(-0.5, 3.5), aspect="equal")
        axis.set_title(title, fontsize=12)
        axis.axis("off")
    figure.suptitle(message, x=0.01, ha="left", fontsize=14)
    return figure


def gate_diagrams(message: str) -> Figure:
    """What an LSTM cell and a GRU cell compute in one step: gates below, the state that they change on top."""
    figure, axes = plt.subplots(2, 1, figsize=(6.4, 6.8))
    _draw_lstm(axes[0])
    _draw_gru(axes[1])
    for axis, title in zip(axes, ("LSTM", "GRU"), strict=True):
        axis.set(xlim=(-1, 9.4), ylim=(-0.3, 5), aspect="equal", title=title)
        axis.axis("off")
    figure.suptitle(message, x=0.01, ha="left", fontsize=14)
    return figure


def lag_curves(axis: Axes, runs: Mapping[str, np.ndarray], bounds: Mapping[str, np.ndarray] | None = None) -> None:
    """Draw into an axis how large a gradient still is after each lag, on a logarithmic scale.

    runs: name -> positive norms [seeds, lags], two seeds at least, the lags from 0 on: their geometric mean, and its
    95 % interval as a band. bounds: name of one of the runs -> a bound [lags], a thin line of its colour.
    Raises ValueError for norms that are not positive.
    """
    for name, norms in runs.items():
        if not (np.asarray(norms) > 0).all():
            raise ValueError(f"the norms of {name!r} are not all positive: a logarithm needs that")
        low, middle, high = (np.exp(part) for part in mean_interval(np.log(norms)))
        lags = np.arange(len(middle))
        (line,) = axis.plot(lags, middle, label=name)
        axis.fill_between(lags, low, high, color=line.get_color(), alpha=0.2, linewidth=0)
        if bounds and name in bounds:
            axis.plot(lags, bounds[name], "-", color=line.get_color(), linewidth=0.8)
    axis.set_yscale("log")
    axis.set(xlabel="lag: steps back from the end", xlim=(0, None))


def gate_activity(
    inputs: np.ndarray,
    activity: Mapping[str, np.ndarray],
    message: str,
    names: Sequence[str] | None = None,
    limit: float | None = None,
) -> Figure:
    """A sequence on top, and below it what every unit does at every step, a panel for each name.

    inputs: [T, D], 0 to 1. activity: name -> [T, H]; values within 0 to 1 are drawn from white to blue, others
    from blue to red around 0. names: of the D inputs. limit: where blue and red are darkest, else the largest value.
    Raises ValueError for another number of steps, or a limit that is not positive.
    """
    if limit is not None and limit <= 0:
        raise ValueError(f"the limit of the colours is {limit}: use a number above 0")
    rows = 1 + len(activity)
    heights = [1.6, *[1.3] * len(activity)]
    figure, axes = plt.subplots(rows, 1, figsize=(8, 0.4 + 1.25 * sum(heights)), sharex=True, height_ratios=heights)
    axes[0].imshow(inputs.T, aspect="auto", cmap="Greys", vmin=0, vmax=1)
    axes[0].set_ylabel("input")
    if names is not None:
        axes[0].set_yticks(range(len(names)), labels=list(names), fontsize=8)
    for axis, (name, values) in zip(axes[1:], activity.items(), strict=True):
        if len(values) != len(inputs):
            raise ValueError(f"{name!r} has {len(values)} steps and the input {len(inputs)}: give as many")
        gate = values.min() >= 0 and values.max() <= 1
        reach = 1 if gate else limit or np.abs(values).max()
        style = {"cmap": "Blues", "vmin": 0} if gate else {"cmap": "RdBu_r", "vmin": -reach}
        shown = axis.imshow(values.T, aspect="auto", vmax=reach, **style)
        figure.colorbar(shown, ax=axis, pad=0.01, extend="both" if np.abs(values).max() > reach else "neither")
        axis.set_ylabel("unit")
        axis.set_title(name, fontsize=11)
    axes[-1].set_xlabel("step")
    figure.suptitle(message, x=0.01, ha="left", fontsize=14)
    return figure


def wall_and_valley(
    loss: Callable[[np.ndarray], np.ndarray], clipped: np.ndarray, free: np.ndarray, message: str
) -> Figure:
    """A loss of one weight and two descents that begin at its wall: all of it on the left, the valley on the right.

    clipped: the weights on the way down [steps + 1]; free: those without clipping [steps + 1], whose first step alone
    is drawn, as an arrow that leaves the panel. Raises ValueError where the two begin in different places.
    """
    if clipped[0] != free[0]:
        raise ValueError(f"the descents begin at {clipped[0]} and {free[0]}: let both begin in one place")
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.4))
    start, end, top = clipped[0], clipped[-1], float(loss(clipped[0]))
    for axis, (left, right, height) in zip(
        axes, ((end - 0.085, start + 0.005, 1.5 * top), (end - 0.025, end + 0.02, 0.4)), strict=True
    ):
        weights = np.linspace(left, right, 300)
        axis.plot(weights, loss(weights))
        axis.plot(clipped, loss(clipped), "o", color="C1", markersize=3, label="clipped, step by step")
        axis.set(xlabel="weight w", xlim=(left, right), ylim=(-0.02 * height, height))
    arrow = {"arrowstyle": "-|>", "color": "C3", "linewidth": 2}
    axes[0].annotate("", (end - 0.083, top), (start, top), arrowprops=arrow)
    axes[0].text(end - 0.08, 1.05 * top, f"one free step: to w = {free[1]:.1f}", color="C3", fontsize=12)
    axes[0].set(ylabel="loss", title="the wall")
    axes[1].set_title("the valley")
    axes[1].legend(loc="upper left")
    figure.suptitle(message, x=0.01, ha="left", fontsize=14)
    return figure


def _draw_lstm(axis: Axes) -> None:
    _gates(axis, {"f": (1.6, "forget"), "i": (3.6, "input"), "g": (5.2, "candidate"), "o": (7, "output")})
    _line(axis, "c", (1.6, 4.4))
    _operation(axis, (4.4, 3.1), "×")
    _operation(axis, (8, 2.5), "×")
    _node(axis, (8, 3.6), "tanh", "0.5", size=11)
    axis.text(8.8, 2.5, "$h_t$", va="center", fontsize=14)
    for start, end in (
        ((1.6, 1.98), (1.6, 4.2)),
        ((3.75, 1.98), (4.22, 2.85)),
        ((5.05, 1.98), (4.58, 2.85)),
        ((4.4, 3.4), (4.4, 4.2)),
        ((8, 4.5), (8, 3.98)),
        ((8, 3.22), (8, 2.8)),
        ((7.3, 1.98), (7.75, 2.33)),
        ((8.3, 2.5), (8.75, 2.5)),
    ):
        _arrow(axis, start, end)


def _draw_gru(axis: Axes) -> None:
    _gates(axis, {"z": (1.6, "update"), "r": (4.2, "reset"), "g": (7, "candidate")})
    _line(axis, "h", (1.6, 7))
    _operation(axis, (7, 3.1), "×")
    # 15 degrees is the slope of the arrow from z
    axis.text(4.1, 2.42, "1 − z", fontsize=12, ha="center", rotation=15, rotation_mode="anchor")
    axis.text(5.55, 1.7, "r × U h", ha="center", fontsize=11)
    for start, end in (
        ((1.6, 1.98), (1.6, 4.2)),
        ((1.98, 1.75), (6.72, 3.02)),
        ((7, 1.98), (7, 2.8)),
        ((7, 3.4), (7, 4.2)),
        ((4.58, 1.6), (6.62, 1.6)),
    ):
        _arrow(axis, start, end)


def _gates(axis: Axes, gates: Mapping[str, tuple[float, str]]) -> None:
    """A row of gates, name -> (place, meaning), all of which read the input and the last output."""
    axis.plot([0.3, max(x for x, _ in gates.values())], [0.5, 0.5], "-", color="0.5", linewidth=1.5)
    axis.text(0.2, 0.5, "$x_t$\n$h_{t-1}$", ha="right", va="center", fontsize=14)
    for name, (x, meaning) in gates.items():
        _node(axis, (x, 1.6), f"${name}$", "C1" if name == "g" else "C0")
        _arrow(axis, (x, 0.5), (x, 1.22))
        axis.text(x, 0.1, meaning, ha="center", fontsize=12)


def _line(axis: Axes, state: str, places: tuple[float, float]) -> None:
    """The way of the state along the top: a product at the first place, a sum at the second."""
    product, total = places
    axis.text(-0.1, 4.5, f"${state}_{{t-1}}$", ha="right", va="center", fontsize=14)
    axis.text(8.8, 4.5, f"${state}_t$", va="center", fontsize=14)
    for start, end in ((0, product - 0.3), (product + 0.3, total - 0.3), (total + 0.3, 8.7)):
        _arrow(axis, (start, 4.5), (end, 4.5), "black", 3)
    _operation(axis, (product, 4.5), "×")
    _operation(axis, (total, 4.5), "+")


def _node(axis: Axes, centre: Place, text: str, colour: str, size: int = 14) -> None:
    corner, style = (centre[0] - 0.38, centre[1] - 0.38), "round,pad=0,rounding_size=0.15"
    axis.add_patch(FancyBboxPatch(corner, 0.76, 0.76, style, facecolor="white", edgecolor=colour, linewidth=1.5))
    axis.text(*centre, text, ha="center", va="center", fontsize=size)


def _operation(axis: Axes, centre: Place, sign: str) -> None:
    axis.add_patch(Circle(centre, 0.3, facecolor="white", edgecolor="black", linewidth=1.5))
    axis.text(*centre, sign, ha="center", va="center", fontsize=14)


def _arrow(axis: Axes, start: Place, end: Place, colour: str = "0.35", width: float = 1.3) -> None:
    style = {"arrowstyle": "-|>", "color": colour, "linewidth": width, "shrinkA": 0, "shrinkB": 0}
    axis.annotate("", end, start, arrowprops=style)
