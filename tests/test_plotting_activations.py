"""The figure of the activations shows values and derivatives, broken at kinks and cut at the reach."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils.ops import ACTIVATIONS, activations
from course_utils.plotting.activations import activation_panels


@pytest.fixture(autouse=True)
def no_windows():
    backend = plt.get_backend()
    plt.switch_backend("Agg")
    yield
    plt.close("all")
    plt.switch_backend(backend)


def test_each_panel_has_value_and_derivative():
    figure = activation_panels(
        {"bend": (activations.relu, (0,)), "square": (activations.pow, ())}, "message", columns=3
    )
    bend, square, empty = figure.axes
    assert (bend.get_title(), square.get_title(), figure.get_suptitle()) == ("bend", "square", "message")
    assert not empty.axison
    value, slope = bend.lines[2:]
    x, y = value.get_data()
    assert x[0] == -7
    assert x[-1] == 7
    assert np.array_equal(x[np.isnan(y)], [0])
    drawn = ~np.isnan(y)
    assert np.array_equal(y[drawn], np.maximum(0, x[drawn]))
    assert set(slope.get_ydata()[drawn]) == {0, 1}
    assert square.get_ylim()[1] < 9  # x² reaches 49
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["value f", "derivative f′"]


def test_all_activations_can_be_drawn():
    figure = activation_panels({a.name: (a, a.kinks) for a in ACTIVATIONS}, "all")
    assert sum(axis.axison for axis in figure.axes) == len(ACTIVATIONS)


def test_nothing_to_draw_is_refused():
    with pytest.raises(ValueError, match="0 functions to draw: give at least one"):
        activation_panels({}, "none")
