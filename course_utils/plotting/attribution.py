"""Maps of what a net looks at, laid over the pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

__all__ = ["map_overlays"]


def map_overlays(
    pictures: Sequence[np.ndarray], names: Sequence[str], maps: Mapping[str, Sequence[np.ndarray]], message: str
) -> Figure:
    """One row a picture [H, W, 3] or [H, W]: as it is, then under each map [H, W], on a scale of the map's own.

    names: one a picture. maps: the map's name -> one map a picture; white is 0, red speaks for the answer, blue
    against it, as the colour bar tells. Raises ValueError where a count does not fit.
    """
    counts = {"names": len(names)} | {name: len(found) for name, found in maps.items()}
    for what, count in counts.items():
        if count != len(pictures):
            raise ValueError(f"{what} has {count} entries for {len(pictures)} pictures: give one a picture")
    columns = 1 + len(maps)
    figure, axes = plt.subplots(
        len(pictures), columns, figsize=(1.55 * columns + 1, 1.6 * len(pictures) + 0.9), squeeze=False
    )
    for row, picture in enumerate(pictures):
        grey = picture.mean(axis=2) if picture.ndim == 3 else picture
        axes[row, 0].imshow(picture)
        axes[row, 0].set_ylabel(names[row], fontsize=12)
        for axis, found in zip(axes[row, 1:], maps.values(), strict=True):
            limit = float(np.abs(found[row]).max()) or 1.0
            axis.imshow(grey)
            axis.imshow(found[row], cmap="RdBu_r", vmin=-limit, vmax=limit, alpha=0.6)
    for axis, title in zip(axes[0], ["picture", *maps], strict=True):
        axis.set_title(title, fontsize=12)
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
    colours = ScalarMappable(Normalize(-1, 1), "RdBu_r")
    bar = figure.colorbar(colours, ax=axes, ticks=[-1, 0, 1], alpha=0.6, shrink=0.7, aspect=25)
    bar.set_label("share of the map's own maximum")
    figure.suptitle(message, x=0.01, ha="left", fontsize=14)
    return figure
