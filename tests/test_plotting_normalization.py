"""Figures of the normalization chapter hold what they were given."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils import plotting


@pytest.fixture(autouse=True)
def _close_figures():
    with plt.style.context("default"):
        yield
    plt.close("all")


def test_a_descent_is_drawn_over_its_surface_with_one_scale():
    _, axis = plt.subplots()
    path = np.array([[4.0, 1.0], [1.0, 2.0], [0.0, 2.0]])
    plotting.descent_contours(axis, lambda a, b: a**2 + 9 * (b - 2) ** 2, path, "Down")
    assert np.array_equal(axis.lines[0].get_xydata(), path)
    assert axis.get_aspect() == 1
    assert axis.get_title() == "Down"
    left, right = axis.get_xlim()
    bottom, top = axis.get_ylim()
    assert (left + right) / 2 == pytest.approx(0)
    assert (bottom + top) / 2 == pytest.approx(2)
    assert right - left == pytest.approx(top - bottom) == pytest.approx(2 * 1.15 * 4)


def test_curves_have_a_band_and_chance_a_line():
    _, axis = plt.subplots()
    x, low, middle, high = np.array([1.0, 2]), np.array([0.0, 1]), np.array([1.0, 2]), np.array([3.0, 4])
    plotting.interval_curves(axis, x, {"a": (low, middle, high), "b": (low, low, low)}, chance=0.1)
    assert [line.get_label() for line in axis.lines] == ["a", "b", "chance"]
    assert axis.lines[0].get_ydata().tolist() == [1, 2]
    band = axis.collections[0].get_paths()[0].vertices
    assert {tuple(point) for point in band} >= {(1, 0), (2, 1), (2, 4), (1, 3)}
    assert axis.lines[2].get_ydata()[0] == 0.1


@pytest.mark.parametrize("parts", [(np.ones(2), np.ones(3), np.ones(2)), (np.ones(2), np.ones(2))])
def test_a_curve_must_fit(parts):
    _, axis = plt.subplots()
    with pytest.raises(ValueError, match=r"'a' does not fit 2 points: give \(low, middle, high\), 2 each"):
        plotting.interval_curves(axis, [1, 2], {"a": parts})


def test_norms_have_a_panel_each():
    reached = {"batch": np.eye(4, 6) > 0, "layer": np.ones((4, 6), bool)}
    figure = plotting.axes_of_norms(reached, place=(1, 2), message="Who shares")
    assert [axis.get_title() for axis in figure.axes] == ["batch", "layer"]
    assert np.array_equal(figure.axes[0].images[0].get_array(), np.eye(4, 6) > 0)
    assert figure.axes[1].lines[0].get_xydata().tolist() == [[2, 1]]
    assert figure.get_suptitle() == "Who shares"


def test_numbers_stand_in_their_panels_and_zeros_are_grey():
    values = np.array([[1.0, 0.0, 2.5], [0.0, 14.0, 3.0]])
    figure = plotting.number_panels({"x": values, "y": 2 * values, "z": values}, "message", columns=2)
    x, y, z, empty = figure.axes
    assert [axis.get_title() for axis in (x, y, z)] == ["x", "y", "z"]
    assert [text.get_text() for text in x.texts] == ["1", "0", "2.5", "0", "14", "3"]
    assert [text.get_position() for text in y.texts[:4]] == [(0, 0), (1, 0), (2, 0), (0, 1)]
    assert np.array_equal(z.images[0].get_array(), values == 0)
    assert not empty.axison
    assert figure.get_suptitle() == "message"
