"""What a data set consists of, and whether a folder holds it whole."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from course_utils.errors import CourseError

__all__ = ["Entry", "File", "Finding", "Pictures"]


class Finding(NamedTuple):
    """A file, or a row of pictures, of a set, and what is wrong with it ("" where it is whole)."""

    name: str
    problem: str


@dataclass(frozen=True)
class File:
    """A file whose bytes are known.

    name: its place in the set's folder, with slashes. size: bytes. checksum: "sha256:…" or "md5:…".
    unpacked: the files that may lie there in its place.
    """

    name: str
    size: int
    checksum: str
    unpacked: tuple[File, ...] = ()

    def standing(self, folder: Path) -> tuple[File, ...]:
        """The files that stand for it in `folder`: itself, or what it unpacks to."""
        if not (folder / self.name).exists() and any((folder / part.name).exists() for part in self.unpacked):
            return self.unpacked
        return (self,)

    def whole(self, folder: Path) -> bool:
        """Whether it, or all that it unpacks to, lies in `folder` with the right bytes."""
        return not any(part.problem(folder / part.name) for part in self.standing(folder))

    def problem(self, path: Path, bytes_too: bool = True) -> str:
        """What is wrong with `path`, or "". Without `bytes_too`, only its kind and size are looked at."""
        if not path.exists():
            return "is missing"
        if not path.is_file():
            return "is a folder and should be a file"
        try:
            size = path.stat().st_size
            if size != self.size:
                return f"has {size:,} bytes instead of {self.size:,}"
            return "" if not bytes_too or _digest(path, self.checksum) else "has a wrong checksum"
        except OSError as error:
            return f"cannot be read ({error.strerror})"


@dataclass(frozen=True)
class Pictures:
    """JPEG pictures that are known by their folder, their names (a shell pattern) and their number."""

    folder: str
    pattern: str
    count: int

    def problem(self, folder: Path, bytes_too: bool = True) -> str:
        """What is wrong with them below `folder`, or "". With `bytes_too`, each must begin and end as a JPEG."""
        paths = sorted((folder / self.folder).glob(self.pattern))
        if len(paths) != self.count:
            return f"has {len(paths)} of {self.count} pictures" if paths else "is missing"
        broken = [path.name for path in paths if not _is_jpeg(path)] if bytes_too else []
        return f"holds {broken[0]}, which is cut off or no JPEG picture" if broken else ""


@dataclass(frozen=True)
class Entry:
    """A data set; registry.toml explains the fields."""

    name: str
    title: str
    what: str
    licence: str
    citation: str
    mirrors: tuple[str, ...] = ()
    files: tuple[File, ...] = ()
    pictures: tuple[Pictures, ...] = ()
    tables: tuple[str, ...] = ()
    request: str = ""

    @property
    def size(self) -> int:
        """Bytes to download; 0 where the set cannot be downloaded."""
        return sum(file.size for file in self.files)

    def inspect(self, folder: Path, bytes_too: bool = True) -> list[Finding]:
        """What lies in `folder`, file by file; with `bytes_too`, checksums are computed.

        Raises CourseError where `folder` is a file.
        """
        if folder.exists() and not folder.is_dir():
            raise CourseError(f"{folder} is a file and should be a folder: move it away")
        parts = [part for file in self.files for part in file.standing(folder)]
        return [
            *(Finding(part.name, part.problem(folder / part.name, bytes_too)) for part in parts),
            *(Finding(f"{row.folder}/{row.pattern}", row.problem(folder, bytes_too)) for row in self.pictures),
            *(Finding(table, "") for table in self.tables if (folder / table).is_file()),
        ]


def _digest(path: Path, checksum: str) -> bool:
    algorithm, _, expected = checksum.partition(":")
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest() == expected


def _is_jpeg(path: Path) -> bool:
    try:
        picture = path.read_bytes()
    except OSError:
        return False
    return picture.startswith(b"\xff\xd8") and b"\xff\xd9" in picture[-1024:]
