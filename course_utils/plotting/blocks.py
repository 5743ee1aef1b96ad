"""Building blocks of networks drawn side by side: branches, what joins them, and a way around."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

__all__ = ["Block", "block_diagrams"]

WIDE, GAP = 1.0, 0.45  # a branch and the space between two blocks, in the axes' own units
WHITE = {"facecolor": "white", "edgecolor": "none", "pad": 2}
BOX, LINE = 0.9, 0.42  # a box's width, and the height of a line of its text


class Block(NamedTuple):
    """branches: each its layers from input to output; an empty one passes its input on.

    join: what brings several branches together, such as "concat". after: layers behind it. shortcut: what the way
    around all of them is, which ends at the layer called "+" among `after`; or None.
    """

    branches: Sequence[Sequence[str]]
    join: str = ""
    after: Sequence[str] = ()
    shortcut: str | None = None

    @property
    def width(self) -> float:
        return WIDE * (len(self.branches) + (self.shortcut is not None))

    @property
    def box(self) -> float:
        """Height of its boxes: all as tall as the text with most lines needs."""
        texts = [*(layer for branch in self.branches for layer in branch), self.join, *self.after]
        return 0.14 + LINE * max(text.count("\n") + 1 for text in texts)

    @property
    def step(self) -> float:
        """From one layer to the next."""
        return self.box + LINE

    @property
    def height(self) -> float:
        return self.step * (1 + max(map(len, self.branches)) + bool(self.join) + len(self.after))


def block_diagrams(rows: Sequence[Mapping[str, Block]], message: str) -> Figure:
    """Blocks by name, row by row, each from its input at the top to its output at the bottom.

    Raises ValueError where a block has several branches and no join, or a shortcut and not exactly one "+" after it.
    """
    for name, block in ((name, block) for row in rows for name, block in row.items()):
        if len(block.branches) > 1 and not block.join:
            raise ValueError(f"block {name!r} has {len(block.branches)} branches and no join: say what joins them")
        if list(block.after).count("+") != (block.shortcut is not None):
            raise ValueError(f"block {name!r} with shortcut {block.shortcut!r} needs one '+' after its branches")
    total = max(sum(block.width + GAP for block in row.values()) for row in rows) - GAP
    heights = [max(block.height for block in row.values()) + 1.2 for row in rows]
    figure, axis = plt.subplots(figsize=(1.13 * total, 0.42 * sum(heights) + 0.45))
    top = 0.0
    for row, height in zip(rows, heights, strict=True):
        left = 0.0
        spare = (total - sum(block.width + GAP for block in row.values()) + GAP) / max(len(row) - 1, 1)
        for name, block in row.items():
            _draw(axis, name, block, left, top)
            left += block.width + GAP + spare
        top -= height
    axis.set(xlim=(-0.05, total + 0.05), ylim=(top + 0.9, 1.0))
    axis.axis("off")
    figure.suptitle(message, x=0.01, ha="left", fontsize=14)
    return figure


def _draw(axis: Axes, name: str, block: Block, left: float, top: float) -> None:
    half, step = block.box / 2, block.step
    centres = [left + WIDE * (k + 0.5) for k in range(len(block.branches))]
    middle = sum(centres) / len(centres)
    axis.text(middle, top + 0.4, name, ha="center", va="center", fontsize=12, fontweight="bold")
    level = top - 0.05
    ends = []
    for x, layers in zip(centres, block.branches, strict=True):
        point = (middle, level)
        for k, layer in enumerate(layers):
            point = _layer(axis, [point], (x, top - step * (k + 1)), layer, half)
        ends.append(point if layers else (x, level))
    below = top - step * (max(map(len, block.branches)) + 1)
    if block.join:
        across = WIDE * (len(centres) - 1) + BOX
        ends = [_layer(axis, ends, (middle, below), block.join, half, across, "C2")]
        below -= step
    for k, layer in enumerate(block.after):
        y = below - step * k
        ends = [_layer(axis, ends, (middle, y), layer, half, colour="C1" if layer == "+" else "C0")]
        if layer == "+" and block.shortcut is not None:
            side = left + WIDE * (len(centres) + 0.2)
            axis.plot([middle, side, side], [level, level, y], color="C1", linewidth=2, linestyle="-")
            _arrow(axis, (side, y), (middle + BOX / 2, y), "C1")
            axis.text(side, (level + y) / 2, block.shortcut, ha="center", va="center", fontsize=10, bbox=WHITE)
    for x, y in ends:
        _arrow(axis, (x, y), (x, y - 0.3))


def _layer(
    axis: Axes,
    sources: Sequence[tuple[float, float]],
    centre: tuple[float, float],
    text: str,
    half: float,
    width: float = BOX,
    colour: str = "C0",
) -> tuple[float, float]:
    """A box with arrows from where its input comes, straight down to a wide one; returns where its output leaves."""
    x, y = centre
    for source in sources:
        _arrow(axis, source, (source[0] if width > BOX else x, y + half))
    style = "round,pad=0,rounding_size=0.08"
    corner = (x - width / 2, y - half)
    axis.add_patch(
        FancyBboxPatch(corner, width, 2 * half, boxstyle=style, facecolor="white", edgecolor=colour, linewidth=1.5)
    )
    axis.text(x, y, text, ha="center", va="center", fontsize=10)
    return x, y - half


def _arrow(axis: Axes, start: tuple[float, float], end: tuple[float, float], colour: str = "0.35") -> None:
    arrow = {"arrowstyle": "-|>", "color": colour, "linewidth": 1.2, "shrinkA": 0, "shrinkB": 0}
    axis.annotate("", end, start, arrowprops=arrow)
