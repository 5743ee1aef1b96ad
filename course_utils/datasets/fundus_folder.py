"""Everything of PALM that lies in a folder, as it was handed out: unpacked, zipped, or zips within a zip."""

from __future__ import annotations

import fnmatch
import hashlib
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO

import numpy as np

from course_utils.datasets.fundus_labels import read_labels
from course_utils.datasets.fundus_pictures import BYTES, squash
from course_utils.errors import CourseError
from course_utils.manifest import Entry
from course_utils.transfer import read, walk

__all__ = ["Stored", "read_folder", "stamps"]


@dataclass(frozen=True, eq=False)
class Stored:
    """What a folder holds: names sorted, images uint8 [N, 3, 224, 224], and the labels that its tables give."""

    names: tuple[str, ...]
    images: np.ndarray
    labels: dict[str, int]


def stamps(entry: Entry, folder: Path) -> list[str]:
    """Path, size and times of every file that `read_folder` would look at; empty where there is none."""
    if folder.exists() and not folder.is_dir():
        raise CourseError(f"{folder} is a file and should be a folder: move it away")
    lines = []
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in inside.parts)
        if not hidden and (path.suffix.lower() == ".zip" or _wanted(entry, path.name)) and path.is_file():
            about = path.stat()
            lines.append(f"{inside.as_posix()} {about.st_size} {about.st_mtime_ns} {about.st_ctime_ns}")
    return lines


def read_folder(entry: Entry, folder: Path) -> Stored:
    """Read every picture and every label table of the set in `folder`, at any depth; nothing is unpacked to the disk.

    Where a name occurs twice, the picture in a folder with the right name holds.
    Raises CourseError, naming the file, where one is damaged, two differ that should be the same, or the number of
    pictures is not the set's.
    """
    found = _Found(entry)
    for path, stream in walk(folder, lambda bare: _wanted(entry, bare)):
        place, top = PurePosixPath(path), folder.as_posix()
        inside = place.relative_to(top) if place.is_relative_to(top) else place
        if ".." in inside.parts or inside.is_absolute():
            raise CourseError(f"an archive in {folder} holds {path!r}, which points out of it: do not use that archive")
        found.add(place, stream)
    for row in entry.pictures:
        count = sum(fnmatch.fnmatchcase(name, row.pattern) for name in found.images)
        if count != row.count:
            raise CourseError(
                f"{folder} holds {count} of the {row.count} pictures {row.folder}/{row.pattern}: "
                f"run `course data get {entry.name} --from FOLDER_OR_ZIP`"
            )
    if not found.tables:
        raise CourseError(f"{folder} holds no table of labels: put {' or '.join(entry.tables)} there")
    names = sorted(found.images)
    images = np.stack([found.images[name] for name in names])
    return Stored(tuple(PurePosixPath(name).stem for name in names), images, next(iter(found.tables.values())))


@dataclass
class _Found:
    """What was met so far. `known`: whether a picture lay in its own folder, and the hash of its file."""

    entry: Entry
    images: dict[str, np.ndarray] = field(default_factory=dict)
    tables: dict[str, dict[str, int]] = field(default_factory=dict)
    known: dict[str, tuple[bool, bytes]] = field(default_factory=dict)

    def add(self, place: PurePosixPath, stream: IO[bytes]) -> None:
        if place.name in self.entry.tables:
            self._add_table(place, read(stream, BYTES, str(place)))
            return
        home = next(row.folder for row in self.entry.pictures if fnmatch.fnmatchcase(place.name, row.pattern))
        at_home = place.parent.name == home
        before = self.known.get(place.name)
        if before and before[0] and not at_home:
            return
        content = read(stream, BYTES + 1, str(place))
        digest = hashlib.sha256(content).digest()
        if before and before[0] == at_home and before[1] != digest:
            raise CourseError(f"{place} is not the only picture of its name, and they differ: remove the wrong one")
        if not before or before[1] != digest:
            self.images[place.name] = squash(content, str(place))
        self.known[place.name] = (at_home, digest)

    def _add_table(self, place: PurePosixPath, content: bytes) -> None:
        labels = read_labels(content, str(place))
        for other, same in self.tables.items():
            if same != labels:
                raise CourseError(f"{other} and {place} give different labels: remove the wrong one")
        self.tables[str(place)] = labels


def _wanted(entry: Entry, bare: str) -> bool:
    return bare in entry.tables or any(fnmatch.fnmatchcase(bare, row.pattern) for row in entry.pictures)
