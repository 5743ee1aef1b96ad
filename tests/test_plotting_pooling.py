"""The picture of pooling's windows: colours say which window a value came from."""

import itertools

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils import plotting

X = np.arange(25.0).reshape(5, 5)


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def test_an_output_has_the_colour_of_its_window_and_the_rest_is_grey():
    figure = plotting.pooling_panels(X, 2, {"max": np.array([[6.0, 8.0], [16.0, 18.0]])}, "Windows")
    before, after = (axis.images[0].get_array() for axis in figure.axes)
    for row in range(2):
        for column in range(2):
            window = before[2 * row : 2 * row + 2, 2 * column : 2 * column + 2].reshape(4, 3)
            assert (window == after[row, column]).all()
    assert len(np.unique(after.reshape(4, 3), axis=0)) == 4
    edge = np.concatenate([before[4], before[:, 4]])
    assert len(np.unique(edge, axis=0)) == 1
    assert not (edge[0] == after.reshape(4, 3)).all(axis=1).any()
    assert [axis.get_title() for axis in figure.axes] == ["input", "max"]
    assert [text.get_text() for text in figure.axes[1].texts] == ["6", "8", "16", "18"]
    assert figure.get_suptitle() == "Windows"


def test_panels_stand_further_apart_than_cells():
    outputs = {name: np.zeros((2, 2)) for name in ("max", "mean")}
    figure = plotting.pooling_panels(X, 2, outputs, "Windows")
    figure.draw_without_rendering()
    panels = [axis.get_position() for axis in figure.axes]
    cell = panels[1].width / 2
    assert all(right.x0 - left.x1 > cell / 3 for left, right in itertools.pairwise(panels))


def test_an_output_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"mean is \[3, 3\]: windows of 2 over \[5, 5\] give \[2, 2\]"):
        plotting.pooling_panels(X, 2, {"mean": np.zeros((3, 3))})
