"""Pictures and small arrays side by side."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

__all__ = ["draw_image", "image_grid"]


def image_grid(
    images: Sequence[np.ndarray],
    titles: Sequence[str] = (),
    *,
    columns: int | None = None,
    signed: bool = False,
    shared: bool = True,
    values: bool = False,
    message: str = "",
    size: float = 2.2,
) -> Figure:
    """Draw images [H, W] or [H, W, 3] in a grid.

    signed: colours from blue (negative) over white (0) to red, with a colour bar. shared: one scale for all.
    values: write each cell's number. message: the figure's title. size: inches a picture.
    Raises ValueError where titles are given and their number is not that of the images.
    """
    if titles and len(titles) != len(images):
        raise ValueError(f"{len(titles)} titles do not fit {len(images)} images")
    columns = min(columns or len(images), len(images))
    rows = -(-len(images) // columns)
    height = size * max(image.shape[0] / image.shape[1] for image in images)
    lines = 0.25 * max((title.count("\n") + 1 for title in titles if title), default=0)
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(columns * size + (0.9 if signed else 0), rows * (height + lines + 0.1) + (0.4 if message else 0)),
        squeeze=False,
    )
    limit = max(float(np.abs(image).max()) for image in images) if shared else None
    for axis in axes.flat:
        axis.axis("off")
    for axis, image, title in zip(axes.flat, images, titles or [""] * len(images), strict=False):
        drawn = draw_image(axis, image, signed=signed, limit=limit if signed else None, values=values)
        axis.set_title(title, fontsize=12)
    if signed:
        figure.colorbar(drawn, ax=axes, shrink=0.8, aspect=30)
    if message:
        figure.suptitle(message, x=0.01, ha="left", fontsize=14)
    return figure


def draw_image(
    axis: Axes, image: np.ndarray, *, signed: bool = False, limit: float | None = None, values: bool = False
) -> AxesImage:
    """One image on given axes; `limit` is the value at the end of the colour scale."""
    image = np.asarray(image)
    limit = limit or float(np.abs(image).max()) or 1.0
    drawn = axis.imshow(image, cmap="RdBu_r", vmin=-limit, vmax=limit) if signed else axis.imshow(image)
    axis.set_xticks([])
    axis.set_yticks([])
    axis.set_frame_on(False)
    if values:
        write_values(axis, image, drawn)
    return drawn


def write_values(axis: Axes, image: np.ndarray, drawn: AxesImage) -> None:
    """Each cell's number, dark on light and light on dark."""
    for (i, j), value in np.ndenumerate(image):
        red, green, blue, _ = drawn.cmap(drawn.norm(value))
        dark = 0.3 * red + 0.6 * green + 0.1 * blue < 0.5
        axis.text(j, i, f"{value:g}", ha="center", va="center", color="white" if dark else "black", fontsize=12)
