"""metrics: against scikit-learn, against published numbers, and against bad input."""

from __future__ import annotations

import numpy as np
import paddle
import pytest
import scipy.stats
import sklearn.metrics
from hypothesis import given
from hypothesis import strategies as st

from course_utils.metrics import (
    accuracy,
    confusion_matrix,
    mean_interval,
    paired_difference,
    predicted_classes,
    wilson_interval,
)

# R. G. Newcombe, Two-sided confidence intervals for the single proportion, Statistics in Medicine 17, 1998,
# table I, method 3 (score without continuity correction), to the four decimals that it prints.
NEWCOMBE = [
    (81, 263, 0.2553, 0.3662),
    (15, 148, 0.0624, 0.1605),
    (0, 20, 0.0000, 0.1611),
    (1, 29, 0.0061, 0.1718),
]


@pytest.mark.parametrize(("correct", "total", "low", "high"), NEWCOMBE)
def test_wilson_agrees_with_newcombe_1998(correct: int, total: int, low: float, high: float) -> None:
    assert wilson_interval(correct, total) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 5000), st.data(), st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_wilson_ends_solve_the_equation_that_defines_them(total: int, data: st.DataObject, confidence: float) -> None:
    correct = data.draw(st.integers(0, total))
    low, high = wilson_interval(correct, total, confidence)
    share = correct / total
    assert 0 <= low <= share <= high <= 1
    assert low < high
    z = {0.5: 0.6744897501960817, 0.9: 1.6448536269514722, 0.95: 1.959963984540054, 0.99: 2.5758293035489004}
    for end in (low, high):
        assert (share - end) ** 2 == pytest.approx(z[confidence] ** 2 * end * (1 - end) / total, rel=1e-6, abs=1e-15)


def test_wilson_is_mirrored_and_touches_the_ends() -> None:
    assert wilson_interval(0, 7)[0] == 0
    assert wilson_interval(7, 7)[1] == 1
    low, high = wilson_interval(990, 1000)
    assert wilson_interval(10, 1000) == pytest.approx((1 - high, 1 - low))


@pytest.mark.parametrize(
    ("correct", "total", "confidence", "message"),
    [
        (1, 0, 0.95, "1 correct of 0"),
        (5, 4, 0.95, "5 correct of 4"),
        (-1, 4, 0.95, "-1 correct of 4"),
        (1, 4, 95, "confidence 95"),
        (1, 4, 0, "confidence 0"),
    ],
)
def test_wilson_refuses_the_impossible(correct: int, total: int, confidence: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        wilson_interval(correct, total, confidence)


@given(st.integers(1, 6), st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=40))
def test_confusion_matrix_and_accuracy_equal_scikit_learn(extra: int, pairs: list[tuple[int, int]]) -> None:
    predictions, labels = np.array(pairs).T
    classes = 5 + extra
    ours = confusion_matrix(predictions, labels, classes)
    theirs = sklearn.metrics.confusion_matrix(labels, predictions, labels=range(classes))
    assert ours.dtype == np.int64
    assert (ours == theirs).all()
    assert accuracy(predictions, labels) == sklearn.metrics.accuracy_score(labels, predictions)


def test_rows_of_a_confusion_matrix_are_the_truth() -> None:
    assert confusion_matrix([1], [0], classes=("cat", "dog")).tolist() == [[0, 1], [0, 0]]
    assert confusion_matrix(np.zeros(0, int), np.zeros(0, int), 2).tolist() == [[0, 0], [0, 0]]


def test_predicted_classes_of_each_form() -> None:
    logits = [[0.1, 0.7, 0.2], [0.9, 0.0, 0.9]]
    assert predicted_classes(logits).tolist() == [1, 0]
    assert predicted_classes(paddle.to_tensor(logits)).tolist() == [1, 0]
    assert predicted_classes([[-0.5], [0.0], [2.0]]).tolist() == [0, 0, 1]
    assert predicted_classes([3, 1]).tolist() == [3, 1]
    assert predicted_classes([[3], [1]]).tolist() == [3, 1]
    assert accuracy(paddle.to_tensor(logits), paddle.to_tensor([[1], [2]])) == 0.5


@pytest.mark.parametrize("values", [[0.5, 1.5], np.zeros([2, 2, 2]), np.zeros([2, 0]), 3])
def test_predicted_classes_refuses_what_is_neither(values: object) -> None:
    with pytest.raises(ValueError, match="give logits"):
        predicted_classes(values)


@pytest.mark.parametrize(
    ("predictions", "labels", "message"),
    [
        ([0, 1], [0], "2 predictions and 1 labels"),
        ([0, 1], [0.0, 1.0], "labels are float64"),
        ([0, 1], 1, r"labels are int64 \[\]"),
        ([0, 1], [[0, 1], [1, 0]], r"labels are int64 \[2, 2\]"),
        (np.zeros(0, int), np.zeros(0, int), "0 labels"),
    ],
)
def test_accuracy_refuses_what_cannot_be_compared(predictions: object, labels: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        accuracy(predictions, labels)


@pytest.mark.parametrize(("predictions", "labels"), [([0, 2], [0, 1]), ([0, 1], [0, 2]), ([0, 1], [-1, 1])])
def test_confusion_matrix_refuses_classes_that_are_not_there(predictions: list[int], labels: list[int]) -> None:
    with pytest.raises(ValueError, match="with 2 classes use 0 to 1"):
        confusion_matrix(predictions, labels, 2)


@given(st.integers(2, 12), st.integers(0, 99), st.sampled_from([0.5, 0.95, 0.99]))
def test_mean_interval_holds_what_a_t_test_does_not_reject(n: int, seed: int, confidence: float) -> None:
    values = np.random.default_rng(seed).standard_normal((n, 3))
    low, mean, high = mean_interval(values, confidence)
    assert np.allclose(mean, values.mean(axis=0))
    for end in (low, high):
        assert np.allclose(scipy.stats.ttest_1samp(values, end).pvalue, 1 - confidence)
    assert np.allclose(mean_interval(values[:, 0], confidence), (low[0], mean[0], high[0]))


@pytest.mark.parametrize("values", [[], [1.0], 1.0, [[1.0, 2.0]]])
def test_mean_interval_needs_two_runs(values: object) -> None:
    with pytest.raises(ValueError, match="give two or more"):
        mean_interval(values)


@pytest.mark.parametrize("confidence", [0, 1, 95])
def test_mean_interval_needs_a_confidence_below_one(confidence: float) -> None:
    with pytest.raises(ValueError, match="not between 0 and 1"):
        mean_interval([1, 2], confidence)


# ---- paired_difference ----


def test_a_paired_difference_holds_the_truth_as_often_as_it_says():
    """Two nets, right together in 60 % and alone in 20 % and 10 %: over many draws, 95 % of the intervals hold 0.1."""
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(500):
        kind = rng.choice(4, 400, p=[0.6, 0.1, 0.2, 0.1])  # both right, first alone, second alone, none
        low, difference, high = paired_difference(kind < 2, np.isin(kind, [0, 2]))
        assert low <= difference <= high
        hits += low <= 0.1 <= high
    assert 0.92 < hits / 500 < 0.98


def test_a_pair_with_itself_does_not_differ():
    assert paired_difference([0, 1, 1], [0, 1, 1]) == (0, 0, 0)


@pytest.mark.parametrize(("first", "second"), [([0, 1], [1]), ([], []), ([0, 2], [0, 1]), ([[0], [1]], [[1], [0]])])
def test_what_is_no_pair(first, second):
    with pytest.raises(ValueError, match="give 0 or 1 for each of the same samples"):
        paired_difference(first, second)


def test_an_impossible_confidence_of_a_pair():
    with pytest.raises(ValueError, match="confidence 1 is not between"):
        paired_difference([0], [1], confidence=1)
