"""Screening figures hold what they were given: curves, counts, thresholds, and one dot a person."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils import plotting, screening


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


SCORES, LABELS = np.array([0.1, 0.4, 0.35, 0.8, 0.9, 0.2]), np.array([0, 0, 1, 1, 1, 0])


def test_a_roc_figure_shows_curves_band_and_point():
    point = screening.operating_point(SCORES, LABELS, 0.4)
    figure = plotting.roc_figure({"a": (SCORES, LABELS), "b": (-SCORES, LABELS)}, "message", point)
    axis, corner = figure.axes
    labels = axis.get_legend_handles_labels()[1]
    assert set(labels) == {"a: AUC 0.889", "b: AUC 0.111", "its 95 % band", "chance", "threshold"}
    false_alarms, sensitivity, _ = screening.roc_points(SCORES, LABELS)
    assert np.array_equal(axis.lines[0].get_xydata(), np.c_[false_alarms, sensitivity])
    dot = axis.containers[0].lines[0]
    assert (dot.get_xdata()[0], dot.get_ydata()[0]) == pytest.approx((1 / 3, 2 / 3))
    assert np.array_equal(corner.lines[0].get_xydata(), axis.lines[0].get_xydata())
    assert corner.get_xlim()[1] == 0.2
    assert len(plotting.roc_figure({"a": (SCORES, LABELS)}, "no point").axes[0].containers) == 0


def test_rows_of_scores_count_who_is_called():
    figure = plotting.score_rows({"P": SCORES[LABELS == 1], "N": SCORES[LABELS == 0]}, "message", threshold=0.4)
    assert [axis.get_title() for axis in figure.axes] == ["P: 3, called diseased: 2", "N: 3, called diseased: 1"]
    assert [sum(bar.get_height() for bar in axis.patches) for axis in figure.axes] == [3, 3]
    bare = plotting.score_rows({"P": SCORES}, "message")
    assert bare.axes[0].get_title() == "P: 6"
    assert bare.axes[0].get_xlabel() == "logit"


def test_reliability_has_a_panel_a_curve_and_counts():
    curve = screening.calibration_curve(SCORES, LABELS, bins=2)
    figure = plotting.reliability_diagram({"before": curve, "after": curve}, "message")
    assert [axis.get_title() for axis in figure.axes] == ["before", "after"]
    assert [text.get_text() for text in figure.axes[0].texts] == ["4", "2"]
    dots = figure.axes[0].containers[0].lines[0]
    assert np.allclose(dots.get_xydata(), np.c_[curve.predicted, curve.observed])


def test_every_person_is_one_dot():
    figure = plotting.people_chart(0.9, 0.9, 0.03, "message")
    counts = [len(group.get_offsets()) for group in figure.axes[0].collections]
    assert counts == [27, 3, 97, 873]
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names[:3] == ["27 ill and found", "3 ill and missed", "97 healthy, called in"]
    places = np.concatenate([group.get_offsets() for group in figure.axes[0].collections])
    assert len(np.unique(places, axis=0)) == 1000
    with pytest.raises(ValueError, match="49 people are too few"):
        plotting.people_chart(1, 1, 0.1, "message", people=49)


def test_maps_lie_over_their_pictures():
    pictures = [np.zeros((4, 4, 3)), np.ones((4, 4))]
    maps = {"cam": [np.eye(4), np.zeros((4, 4))], "other": [-2 * np.eye(4), np.eye(4)]}
    figure = plotting.map_overlays(pictures, ["V1", "V2"], maps, "message")
    assert [axis.get_title() for axis in figure.axes[:3]] == ["picture", "cam", "other"]
    *panels, bar = figure.axes
    assert [len(axis.images) for axis in panels] == [1, 2, 2] * 2
    assert bar.get_ylim() == (-1, 1)
    assert bar.get_ylabel() == "share of the map's own maximum"
    assert [axis.images[1].get_clim() for axis in figure.axes[1:3]] == [(-1, 1), (-2, 2)]
    assert [figure.axes[k].get_ylabel() for k in (0, 3)] == ["V1", "V2"]
    with pytest.raises(ValueError, match="cam has 1 entries for 2 pictures"):
        plotting.map_overlays(pictures, ["V1", "V2"], {"cam": [np.eye(4)]}, "message")
