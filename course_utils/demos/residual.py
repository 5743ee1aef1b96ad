"""How strongly the loss feels each unit of a deep net, with and without shortcuts, before anything is learned."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import ipywidgets as widgets
import numpy as np
from matplotlib.figure import Figure

from course_utils.demos.gallery import words
from course_utils.demos.stage import Demo
from course_utils.ops import batch_norm, batch_norm_gradient
from course_utils.plotting.classroom import classroom_axes, power_of_ten

__all__ = ["DEEPEST", "Journey", "demo", "draw", "journey"]

DEEPEST = 60  # layers
WIDTH, BATCH, NETS = 48, 32, 3
FURTHEST = 1e9  # what the axes hold
EXPONENTS = range(-9, 10, 3)


class Journey(NamedTuple):
    """The size of the signal and of the gradient before each unit and after the last, [layers / 2 + 1] each.

    signal: standard deviation of the values. gradient: norm of the loss's slope, relative to that at the end.
    """

    signal: np.ndarray
    gradient: np.ndarray


@cache
def journey(layers: int, gain: float, shortcuts: bool, norm: bool) -> Journey:
    """Through units of two layers, ReLU(F(x)) or ReLU(x + F(x)), there and back; geometric means over three nets.

    layers: even, 2 to DEEPEST. gain: times the weights of He et al. 2015. norm: BatchNorm after each layer. Nets with
    the same seed have the same weights, whatever else they have. Raises ValueError for an odd number of layers.
    """
    if layers < 2 or layers % 2:
        raise ValueError(f"{layers} layers do not make units of two: use an even number from 2")
    logs = np.log([_there_and_back(layers // 2, gain, shortcuts, norm, seed) for seed in range(NETS)])
    signal, gradient = np.exp(logs.mean(axis=0))
    return Journey(signal, gradient / gradient[-1])


def _there_and_back(units: int, gain: float, shortcuts: bool, norm: bool, seed: int) -> tuple[list[float], list[float]]:
    generator = np.random.default_rng(seed)
    x, slope = generator.normal(size=(2, BATCH, WIDTH))
    weights = gain * np.sqrt(2 / WIDTH) * generator.normal(size=(DEEPEST // 2, 2, WIDTH, WIDTH))
    signal, kept = [float(x.std())], []
    for w1, w2 in weights[:units]:
        first = x @ w1
        hidden = np.maximum(_norm(first) if norm else first, 0)
        second = hidden @ w2
        total = (_norm(second) if norm else second) + (x if shortcuts else 0)
        kept.append((first, hidden, second, total))
        x = np.maximum(total, 0)
        signal.append(float(x.std()))
    gradient = [float(np.linalg.norm(slope))]
    for (w1, w2), (first, hidden, second, total) in zip(weights[:units][::-1], kept[::-1], strict=True):
        arriving = slope * (total > 0)
        slope = (_norm_back(second, arriving) if norm else arriving) @ w2.T * (hidden > 0)
        slope = (_norm_back(first, slope) if norm else slope) @ w1.T + (arriving if shortcuts else 0)
        gradient.append(float(np.linalg.norm(slope)))
    return signal, gradient[::-1]


def _norm(x: np.ndarray) -> np.ndarray:
    return batch_norm(x, np.ones(WIDTH), np.zeros(WIDTH), (np.zeros(WIDTH), np.ones(WIDTH)))[0]


def _norm_back(x: np.ndarray, slope: np.ndarray) -> np.ndarray:
    return batch_norm_gradient(x, np.ones(WIDTH), slope)[0]


def draw(layers: int = 40, gain: float = 0.8, norm: bool = False, shortcuts: str = "both") -> Figure:
    """Gradient and signal along the net. shortcuts: "both", or "with" or "without" to see one alone."""
    nets = {"without": ("without shortcuts", "C1"), "with": ("with shortcuts", "C0")}
    shown = {key: journey(layers, gain, key == "with", norm) for key in nets if shortcuts in (key, "both")}
    figure, axes = classroom_axes(_message(shown), "ab", width_ratios=[1.25, 1], wspace=0.32)
    for key, (signal, gradient) in shown.items():
        name, colour = nets[key]
        units = np.arange(len(signal))
        for axis, values in ((axes["a"], gradient), (axes["b"], signal)):
            style: dict[str, Any] = {"color": colour, "linestyle": "-" if key == "with" else "--", "label": name}
            axis.plot(units, values.clip(1 / FURTHEST, FURTHEST), linewidth=3.5, marker=".", markersize=9, **style)
    for axis, label in ((axes["a"], "gradient's norm, last unit's = 1"), (axes["b"], "spread of the signal")):
        axis.axhline(1, color="0.7", linewidth=1.5, linestyle=":")
        axis.set(xlim=(-0.5, DEEPEST / 2 + 0.5), ylim=(1 / FURTHEST / 2, 2 * FURTHEST), yscale="log", xlabel="unit")
        axis.set_ylabel(label)
        axis.set_yticks([10.0**k for k in EXPONENTS], labels=[power_of_ten(k) for k in EXPONENTS])
        axis.minorticks_off()
    axes["a"].set_title("back: read right to left")
    axes["b"].set_title("there: the signal")
    axes["a"].legend(loc="upper right", fontsize=15)
    return figure


def demo() -> Demo:
    """The demo; nothing is trained in it."""
    choices = [("both", "both"), ("only with shortcuts", "with"), ("only without", "without")]
    return Demo(
        controls={
            "layers": widgets.IntSlider(40, 2, DEEPEST, step=2, description="layers"),
            "gain": widgets.FloatSlider(0.8, min=0.4, max=1.4, step=0.1, description="gain"),
            "norm": widgets.ToggleButtons(options=[("no", False), ("yes", True)], description="BatchNorm"),
            "shortcuts": widgets.ToggleButtons(options=choices, description="nets"),
        },
        draw=draw,
        presets={
            "Shallow": {"layers": 4, "gain": 0.8, "norm": False, "shortcuts": "both"},
            "Deep": {"layers": 40, "gain": 0.8, "norm": False, "shortcuts": "both"},
            "Deep, small weights": {"layers": 40, "gain": 0.5, "norm": False, "shortcuts": "both"},
            "Deep, large weights": {"layers": 40, "gain": 1.2, "norm": False, "shortcuts": "both"},
            "Deep, BatchNorm": {"layers": 40, "gain": 0.8, "norm": True, "shortcuts": "both"},
        },
        **words("residual"),
    )


def _message(shown: dict[str, Journey]) -> str:
    parts = [f"{_times(way.gradient[0])} {key} shortcuts" for key, way in shown.items()]
    layers = 2 * (len(next(iter(shown.values())).signal) - 1)
    return f"Through {layers} layers the gradient changes by the factor {' and '.join(parts)}"


def _times(factor: float) -> str:
    return f"{factor:.2g}" if 0.01 <= factor < 100 else power_of_ten(round(np.log10(factor)))
