"""Homework 6: what a screening study reports, from scores and labels; right is what course_utils.screening gives."""

from __future__ import annotations

from typing import Any

import numpy as np

from course_utils import metrics, screening
from course_utils.homework.questions import Assignment, Case, Known, Question

__all__ = ["ASSIGNMENT"]

Array = np.ndarray
Counts = tuple[int, int, int, int]


def confusion(scores: Array, labels: Array, threshold: float) -> Counts:
    """True positives, false positives, true negatives, false negatives."""
    point = screening.operating_point(scores, labels, threshold)
    return point.true_positives, point.false_positives, point.true_negatives, point.false_negatives


def counted(scores: Array, labels: Array, threshold: float, strict: bool = False) -> Counts:
    called = scores > threshold if strict else scores >= threshold
    pairs = [(called, 1), (called, 0), (~called, 0), (~called, 1)]
    tp, fp, tn, fn = (int((who & (labels == label)).sum()) for who, label in pairs)
    return tp, fp, tn, fn


def people(generator: np.random.Generator, size: int, ties: bool) -> tuple[Array, Array]:
    labels = np.zeros(size, dtype="int64")
    labels[: max(2, size // 3)] = 1
    generator.shuffle(labels)
    scores = generator.normal(size=size) + 0.8 * labels
    return (np.round(2 * scores) / 2 if ties else scores), labels


def decisions(generator: np.random.Generator) -> list[Case]:
    example = np.array([0.9, 0.8, 0.6, 0.4, 0.3, 0.2]), np.array([1, 1, 0, 1, 0, 0]), 0.5
    return [
        Case("example", example),
        Case("many people", (*people(generator, 40, False), 0.3)),
        Case("scores at the threshold", (*people(generator, 30, True), 0.5)),
    ]


def sensitivity_specificity(tp: int, fp: int, tn: int, fn: int) -> tuple[float, float]:
    return tp / (tp + fn), tn / (tn + fp)


def tables(generator: np.random.Generator) -> list[Case]:
    some = tuple(int(count) for count in generator.permutation([7, 11, 23, 31]))
    rare = int(generator.integers(5, 10)), int(generator.integers(30, 60)), int(generator.integers(400, 900)), 2
    return [Case("example", (90, 20, 80, 10)), Case("other counts", some), Case("a rare disease", rare)]


def auc(scores: Array, labels: Array) -> float:
    return screening.auc(scores, labels)


def orders(generator: np.random.Generator) -> list[Case]:
    example = np.array([0.1, 0.4, 0.35, 0.8]), np.array([0, 0, 1, 1])
    return [
        Case("example", example),
        Case("many people", people(generator, 40, False)),
        Case("ties", people(generator, 30, True)),
    ]


def pairs(scores: Array, labels: Array, tie: float) -> float:
    differences = scores[labels == 1][:, None] - scores[labels == 0][None]
    return float(((differences > 0) + tie * (differences == 0)).mean())


def threshold_at(scores: Array, labels: Array, specificity: float) -> float:
    return screening.threshold_at(scores, labels, specificity)


def targets(generator: np.random.Generator) -> list[Case]:
    example = np.array([0.1, 0.2, 0.3, 0.6, 0.4, 0.9]), np.array([0, 0, 0, 0, 1, 1]), 0.75
    return [
        Case("example", example),
        Case("95 %", (*people(generator, 60, False), 0.95)),
        Case("another specificity", (*people(generator, 45, False), 0.5)),
        Case("ties", (*people(generator, 45, True), 0.8)),
    ]


def lowest(scores: Array, labels: Array, group: Array, share: float, strict: bool = False) -> float:
    """The lowest score that leaves the share of a group below it; the known mistakes take another group or rule."""
    for threshold in np.unique(scores):
        below = (group <= threshold).mean() if strict else (group < threshold).mean()
        if below >= share - 1e-9:
            return float(threshold)
    return float("inf")


def predictive_values(sensitivity: float, specificity: float, prevalence: float) -> tuple[float, float]:
    return screening.predictive_values(sensitivity, specificity, prevalence)


def tests(generator: np.random.Generator) -> list[Case]:
    shares = [float(share) for share in generator.uniform(0.7, 0.99, size=2)]
    return [
        Case("example", (0.95, 0.9, 0.03)),
        Case("a common disease", (shares[0], shares[1], 0.4)),
        Case("a rare disease", (shares[1], shares[0], float(generator.uniform(0.001, 0.05)))),
    ]


def wilson_interval(correct: int, total: int) -> tuple[float, float]:
    return metrics.wilson_interval(correct, total)


def shares(generator: np.random.Generator) -> list[Case]:
    total = int(generator.integers(20, 200))
    return [
        Case("example", (81, 263)),
        Case("few", (3, 10)),
        Case("any", (int(generator.integers(1, total)), total)),
        Case("all right", (20, 20)),
    ]


def interval(correct: int, total: int, z: float = 1.959964, wald: bool = False) -> Any:
    share = correct / total
    if wald:
        half = z * np.sqrt(share * (1 - share) / total)
        return share - half, share + half
    middle, scale = share + z**2 / (2 * total), 1 + z**2 / total
    half = z * np.sqrt(share * (1 - share) / total + z**2 / (4 * total**2))
    return (middle - half) / scale, (middle + half) / scale


CONFUSION = Question(
    "q1",
    "Four counts",
    "confusion",
    4,
    decisions,
    confusion,
    (
        Known("a score at the threshold counts as called.", lambda s, y, t: counted(s, y, t, strict=True)),
        Known(
            "false positives and false negatives are exchanged.",
            lambda s, y, t: tuple(counted(s, y, t)[i] for i in (0, 3, 2, 1)),
        ),
        Known("a low score was called ill: the higher, the more suspicious.", lambda s, y, t: counted(-s, y, -t)),
        Known(
            "the order is true positives, false positives, true negatives, false negatives.",
            lambda s, y, t: tuple(counted(s, y, t)[i] for i in (0, 2, 1, 3)),
        ),
    ),
    avoid=("sklearn", "screening"),
)
SHARES = Question(
    "q2",
    "Sensitivity and specificity",
    "sensitivity_specificity",
    4,
    tables,
    sensitivity_specificity,
    (
        Known(
            "of those called ill the ill ones: that is the PPV. Sensitivity is a share of the ill.",
            lambda tp, fp, tn, fn: (tp / (tp + fp), tn / (tn + fn)),
        ),
        Known("the two are exchanged.", lambda tp, fp, tn, fn: (tn / (tn + fp), tp / (tp + fn))),
        Known(
            "a share of everybody: divide by the ill, and by the healthy.",
            lambda tp, fp, tn, fn: (tp / (tp + fp + tn + fn), tn / (tp + fp + tn + fn)),
        ),
        Known(
            "that is the share of mistakes: sensitivity counts who was found.",
            lambda tp, fp, tn, fn: (fn / (tp + fn), fp / (tn + fp)),
        ),
    ),
)
AUC = Question(
    "q3",
    "The area under the ROC curve",
    "auc",
    6,
    orders,
    auc,
    (
        Known("a pair with equal scores counts half, not 0.", lambda s, y: pairs(s, y, 0)),
        Known("a pair with equal scores counts half, not 1.", lambda s, y: pairs(s, y, 1)),
        Known("the other way round: the ill one should score higher.", lambda s, y: 1 - pairs(s, y, 0.5)),
        Known("that is the accuracy at 0.5, which asks for one threshold.", lambda s, y: ((s >= 0.5) == y).mean()),
        Known(
            "the number of pairs is missing: divide by it.",
            lambda s, y: pairs(s, y, 0.5) * (y == 1).sum() * (y == 0).sum(),
        ),
    ),
    avoid=("sklearn", "roc_auc_score", "screening"),
)
THRESHOLD = Question(
    "q4",
    "A threshold for a wanted specificity",
    "threshold_at",
    6,
    targets,
    threshold_at,
    (
        Known(
            "that share of the ill is below: specificity asks for the healthy.",
            lambda s, y, c: lowest(s, y, s[y == 1], c),
        ),
        Known(
            "that share of everybody is below: specificity asks for the healthy.", lambda s, y, c: lowest(s, y, s, c)
        ),
        Known(
            "who scores at the threshold is called, and is not below it.",
            lambda s, y, c: lowest(s, y, s[y == 0], c, True),
        ),
        Known(
            "1 - specificity is the share that may be called by mistake.",
            lambda s, y, c: lowest(s, y, s[y == 0], 1 - c),
        ),
        Known(
            "only healthy people's scores were tried: a score of an ill one may do, and is lower.",
            lambda s, y, c: lowest(s[y == 0], y, s[y == 0], c),
        ),
    ),
    avoid=("sklearn", "screening"),
)
PREDICTIVE = Question(
    "q5",
    "What a result means",
    "predictive_values",
    6,
    tests,
    predictive_values,
    (
        Known(
            "as if half of the people were ill: the prevalence is left out.",
            lambda s, c, q: screening.predictive_values(s, c, 0.5),
        ),
        Known(
            "the prevalence is the share of the ill, not of the healthy.",
            lambda s, c, q: screening.predictive_values(s, c, 1 - q),
        ),
        Known("PPV and NPV are exchanged.", lambda s, c, q: screening.predictive_values(s, c, q)[::-1]),
        Known(
            "false positives are a share 1 - specificity of the healthy.",
            lambda s, c, q: (s * q / (s * q + c * (1 - q)), screening.predictive_values(s, c, q)[1]),
        ),
        Known("the test's own shares: what a result means depends on the prevalence.", lambda s, c, q: (s, c)),
    ),
    avoid=("screening",),
)
WILSON = Question(
    "q6",
    "The interval of a share",
    "wilson_interval",
    4,
    shares,
    wilson_interval,
    (
        Known(
            "that is Wald's interval, which is empty for 20 of 20: use Wilson's.",
            lambda k, n: interval(k, n, wald=True),
        ),
        Known("one standard error holds 68 %: for 95 % z is 1.96.", lambda k, n: interval(k, n, 1.0)),
        Known("1.645 is for 90 %: for 95 % z is 1.96.", lambda k, n: interval(k, n, 1.644854)),
        Known(
            "the sum was not divided by 1 + z² / n.",
            lambda k, n: tuple(end * (1 + 1.959964**2 / n) for end in interval(k, n)),
        ),
    ),
    tolerance=1e-3,  # z may be 1.96
    avoid=("wilson_interval(correct, total)", "statsmodels"),
)
ASSIGNMENT = Assignment(
    "hw6",
    "hw6_screening",
    "Screening",
    (CONFUSION, SHARES, AUC, THRESHOLD, PREDICTIVE, WILSON),
    ("95 % accuracy where half of the people are ill: what would you ask before you use it in a town?",),
)
