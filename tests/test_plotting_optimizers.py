"""Figures of the optimizer section hold what they were given."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils import optimizers, plotting

LAND = optimizers.ravine(4, angle=0)
PATHS = {
    name: optimizers.descend(optimizers.RULES[name], LAND.gradient, LAND.start, 0.1, 20) for name in ("SGD", "Adam")
}


@pytest.fixture(autouse=True)
def _close_figures():
    with plt.style.context("default"):
        yield
    plt.close("all")


def test_paths_have_a_panel_each():
    figure = plotting.path_panels(LAND, {**PATHS, "again": PATHS["SGD"]}, "Three ways", columns=2)
    shown = [axis for axis in figure.axes if axis.axison]
    assert [axis.get_title() for axis in shown] == ["SGD", "Adam", "again"]
    assert len(figure.axes) == 4
    for axis, path in zip(shown, [*PATHS.values(), PATHS["SGD"]], strict=True):
        start, way, end = axis.lines
        assert start.get_xydata().tolist() == [list(LAND.start)]
        assert np.array_equal(way.get_xydata(), path)
        assert np.array_equal(end.get_xydata()[0], path[-1])
        assert axis.get_aspect() == 1
        assert axis.get_xlim() == axis.get_ylim() == (-9.6, 9.6)
    assert figure.get_suptitle() == "Three ways"


@pytest.mark.parametrize(("farthest", "reach"), [(5.0, 9.6), (10.0, 11.0), (1e5, 19.2)])
def test_panels_hold_the_paths_but_for_those_that_leave(farthest, reach):
    paths = {**PATHS, "far": np.array([LAND.start, (0.0, -farthest), (np.nan, 0.0)])}
    figures = plotting.path_panels(LAND, paths), plotting.race_filmstrip(LAND, paths, [1])
    for figure in figures:
        assert np.allclose(figure.axes[0].get_ylim(), (-reach, reach))
    assert np.allclose(plotting.race_step(LAND, paths, 1).axes[0].get_xlim(), (-reach, reach))


def test_a_race_step_shows_the_way_so_far_and_the_loss():
    left, right = plotting.race_step(LAND, PATHS, 5).axes
    ways = [line for line in left.lines if line.get_label() in PATHS]
    assert [len(line.get_xydata()) for line in ways] == [6, 6]
    assert right.get_xlim() == (0, 20)
    for line, path in zip(right.lines, PATHS.values(), strict=True):
        assert np.allclose(line.get_ydata(), LAND.value(path[:6]))
    assert [text.get_text() for text in right.get_legend().get_texts()] == ["SGD", "Adam"]
    assert plotting.race_step(LAND, PATHS, 20, "End").get_suptitle() == "End"


def test_a_path_that_diverged_is_drawn_to_where_it_went():
    gone = optimizers.descend(optimizers.sgd, LAND.gradient, LAND.start, 3.0, 20)
    assert np.isnan(gone[-1]).any()
    figure = plotting.race_step(LAND, {"SGD": gone}, 20)
    figure.canvas.draw()


def test_a_filmstrip_has_a_panel_a_step_and_one_legend():
    figure = plotting.race_filmstrip(LAND, PATHS, [0, 3, 20], "Race")
    assert [axis.get_title() for axis in figure.axes] == ["step 0", "step 3", "step 20"]
    heads = [line.get_xydata()[-1] for line in figure.axes[1].lines[1:]]
    assert np.array_equal(heads[1], PATHS["SGD"][3])
    assert np.array_equal(heads[3], PATHS["Adam"][3])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["SGD", "Adam"]


@pytest.mark.parametrize("draw", [plotting.race_step, lambda *a: plotting.race_filmstrip(*a[:2], [a[2]])])
@pytest.mark.parametrize("step", [-1, 21])
def test_a_step_must_be_on_all_paths(draw, step):
    with pytest.raises(ValueError, match=f"step {step} is not on all paths: use 0 to 20"):
        draw(LAND, PATHS, step)


def test_a_sweep_frames_the_fewest_steps_and_leaves_failures_empty():
    needed = {"ravine": {"SGD": [9, 3, np.inf], "Adam": [np.inf] * 3}, "saddle": {"SGD": [5, 5, 7]}}
    ravine, saddle = plotting.rate_sweep([0.01, 0.1, 1], needed, "Sweep").axes
    written = lambda axis: [(text.get_text(), text.get_bbox_patch() is not None) for text in axis.texts]  # noqa: E731
    assert written(ravine) == [("9", False), ("3", True)]
    assert written(saddle) == [("5", True), ("5", True), ("7", False)]
    assert [label.get_text() for label in saddle.get_xticklabels()] == ["0.01", "0.1", "1"]
    assert [label.get_text() for label in ravine.get_yticklabels()] == ["SGD", "Adam"]
    with pytest.raises(ValueError, match="the steps of 'SGD' do not fit 2 rates"):
        plotting.rate_sweep([0.1, 1], needed)


def test_schedules_have_a_panel_each_with_one_scale():
    figure = plotting.schedule_panels({"line": [3, 2, 1], "constant": [1, 1]}, "Rates")
    assert [axis.get_title() for axis in figure.axes] == ["line", "constant"]
    assert figure.axes[0].lines[0].get_ydata().tolist() == [3, 2, 1]
    assert figure.axes[0].get_ylim() == figure.axes[1].get_ylim()
    assert figure.axes[0].get_ylim()[0] == 0
