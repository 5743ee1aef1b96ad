"""Block diagrams: every layer stands in its box, wide boxes gather all branches, and loose ends are errors."""

import matplotlib.pyplot as plt
import pytest
from matplotlib.patches import FancyBboxPatch

from course_utils.plotting.blocks import Block, block_diagrams

CHAIN = Block([["conv", "pool"]])
FORK = Block([["a"], ["b", "c"], []], "concat", ["d", "+", "e"], "x")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def boxes(figure):
    """Text -> (left, right, middle height) of the box around it."""
    axis = figure.axes[0]
    found = {}
    for patch in (p for p in axis.patches if isinstance(p, FancyBboxPatch)):
        x, y, width, height = patch.get_x(), patch.get_y(), patch.get_width(), patch.get_height()
        (text,) = [
            t
            for t in axis.texts
            if t.get_text() and x < t.get_position()[0] < x + width and abs(t.get_position()[1] - y - height / 2) < 1e-9
        ]
        found[text.get_text()] = (x, x + width, y + height / 2)
    return found


def test_layers_stand_in_order_and_a_join_gathers_its_branches():
    figure = block_diagrams([{"chain": CHAIN, "fork": FORK}], "A message")
    found = boxes(figure)
    assert set(found) == {"conv", "pool", "a", "b", "c", "concat", "d", "+", "e"}
    height = {name: place[2] for name, place in found.items()}
    assert height["a"] == height["b"] > height["c"] > height["concat"] > height["d"] > height["+"] > height["e"]
    assert found["concat"][0] <= found["a"][0]
    assert found["concat"][1] > found["c"][1]
    assert found["conv"][1] < found["a"][0]
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert {"chain", "fork", "x"} <= set(texts)
    assert figure.get_suptitle() == "A message"


def test_nothing_lies_outside_the_axes():
    figure = block_diagrams([{"one": CHAIN}, {"two": FORK, "three": Block([["two\nlines"]])}], "Two rows")
    axis = figure.axes[0]
    (left, right), (bottom, top) = axis.get_xlim(), axis.get_ylim()
    found = boxes(figure)
    assert all(left <= x0 < x1 <= right and bottom < y < top for x0, x1, y in found.values())
    assert found["two\nlines"][2] < found["conv"][2]


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (Block([["a"], ["b"]]), "2 branches and no join: say what joins them"),
        (Block([["a"]], after=["+"]), r"shortcut None needs one '\+' after its branches"),
        (Block([["a"]], shortcut="x"), r"shortcut 'x' needs one '\+' after its branches"),
    ],
)
def test_loose_ends_are_errors(block, message):
    with pytest.raises(ValueError, match=message):
        block_diagrams([{"it": block}], "")
