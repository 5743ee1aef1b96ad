"""Recurrent nets are drawn with every step and every gate, and their curves show what was measured."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils import plotting


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def test_an_unrolled_net_has_each_step_once_and_feeds_back_what_it_says():
    figure = plotting.unrolled_nets({"Elman": "state", "Jordan": "output"}, "message", steps=3)
    elman, jordan = figure.axes
    for axis in figure.axes:
        texts = [text.get_text() for text in axis.texts if text.get_text()]
        assert sorted(texts) == sorted([f"${name}_{t}$" for name in "xhy" for t in (1, 2, 3)] + ["U", "V", "W"])
    back = [
        [text for text in axis.texts if not text.get_text() and text.arrow_patch.get_linewidth() == 2]
        for axis in figure.axes
    ]
    assert [len(arrows) for arrows in back] == [2, 2]
    (x, y), (end_x, end_y) = back[0][0].xyann, back[0][0].xy
    assert y == end_y  # from state to state
    assert x < end_x
    assert back[1][0].xyann[1] > back[1][0].xy[1]  # down from the output
    assert (elman.get_title(), jordan.get_title()) == ("Elman", "Jordan")
    assert figure.get_suptitle() == "message"


def test_only_a_state_or_an_output_can_be_fed_back():
    with pytest.raises(ValueError, match="panel 'Elman' feeds back 'input': use 'state' or 'output'"):
        plotting.unrolled_nets({"Elman": "input"}, "message")


def test_every_gate_is_drawn_and_named():
    lstm, gru = plotting.gate_diagrams("message").axes
    words = [{text.get_text() for text in axis.texts} for axis in (lstm, gru)]
    assert {
        "$f$",
        "$i$",
        "$g$",
        "$o$",
        "forget",
        "input",
        "candidate",
        "output",
        "$c_{t-1}$",
        "$c_t$",
        "$h_t$",
    } <= words[0]
    assert {"$r$", "$z$", "$g$", "reset", "update", "candidate", "$h_{t-1}$", "$h_t$", "1 − z"} <= words[1]


def test_lag_curves_are_geometric_means_with_their_bounds():
    _, axis = plt.subplots()
    runs = np.array([[1.0, 0.1, 0.01], [4.0, 0.4, 0.04]])
    plotting.lag_curves(axis, {"a": runs, "b": runs}, bounds={"b": np.array([8.0, 4.0, 2.0])})
    first, second, bound = axis.lines
    assert np.allclose(first.get_ydata(), [2, 0.2, 0.02])
    assert first.get_xdata().tolist() == [0, 1, 2]
    assert bound.get_ydata().tolist() == [8, 4, 2]
    assert bound.get_color() == second.get_color() != first.get_color()
    assert axis.get_yscale() == "log"
    assert len(axis.collections) == 2
    assert [text.get_text() for text in axis.legend().get_texts()] == ["a", "b"]
    with pytest.raises(ValueError, match="norms of 'c' are not all positive"):
        plotting.lag_curves(axis, {"c": np.zeros((2, 3))})


def test_gate_activity_shows_gates_and_signed_states_on_their_own_scales():
    inputs, gate = np.eye(4), np.linspace(0, 1, 12).reshape(4, 3)
    figure = plotting.gate_activity(inputs, {"gate": gate, "state": 4 * gate - 3}, "message", names="abcd")
    top, first, second = figure.axes[:3]
    assert np.array_equal(top.images[0].get_array(), inputs.T)
    assert [label.get_text() for label in top.get_yticklabels()] == list("abcd")
    assert np.array_equal(first.images[0].get_array(), gate.T)
    assert first.images[0].get_clim() == (0, 1)
    assert second.images[0].get_clim() == (-3, 3)
    plain = plotting.gate_activity(inputs, {"gate": gate}, "message")
    assert len(plain.axes) == 3  # input, gate, its colours
    with pytest.raises(ValueError, match="'gate' has 3 steps and the input 4: give as many"):
        plotting.gate_activity(inputs, {"gate": gate[:3]}, "message")


def test_colours_end_at_a_limit_where_one_is_given():
    state = np.array([[-9.0, 1.0], [2.0, 0.0]])
    figure = plotting.gate_activity(np.eye(2), {"state": state}, "message", limit=3)
    assert figure.axes[1].images[0].get_clim() == (-3, 3)
    assert np.array_equal(figure.axes[1].images[0].get_array(), state.T)
    with pytest.raises(ValueError, match="limit of the colours is 0: use a number above 0"):
        plotting.gate_activity(np.eye(2), {"state": state}, "message", limit=0)


def test_a_wall_and_its_valley_show_the_clipped_way_and_the_free_step():
    clipped = np.array([1.05, 1.0, 0.986])
    figure = plotting.wall_and_valley(lambda w: (w**50 - 0.5) ** 2, clipped, np.array([1.05, -10.9]), "message")
    wall, valley = figure.axes
    for axis in (wall, valley):
        curve, way = axis.lines
        assert np.allclose(curve.get_ydata(), (curve.get_xdata() ** 50 - 0.5) ** 2)
        assert way.get_xdata().tolist() == clipped.tolist()
    assert wall.get_ylim()[1] > (1.05**50 - 0.5) ** 2 > 100 * valley.get_ylim()[1]
    assert wall.texts[0].xyann[0] == 1.05 > wall.texts[0].xy[0] >= wall.get_xlim()[0]
    assert wall.texts[1].get_text() == "one free step: to w = -10.9"
    assert figure.get_suptitle() == "message"
    with pytest.raises(ValueError, match="begin at 1\\.05 and 1\\.0: let both begin in one place"):
        plotting.wall_and_valley(np.square, clipped, np.array([1.0, 2.0]), "message")
