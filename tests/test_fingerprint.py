"""A figure's fingerprint: the same for the same picture, another for another, and the figure left alone."""

import io

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from course_utils.fingerprint import fingerprint

X = np.linspace(0, 1, 200)
NOISE = np.random.default_rng(0).standard_normal(200)


def curves(shift=0.0, noise=0.0, title="Two curves"):
    figure = Figure(figsize=(8, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(X, np.sin(6 * X) + shift + noise * NOISE, label="sine")
    left.plot(X, X**2)
    left.set(title=title, xlabel="time (s)", ylim=(-1.2, 1.7))
    left.legend()
    picture = np.add.outer(np.sin(5 * X), np.cos(3 * X)) + noise * NOISE
    figure.colorbar(right.imshow(picture, cmap="RdBu_r", vmin=-2, vmax=2), ax=right)
    return figure


def png(figure):
    """The picture after the layout has settled, which takes a first drawing."""
    figure.savefig(io.BytesIO())
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def code(figure):
    return fingerprint(figure).split(" · ")[-1]


def test_counts_what_the_axes_hold():
    facts = fingerprint(curves()).split(" · ")
    assert facts[:-1] == ["3 axes", "1 title", "2 lines", "1 image"]
    assert len(facts[-1]) == 16
    assert int(facts[-1], 16) > 0


def test_bars_are_patches():
    figure = Figure()
    figure.subplots().bar([1, 2, 3], [3, 1, 2])
    assert fingerprint(figure).startswith("1 axes · 3 patches · ")


def test_same_figure_same_code():
    figure = curves()
    assert fingerprint(figure) == fingerprint(figure) == fingerprint(curves())


@pytest.mark.parametrize("seed", range(5))
def test_last_bit_noise_changes_nothing(seed):
    noise = np.random.default_rng(seed).choice([-1e-6, 1e-6])
    assert code(curves(noise=noise)) == code(curves())


@pytest.mark.parametrize("shift", [-0.4, 0.15, 0.4])
def test_a_moved_curve_has_another_code(shift):
    assert code(curves(shift=shift)) != code(curves())


def test_another_picture_has_another_code():
    pictures = [np.eye(8), np.eye(8)[::-1], np.zeros((8, 8)), np.tri(8)]
    codes = set()
    for picture in pictures:
        figure = Figure()
        figure.subplots().imshow(picture, vmin=0, vmax=1)
        codes.add(code(figure))
    assert len(codes) == len(pictures)


def test_the_order_of_axes_counts():
    def pair(first, second):
        figure = Figure()
        for ax, picture in zip(figure.subplots(1, 2), (first, second), strict=True):
            ax.imshow(picture)
        return code(figure)

    assert pair(np.eye(8), np.tri(8)) != pair(np.tri(8), np.eye(8))


def test_fonts_and_layout_do_not_matter():
    with mpl.rc_context({"font.size": 19, "font.family": "monospace"}):
        larger = fingerprint(curves(title="A title much longer than the other one"))
    assert larger == fingerprint(curves())


def test_a_nested_figure_is_seen_too():
    figure = Figure()
    upper, lower = figure.subfigures(2, 1)
    upper.subplots().plot(X, X)
    lower.subplots().plot(X, 1 - X)
    alone = Figure(figsize=(4, 4))
    alone.subplots().plot(X, 1 - X)
    assert fingerprint(figure).startswith("2 axes · 2 lines · ")
    assert code(lower) == code(alone)


def test_leaves_the_figure_as_it_was():
    figure = curves()
    before = png(figure)
    fingerprint(figure)
    assert png(figure) == before


def test_restores_the_figure_after_an_error():
    figure = curves()
    before = png(figure)

    def fail(renderer):
        raise RuntimeError("cannot draw")

    line = figure.axes[0].lines[0]
    draw, line.draw = line.draw, fail
    with pytest.raises(RuntimeError, match="cannot draw"):
        fingerprint(figure)
    line.draw = draw
    assert png(figure) == before
