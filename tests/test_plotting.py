"""Figures hold what they were given: values, marks, messages; and wrong input says so."""

import base64
import io

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from course_utils import plotting
from course_utils.training import Epoch, History


@pytest.fixture(autouse=True)
def _close_figures():
    with plt.style.context("default"):  # titles in the middle, whatever a test before set
        yield
    plt.close("all")


def texts(figure):
    return [text.get_text() for axis in figure.axes for text in axis.texts]


def test_an_image_grid_has_a_panel_an_image():
    images = [np.full((4, 6), value) for value in (1.0, -2.0, 0.5)]
    figure = plotting.image_grid(images, ["a", "b", "c"], columns=2, signed=True, message="Three")
    shown = [axis for axis in figure.axes if axis.images]
    assert [axis.get_title() for axis in shown[:3]] == ["a", "b", "c"]
    assert {axis.images[0].get_clim() for axis in shown} == {(-2.0, 2.0)}  # one scale, centred on 0
    assert figure.get_suptitle() == "Three"


def test_values_are_written_into_cells_dark_on_light_and_light_on_dark():
    figure = plotting.image_grid([np.array([[0.0, 9.0]])], values=True)
    assert [(t.get_text(), t.get_color()) for t in figure.axes[0].texts] == [("0", "white"), ("9", "black")]


def test_titles_must_fit_the_images():
    with pytest.raises(ValueError, match="2 titles do not fit 1 images"):
        plotting.image_grid([np.zeros((2, 2))], ["a", "b"])


X, W = np.arange(25).reshape(5, 5), np.array([[-1, 0, 1]] * 3)


def test_a_kernel_step_shows_the_outputs_so_far():
    figure = plotting.kernel_step(X, W, step=1, bias=1)
    output = figure.axes[2]
    assert [text.get_text() for text in output.texts] == ["7", "7"]  # 3 * 2 + 1, and seven places still empty
    assert "step 2" in figure.get_suptitle()


def test_a_filmstrip_has_a_column_a_step():
    figure = plotting.filmstrip(X, W, steps=[0, 4, 8], padding=0)
    assert len(figure.axes) == 8  # and a column for the kernel
    assert len(figure.axes[7].texts) == 9


def test_the_window_frame_follows_stride_and_padding():
    figure = plotting.kernel_step(X, W, step=3, stride=2, padding=1)
    frame = figure.axes[0].patches[0]
    assert (frame.get_x(), frame.get_y()) == (-0.5, 1.5)  # the second row of three outputs, two pixels further down


def test_an_animation_holds_a_frame_a_figure_and_closes_them():
    page = plotting.animate((plotting.kernel_step(X, W, step) for step in range(3)), alt='a "moving" window')
    assert not plt.get_fignums()
    assert "&quot;moving&quot;" in page.data
    gif = Image.open(io.BytesIO(base64.b64decode(page.data.split("base64,")[1].split('"')[0])))
    assert (gif.format, gif.n_frames) == ("GIF", 3)
    with pytest.raises(ValueError, match="at least one figure"):
        plotting.animate([], alt="nothing")


def test_window_rows_draw_a_line_an_output():
    figure = plotting.window_rows(8, [("plain", 3, 1, 0, 1), ("same", 4, 1, "same", 1)])
    assert [len(axis.lines) for axis in figure.axes] == [6, 8]
    assert [len(axis.patches) for axis in figure.axes] == [8, 11]
    assert figure.axes[0].get_title() == "plain: 6 outputs"


def test_ratio_bars_mark_one():
    figure = plotting.ratio_bars({"a": 2.0, "native": 1.0}, "message", "native")
    (axis,) = figure.axes
    assert axis.get_xscale() == "log"
    assert [(bar.get_x(), bar.get_width()) for bar in axis.patches] == [(1, 0.0), (1, 1.0)]  # from 1 to the ratio
    with pytest.raises(ValueError, match="must be positive"):
        plotting.ratio_bars({"a": 0.0}, "message", "a")


def test_interval_bars_write_their_ends():
    figure = plotting.interval_bars({"run": (80.0, 87.0, 91.0)}, "message", "accuracy in %", marks=[87])
    assert "80.0 to 91.0" in texts(figure)
    (label,) = figure.axes[0].texts
    assert label.get_bbox_patch().get_facecolor() == (1, 1, 1, 1)  # over the mark, which would cross it
    assert label.get_zorder() > figure.axes[0].lines[-1].get_zorder()


def test_field_maps_frame_the_counted_size():
    figure = plotting.field_maps({"3 layers": (np.eye(9), 7)}, "message")
    frame = figure.axes[0].patches[0]
    assert (frame.get_x(), frame.get_width()) == (0.5, 7)


def test_a_connection_table_is_filled_where_maps_are_read():
    figure = plotting.connection_table(((0, 1), (2,)), "message", "in", "out")
    assert figure.axes[0].images[0].get_array().tolist() == [[1, 0], [1, 0], [0, 1]]


def test_a_confusion_grid_colours_mistakes_only():
    figure = plotting.confusion_grid(np.array([[1200, 3], [0, 7]]), ["a", "b"], "message")
    axis = figure.axes[0]
    assert axis.images[0].get_array().tolist() == [[0, 3], [0, 0]]
    assert [text.get_text() for text in axis.texts] == ["1,200", "3", "7"]


def history(epochs, valid=True):
    rows = [Epoch(e + 1, 0.1, 1 / (e + 1), 0.5 if valid else None, 0.9 if valid else None, 1.0) for e in range(epochs)]
    return History(rows, list(np.linspace(2, 0.1, 20 * epochs)))


def test_learning_curves_with_and_without_validation():
    figure = plotting.learning_curves(history(3), "message")
    assert [len(axis.lines) for axis in figure.axes] == [3, 1]
    figure = plotting.learning_curves(history(1, valid=False))
    assert [len(axis.lines) for axis in figure.axes] == [2, 0]


def test_losses_are_labelled_without_powers_of_ten():
    few = History(history(1).rows, [2.5, 1.7, 1.2, 1.1, 1.0])
    figure = plotting.learning_curves(few)
    figure.canvas.draw()
    axis = figure.axes[0].yaxis
    labels = [label.get_text() for label in axis.get_majorticklabels() + axis.get_minorticklabels()]
    assert "2" in labels
    assert all(float(label) > 0 for label in labels if label)


def test_live_curves_redraw_in_place(monkeypatch):
    shown, updated = [], []

    class Handle:
        def update(self, figure):
            updated.append(figure)

    def display(figure, display_id):
        shown.append(figure)
        return Handle()

    monkeypatch.setattr("IPython.display.display", display)
    live = plotting.LiveCurves()
    for epochs in (1, 2, 3):
        live(None, history(epochs))
    assert (len(shown), len(updated)) == (1, 2)
    assert not plt.get_fignums()
