"""Squashed photographs kept on disk, so that a class decodes them once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL

from course_utils.datasets.fundus_folder import Stored
from course_utils.datasets.fundus_pictures import SIDE
from course_utils.errors import CourseError
from course_utils.transfer import staging

__all__ = ["NAME", "cached"]

VERSION = 1  # raise it whenever the same files would give other pixels
NAME = f"palm-{SIDE}x{SIDE}-v{VERSION}.npz"


def cached(folder: Path, stamps: list[str], read: Callable[[], Stored]) -> tuple[Stored, str]:
    """What `read` returns, from the cache where that was made from the same files; and "" or why none is kept.

    The cache lies in `folder`, or, where that may not be written, in the user's cache folder. It is written whole or
    not at all; one that is damaged or older than the files is read past and replaced.
    """
    key = hashlib.sha256("\n".join([str(folder), PIL.__version__, *stamps]).encode()).hexdigest()
    places = _places(folder)
    for place in places:
        if stored := _load(place / NAME, key):
            return stored, ""
    stored = read()
    reason = ""
    for place in places:
        try:
            _save(place, key, stored)
            return stored, ""
        except CourseError as error:
            reason = reason or getattr(error.__cause__, "strerror", None) or "it cannot be written"
    return stored, reason


def _places(folder: Path) -> list[Path]:
    """Where a cache may lie. A folder that its owner made read-only stays as it is, even for the administrator."""
    import pooch

    own = [folder] if folder.stat().st_mode & 0o222 else []
    return [*own, Path(pooch.os_cache("paddle-course"))]


def _load(path: Path, key: str) -> Stored | None:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            if str(arrays["key"]) != key:
                return None
            labels = json.loads(str(arrays["labels"]))
            return Stored(tuple(arrays["names"].tolist()), arrays["images"], labels)
    except Exception:  # a damaged archive can raise nearly anything, and is worth no more than a missing one
        return None


def _save(place: Path, key: str, stored: Stored) -> None:
    with staging(place) as scratch:
        fresh = scratch / NAME
        labels = json.dumps(stored.labels)
        np.savez(fresh, key=np.array(key), names=np.array(stored.names), labels=np.array(labels), images=stored.images)
        fresh.replace(place / NAME)
