"""What networks see and confuse: receptive fields, connection tables, confusion matrices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

__all__ = ["confusion_grid", "connection_table", "field_maps"]


def field_maps(fields: Mapping[str, tuple[np.ndarray, int]], message: str) -> Figure:
    """Effective receptive fields: name -> (map [H, W] in 0..1, counted size), the counted square drawn around."""
    figure, axes = plt.subplots(1, len(fields), figsize=(2.7 * len(fields), 3.3), squeeze=False)
    for axis, (name, (field, size)) in zip(axes.flat, fields.items(), strict=True):
        drawn = axis.imshow(field, cmap="viridis", vmin=0, vmax=1)
        corner = (np.array(field.shape) - size) / 2 - 0.5
        axis.add_patch(Rectangle((corner[1], corner[0]), size, size, fill=False, edgecolor="C1", linewidth=2.5))
        axis.set_title(name, fontsize=12)
        axis.set_xticks([])
        axis.set_yticks([])
    figure.colorbar(drawn, ax=axes, shrink=0.75, label="influence")
    figure.suptitle(message, x=0.01, ha="left", fontsize=14)
    return figure


def connection_table(table: Sequence[Sequence[int]], message: str, inputs: str, outputs: str) -> Figure:
    """Which input map each output map reads: table[p] lists them."""
    filled = np.zeros((1 + max(map(max, table)), len(table)))
    for column, rows in enumerate(table):
        filled[list(rows), column] = 1
    figure, axis = plt.subplots(figsize=(8, 3.2))
    axis.imshow(filled, cmap="Blues", vmin=0, vmax=1.4, aspect="auto")
    axis.set_xticks(range(filled.shape[1]))
    axis.set_yticks(range(filled.shape[0]))
    axis.set_xticks(np.arange(filled.shape[1] + 1) - 0.5, minor=True)
    axis.set_yticks(np.arange(filled.shape[0] + 1) - 0.5, minor=True)
    axis.grid(True, which="minor", color="white", linewidth=2)
    axis.tick_params(which="both", length=0)
    axis.set(xlabel=outputs, ylabel=inputs)
    axis.set_title(message)
    return figure


def confusion_grid(counts: np.ndarray, classes: Sequence[str], message: str) -> Figure:
    """A confusion matrix [K, K], rows true and columns predicted; colour shows the mistakes only."""
    figure, axis = plt.subplots(figsize=(7, 6))
    mistakes = counts * (1 - np.eye(len(counts)))
    axis.imshow(mistakes, cmap="Oranges", vmin=0, vmax=max(mistakes.max() * 1.5, 1))
    for (i, j), value in np.ndenumerate(counts):
        if value:
            weight = "normal" if i == j else "bold"
            axis.text(j, i, f"{value:,}", ha="center", va="center", fontsize=11, fontweight=weight)
    axis.set_xticks(range(len(classes)), labels=classes)
    axis.set_yticks(range(len(classes)), labels=classes)
    axis.set(xlabel="predicted", ylabel="true")
    axis.set_title(message)
    return figure
