"""Optimizers race down a ravine and past a saddle, each at a multiple of its own best rate."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import ipywidgets as widgets
import numpy as np
from matplotlib.figure import Figure

from course_utils.demos.gallery import words
from course_utils.demos.stage import Demo
from course_utils.optimizers import RULES, Landscape, descend, ravine, saddle, steps_until
from course_utils.plotting.classroom import classroom_axes, power_of_ten
from course_utils.plotting.optimizers import draw_landscape

__all__ = ["LANDS", "MOST", "RACERS", "STEPS", "best_rate", "demo", "draw", "race"]

LANDS: dict[str, Landscape] = {"ravine": ravine(), "saddle": saddle()}
RACERS = tuple(name for name in RULES if name != "AdamW")  # which is Adam here, without decay
STEPS = 100
EXPONENTS = range(-6, 1, 2)  # of the ticks
MOST = 7  # as many as there are colours
RATES = np.array([digit * 10.0**power for power in range(-3, 2) for digit in (1, 2, 5)])  # [15], chapter 05's


@cache
def best_rate(land: str, rule: str) -> float:
    """Of fifteen rates the one at which the rule comes first to a thousandth of the loss, in 300 steps at most."""
    place = LANDS[land]
    starts = np.tile(place.start, (len(RATES), 1))  # [15, 2]
    paths = descend(RULES[rule], place.gradient, starts, RATES[:, None], 300)  # [301, 15, 2]
    losses = place.value(paths) - place.lowest
    return float(RATES[steps_until(losses, losses[0, 0] / 1000).argmin()])


@cache
def race(land: str, rule: str, multiple: float) -> tuple[np.ndarray, np.ndarray]:
    """The path [STEPS + 1, 2] at this multiple of the rule's best rate, and its share of the first loss."""
    place = LANDS[land]
    path = descend(RULES[rule], place.gradient, place.start, multiple * best_rate(land, rule), STEPS)
    gap = place.value(path) - place.lowest
    return path, gap / gap[0]


def draw(land: str = "ravine", rules: Sequence[str] = RACERS[:3], multiple: float = 1.0, step: int = 40) -> Figure:
    """Where each rule stands after `step` steps, and what it has left of the first loss.

    land: "ravine" or "saddle". rules: of RACERS, one to seven. multiple: of each rule's own best rate. step: 0 to 100.
    Raises ValueError for no rule, or more than there are colours.
    """
    if not 1 <= len(rules) <= MOST:
        raise ValueError(f"{len(rules)} optimizers are chosen: choose 1 to {MOST}")
    paths, left = {}, {}
    for rule in rules:
        paths[rule], left[rule] = race(land, rule, multiple)
    figure, axes = classroom_axes(_message(left, step), "ab", width_ratios=[1.1, 1], left=0.09)
    draw_landscape(axes["a"], LANDS[land])
    for rule, path in paths.items():
        (line,) = axes["a"].plot(*path[: step + 1].T, linewidth=2)
        axes["a"].plot(*path[step], "o", color=line.get_color(), markersize=11)
        axes["b"].plot(np.maximum(left[rule][: step + 1], 1e-9), linewidth=3, label=rule)
    axes["a"].set(xlabel="w₁", ylabel="w₂")
    axes["b"].set(xlim=(0, STEPS), ylim=(1e-6, 1e4), yscale="log", xlabel="step", ylabel="share of the loss left")
    axes["b"].set_yticks([10.0**k for k in EXPONENTS], labels=[power_of_ten(k) for k in EXPONENTS])
    axes["b"].minorticks_off()
    axes["b"].set_title("each at its best rate" + (f" × {multiple:g}" if multiple != 1 else ""))
    axes["b"].legend(loc="upper right", ncols=2, fontsize=15, handlelength=1.6, columnspacing=1)
    return figure


def demo() -> Demo:
    """The demo, with the races of all rules at their best rates run; a button for each rule."""
    for land in LANDS:
        for rule in RACERS:
            race(land, rule, 1.0)
    multiples = [("1/8", 0.125), ("1/4", 0.25), ("1/2", 0.5), ("1", 1.0), ("2", 2.0), ("4", 4.0), ("8", 8.0)]
    three = _only(*RACERS[:3])
    buttons = {
        rule: widgets.ToggleButton(value, description=rule, layout={"width": "31%"}) for rule, value in three.items()
    }
    return Demo(
        controls={
            "step": widgets.IntSlider(40, 0, STEPS, description="step"),
            "land": widgets.ToggleButtons(options=list(LANDS), description="landscape"),
            "multiple": widgets.SelectionSlider(options=multiples, value=1.0, description="times its best rate"),
            **buttons,
        },
        draw=_draw_chosen,
        presets={
            "Ravine": {"land": "ravine", "step": 40, "multiple": 1.0, **three},
            "Twice the rate": {"land": "ravine", "step": 20, "multiple": 2.0, **three},
            "Saddle": {"land": "saddle", "step": 18, "multiple": 1.0, **_only(*RACERS[:3], "Adamax")},
            "A quarter of the rate": {"land": "ravine", "step": 100, "multiple": 0.25, **three},
        },
        **words("optimizer_race"),
    )


def _only(*rules: str) -> dict[str, bool]:
    return {rule: rule in rules for rule in RACERS}


def _draw_chosen(land: str, multiple: float, step: int, **running: bool) -> Figure:
    return draw(land, [rule for rule in RACERS if running[rule]], multiple, step)


def _message(left: dict[str, np.ndarray], step: int) -> str:
    shares = {rule: share[step] for rule, share in left.items()}
    lost = [rule for rule, share in shares.items() if not share <= 1]  # nan has left the picture for good
    running = {rule: share for rule, share in shares.items() if share <= 1}
    if step == 0:
        return "At the start: all have the whole loss before them"
    parts = []
    if running:
        first = min(running, key=lambda rule: running[rule])
        parts.append(f"after {step} steps {first} leads, with {_percent(running[first])} of the loss left")
    if lost:
        parts.append(f"{', '.join(lost)} {'is' if len(lost) == 1 else 'are'} higher than at the start")
    text = "; ".join(parts)
    return text[0].upper() + text[1:]


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %" if share >= 1e-5 else "less than 0.001 %"
