"""What `datasets.fundus` returns: splits of photographs that know their names and kinds, and their source."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from course_utils.datasets.splits import Split

__all__ = ["CLASSES", "Fundus", "FundusSplit", "without_duplicates"]

CLASSES = ("no pathologic myopia", "pathologic myopia")


@dataclass(frozen=True, eq=False)
class FundusSplit:
    """Photographs of the back of the eye, each with its label, name and kind.

    images: uint8 [N, 3, 224, 224], RGB, 0 to 255. labels: int64 [N], 1 = pathologic myopia. names: such as "P0001".
    kinds: "P" pathologic myopia, "H" high myopia without it, "N" neither; "?" where only the label is known.
    """

    images: np.ndarray
    labels: np.ndarray
    names: tuple[str, ...]
    kinds: tuple[str, ...]

    @property
    def size(self) -> int:
        """N."""
        return len(self.labels)

    @property
    def arrays(self) -> Split:
        """Images and labels alone, as a Trainer takes them."""
        return Split(self.images, self.labels)

    def take(self, which: np.ndarray) -> FundusSplit:
        """The pictures that `which` selects: positions int [M] in the order wanted, or bool [N]."""
        places = np.arange(self.size)[which]
        names, kinds = (tuple(field[place] for place in places) for field in (self.names, self.kinds))
        return FundusSplit(self.images[places], self.labels[places], names, kinds)

    def folds(self, count: int = 5, seed: int = 0) -> list[tuple[FundusSplit, FundusSplit]]:
        """`count` pairs (the rest, held out) for cross-validation; each picture is held out exactly once.

        Drawn by seed; each kind (and label) is dealt out evenly. All keep the order of this split.
        Raises ValueError unless 2 <= count <= N.
        """
        if not 2 <= count <= self.size:
            raise ValueError(f"cannot make {count} folds of {self.size} pictures: use 2 to {self.size}")
        shuffled = np.random.default_rng(seed).permutation(self.size)
        strata = [f"{kind}{label}" for kind, label in zip(self.kinds, self.labels, strict=True)]
        order = sorted(shuffled, key=lambda place: strata[place])
        fold = np.empty(self.size, dtype=int)
        fold[order] = np.arange(self.size) % count
        return [(self.take(fold != number), self.take(fold == number)) for number in range(count)]


@dataclass(frozen=True, eq=False)
class Fundus:
    """A training and a validation split, and where they come from.

    real: whether they are the data set itself, and not a sample in its place. source: one line that says what was
    loaded. citation, licence: of that. dropped: one sentence for each picture or group that was left out, and why.
    """

    name: str
    train: FundusSplit
    valid: FundusSplit
    classes: tuple[str, str]
    real: bool
    source: str
    citation: str
    licence: str
    dropped: tuple[str, ...] = ()


def without_duplicates(train: FundusSplit, valid: FundusSplit) -> tuple[FundusSplit, FundusSplit, tuple[str, ...]]:
    """Both splits with each picture once, and a sentence about each one dropped.

    The same pixels are the same picture. One that is in both splits stays in validation, so that nothing is trained
    on what it is measured with; within a split the first stays. Where the labels of the copies differ, all go.
    """
    copies = defaultdict(list)
    for split in (valid, train):
        for image, name, label in zip(split.images, split.names, split.labels, strict=True):
            copies[hashlib.sha256(image.tobytes()).digest()].append((name, int(label)))
    dropped: set[str] = set()
    told = []
    for group in copies.values():
        (kept, label), *others = group
        names = [name for name, _ in group]
        if any(other != label for _, other in others):
            dropped.update(names)
            told.append(f"{' and '.join(names)} are one picture with two labels: all of them are dropped.")
            continue
        dropped.update(names[1:])
        told += [f"{name} is the same picture as {kept}: {name} is dropped." for name in names[1:]]
    train, valid = (split.take(~np.isin(split.names, list(dropped))) for split in (train, valid))
    return train, valid, tuple(told)
