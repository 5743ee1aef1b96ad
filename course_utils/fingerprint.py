"""One line that stands for a figure, so that a test can compare what a picture shows without its bytes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.text import Text
from matplotlib.transforms import Bbox

__all__ = ["fingerprint"]

ROWS, COLUMNS, BLOCK = 8, 9, 20  # 8 x 9 blocks of 20 x 20 pixels: 8 comparisons of neighbours in each of 8 rows
STEP = 3.337  # grey levels of 255; flat areas differ by 0 and whole levels, so neither lies near it
TURN = 23  # bits between two hashes that are folded: no whole number of rows, so that neighbours do not cancel


def fingerprint(figure: Figure) -> str:
    """What a figure holds and how it looks, in one line: "2 axes · 3 lines · 1 image · 0f3c5a9e17d2b840".

    Each axes is drawn alone, without text, ticks and legend, into the same small box, so that neither fonts nor
    the layout matter, and is averaged to 9 x 8 grey blocks. A bit is set where a block's right neighbour is
    lighter (in a second hash: darker) by more than a fixed step, so that last-bit changes of the data flip
    none. The 64-bit hashes of all axes are folded into one. The figure is left as it was.
    Source: Krawetz, "Kind of like that" (dHash), 2013.
    """
    axes = figure.axes
    counts = {
        "title": sum(bool(ax.get_title(loc)) for ax in axes for loc in ("left", "center", "right")),
        "line": sum(len(ax.lines) for ax in axes),
        "image": sum(len(ax.images) for ax in axes),
        "patch": sum(len(ax.patches) for ax in axes),
    }
    facts = [f"{len(axes)} axes", *(_counted(word, count) for word, count in counts.items() if count)]
    folded = 0
    for bits in (bits for ax in axes for bits in _difference_hashes(_grey(ax))):
        folded = ((folded << TURN | folded >> (64 - TURN)) & (2**64 - 1)) ^ bits
    return " · ".join([*facts, f"{folded:016x}"])


def _counted(word: str, count: int) -> str:
    plural = "patches" if word == "patch" else f"{word}s"
    return f"{count} {word if count == 1 else plural}"


def _difference_hashes(grey: np.ndarray) -> Iterator[int]:
    """Of a picture [160, 180] in grey levels 0-255: 64 bits, row by row, for lighter, and 64 for darker."""
    means = grey.reshape(ROWS, BLOCK, COLUMNS, BLOCK).mean(axis=(1, 3))  # [8, 9]
    change = np.diff(means, axis=1)  # [8, 8], right neighbour minus left
    for bits in (change > STEP, change < -STEP):
        yield int("".join("1" if bit else "0" for bit in bits.ravel()), 2)


def _grey(ax: Axes) -> np.ndarray:
    """An axes drawn alone on white: grey levels 0-255 as float64 [160, 180]."""
    renderer = RendererAgg(COLUMNS * BLOCK, ROWS * BLOCK, dpi=72)
    with _only_content(ax):
        ax.draw(renderer)
    rgba = np.asarray(renderer.buffer_rgba(), dtype=np.float64)
    alpha = rgba[..., 3:] / 255
    return (rgba[..., :3] * alpha + 255 * (1 - alpha)) @ [0.299, 0.587, 0.114]


@contextmanager
def _only_content(ax: Axes) -> Iterator[None]:
    """Hide what depends on fonts and put the axes into the renderer's box; undo both at the end."""
    text = [artist for kind in (Text, Legend) for artist in ax.findobj(kind)]
    scale = [getattr(ax, name) for name in ("xaxis", "yaxis", "zaxis") if hasattr(ax, name)]
    hidden: list[Artist] = [artist for artist in [*text, *scale] if artist.get_visible()]
    locator = ax.get_axes_locator()
    box = Bbox.from_extents(0, 0, COLUMNS * BLOCK, ROWS * BLOCK).transformed(ax.figure.transSubfigure.inverted())
    try:
        for artist in hidden:
            artist.set_visible(False)
        ax.set_axes_locator(lambda ax, renderer: box)
        yield
    finally:
        ax.set_axes_locator(locator)
        for artist in hidden:
            artist.set_visible(True)
