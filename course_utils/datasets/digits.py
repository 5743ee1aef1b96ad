"""Handwritten digits: MNIST where it lies in the data folder, else scikit-learn's sample in the same form."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from course_utils import registry, settings
from course_utils.datasets.formats import read_idx_pair
from course_utils.datasets.splits import Dataset, Split
from course_utils.errors import CourseError

__all__ = ["digits"]

CLASSES = tuple("0123456789")


def digits() -> Dataset:
    """Digits 0 to 9, white on black: images uint8 [N, 1, 28, 28], labels int64 [N].

    MNIST (60,000 to train, 10,000 to test) where COURSE_DATA is "real", or "auto" and it lies in the data folder;
    else the 1,797 real digits that scikit-learn brings (1,437 and 360), brought to MNIST's form.
    Raises CourseError where MNIST is asked for and missing, or there and damaged.
    """
    asked = settings.current().data
    if asked == "sample" or (asked == "auto" and registry.find("mnist") is None):
        return _sample()
    try:
        registry.verify("mnist")
        return _mnist(settings.data_dir() / "mnist")
    except CourseError as error:
        raise CourseError(f"{error}, or use the sample with COURSE_DATA=sample") from None


def _mnist(folder: Path) -> Dataset:
    train, test = (_read(folder, part) for part in ("train", "t10k"))
    entry = registry.entry("mnist")
    source = f"MNIST: {train.size:,} real handwritten digits to train, {test.size:,} to test"
    return Dataset("MNIST", train, test, CLASSES, True, source, entry.citation, entry.licence)


def _read(folder: Path, part: str) -> Split:
    packed = [folder / f"{part}-{kind}-ubyte.gz" for kind in ("images-idx3", "labels-idx1")]
    images, labels = (path if path.exists() else path.with_suffix("") for path in packed)
    return read_idx_pair(images, labels)


def _sample() -> Dataset:
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    bunch = load_digits()
    images = _like_mnist(bunch.images / 16)[:, None]  # its values are 0 to 16
    parts = train_test_split(
        images, bunch.target.astype(np.int64), test_size=360, stratify=bunch.target, random_state=0
    )
    train, test = Split(parts[0], parts[2]), Split(parts[1], parts[3])
    source = (
        f"sample in place of MNIST: {train.size:,} + {test.size:,} real handwritten digits of scikit-learn, "
        "8 x 8 pixels enlarged to 20 x 20 in 28 x 28"
    )
    citation = "Alpaydin, Kaynak: Optical recognition of handwritten digits. UCI Machine Learning Repository (1998)"
    return Dataset("digits sample", train, test, CLASSES, False, source, citation, "CC BY 4.0")


def _like_mnist(images: np.ndarray) -> np.ndarray:
    """[N, 8, 8] of 0 to 1 -> uint8 [N, 28, 28]: 20 x 20, with the centre of mass in the middle (LeCun et al., 1998)."""
    grow = _interpolation(8, 20)
    large = grow @ images @ grow.T  # [N, 20, 20]
    fields = np.zeros((len(large), 28, 28), dtype=np.uint8)
    positions = np.arange(20)
    mass = large.sum(axis=(1, 2))
    rows = np.round(13.5 - large.sum(axis=2) @ positions / mass).astype(int).clip(0, 8)
    columns = np.round(13.5 - large.sum(axis=1) @ positions / mass).astype(int).clip(0, 8)
    for field, digit, row, column in zip(fields, large, rows, columns, strict=True):
        field[row : row + 20, column : column + 20] = np.round(255 * digit)
    return fields


def _interpolation(size: int, target: int) -> np.ndarray:
    """The matrix [target, size] that enlarges a line of pixels by linear interpolation between their centres."""
    centres = (np.arange(target) + 0.5) * size / target - 0.5
    return np.array([np.interp(centres, np.arange(size), unit) for unit in np.eye(size)]).T
