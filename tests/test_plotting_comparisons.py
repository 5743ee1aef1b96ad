"""Nets side by side: every value is drawn and written, and a goal that was not reached is seen as such."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils import plotting


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def test_measures_share_their_rows():
    measures = {"accuracy in %": {"a": (40.0, 45.0, 50.0), "b": (50.0, 55.0, 60.0)}, "time": {"a": 1.0, "b": 1234.5}}
    figure = plotting.measure_panels(measures, "message")
    left, right = figure.axes
    assert [label.get_text() for label in left.get_yticklabels()] == ["a", "b"]
    assert [text.get_text() for text in left.texts] == ["45", "55"]
    assert [text.get_text() for text in right.texts] == ["1", "1,234"]
    assert [bar.get_width() for bar in right.patches] == [1.0, 1234.5]
    assert [line.get_xdata()[0] for line in left.lines] == [45.0, 55.0]
    assert (left.get_xlabel(), right.get_xlabel(), figure.get_suptitle()) == ("accuracy in %", "time", "message")
    bottom, top = left.get_ylim()
    assert top < 0 < 1 < bottom  # the first net on top


def test_measures_of_other_nets_are_refused():
    with pytest.raises(ValueError, match="not of the same nets"):
        plotting.measure_panels({"one": {"a": 1.0}, "two": {"b": 1.0}}, "message")


def test_a_goal_that_was_not_reached_is_drawn_hollow_above_the_limit():
    axis = plt.figure().subplots()
    plotting.goal_curves(axis, {"fast": {0.01: 200.0, 0.1: 50.0}, "slow": {0.01: np.inf, 0.1: np.inf}}, limit=1_000)
    fast, fast_missed, best, _, slow_missed, border = axis.lines
    assert fast.get_label() == "fast"
    assert list(fast.get_ydata()) == [200, 50]
    assert len(fast_missed.get_xdata()) == 0
    assert (best.get_xdata()[0], best.get_ydata()[0]) == (0.1, 50)
    assert list(slow_missed.get_ydata()) == pytest.approx([1_322.5, 1_322.5])
    assert slow_missed.get_fillstyle() == "none"
    assert border.get_ydata()[0] == 1_000
    assert (axis.get_xscale(), axis.get_yscale()) == ("log", "log")
