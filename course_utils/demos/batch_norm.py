"""Small nets learn two spirals with and without BatchNorm, at ten learning rates at once, for each batch size."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

import ipywidgets as widgets
import numpy as np
from matplotlib.figure import Figure

from course_utils.demos.gallery import words
from course_utils.demos.stage import Demo
from course_utils.ops import batch_norm, batch_norm_gradient
from course_utils.plotting.classroom import classroom_axes

__all__ = ["BATCHES", "RATES", "STEPS", "Runs", "demo", "draw", "points", "train"]

RATES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
BATCHES = (2, 8, 32, 128)
STEPS, LAYERS, WIDTH = 150, 4, 16


class Runs(NamedTuple):
    """loss: on each step's batch, [STEPS, rates]; accuracy: on the test points after the last, [rates]."""

    loss: np.ndarray
    accuracy: np.ndarray


def points(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Places [count, 2] on two arms of a spiral, with chance added, and which arm, [count] of -1 and 1."""
    generator = np.random.default_rng(seed)
    arm = generator.choice([-1, 1], count)
    along = np.sqrt(generator.uniform(0.02, 1, count))  # from the centre to the end
    turn = 1.25 * 2 * np.pi * along
    places = 2 * (arm * along * np.stack([np.cos(turn), np.sin(turn)])).T
    return places + generator.normal(0, 0.05, places.shape), arm


@cache
def train(batch_size: int, norm: bool, seed: int = 0) -> Runs:
    """All rates learn side by side, [rates, samples, neurons], from the same weights and batches, by plain SGD.

    A BatchNorm over [samples, rates * neurons] keeps them apart, since it treats each channel alone. seed: of the
    first weights and of the batches, the same with and without BatchNorm. What has diverged is nan.
    """
    places, arms = points(512, seed=0)
    generator = np.random.default_rng([1, seed])
    rates = np.array(RATES)[:, None, None]
    net = _Net(generator, norm)
    loss = []
    with np.errstate(over="ignore", invalid="ignore"):  # what diverges becomes nan, and is drawn so
        for _ in range(STEPS):
            chosen = generator.choice(len(places), batch_size, replace=False)
            margin = arms[chosen, None] * net.forward(places[chosen], training=True)  # [rates, samples, 1]
            loss.append(np.logaddexp(0, -margin).mean(axis=(1, 2)))
            net.step(-arms[chosen, None] / (1 + np.exp(margin)) / batch_size, rates)
        places, arms = points(512, seed=2)
        logits = net.forward(places, training=False)[..., 0]  # [rates, samples]
    accuracy = np.where(np.isfinite(logits).all(axis=1), (np.sign(logits) == arms).mean(axis=1), np.nan)
    return Runs(np.array(loss), accuracy)


def draw(rate: float = 1.0, batch_size: int = 32, nets: str = "both", seed: int = 0) -> Figure:
    """Loss step by step at one rate, and the share of test points that are right after learning, at all rates.

    rate: of RATES. batch_size: of BATCHES. nets: "both", or "with" or "without" for one alone. seed: as `train`.
    """
    kinds = {"with": ("with BatchNorm", "C0", "-"), "without": ("without", "C1", "--")}
    runs = {key: train(batch_size, key == "with", seed) for key in kinds if nets in (key, "both")}
    chosen = RATES.index(rate)
    message = _message({kinds[key][0]: float(run.accuracy[chosen]) for key, run in runs.items()}, rate, batch_size)
    figure, axes = classroom_axes(message, "ab")
    for key, run in runs.items():
        name, colour, line = kinds[key]
        style: dict[str, Any] = {"color": colour, "linestyle": line, "linewidth": 3.5, "label": name}
        axes["a"].plot(_smooth(run.loss[:, chosen]), **style)
        axes["b"].plot(RATES, 100 * run.accuracy, marker="o", markersize=7, **style)
        axes["b"].plot(rate, 100 * run.accuracy[chosen], "o", color=colour, markersize=17)
    axes["a"].axhline(np.log(2), color="0.6", linewidth=1.5, linestyle=":")
    axes["a"].set(xlim=(0, STEPS), ylim=(0, 1.5), xlabel="step", ylabel="loss of the batch (dotted: chance)")
    axes["b"].axhline(50, color="0.6", linewidth=1.5, linestyle=":")
    axes["b"].axvline(rate, color="0.8", linewidth=10, zorder=0, linestyle="-")
    axes["b"].set(xscale="log", ylim=(35, 103), xlabel="learning rate", ylabel="test points right, %")
    axes["b"].set_xticks([0.01, 0.1, 1, 10], labels=["0.01", "0.1", "1", "10"])
    axes["b"].minorticks_off()
    axes["a"].legend(loc="upper right", fontsize=15)
    axes["a"].set_title(f"at rate {rate:g}")
    axes["b"].set_title(f"after {STEPS} steps, at every rate")
    return figure


def _smooth(loss: np.ndarray, steps: int = 10) -> np.ndarray:
    """Means over the last `steps` losses, so that small batches leave a line to see."""
    return np.array([loss[max(k - steps, 0) : k].mean() for k in range(1, len(loss) + 1)])


def _message(accuracy: dict[str, float], rate: float, batch_size: int) -> str:
    parts = [f"{'diverged' if np.isnan(a) else f'{100 * a:.0f} % right'} {name}" for name, a in accuracy.items()]
    return f"Rate {rate:g}, batches of {batch_size}: {', '.join(parts)}"


def demo() -> Demo:
    """The demo, with the first seed's nets trained, so that the first sliders move at once."""
    for batch_size in BATCHES:
        for norm in (False, True):
            train(batch_size, norm)
    choices = [("both", "both"), ("only with BatchNorm", "with"), ("only without", "without")]
    return Demo(
        controls={
            "rate": widgets.SelectionSlider(options=RATES, value=1.0, description="learning rate"),
            "batch_size": widgets.SelectionSlider(options=BATCHES, value=32, description="batch size"),
            "nets": widgets.ToggleButtons(options=choices, description="nets"),
            "seed": widgets.IntSlider(0, 0, 4, description="seed"),
        },
        draw=draw,
        presets={
            "A rate for both": {"rate": 0.3, "batch_size": 32, "nets": "both", "seed": 0},
            "Too small for one": {"rate": 0.01, "batch_size": 128, "nets": "both", "seed": 0},
            "Too large for one": {"rate": 3.0, "batch_size": 128, "nets": "both", "seed": 0},
            "Batches of two": {"rate": 0.1, "batch_size": 2, "nets": "both", "seed": 0},
        },
        **words("batch_norm"),
    )


class _Net:
    """LAYERS hidden layers with ReLU, once for each rate: w [rates, in, out], gamma and beta [rates * out]."""

    def __init__(self, generator: np.random.Generator, norm: bool) -> None:
        sizes = [2, *[WIDTH] * LAYERS, 1]
        pairs = pairwise(sizes)
        copies = (len(RATES), 1, 1)
        self.w = [np.tile(generator.normal(0, np.sqrt(2 / n), (n, m)), copies) for n, m in pairs]
        self.b = [np.zeros((len(RATES), 1, m)) for m in sizes[1:]]
        channels = len(RATES) * WIDTH
        self.norms = [(np.ones(channels), np.zeros(channels)) for _ in range(LAYERS)] if norm else []
        self.running = [(np.zeros(channels), np.ones(channels)) for _ in self.norms]
        self.kept: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        """The logit of each place, [rates, samples, 1]."""
        self.kept = []
        h = np.broadcast_to(x, (len(RATES), *x.shape))
        for layer, (w, b) in enumerate(zip(self.w, self.b, strict=True)):
            z = h @ w + b
            if layer == LAYERS:
                break
            y = z
            if self.norms:
                flat, moved = batch_norm(_flat(z), *self.norms[layer], self.running[layer], training)
                self.running[layer] = moved
                y = _stacked(flat)
            self.kept.append((h, z, y))
            h = np.maximum(y, 0)
        self.last = h
        return z

    def step(self, slope: np.ndarray, rates: np.ndarray) -> None:
        """One step of SGD along the slopes of the loss for the logits, [rates, samples, 1]."""
        h = self.last
        for layer in range(LAYERS, -1, -1):
            of_w, of_b = h.swapaxes(1, 2) @ slope, slope.sum(axis=1, keepdims=True)
            below = slope @ self.w[layer].swapaxes(1, 2)
            self.w[layer] = self.w[layer] - rates * of_w
            self.b[layer] = self.b[layer] - rates * of_b
            if layer == 0:
                break
            h, z, y = self.kept[layer - 1]
            slope = below * (y > 0)
            if self.norms:
                gamma, beta = self.norms[layer - 1]
                of_z, of_gamma, of_beta = batch_norm_gradient(_flat(z), gamma, _flat(slope))
                each = np.repeat(RATES, WIDTH)
                self.norms[layer - 1] = (gamma - each * of_gamma, beta - each * of_beta)
                slope = _stacked(of_z)


def _flat(x: np.ndarray) -> np.ndarray:
    """[rates, samples, neurons] -> [samples, rates * neurons]."""
    return x.swapaxes(0, 1).reshape(x.shape[1], -1)


def _stacked(x: np.ndarray) -> np.ndarray:
    """[samples, rates * neurons] -> [rates, samples, neurons]."""
    return x.reshape(len(x), len(RATES), -1).swapaxes(0, 1)
