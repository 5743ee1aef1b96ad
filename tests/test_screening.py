"""screening: against scikit-learn, against published numbers, against the definitions, and against bad input."""

import doctest
import importlib

import numpy as np
import pytest
import scipy.special
import sklearn.calibration
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils import screening
from course_utils.screening.roc import sensitivity_at

MODULES = ["cases", "roc", "thresholds", "calibration", "comparison"]


@st.composite
def studies(draw, least=1):
    """Scores and labels with both classes, often with ties."""
    positive, negative = draw(st.integers(least, 20)), draw(st.integers(least, 20))
    values = st.integers(-5, 5) if draw(st.booleans()) else st.floats(-1e3, 1e3)
    total = positive + negative
    scores = np.array(draw(st.lists(values, min_size=total, max_size=total)), dtype=float)
    labels = draw(st.permutations([1] * positive + [0] * negative))
    return scores, np.array(labels)


def overlapping(n, seed, shift=1.0):
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    return rng.standard_normal(n) + shift * labels, labels


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    assert doctest.testmod(importlib.import_module(f"course_utils.screening.{name}")).failed == 0


# ---- ROC ----


@settings(max_examples=25)
@given(studies())
def test_auc_and_curve_equal_scikit_learn(study):
    scores, labels = study
    assert screening.auc(scores, labels) == pytest.approx(sklearn.metrics.roc_auc_score(labels, scores), abs=1e-12)
    assert screening.auc(-scores, labels) == pytest.approx(1 - screening.auc(scores, labels), abs=1e-12)
    ours = screening.roc_points(scores, labels)
    theirs = sklearn.metrics.roc_curve(labels, scores, drop_intermediate=False)
    for mine, other in zip(ours, theirs, strict=True):
        assert np.allclose(mine, other, atol=1e-12)


def test_auc_counts_pairs():
    scores, labels = np.array([3, 1, 2, 2, 0, 2]), np.array([1, 1, 1, 0, 0, 0])
    wins = [np.sign(a - b) for a in scores[:3] for b in scores[3:]]
    assert screening.auc(scores[:, None], labels) == np.mean([(win + 1) / 2 for win in wins]) == 6 / 9


def test_interval_is_the_bootstraps_and_repeats():
    scores, labels = overlapping(60, 0)
    low, area, high = screening.auc_interval(scores, labels, repeats=300)
    assert 0 < low < area < high < 1
    assert area == screening.auc(scores, labels)
    assert screening.auc_interval(scores, labels, repeats=300) == (low, area, high)
    assert screening.auc_interval(scores, labels, repeats=300, seed=1) != (low, area, high)
    narrow = screening.auc_interval(scores, labels, confidence=0.5, repeats=300)
    assert low < narrow[0] < narrow[2] < high
    assert screening.auc_interval([0, 1, 2, 3], [0, 0, 1, 1], repeats=10) == (1, 1, 1)


def test_interval_holds_the_truth_about_as_often_as_it_says():
    truth = scipy.special.ndtr(1 / np.sqrt(2))  # of two normals one deviation apart
    hits = 0
    for seed in range(150):
        low, _, high = screening.auc_interval(*overlapping(80, seed), repeats=200)
        hits += low <= truth <= high
    assert 0.88 <= hits / 150 <= 0.99


@settings(max_examples=25)
@given(studies())
def test_sensitivity_at_a_share_of_false_alarms_is_the_curves(study):
    scores, labels = study
    false_alarms, sensitivity, _ = screening.roc_points(scores, labels)
    places = np.array([0, 0.1, 0.5, 1])
    best = [sensitivity[false_alarms <= place + 1e-9].max() for place in places]
    assert np.allclose(sensitivity_at(scores[labels == 1], scores[labels == 0], places), best)


def test_band_surrounds_the_curve():
    scores, labels = overlapping(200, 3)
    places = np.linspace(0, 1, 11)
    low, high = screening.roc_band(scores, labels, places, repeats=200)
    seen = sensitivity_at(scores[labels == 1], scores[labels == 0], places)
    assert (low <= seen).all()
    assert (seen <= high).all()
    assert (low[-1], high[-1]) == (1, 1)
    assert (high - low)[1] > 0.1


# ---- thresholds ----


@settings(max_examples=25)
@given(studies(), st.sampled_from([0, 0.5, 0.8, 0.95, 1]))
def test_the_threshold_is_the_lowest_that_is_specific_enough(study, wanted):
    scores, labels = study
    threshold = screening.threshold_at(scores, labels, wanted)
    assert (scores[labels == 0] < threshold).mean() >= wanted
    lower = [value for value in scores if value < threshold]
    assert all((scores[labels == 0] < value).mean() < wanted for value in lower)


def test_no_threshold_is_high_enough():
    assert screening.threshold_at([1, 2, 0], [0, 0, 1], 1) == np.inf


def test_an_operating_point_counts_everyone_once():
    scores, labels = np.array([1.0, 2, 3, 4, 5, 6]), np.array([0, 0, 1, 0, 1, 1])
    point = screening.operating_point(scores, labels, 4)
    assert point[:5] == (4, 2, 1, 2, 1)
    assert point.sensitivity[1] == point.specificity[1] == 2 / 3
    assert point.sensitivity == pytest.approx((0.2077, 2 / 3, 0.9385), abs=1e-4)


def test_predictive_values_of_the_ends():
    assert screening.predictive_values(1, 1, 0.01) == (1, 1)
    assert screening.predictive_values(0.9, 0.9, 0) == (0, 1)
    assert np.isnan(screening.predictive_values(0, 1, 0.5)[0])
    ppv, npv = screening.predictive_values(0.9, 0.95, 0.03)
    assert ppv == pytest.approx(0.027 / (0.027 + 0.0485))
    assert npv == pytest.approx(0.9215 / (0.9215 + 0.003))


# ---- calibration ----


@settings(max_examples=25)
@given(studies(), st.integers(1, 12))
def test_the_curve_equals_scikit_learns(study, bins):
    scores, labels = study
    probabilities = scipy.special.expit(scores)
    ours = screening.calibration_curve(probabilities, labels, bins)
    observed, predicted = sklearn.calibration.calibration_curve(labels, probabilities, n_bins=bins)
    assert np.allclose(ours.observed, observed)
    assert np.allclose(ours.predicted, predicted)
    assert ours.size.sum() == len(labels)
    assert (ours.low <= ours.observed).all()
    assert (ours.observed <= ours.high).all()


def test_calibration_error_by_hand():
    # (0, 0.5]: mean 0.3, one of two ill; (0.5, 1]: mean 0.8, two of three ill
    probabilities, labels = [0.1, 0.5, 0.6, 0.8, 1.0], [0, 1, 1, 0, 1]
    expected = (2 * abs(0.5 - 0.3) + 3 * abs(2 / 3 - 0.8)) / 5
    assert screening.calibration_error(probabilities, labels, bins=2) == pytest.approx(expected)


def test_log_loss_is_scikit_learns():
    scores, labels = overlapping(50, 4)
    theirs = sklearn.metrics.log_loss(labels, scipy.special.expit(scores / 2))
    assert screening.log_loss(scores, labels, temperature=2) == pytest.approx(theirs)


def test_a_temperature_undoes_what_was_multiplied():
    rng = np.random.default_rng(0)
    logits = 2 * rng.standard_normal(20_000)
    labels = (rng.random(20_000) < scipy.special.expit(logits)).astype(int)
    right = screening.fit_temperature(logits, labels)
    assert right == pytest.approx(1, abs=0.05)
    assert screening.fit_temperature(5 * logits, labels) == pytest.approx(5 * right, rel=1e-3)
    before = screening.calibration_error(scipy.special.expit(5 * logits), labels)
    assert screening.calibration_error(scipy.special.expit(logits / right), labels) < 0.02 < 0.1 < before


def test_the_temperature_is_the_minimum():
    scores, labels = overlapping(100, 5)
    best = screening.fit_temperature(scores, labels)
    slope = ((scipy.special.expit(scores / best) - labels) * scores).mean()
    assert slope == pytest.approx(0, abs=1e-4)


def test_temperatures_that_do_not_exist_end_at_the_limits():
    assert screening.fit_temperature([-1, 1], [0, 1]) < 0.05
    assert screening.fit_temperature([1, -1], [0, 1]) > 95


# ---- two tests on the same people ----


def test_mcnemar_agrees_with_fagerland_2013():
    """Table 1 there: airway hyper-responsiveness before and after a transplantation, 1, 1, 7 and 12; p = 0.070."""
    before = [1] * 1 + [1] * 1 + [0] * 7 + [0] * 12
    after = [1] * 1 + [0] * 1 + [1] * 7 + [0] * 12
    assert screening.mcnemar(before, after) == (1, 7, pytest.approx(0.070, abs=5e-4))


def test_mcnemar_of_equals():
    assert screening.mcnemar([True, False], [True, False]) == (0, 0, 1)


def naive_delong(first, second, labels):
    """The definition: a kernel of 1, 1/2 or 0 for every pair, its row and column means, their covariances."""
    rows, columns, areas = [], [], []
    for scores in (first, second):
        kernel = (np.sign(scores[labels == 1][:, None] - scores[labels == 0]) + 1) / 2  # [P, N]
        rows.append(kernel.mean(axis=1))
        columns.append(kernel.mean(axis=0))
        areas.append(kernel.mean())
    s10, s01 = np.cov(rows), np.cov(columns)
    s = s10 / len(rows[0]) + s01 / len(columns[0])
    return areas, s[0, 0] + s[1, 1] - 2 * s[0, 1]


@settings(max_examples=25)
@given(studies(least=2), st.integers(0, 99))
def test_delong_is_its_definition(study, seed):
    first, labels = study
    second = first + np.random.default_rng(seed).integers(-2, 3, len(first))
    found = screening.delong(first, second, labels)
    areas, variance = naive_delong(first, second, labels)
    assert (found.first, found.second) == pytest.approx(tuple(areas))
    low, difference, high = found.difference
    assert difference == pytest.approx(areas[1] - areas[0], abs=1e-12)
    assert high - low == pytest.approx(2 * 1.959963984540054 * np.sqrt(max(variance, 0)), abs=1e-6)
    assert 0 <= found.p <= 1


def test_delong_by_hand():
    """Diseased 1, 3 against healthy 0, 2: components 1/2, 1 and 1, 1/2; the second test orders all right."""
    found = screening.delong([1, 3, 0, 2], [3, 4, 1, 2], [1, 1, 0, 0])
    assert (found.first, found.second) == (0.75, 1)
    half = 1.959963984540054 * np.sqrt(0.125 / 2 + 0.125 / 2)  # both variances are 1/8, over two people each
    assert found.difference == pytest.approx((0.25 - half, 0.25, 0.25 + half))
    assert found.p == pytest.approx(2 * scipy.special.ndtr(-0.25 / np.sqrt(0.125)))


def test_delong_finds_no_difference_as_often_as_it_says():
    rng = np.random.default_rng(0)
    labels = np.arange(120) % 2
    rejected = 0
    for _ in range(300):
        signal = rng.standard_normal(120) + labels
        first, second = (signal + rng.standard_normal(120) for _ in range(2))
        rejected += screening.delong(first, second, labels).p < 0.05
    assert 0.02 <= rejected / 300 <= 0.09


def test_delong_without_any_doubt():
    labels = [0, 0, 1, 1]
    assert screening.delong([0, 1, 2, 3], [0, 1, 2, 3], labels).p == 1
    assert screening.delong([0, 1, 2, 3], [3, 2, 1, 0], labels)[2:] == ((-1, -1, -1), 0)


# ---- bad input ----

GOOD = [0.2, 0.8, 0.3, 0.9], [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("scores", "labels", "message"),
    [
        ([0.1, 0.2], [1], r"scores are \[2\], labels \[1\]"),
        ([], [], r"scores are \[0\]"),
        ([[0.1, 0.2]], [1], r"scores are \[1, 2\]"),
        ([0.1, np.nan], [0, 1], "1 of the scores are not finite"),
        ([0.1, 0.2], [0, 2], r"labels hold \[0, 2\]"),
        ([0.1, 0.2], [1, 1], "2 diseased and 0 healthy"),
    ],
)
def test_what_is_no_study(scores, labels, message):
    with pytest.raises(ValueError, match=message):
        screening.auc(scores, labels)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: screening.auc_interval(*GOOD, confidence=95), "confidence 95"),
        (lambda: screening.auc_interval(*GOOD, repeats=0), "0 repeats"),
        (lambda: screening.delong(GOOD[0], *GOOD, confidence=0), "confidence 0"),
        (lambda: screening.delong([1, 2, 3], [1, 2, 3], [0, 1, 1]), "a class has one sample"),
        (lambda: screening.threshold_at(*GOOD, 95), "specificity 95 is not a share"),
        (lambda: screening.predictive_values(0.9, 0.9, 3), "prevalence 3 is not a share"),
        (lambda: screening.calibration_curve([-1, 1], [0, 1]), "probabilities run from -1 to 1"),
        (lambda: screening.calibration_curve([0, 1], [0, 1], bins=0), "0 bins"),
        (lambda: screening.log_loss([-1, 1], [0, 1], temperature=0), "temperature 0"),
        (lambda: screening.mcnemar([1, 0], [1]), r"the two are \[2\] and \[1\]"),
        (lambda: screening.mcnemar([1, 2], [1, 0]), "give 0 or 1"),
    ],
)
def test_arguments_that_make_no_sense(call, message):
    with pytest.raises(ValueError, match=message):
        call()
