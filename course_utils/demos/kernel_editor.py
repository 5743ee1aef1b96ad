"""A 3x3 kernel whose nine numbers a class chooses, and what it makes of a photograph."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import ipywidgets as widgets
import numpy as np
from matplotlib.figure import Figure
from PIL import Image, ImageOps

from course_utils.datasets import photos
from course_utils.demos.gallery import words
from course_utils.demos.stage import Demo
from course_utils.errors import CourseError
from course_utils.ops import conv2d_shift_and_add
from course_utils.plotting.classroom import classroom_axes

__all__ = ["CELLS", "KERNELS", "PHOTOS", "demo", "draw", "opened"]

PHOTOS = ("camera", "coins", "chelsea", "astronaut", "coffee", "clock")
KERNELS = {
    "Identity": (0, 0, 0, 0, 1, 0, 0, 0, 0),
    "Blur": (0.1111,) * 9,
    "Sharpen": (0, -1, 0, -1, 5, -1, 0, -1, 0),
    "Sobel x": (-1, 0, 1, -2, 0, 2, -1, 0, 1),
    "Sobel y": (-1, -2, -1, 0, 0, 0, 1, 2, 1),
    "Laplacian": (0, 1, 0, 1, -4, 1, 0, 1, 0),
}
CELLS = tuple(f"w{row}{column}" for row in range(3) for column in range(3))
LONGEST = 320  # pixels of the longer side of what is filtered: a projector shows no more in half a slide
LARGEST = 25_000_000  # pixels of a file: above it, opening takes longer than a class waits


def opened(name: str, content: bytes) -> np.ndarray:
    """A picture file as grey values, float64 [H, W] in 0..1, the longer side at most 320 pixels.

    Raises CourseError where the file is no picture, is damaged or has above 25 million pixels.
    """
    try:
        with warnings.catch_warnings():  # Pillow warns of what is refused here anyway
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(content))
        width, height = picture.size
        if width * height > LARGEST:
            raise Image.DecompressionBombError
        picture.draft("L", (LONGEST, LONGEST))  # a JPEG is decoded at a fraction of its size
        grey = ImageOps.exif_transpose(picture).convert("L")
    except Image.DecompressionBombError:
        raise CourseError(
            f"{name} has more than {LARGEST // 10**6} million pixels: scale it down, or open a smaller picture"
        ) from None
    except (OSError, SyntaxError, ValueError):  # Pillow says each of them of a file that it cannot read
        raise CourseError(f"{name} is no picture that can be read: open a PNG or JPEG file") from None
    grey.thumbnail((LONGEST, LONGEST))
    if min(grey.size) < 3:
        raise CourseError(f"{name} is {width}x{height} pixels: a 3x3 kernel needs at least three on each side")
    return np.asarray(grey, dtype=float) / 255


def draw(photo: str = PHOTOS[0], upload: Sequence[Mapping[str, Any]] = (), **cells: float) -> Figure:
    """The photograph, the kernel with its sum, and the response: grey where nothing is negative, else signed.

    photo: a name of scikit-image's. upload: what a FileUpload holds; where it holds a file, that is the picture.
    cells: w00 to w22, row by row. Raises CourseError for a file that is no picture.
    """
    w = np.array([cells[name] for name in CELLS], dtype=float).reshape(3, 3)
    x = opened(str(upload[-1]["name"]), bytes(upload[-1]["content"])) if upload else _photo(photo)
    y = conv2d_shift_and_add(x[None, None], w[None, None])[0, 0]  # [H - 2, W - 2]
    signed = y.min() < -1e-9
    what = "blue below 0, red above" if signed else "nothing below 0"
    level = f"{w.sum():.2f}".removesuffix(".00")
    message = f"The nine weights sum to {level}: where the picture is flat, the output is {level} times the input"
    figure, axes = classroom_axes(message, "akb", width_ratios=(5, 2.4, 5), wspace=0.08, left=0.02, right=0.98)
    axes["a"].imshow(x, cmap="gray", vmin=0, vmax=1)
    axes["a"].set_title("input x")
    limit = max(float(np.percentile(np.abs(y), 99)), 1e-9) if signed else max(1.0, float(y.max()))
    axes["b"].imshow(y, cmap="RdBu_r" if signed else "gray", vmin=-limit if signed else 0, vmax=limit)
    axes["b"].set_title(f"output y: {y.min():.2f} to {y.max():.2f}")
    axes["b"].set_xlabel(what)
    strongest = np.abs(w).max() or 1.0
    axes["k"].imshow(w, cmap="RdBu_r", vmin=-2 * strongest, vmax=2 * strongest)
    for (row, column), value in np.ndenumerate(w):
        axes["k"].text(column, row, f"{value:.2g}", ha="center", va="center", fontsize=17)
    axes["k"].set_title("kernel w")
    axes["k"].set_xlabel(f"sum {level}")
    for axis in axes.values():
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(True)
    return figure


def demo() -> Demo:
    """The demo, with Sobel's kernel on it."""
    first = dict(zip(CELLS, KERNELS["Sobel x"], strict=True))
    cells = {
        name: widgets.FloatText(
            value, step=0.5, layout={"width": "30%"}, tooltip=f"weight, row {name[1]} column {name[2]}"
        )
        for name, value in first.items()
    }
    return Demo(
        controls={
            **cells,
            "photo": widgets.Dropdown(options=PHOTOS, description="photograph"),
            "upload": widgets.FileUpload(accept="image/*", description="Open a picture of your own"),
        },
        draw=draw,
        presets={name: dict(zip(CELLS, kernel, strict=True)) for name, kernel in KERNELS.items()},
        **words("kernel_editor"),
    )


@lru_cache(maxsize=len(PHOTOS))
def _photo(name: str) -> np.ndarray:
    """A photograph as `opened` returns a file's picture."""
    picture = photos(name)[0]  # [C, H, W]
    grey = Image.fromarray(picture[0] if len(picture) == 1 else picture.transpose(1, 2, 0)).convert("L")
    grey.thumbnail((LONGEST, LONGEST))
    return np.asarray(grey, dtype=float) / 255
