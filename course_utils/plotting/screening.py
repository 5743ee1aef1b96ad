"""A screening test drawn: its ROC curve, its scores by kind of eye, its calibration, and what it does to a thousand."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from course_utils import screening
from course_utils.screening import Calibration, OperatingPoint

__all__ = ["people_chart", "reliability_diagram", "roc_figure", "score_rows"]


def roc_figure(
    tests: Mapping[str, tuple[ArrayLike, ArrayLike]], message: str, point: OperatingPoint | None = None
) -> Figure:
    """ROC curves of tests, name -> (scores [N], labels [N]), the first with its 95 % band and its operating point.

    Beside the whole, its upper left corner, where good tests differ.
    """
    figure, axes = plt.subplots(1, 2, figsize=(9, 4.9))
    for axis in axes:
        _draw_roc(axis, tests, point)
        axis.set(xlabel="share of the healthy called diseased")
    axes[0].set(ylabel="share of the diseased found", xlim=(-0.02, 1), ylim=(0, 1.02))
    axes[1].set(xlim=(-0.004, 0.2), ylim=(0.8, 1.004))
    axes[0].legend(loc="lower right", fontsize=10)
    axes[1].set_title("its upper left corner", fontsize=12)
    figure.suptitle(message, x=0.01, ha="left", fontsize=14)
    return figure


def _draw_roc(axis: Axes, tests: Mapping[str, tuple[ArrayLike, ArrayLike]], point: OperatingPoint | None) -> None:
    places = np.linspace(0, 1, 401)
    for k, (name, (scores, labels)) in enumerate(tests.items()):
        false_alarms, sensitivity, _ = screening.roc_points(scores, labels)
        area = screening.auc(scores, labels)
        axis.step(false_alarms, sensitivity, where="post", label=f"{name}: AUC {area:.3f}", zorder=3)
        if k == 0:
            low, high = screening.roc_band(scores, labels, places)
            axis.fill_between(places, low, high, step="post", color="C0", alpha=0.2, linewidth=0, label="its 95 % band")
    axis.plot([0, 1], [0, 1], color="0.5", linewidth=1, linestyle=":", label="chance")
    if point:
        x, y = 1 - point.specificity[1], point.sensitivity[1]
        across = [[x - (1 - point.specificity[2])], [1 - point.specificity[0] - x]]
        upright = [[y - point.sensitivity[0]], [point.sensitivity[2] - y]]
        axis.errorbar(x, y, xerr=across, yerr=upright, fmt="o", color="black", capsize=4, zorder=4, label="threshold")


def score_rows(
    scores: Mapping[str, ArrayLike], message: str, threshold: float | None = None, xlabel: str = "logit"
) -> Figure:
    """A histogram of scores for each kind of sample, one above the other, and a threshold through all."""
    rows = {name: np.asarray(values, dtype=np.float64) for name, values in scores.items()}
    everything = np.concatenate(list(rows.values()))
    edges = np.linspace(everything.min(), everything.max() + 1e-9, 41)
    figure, axes = plt.subplots(len(rows), 1, figsize=(8, 1.25 * len(rows) + 0.9), sharex=True, squeeze=False)
    for k, (axis, (name, values)) in enumerate(zip(axes.flat, rows.items(), strict=True)):
        axis.hist(values, edges, color=f"C{k}")
        title = f"{name}: {values.size}"
        if threshold is not None:
            axis.axvline(threshold, color="black", linewidth=1.5, linestyle="--")
            title += f", called diseased: {int((values >= threshold).sum())}"
        axis.set_title(title, fontsize=12)
        axis.set_ylabel("pictures", fontsize=11)
    axes[-1, 0].set_xlabel(xlabel if threshold is None else f"{xlabel} (dashed: the threshold)")
    figure.suptitle(message, x=0.01, ha="left", fontsize=14)
    return figure


def reliability_diagram(curves: Mapping[str, Calibration], message: str) -> Figure:
    """What came true against what was said, a panel a name: bins with 95 % intervals and how many samples they hold."""
    figure, axes = plt.subplots(1, len(curves), figsize=(4.2 * len(curves), 4.4), sharey=True, squeeze=False)
    for k, (axis, (name, curve)) in enumerate(zip(axes.flat, curves.items(), strict=True)):
        errors = [curve.observed - curve.low, curve.high - curve.observed]
        axis.plot([0, 1], [0, 1], color="0.5", linewidth=1, linestyle=":")
        axis.errorbar(curve.predicted, curve.observed, yerr=errors, fmt="o", color=f"C{k}", capsize=3)
        for x, y, count in zip(curve.predicted, curve.high, curve.size, strict=True):
            axis.annotate(f"{count}", (x, y), xytext=(0, 7), textcoords="offset points", ha="center", fontsize=10)
        axis.set(xlabel="probability that the net gave", xlim=(-0.05, 1.05), ylim=(-0.05, 1.15))
        axis.set_title(name, fontsize=12)
    axes[0, 0].set_ylabel("share that was diseased")
    figure.suptitle(message, x=0.01, ha="left", fontsize=14)
    return figure


def people_chart(sensitivity: float, specificity: float, prevalence: float, message: str, people: int = 1000) -> Figure:
    """One dot a person, of `people` who come for screening: found, missed, called in for nothing, left in peace.

    Counts are rounded to whole people. Source: Gigerenzer et al.: Helping doctors and patients make sense of health
    statistics, 2007 (natural frequencies). Raises ValueError for fewer than 50 people.
    """
    if people < 50:
        raise ValueError(f"{people} people are too few to round to: use 50 or more")
    ill = round(people * prevalence)
    found, alarmed = round(ill * sensitivity), round((people - ill) * (1 - specificity))
    groups = {
        "ill and found": (found, "C0", "s"),
        "ill and missed": (ill - found, "C1", "X"),
        "healthy, called in": (alarmed, "C4", "o"),
        "healthy, left in peace": (people - ill - alarmed, "0.82", "o"),
    }
    figure, axis = plt.subplots(figsize=(8, 4.2))
    columns, first = 50, 0
    for name, (count, colour, marker) in groups.items():
        place = np.arange(first, first + count)
        axis.scatter(place % columns, -(place // columns), 26, color=colour, marker=marker, label=f"{count} {name}")
        first += count
    axis.axis("off")
    axis.set_title(message)
    figure.legend(loc="outside lower left", ncols=2, fontsize=12, markerscale=1.6)
    return figure
