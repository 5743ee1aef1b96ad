"""A digit drawn by the reader: a small canvas whose picture a network classifies while it grows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets
from PIL import Image

__all__ = ["EXAMPLE", "DigitCanvas", "as_mnist", "draw_digit", "rasterise"]

SIZE = 28  # pixels a side, of the canvas and of MNIST's pictures
BOX = 20  # MNIST's digits fill a box of this many pixels
BRUSH = (
    3  # width of a stroke in pixels, as in draw_digit.js: placed, it leaves about as much ink as MNIST's median digit
)


def rasterise(strokes: Iterable[Sequence[tuple[float, float]]], width: float = BRUSH) -> np.ndarray:
    """Draw strokes with a round, anti-aliased brush on an empty canvas, uint8 [28, 28], ink 255 on 0.

    strokes: each a sequence of points (x, y) in pixels, x to the right and y downwards from the upper left corner,
    joined by straight lines; one point is a dot. width: of the brush, in pixels.
    """
    y, x = np.mgrid[:SIZE, :SIZE] + 0.5  # pixel centres, each [28, 28]
    nearest = np.full((SIZE, SIZE), np.inf)  # distance from each pixel to the line
    for stroke in strokes:
        for (x0, y0), (x1, y1) in zip(stroke, [*stroke[1:], stroke[-1]], strict=True):
            dx, dy = x1 - x0, y1 - y0
            along = ((x - x0) * dx + (y - y0) * dy) / (dx**2 + dy**2 or 1)  # 0 at the start, 1 at the end
            along = along.clip(0, 1)
            nearest = np.minimum(nearest, np.hypot(x - x0 - along * dx, y - y0 - along * dy))
    return np.rint(255 * (width / 2 + 0.5 - nearest).clip(0, 1)).astype(np.uint8)


_HAND = [(4, 5), (7, 3), (11, 3), (13.5, 5.5), (13, 8.5), (10, 10.5), (7.5, 11)]
_HAND += [(10.5, 11.5), (14, 13.5), (15, 17), (13, 20.5), (9, 22), (5.5, 21), (3.5, 19)]
EXAMPLE = rasterise([_HAND])
"""A stored drawing, uint8 [28, 28]: a 3, left of the middle and a little small, as a hand would leave it."""
EXAMPLE.flags.writeable = False


def as_mnist(pixels: np.ndarray) -> np.ndarray:
    """Place a drawing as MNIST places its digits: uint8 [28, 28] -> uint8 [1, 1, 28, 28], ink 255 on 0.

    The drawing is cropped, its longer side scaled to 20 pixels with anti-aliasing and the aspect ratio kept, and its
    centre of mass moved to pixel (14, 14) by a whole number of pixels, but never so far that ink leaves the picture.
    Raises ValueError for another shape or dtype, and for an empty drawing.
    Source: LeCun, Bottou, Bengio & Haffner 1998, section III.A.
    """
    pixels = np.asarray(pixels)
    if pixels.shape != (SIZE, SIZE) or pixels.dtype != np.uint8:
        raise ValueError(f"the drawing is {pixels.dtype} {list(pixels.shape)}: give uint8 [28, 28], ink 255 on 0")
    if not pixels.any():
        raise ValueError("the drawing is empty: draw a digit first")
    rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
    crop = pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = (max(1, round(side * BOX / max(crop.shape))) for side in crop.shape)
    ink = np.asarray(Image.fromarray(crop).resize((width, height), Image.Resampling.BILINEAR))
    top, left = (_offset(ink.sum(axis=axis, dtype=float)) for axis in (1, 0))
    placed = np.zeros((1, 1, SIZE, SIZE), np.uint8)
    placed[0, 0, top : top + height, left : left + width] = ink
    return placed


def _offset(ink: np.ndarray) -> int:
    """Where a profile of ink [n] must start in 28 pixels so that its centre of mass comes to pixel 14."""
    centre = float(ink @ np.arange(len(ink)) / ink.sum())
    return min(max(round(SIZE // 2 - centre), 0), SIZE - len(ink))


class DigitCanvas(anywidget.AnyWidget):
    """A canvas of 28x28 pixels for mouse, pen and finger, beside ten bars and the picture that the network sees.

    pixels: the drawing, 784 bytes row by row, ink 255 on 0; `drawing` is the same as an array. Python sets
    `probabilities` (ten numbers, or none), `seen` (784 bytes, or none) and `message` (one sentence).
    """

    _esm = Path(__file__).with_name("draw_digit.js")
    _css = Path(__file__).with_name("draw_digit.css")
    # Without echo: a late echo of an older drawing would erase the stroke that is being drawn.
    pixels = traitlets.CBytes(bytes(SIZE * SIZE)).tag(sync=True, echo_update=False)
    example = traitlets.Bytes(EXAMPLE.tobytes(), read_only=True).tag(sync=True)
    seen = traitlets.Bytes().tag(sync=True)
    probabilities = traitlets.List(traitlets.Float()).tag(sync=True)
    message = traitlets.Unicode("Draw a digit").tag(sync=True)

    @traitlets.validate("pixels")
    def _check_pixels(self, proposal: Any) -> bytes:
        if len(proposal["value"]) != SIZE * SIZE:
            raise ValueError(f"pixels has {len(proposal['value'])} bytes: give 784, one for each of 28x28 pixels")
        return proposal["value"]

    @property
    def drawing(self) -> np.ndarray:
        """The drawing, uint8 [28, 28], ink 255 on 0."""
        return np.frombuffer(self.pixels, np.uint8).reshape(SIZE, SIZE)

    def __repr__(self) -> str:
        return "A canvas for a digit: run this cell in Jupyter and draw."


def draw_digit(predict: Callable[[np.ndarray], Any]) -> DigitCanvas:
    """A canvas with the stored example on it, classified at once and again after every movement of the pen.

    predict: takes what `as_mnist` returns, uint8 [1, 1, 28, 28], and returns ten probabilities, [10] or [1, 10].
    Raises ValueError where it returns something else for the example; later the canvas shows the error's sentence.
    """
    canvas = DigitCanvas(pixels=EXAMPLE.tobytes())

    def answer() -> tuple[bytes, list[float], str]:
        if not canvas.drawing.any():
            return b"", [], "Draw a digit"
        image = as_mnist(canvas.drawing)
        probabilities = _checked(predict(image)).tolist()
        best = int(np.argmax(probabilities))
        return image.tobytes(), probabilities, f"Most likely {best}, with probability {probabilities[best]:.2f}"

    def show(seen: bytes, probabilities: list[float], message: str) -> None:
        with canvas.hold_sync():  # one message for all three
            canvas.seen, canvas.probabilities, canvas.message = seen, probabilities, message

    def classify_again(_: Any) -> None:
        try:
            show(*answer())
        except Exception as error:  # Jupyter hides what a callback raises, and the bars of another drawing would stay
            show(b"", [], f"predict failed: {error}")

    show(*answer())
    canvas.observe(classify_again, "pixels")
    return canvas


def _checked(returned: Any) -> np.ndarray:
    """What predict returned, as float64 [10]."""
    probabilities = np.asarray(returned, dtype=float)
    if probabilities.shape not in ((10,), (1, 10)):
        raise ValueError(
            f"predict returned shape {list(probabilities.shape)}: return ten probabilities, [10] or [1, 10]"
        )
    probabilities = probabilities.reshape(10)
    low, high, total = probabilities.min(), probabilities.max(), probabilities.sum()
    if not (low >= 0 and abs(total - 1) < 1e-3):
        raise ValueError(
            f"predict returned values from {low:.3g} to {high:.3g} that sum to {total:.3g}: return the logits' softmax"
        )
    return probabilities
