"""A drawing is placed as MNIST places its digits, and the canvas answers to it; the browser's part is tried by hand."""

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils.demos import draw_digit as module
from course_utils.demos.draw_digit import EXAMPLE, DigitCanvas, as_mnist, draw_digit, rasterise

points = st.tuples(st.floats(2, 26), st.floats(2, 26))
drawings = st.lists(st.lists(points, min_size=1, max_size=5), min_size=1, max_size=3)


def always(digit, seen=None):
    def predict(images):
        if seen is not None:
            seen.append(images)
        return np.eye(10)[[digit]]

    return predict


def box(image):
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    return rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1


def centre_of_mass(image):
    return [float((image * index).sum() / image.sum()) for index in np.mgrid[:28, :28]]


def test_a_line_is_as_wide_as_its_brush_and_softly_edged():
    line = rasterise([[(5, 14.5), (23, 14.5)]], width=3)
    assert line[:, 14].tolist() == [0] * 13 + [255] * 3 + [0] * 12
    assert rasterise([[(5, 14), (23, 14)]], width=3)[:, 14].tolist() == [0] * 12 + [128, 255, 255, 128] + [0] * 12
    assert rasterise([]).sum() == 0


def test_a_dot_has_the_area_of_its_brush():
    assert rasterise([[(14, 14)]], width=6).sum() / 255 == pytest.approx(np.pi * 3**2, rel=0.03)


def test_the_order_and_direction_of_strokes_do_not_matter():
    strokes = [[(4, 4), (9, 20)], [(3, 18), (22, 18), (20, 5)]]
    assert np.array_equal(rasterise(strokes), rasterise([stroke[::-1] for stroke in strokes[::-1]]))


@given(drawings)
def test_placed_as_mnist_says(strokes):
    drawing = rasterise(strokes)
    placed = as_mnist(drawing)
    assert placed.shape == (1, 1, 28, 28)
    assert placed.dtype == np.uint8
    height, width = box(drawing)
    new_height, new_width = box(placed[0, 0])
    assert 18 <= max(new_height, new_width) <= 20  # faint edges may round to nothing
    assert abs(min(new_height, new_width) - 20 * min(height, width) / max(height, width)) <= 2.5


def test_the_centre_of_mass_comes_to_pixel_14():
    assert centre_of_mass(EXAMPLE)[1] < 10  # so that there is something to move
    assert centre_of_mass(as_mnist(EXAMPLE)[0, 0]) == pytest.approx([14, 14], abs=0.5)


def test_where_a_digit_was_drawn_makes_no_difference():
    moved = np.roll(EXAMPLE, (3, 9), axis=(0, 1))
    assert not np.array_equal(moved, EXAMPLE)
    assert np.array_equal(as_mnist(moved), as_mnist(EXAMPLE))


@pytest.mark.parametrize("scale", [0.5, 0.7, 0.9])
def test_how_large_a_digit_was_drawn_makes_little_difference(scale):
    hand = np.array(module._HAND)
    small, large = rasterise([hand * scale], width=3 * scale), rasterise([hand * 1.1], width=3.3)
    assert np.corrcoef(small.ravel(), large.ravel())[0, 1] < 0.3
    assert np.corrcoef(as_mnist(small).ravel(), as_mnist(large).ravel())[0, 1] > 0.9


def test_a_placed_digit_stays_where_it_is():
    placed = np.pad(EXAMPLE[2:22, 3:17], ((4, 4), (7, 7)))  # 20 pixels high
    top, left = np.subtract(14, np.rint(centre_of_mass(placed))).astype(int)
    placed = np.roll(placed, (top, left), axis=(0, 1))
    assert np.array_equal(as_mnist(placed)[0, 0], placed)


def test_ink_never_leaves_the_picture():
    heavy = np.zeros((28, 28), np.uint8)
    heavy[4:7, 4:24] = 255
    heavy[4:24, 4] = 80  # a faint foot, 20 pixels down, far from the centre of mass
    placed = as_mnist(heavy)[0, 0]
    assert placed.sum() == heavy.sum()
    assert placed[27].any()


@pytest.mark.parametrize(
    ("pixels", "sentence"),
    [
        (np.zeros((28, 28), np.uint8), "the drawing is empty: draw a digit first"),
        (np.ones((1, 28, 28), np.uint8), r"the drawing is uint8 \[1, 28, 28\]: give uint8 \[28, 28\]"),
        (np.ones((28, 28)), r"the drawing is float64 \[28, 28\]: give uint8"),
    ],
)
def test_what_is_no_drawing_says_so(pixels, sentence):
    with pytest.raises(ValueError, match=sentence):
        as_mnist(pixels)


def test_the_example_cannot_be_changed_by_accident():
    with pytest.raises(ValueError, match="read-only"):
        EXAMPLE[0, 0] = 1


def test_it_starts_with_the_example_and_its_answer():
    seen = []
    canvas = draw_digit(always(3, seen))
    assert np.array_equal(canvas.drawing, EXAMPLE)
    assert len(seen) == 1
    assert np.array_equal(seen[0], as_mnist(EXAMPLE))
    assert canvas.seen == as_mnist(EXAMPLE).tobytes()
    assert canvas.probabilities == np.eye(10)[3].tolist()
    assert canvas.message == "Most likely 3, with probability 1.00"


def test_every_change_is_answered_and_an_empty_canvas_asks_for_a_digit():
    seen = []
    canvas = draw_digit(always(7, seen))
    canvas.pixels = memoryview(bytes(784))  # as bytes arrive from the browser
    assert (canvas.message, canvas.probabilities, canvas.seen) == ("Draw a digit", [], b"")
    assert len(seen) == 1
    canvas.pixels = rasterise([[(8, 6), (20, 6), (12, 23)]]).tobytes()
    assert len(seen) == 2
    assert canvas.message.startswith("Most likely 7")


@pytest.mark.parametrize(
    ("returned", "sentence"),
    [
        (np.ones(9) / 9, r"predict returned shape \[9\]: return ten probabilities"),
        (np.ones((2, 10)) / 10, r"predict returned shape \[2, 10\]"),
        (np.arange(10), "from 0 to 9 that sum to 45: return the logits' softmax"),
        (np.full(10, np.nan), "that sum to nan"),
        (np.array([2, -1] + [0] * 8), "values from -1 to 2"),
    ],
)
def test_what_is_no_probability_says_so(returned, sentence):
    with pytest.raises(ValueError, match=sentence):
        draw_digit(lambda images: returned)


def test_a_later_failure_is_shown_in_place_of_the_old_answer():
    answers = [np.eye(10)[3], np.ones(3)]
    canvas = draw_digit(lambda images: answers.pop(0))
    canvas.pixels = rasterise([[(8, 6), (20, 6)]]).tobytes()
    assert canvas.message == "predict failed: predict returned shape [3]: return ten probabilities, [10] or [1, 10]"
    assert canvas.probabilities == []


def test_wrong_sizes_and_the_text_of_a_page_that_is_not_live():
    canvas = DigitCanvas()
    assert not canvas.drawing.any()
    with pytest.raises(ValueError, match="pixels has 3 bytes: give 784"):
        canvas.pixels = b"abc"
    assert repr(canvas) == "A canvas for a digit: run this cell in Jupyter and draw."


def test_the_browsers_part_needs_no_network_and_has_the_same_sizes():
    folder = Path(module.__file__).parent
    script = (folder / "draw_digit.js").read_text(encoding="utf-8")
    style = (folder / "draw_digit.css").read_text(encoding="utf-8")
    assert not re.search(r"\bimport\b|\brequire\b|://|url\(", script + style)
    constants = dict(re.findall(r"const (SIZE|BRUSH) = ([\d.]+);", script))
    assert {name: float(value) for name, value in constants.items()} == {"SIZE": module.SIZE, "BRUSH": module.BRUSH}
