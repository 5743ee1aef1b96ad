"""Photographs of the back of the eye: PALM (iChallenge-PM) where it lies in the data folder, else generated ones."""

from __future__ import annotations

from functools import partial

import numpy as np

from course_utils import registry, settings
from course_utils.datasets.fundus_cache import cached
from course_utils.datasets.fundus_folder import Stored, read_folder, stamps
from course_utils.datasets.fundus_splits import CLASSES, Fundus, FundusSplit, without_duplicates
from course_utils.datasets.generated_fundus import drawn_fundus
from course_utils.errors import CourseError

__all__ = ["fundus"]


def fundus() -> Fundus:
    """Fundus photographs with and without pathologic myopia: images uint8 [N, 3, 224, 224] (RGB), labels int64 [N].

    PALM (400 photographs to train, 400 to validate, less duplicates) where COURSE_DATA is "real", or "auto" and
    anything of it lies in the data folder, unpacked or as the zip archives that its authors hand out; else 160 and
    120 generated pictures. Of the photographs to train the name tells the kind, P, H or N, and with it the label; of
    those to validate a table tells the label alone.
    Raises CourseError where PALM is asked for and missing, or there and not whole: nothing is left out in silence.
    """
    asked = settings.current().data
    folder, entry = settings.data_dir() / "palm", registry.entry("palm")
    if asked == "sample" or (asked == "auto" and not stamps(entry, folder)):
        return _sample()
    try:
        found = stamps(entry, folder)
        if not found:
            get = f"`course data get {entry.name} --from FOLDER_OR_ZIP`"
            raise CourseError(f"nothing of {entry.title} is in {folder}: {entry.request}, then run {get}")
        stored, uncached = cached(folder, found, partial(read_folder, entry, folder))
        train, valid, dropped = without_duplicates(*_splits(stored))
    except CourseError as error:
        raise CourseError(f"{error}, or use the sample with COURSE_DATA=sample") from None
    source = (
        f"{entry.title}: {train.size:,} real fundus photographs to train, {valid.size:,} to validate, "
        f"squashed to 224 x 224; {stored.images.shape[0] - train.size - valid.size} dropped as duplicates"
    )
    source += f"; kept no cache of them ({uncached})" if uncached else ""
    return Fundus(entry.title, train, valid, CLASSES, True, source, entry.citation, entry.licence, dropped)


def _splits(stored: Stored) -> tuple[FundusSplit, FundusSplit]:
    """The training split, labelled by its names, and the validation split, labelled by the table."""
    names = np.array(stored.names)
    kinds = np.array([name[0] for name in names])
    valid = kinds == "V"
    known = set(names[valid])
    if lacking := sorted(known - set(stored.labels)):
        raise CourseError(f"the table of labels has no line for {lacking[0]}.jpg: add it, or take the original table")
    if extra := sorted(set(stored.labels) - known):
        raise CourseError(f"the table of labels lists {extra[0]}, of which there is no picture to validate: remove it")
    labels = np.array([stored.labels[name] if name in known else int(name[0] == "P") for name in names], np.int64)
    kinds[valid] = "?"
    whole = FundusSplit(stored.images, labels, tuple(stored.names), tuple(kinds.tolist()))
    return whole.take(~valid), whole.take(valid)


def _sample() -> Fundus:
    train, valid = drawn_fundus(160, seed=0), drawn_fundus(120, seed=1, kinds_known=False)
    source = f"sample in place of iChallenge-PM: {train.size:,} + {valid.size:,} generated pictures, not photographs"
    return Fundus("generated fundus", train, valid, CLASSES, False, source, "drawn by course_utils", "CC0")
