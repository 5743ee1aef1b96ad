"""A threshold on a screening test's scores, and what it means where the disease is rare or common."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import ipywidgets as widgets
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from course_utils import results
from course_utils.demos.gallery import words
from course_utils.demos.stage import Demo
from course_utils.errors import CourseError
from course_utils.plotting.classroom import classroom_axes
from course_utils.screening import operating_point, predictive_values, threshold_at

__all__ = ["Study", "demo", "draw", "stored_study"]

STORED = "fundus_small_seed0"
PEOPLE = 1000


class Study(NamedTuple):
    """Scores [N] and labels [N] of a test, 1 for the diseased, and what they are of."""

    scores: np.ndarray
    labels: np.ndarray
    source: str


@cache
def stored_study() -> Study:
    """The logits of 397 fundus photographs, each by a net that was trained without it; or scores drawn by chance.

    The generated ones stand in where the stored result is missing, and their source says so.
    """
    try:
        folds = results.stored(STORED)["folds"]
    except CourseError:
        generator = np.random.default_rng(10)
        labels = np.repeat([0, 1], [190, 210])
        return Study(generator.normal(3.0 * labels - 1.5, 1.2), labels, "400 generated scores: no stored result here")
    labels = np.array(folds["labels"])
    return Study(np.array(folds["logits"]), labels, f"{labels.size} real photographs (PALM), a small net's scores")


def draw(threshold: float = 0.0, prevalence: float = 0.1, study: Study | None = None) -> Figure:
    """The scores by what people have, the threshold through them, and the four shares that follow from it.

    threshold: a score; who has it or more is called in. prevalence: of the disease among those who come, 0 to 1.
    study: the stored one unless another is given. Raises ValueError for a prevalence outside 0 to 1.
    """
    study = study or stored_study()
    point = operating_point(study.scores, study.labels, threshold)
    sensitivity, specificity = point.sensitivity[1], point.specificity[1]
    ppv, npv = predictive_values(sensitivity, specificity, prevalence)
    message = _message(sensitivity, specificity, prevalence)
    figure, axes = classroom_axes(message, "ac;bc", width_ratios=[0.95, 1], wspace=0.45, bottom=0.17, left=0.08)
    _histograms(axes["a"], axes["b"], study, threshold)
    shares = {
        "sensitivity": (sensitivity, point.sensitivity, "of the ill found"),
        "specificity": (specificity, point.specificity, "of the healthy sent home"),
        "PPV": (ppv, None, "of those called in are ill"),
        "NPV": (npv, None, "of those sent home healthy"),
    }
    for row, (share, interval, meaning) in enumerate(shares.values()):
        known = not np.isnan(share)
        axes["c"].barh(row, share if known else 0, 0.42, color="C0" if interval else "C4")
        if interval:
            axes["c"].plot([interval[0], interval[2]], [row, row], color="black", linewidth=2.5, linestyle="-")
        text = f"{100 if share == 1 else min(100 * share, 99.9):.1f} %" if known else "nobody"
        axes["c"].text(0, row - 0.29, f"{text} {meaning}", fontsize=15, va="bottom")
    axes["c"].set_yticks(range(4), labels=list(shares))
    axes["c"].set_xticks([0, 0.5, 1], labels=["0 %", "50 %", "100 %"])
    axes["c"].set(xlim=(0, 1), ylim=(3.4, -0.75))
    return figure


def demo() -> Demo:
    """The demo over the stored study."""
    study = stored_study()
    careful = round(threshold_at(study.scores, study.labels, 0.95), 1)
    shares = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7]
    prevalences = [(f"{100 * share:g} %", share) for share in shares]
    return Demo(
        controls={
            "threshold": widgets.FloatSlider(0.0, min=-5, max=6, step=0.1, description="threshold"),
            "prevalence": widgets.SelectionSlider(options=prevalences, value=0.1, description="prevalence"),
        },
        draw=draw,
        presets={
            "In the clinic": {"threshold": 0.0, "prevalence": 0.5},
            "In the street": {"threshold": 0.0, "prevalence": 0.01},
            "Miss nobody": {"threshold": round(float(study.scores[study.labels == 1].min()) - 0.05, 1)},
            "95 % of the healthy sent home": {"threshold": careful},
        },
        **words("screening_threshold"),
    )


def _histograms(upper: Axes, lower: Axes, study: Study, threshold: float) -> None:
    edges = np.linspace(study.scores.min(), study.scores.max() + 1e-9, 31)
    for axis, label, name, colour in ((upper, 0, "healthy", "C2"), (lower, 1, "ill", "C1")):
        scores = study.scores[study.labels == label]
        called = int((scores >= threshold).sum())
        axis.stairs(np.histogram(scores, edges)[0], edges, fill=True, color=colour)
        axis.axvline(threshold, color="black", linewidth=3, linestyle="--")
        axis.set_title(f"{scores.size} {name}: {called} called in")
        axis.set_ylabel("people")
    for axis in (upper, lower):
        axis.set_xticks(range(-4, 7, 2))
        axis.set_xlim(edges[0] - 0.3, edges[-1] + 0.3)
    upper.tick_params(labelbottom=False)
    lower.set_xlabel("score (dashed: the threshold)", labelpad=2)
    upper.figure.text(0.012, 0.012, study.source, fontsize=14, color="0.35")


def _message(sensitivity: float, specificity: float, prevalence: float) -> str:
    ill = round(PEOPLE * prevalence)
    found, alarmed = round(ill * sensitivity), round((PEOPLE - ill) * (1 - specificity))
    return f"Of {PEOPLE:,} people {ill} are ill: {found} found, {ill - found} missed; {alarmed} healthy called in"
