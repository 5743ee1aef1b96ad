"""The pictures of losses: which lines they hold, on which scales, and what they refuse."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils import plotting

X = np.linspace(-2, 2, 5)


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def test_value_left_and_slope_right():
    figure = plotting.value_and_slope(X, {"square": (X**2, 2 * X), "flat": (0 * X, 0 * X)}, "Steeper", "x", highest=3)
    left, right = figure.axes
    assert left.lines[0].get_ydata().tolist() == (X**2).tolist()
    assert right.lines[0].get_ydata().tolist() == (2 * X).tolist()
    assert left.get_ylim()[1] == 3
    assert right.get_ylim() == (-3, 3)
    assert [text.get_text() for text in figure.legends[0].texts] == ["square", "flat"]
    assert figure.get_suptitle() == "Steeper"
    assert (left.get_xlabel(), right.get_ylabel()) == ("x", "slope of the loss")


def test_without_limits_all_is_seen():
    figure = plotting.value_and_slope(X, {"square": (X**2, 2 * X)}, "Steeper", "x")
    assert figure.axes[0].get_ylim()[1] > 4


def test_a_curve_of_another_length_is_refused():
    with pytest.raises(ValueError, match="'square' does not fit 5 points"):
        plotting.value_and_slope(X, {"square": (X**2, X[1:])}, "", "x")


@pytest.mark.parametrize("panels", [1, 2])
def test_lines_run_through_their_panel(panels):
    lines = {"up": (1.0, 0.5), "down": (-1.0, 0.0)}
    figure = plotting.fitted_lines({f"panel {k}": (X, X, lines) for k in range(panels)}, "Lines", "km", "minutes")
    assert len(figure.axes) == panels
    points, up, down = figure.axes[-1].lines
    assert points.get_xdata().tolist() == X.tolist()
    assert up.get_ydata().tolist() == [-1.5, 2.5]
    assert down.get_ydata().tolist() == [2, -2]
    assert [text.get_text() for text in figure.legends[0].texts] == ["up", "down"]
    assert (figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()) == ("km", "minutes")


def test_a_point_above_the_panel_is_an_arrow_with_its_number():
    high = np.where(X == 1, 90, X)
    lines = {"flat": (0.0, 1.0)}
    figure = plotting.fitted_lines({"low": (X, X, lines), "high": (X, high, lines)}, "", "km", "minutes", highest=50)
    low, outside = figure.axes
    assert low.get_ylim() == outside.get_ylim() == (0, 50)
    assert not low.texts
    arrow, number = outside.texts
    assert arrow.xy == (1, 50)
    assert number.get_text().strip() == "90"
