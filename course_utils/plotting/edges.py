"""Pictures beside a kernel's responses to them: derivatives of a line, signed responses, gradients as arrows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import hsv_to_rgb
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from course_utils.plotting.images import draw_image

__all__ = ["derivative_panels", "direction_colours", "gradient_panels", "picture_rows"]

LEVELS = 65  # as good as 256 to the eye in half the bytes of a PNG; odd, so that 0 is white
COLOURS = ("black", "#0072B2", "#009E73")  # of a signal and its derivatives


def derivative_panels(signals: Mapping[str, Sequence[np.ndarray]], message: str, edge: float) -> Figure:
    """One column a signal, one row each for the signal and its derivatives, each on its own scale.

    signals: name -> (f, f', f''), all of one length. edge: where a line marks it, in pixels.
    """
    names = ("f", "first\nderivative", "second\nderivative")
    figure, axes = plt.subplots(3, len(signals), figsize=(2.6 * len(signals), 4.2), sharex=True, squeeze=False)
    for column, (title, rows) in zip(axes.T, signals.items(), strict=True):
        column[0].set_title(title, fontsize=12)
        column[-1].set_xlabel("pixel")
        for number, (axis, values) in enumerate(zip(column, rows, strict=True)):
            axis.axhline(0, color="#999999", linewidth=0.8)
            axis.axvline(edge, color="#D55E00", linestyle="--", linewidth=1.2)
            axis.margins(y=0.12)
            axis.locator_params(axis="y", nbins=4)
            axis.plot(values, color=COLOURS[number], linestyle="-", marker="o", markersize=4)
    for axis, name in zip(axes[:, 0], names, strict=True):
        axis.set_ylabel(name)
    figure.suptitle(message, x=0.01, ha="left", fontsize=14)
    return figure


def picture_rows(
    above: Sequence[np.ndarray],
    below: Sequence[np.ndarray],
    titles: Sequence[str],
    message: str,
    *,
    signed: tuple[bool, bool] = (False, True),
    labels: tuple[str, str] = ("", ""),
    values: bool = False,
    limit: float | None = None,
    size: float = 2.0,
) -> Figure:
    """Two rows of framed pictures [H, W], each row on one scale: grey, or signed, white at 0, with a colour bar.

    titles: one a column. labels: one a row. values: write the numbers of signed rows into their cells. limit: where
    the signed colours end (stronger values keep the last colour); the largest absolute value where None.
    Raises ValueError where the rows and the titles differ in number.
    """
    if not len(above) == len(below) == len(titles):
        raise ValueError(f"{len(above)} pictures above, {len(below)} below and {len(titles)} titles do not fit")
    height = size * above[0].shape[0] / above[0].shape[1]
    figure, axes = plt.subplots(2, len(above), figsize=(len(above) * size + 1, 2 * height + 0.9), squeeze=False)
    for row, pictures, is_signed, label in zip(axes, (above, below), signed, labels, strict=True):
        strongest = limit or max(float(np.abs(picture).max()) for picture in pictures) or 1.0
        for axis, picture in zip(row, pictures, strict=True):
            drawn = _draw(axis, picture, signed=is_signed, limit=strongest, values=values and is_signed)
            axis.set_frame_on(True)  # a white border would be lost on the page
            axis.spines[:].set(visible=True, color="#999999", linewidth=0.8)
            if not is_signed:
                drawn.set_clim(min(p.min() for p in pictures), max(p.max() for p in pictures))
        row[0].set_ylabel(label)
        if is_signed:
            figure.colorbar(drawn, ax=list(row), shrink=0.85, aspect=15)
    for axis, title in zip(axes[0], titles, strict=True):
        axis.set_title(title, fontsize=12)
    figure.suptitle(message, x=0.01, ha="left", fontsize=14)
    return figure


def direction_colours(gx: np.ndarray, gy: np.ndarray, limit: float | None = None) -> np.ndarray:
    """Gradients [H, W] as colours [H, W, 3] in 0..1: the hue is the direction, the brightness the magnitude.

    limit: the magnitude of full brightness; the largest where None.
    """
    magnitude = np.hypot(gx, gy)
    brightness = np.clip(magnitude / (limit or magnitude.max() or 1.0), 0, 1)
    hue = np.arctan2(gy, gx) / (2 * np.pi) % 1
    return hsv_to_rgb(np.stack([hue, np.ones_like(hue), brightness], axis=-1))


def gradient_panels(picture: np.ndarray, gx: np.ndarray, gy: np.ndarray, message: str, every: int = 4) -> Figure:
    """A picture [H, W], its gradient's magnitude, its direction as a colour, and an arrow every few pixels.

    gx, gy: [H, W], to the right and down. A wheel beside them says which colour is which direction.
    """
    height = 6.4 * picture.shape[0] / picture.shape[1] + 0.9
    figure, axes = plt.subplots(2, 3, figsize=(8, height), width_ratios=(1, 1, 0.45))
    limit = float(np.percentile(np.hypot(gx, gy), 99))  # a few steepest pixels would leave the rest dark
    _draw(axes[0, 0], picture)
    _draw(axes[0, 1], np.minimum(np.hypot(gx, gy), limit))
    _draw(axes[1, 0], direction_colours(gx, gy, limit))
    _draw(axes[1, 1], picture)
    _draw_arrows(axes[1, 1], gx, gy, every)
    titles = ("the photograph", "magnitude: how steep", "direction, by colour", "direction, by arrow")
    for axis, title in zip(axes[:, :2].flat, titles, strict=True):
        axis.set_title(title, fontsize=12)
    axes[0, 2].axis("off")
    _draw_wheel(axes[1, 2])
    figure.suptitle(message, x=0.01, ha="left", fontsize=14)
    return figure


def _draw(axis: Axes, picture: np.ndarray, **options: Any) -> AxesImage:
    drawn = draw_image(axis, picture, **options)
    drawn.set_cmap(drawn.get_cmap().resampled(LEVELS))
    return drawn


def _draw_wheel(axis: Axes) -> None:
    """The colour of each direction, on a disc's rim."""
    down, right = np.mgrid[-1:1:121j, -1:1:121j]
    radius = np.hypot(right, down)
    ring = direction_colours(right / np.maximum(radius, 1e-9), down / np.maximum(radius, 1e-9))
    shown = ((radius >= 0.55) & (radius <= 1)).astype(float)[..., None]
    axis.imshow(np.concatenate([ring, shown], axis=-1))
    axis.set_title("colour: direction\ntowards bright", fontsize=11)
    axis.axis("off")


def _draw_arrows(axis: Axes, gx: np.ndarray, gy: np.ndarray, every: int) -> None:
    """An arrow every few pixels, except where hardly anything changes; the longest spans two of these distances."""
    rows, columns = np.mgrid[every // 2 : len(gx) : every, every // 2 : gx.shape[1] : every]
    right, down = gx[rows, columns], gy[rows, columns]
    steepest = np.hypot(gx, gy).max()
    steep = np.hypot(right, down) > 0.3 * steepest
    axis.quiver(
        columns[steep],
        rows[steep],
        right[steep],
        down[steep],
        color="#E69F00",
        pivot="mid",
        angles="xy",
        scale_units="xy",
        scale=steepest / (2 * every),
        width=0.008,
        headwidth=3,
        headlength=3,
        headaxislength=2.7,
    )
