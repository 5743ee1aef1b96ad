"""Residual units are drawn with all their layers, and a shortcut only where there is one."""

import matplotlib.pyplot as plt
import pytest

from course_utils import plotting


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def test_a_unit_is_drawn_with_its_layers_and_its_way_around():
    figure = plotting.unit_diagrams({"plain": (["a", "b"], None), "residual": (["a", "+", "b"], "identity")}, "message")
    plain, residual = figure.axes
    assert [text.get_text() for text in plain.texts if text.get_text()] == ["x", "a", "b", "y"]
    assert [text.get_text() for text in residual.texts if text.get_text()] == ["x", "a", "+", "b", "y", "identity"]
    assert (len(plain.lines), len(residual.lines)) == (0, 1)
    assert (len(plain.patches), len(residual.patches)) == (2, 3)
    assert figure.get_suptitle() == "message"
    low, high = plain.get_ylim()
    assert low == residual.get_ylim()[0] < -4 < 0 < high  # all layers of the tallest unit, at one scale


@pytest.mark.parametrize("unit", [(["a", "b"], "identity"), (["a", "+", "b"], None), (["+", "+"], "identity")])
def test_a_shortcut_needs_one_place_to_come_back(unit):
    with pytest.raises(ValueError, match=r"unit 'u' .* give it one '\+'"):
        plotting.unit_diagrams({"u": unit}, "message")
