"""Dropout's masks, what each of its two modes passes on, and the mean to which many masks come."""

from __future__ import annotations

from functools import cache

import ipywidgets as widgets
import numpy as np
from matplotlib.figure import Figure

from course_utils.demos.gallery import words
from course_utils.demos.stage import Demo
from course_utils.ops import dropout, dropout_mask
from course_utils.ops.dropout import MODES
from course_utils.plotting.classroom import classroom_axes

__all__ = ["DRAWS", "MIXED", "VALUES", "demo", "draw", "outputs"]

DRAWS = 1000
MIXED = "the two mixed up"  # trained as downscale_in_infer, used as upscale_in_train: a classic mistake
VALUES = np.random.default_rng(4).uniform(0.5, 1.5, (6, 8)).round(1)  # what a layer of 48 neurons puts out
WATCHED = (2, 3)  # row and column of the neuron whose mean is followed
HIGHEST = 3.0  # of the colours, the same for all masks and modes


@cache
def outputs(p: float, mode: str) -> tuple[np.ndarray, np.ndarray]:
    """What training puts out, draw by draw, [DRAWS, 6, 8], and what evaluation does, [6, 8]."""
    generator = np.random.default_rng(7)
    masks = dropout_mask((DRAWS, *VALUES.shape), p, generator)
    everyone = np.broadcast_to(VALUES, masks.shape)
    in_training, in_use = (MODES[1], MODES[0]) if mode == MIXED else (mode, mode)
    return dropout(everyone, p, in_training, mask=masks), dropout(VALUES, p, in_use, training=False)


def draw(p: float = 0.5, mode: str = MODES[0], draws: int = 1) -> Figure:
    """The last of `draws` masks, the mean over all of them, evaluation, and one neuron's mean as draws gather.

    p: the probability of zero, 0 to 0.9. mode: one of ops.dropout's two, or MIXED. draws: 1 to 1,000.
    """
    trained, used = outputs(p, mode)
    level = float(used[WATCHED])
    row, column = WATCHED
    gathered = trained[:, row, column].cumsum() / np.arange(1, DRAWS + 1)  # [DRAWS]
    figure, axes = classroom_axes(_message(draws, gathered[draws - 1], level), "abc;ddd", hspace=0.25, wspace=0.12)
    on = int((trained[draws - 1] > 0).sum())
    panels = {
        "a": (trained[draws - 1], f"mask {draws:,}: {on} on"),
        "b": (trained[:draws].mean(axis=0), f"mean of {draws:,}"),
        "c": (used, "in evaluation"),
    }
    for letter, (values, title) in panels.items():
        axes[letter].imshow(values, cmap="Blues", vmin=0, vmax=HIGHEST, aspect="auto")
        axes[letter].set_title(title)
        axes[letter].set(xticks=[], yticks=[])
        axes[letter].spines[:].set_visible(True)
        axes[letter].plot(*WATCHED[::-1], "s", color="black", markersize=21, markeredgewidth=2.5, fillstyle="none")
    for place in np.argwhere(trained[draws - 1] == 0):
        axes["a"].plot(*place[::-1], "x", color="C1", markersize=10, markeredgewidth=2.5)
    axes["d"].axhline(level, color="C1", linestyle="--", linewidth=2.5, label="evaluation")
    axes["d"].plot(np.arange(1, draws + 1), gathered[:draws], color="C0", linewidth=3, label="training, mean so far")
    axes["d"].plot(draws, gathered[draws - 1], "o", color="C0", markersize=10, clip_on=False)
    axes["d"].set(xscale="log", xlim=(0.95, DRAWS), ylim=(0, 2.8), xlabel="masks drawn")
    axes["d"].set_ylabel("framed neuron")
    axes["d"].set_xticks([1, 10, 100, 1000], labels=["1", "10", "100", "1,000"])
    axes["d"].minorticks_off()
    axes["d"].legend(loc="upper right", ncols=2, fontsize=15)
    return figure


def demo() -> Demo:
    """The demo; masks are drawn when a p is chosen for the first time."""
    return Demo(
        controls={
            "draws": widgets.SelectionSlider(
                options=[1, 2, 3, 5, 10, 20, 50, 100, 200, 500, DRAWS], value=1, description="masks drawn"
            ),
            "p": widgets.FloatSlider(0.5, min=0, max=0.9, step=0.1, description="p of zero"),
            "mode": widgets.ToggleButtons(options=[*MODES, MIXED], description="mode"),
        },
        draw=draw,
        presets={
            "One mask": {"draws": 1, "p": 0.5, "mode": MODES[0]},
            "A thousand masks": {"draws": DRAWS, "p": 0.5, "mode": MODES[0]},
            "The notes' mode": {"draws": DRAWS, "p": 0.5, "mode": MODES[1]},
            "Mixed up": {"draws": DRAWS, "p": 0.5, "mode": MIXED},
        },
        **words("dropout"),
    )


def _message(draws: int, mean: float, level: float) -> str:
    drawn = "1 mask" if draws == 1 else f"{draws:,} masks"
    return f"Mean over {drawn}: {mean:.2f} in training; evaluation gives {level:.2f}"
