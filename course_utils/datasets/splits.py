"""What every loader returns: images and labels as arrays, and where they come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

__all__ = ["Dataset", "Split"]


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
