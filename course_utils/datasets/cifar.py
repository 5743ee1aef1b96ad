"""Small colour pictures: CIFAR-10 where it lies in the data folder, else ten drawn shapes in the same form."""

from __future__ import annotations

from course_utils import registry, settings
from course_utils.datasets.formats import read_cifar_batches
from course_utils.datasets.generated import SHAPES, drawn_shapes
from course_utils.datasets.splits import Dataset
from course_utils.errors import CourseError

__all__ = ["cifar10"]


def cifar10() -> Dataset:
    """Pictures of ten classes: images uint8 [N, 3, 32, 32] (RGB), labels int64 [N].

    CIFAR-10 (50,000 photographs to train, 10,000 to test) where COURSE_DATA is "real", or "auto" and it lies in the
    data folder, as the downloaded archive or unpacked; else 3,000 and 1,000 generated pictures of shapes, whose
    classes have names of their own. For validation: `train, valid = data.train.stratified(5_000, seed)`.
    Raises CourseError where CIFAR-10 is asked for and missing, or there and damaged.
    """
    asked = settings.current().data
    if asked == "sample" or (asked == "auto" and registry.find("cifar10") is None):
        return _sample()
    try:
        registry.verify("cifar10")
        return _cifar()
    except CourseError as error:
        raise CourseError(f"{error}, or use the sample with COURSE_DATA=sample") from None


def _cifar() -> Dataset:
    train, test, classes = read_cifar_batches(settings.data_dir() / "cifar10")
    entry = registry.entry("cifar10")
    source = f"CIFAR-10: {train.size:,} real photographs to train, {test.size:,} to test"
    return Dataset("CIFAR-10", train, test, classes, True, source, entry.citation, entry.licence)


def _sample() -> Dataset:
    train, test = drawn_shapes(3_000, seed=0), drawn_shapes(1_000, seed=1)
    source = f"sample in place of CIFAR-10: {train.size:,} + {test.size:,} generated pictures of shapes"
    return Dataset("generated shapes", train, test, tuple(SHAPES), False, source, "drawn by course_utils", "CC0")
