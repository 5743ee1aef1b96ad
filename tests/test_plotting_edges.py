"""The figures of chapter 02 show what they are given, on the scale that they promise."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils.plotting.edges import derivative_panels, direction_colours, gradient_panels, picture_rows


@pytest.fixture(autouse=True)
def no_windows():
    backend = plt.get_backend()
    plt.switch_backend("Agg")
    yield
    plt.close("all")
    plt.switch_backend(backend)


def test_derivative_panels_have_a_column_for_each_signal():
    f = np.array([0.0, 0, 1, 1])
    panels = {"one": (f, f * 2, f * 3), "two": (f + 5, f, f)}
    figure = derivative_panels(panels, "message", edge=1.5)
    axes = np.reshape(figure.axes, (3, 2))
    assert [axis.get_title(loc) for axis in axes[0] for loc in ("left", "center") if axis.get_title(loc)] == [
        "one",
        "two",
    ]
    for column, rows in zip(axes.T, panels.values(), strict=True):
        for axis, values in zip(column, rows, strict=True):
            assert np.array_equal(axis.lines[-1].get_ydata(), values)
            assert axis.lines[1].get_xdata()[0] == 1.5
    assert figure.get_suptitle() == "message"


def test_picture_rows_share_a_scale_in_each_row():
    above = [np.full((4, 4), 2.0), np.arange(16.0).reshape(4, 4)]
    below = [np.eye(3), -5 * np.eye(3)]
    figure = picture_rows(above, below, ["a", "b"], "message", values=True, labels=("up", "down"))
    grey, other, signed, negative = (axis.images[0] for axis in figure.axes[:4])
    assert grey.get_clim() == other.get_clim() == (0, 15)
    assert signed.get_clim() == negative.get_clim() == (-5, 5)
    assert signed.get_cmap()(0.5)[:3] == pytest.approx((0.97, 0.97, 0.97), abs=0.01)  # white at 0
    assert [axis.get_ylabel() for axis in figure.axes[:4]] == ["up", "", "down", ""]
    assert [len(axis.texts) for axis in figure.axes[:4]] == [0, 0, 9, 9]
    assert all(axis.get_frame_on() and axis.spines["top"].get_visible() for axis in figure.axes[:4])


def test_picture_rows_take_a_limit_and_zeros():
    zeros = [np.zeros((2, 2))]
    figure = picture_rows(zeros, zeros, ["a"], "", signed=(True, False), limit=0.3)
    assert figure.axes[0].images[0].get_clim() == (-0.3, 0.3)
    assert picture_rows(zeros, zeros, ["a"], "").axes[1].images[0].get_clim() == (-1, 1)


def test_picture_rows_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="2 pictures above, 1 below and 1 titles do not fit"):
        picture_rows([np.eye(2)] * 2, [np.eye(2)], ["a"], "")


def test_direction_is_hue_and_magnitude_is_brightness():
    gx, gy = np.array([[1.0, -1, 0, 0.5]]), np.array([[0.0, 0, 0, 0]])
    right, left, flat, weak = direction_colours(gx, gy)[0]
    assert right == pytest.approx([1, 0, 0])
    assert left == pytest.approx([0, 1, 1])
    assert flat == pytest.approx([0, 0, 0])
    assert weak == pytest.approx([0.5, 0, 0])
    assert direction_colours(gx, gy, limit=0.5)[0, 3] == pytest.approx([1, 0, 0])
    assert not direction_colours(0 * gx, gy).any()


def test_gradient_panels_point_from_dark_to_bright():
    picture = np.tile(np.r_[np.zeros(10), np.ones(10)], (12, 1))
    gy, gx = np.gradient(picture)
    figure = gradient_panels(picture, gx, gy, "message", every=3)
    photograph, magnitude, _, colours, arrows, wheel = figure.axes
    assert np.array_equal(photograph.images[0].get_array(), picture)
    assert magnitude.images[0].get_array()[5, 9] == magnitude.images[0].get_array().max() > 0
    assert np.asarray(colours.images[0].get_array())[5, 9] == pytest.approx([1, 0, 0])
    quiver = arrows.collections[0]
    assert np.unique(quiver.X).tolist() == [10]  # the only column of every third that changes
    assert (quiver.U > 0).all()
    assert not quiver.V.any()
    red, green, blue, opaque = np.moveaxis(np.asarray(wheel.images[0].get_array()), -1, 0)[:, 60, -1]
    assert (red, green, blue, opaque) == pytest.approx((1, 0, 0, 1))  # to the right, as in the picture
    assert "towards bright" in wheel.get_title("left") + wheel.get_title()
