"""What every loader returns: images and labels as arrays, and where they come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

__all__ = ["Dataset", "Split", "channel_statistics"]


class Split(NamedTuple):
    """Images and their labels.

    images: uint8 [N, C, H, W], 0 to 255. labels: int64 [N], the position in the data set's `classes`.
    """

    images: np.ndarray
    labels: np.ndarray

    @property
    def size(self) -> int:
        """N. (len() counts the fields of the tuple.)"""
        return len(self.labels)

    def take(self, n: int) -> Split:
        """The first n, or all where there are fewer."""
        if n < 0:
            raise ValueError(f"cannot take {n} images: use 0 or more")
        return Split(self.images[:n], self.labels[:n])

    def stratified(self, size: int, seed: int = 0) -> tuple[Split, Split]:
        """What is left, and `size` images held out from it, drawn by seed with each class's share kept.

        Each class gives its share of `size`, rounded so that the parts add up. Both keep the order of this split.
        Raises ValueError unless 0 <= size <= N.
        """
        if not 0 <= size <= self.size:
            raise ValueError(f"cannot hold out {size} of {self.size} images: use 0 to {self.size}")
        order = np.random.default_rng(seed).permutation(self.size)
        order = order[np.argsort(self.labels[order], kind="stable")]  # class by class, shuffled within each
        steps = np.arange(self.size) * size // max(self.size, 1)  # grows by one where an image is to be held out
        held = np.zeros(self.size, dtype=bool)
        held[order] = np.diff(steps, append=size) > 0
        return Split(self.images[~held], self.labels[~held]), Split(self.images[held], self.labels[held])


@dataclass(frozen=True)
class Dataset:
    """A training and a test split, and where they come from.

    classes: the name of each label. real: whether it is the data set itself, and not a sample in its place.
    source: one line that says what was really loaded. citation, licence: of what was loaded.
    """

    name: str
    train: Split
    test: Split
    classes: tuple[str, ...]
    real: bool
    source: str
    citation: str
    licence: str


def channel_statistics(images: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel, over all pixels of all images, for values scaled to 0 to 1.

    images: uint8 [N, C, H, W], N >= 1. Counted from the 256 possible values, so exact whatever the number of images.
    Raises ValueError for anything else.
    """
    if images.dtype != np.uint8 or images.ndim != 4 or not images.size:
        raise ValueError(f"the images are {images.dtype} {list(images.shape)}: give uint8 [N, C, H, W], at least one")
    values = np.arange(256) / 255
    shares = np.array([np.bincount(channel.ravel(), minlength=256) for channel in images.swapaxes(0, 1)])
    shares = shares / shares.sum(axis=1, keepdims=True)  # [C, 256]
    means = shares @ values
    deviations = np.sqrt((shares * (values - means[:, None]) ** 2).sum(axis=1))
    return tuple(means.tolist()), tuple(deviations.tolist())
