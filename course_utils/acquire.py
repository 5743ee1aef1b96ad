"""Fill a folder with a data set, from its mirrors or from what a teacher hands out; only whole files are placed."""

from __future__ import annotations

import filecmp
import fnmatch
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from course_utils.errors import CourseError
from course_utils.manifest import Entry, File, Pictures
from course_utils.transfer import download, save, staging, walk

__all__ = ["fill"]


def fill(entry: Entry, folder: Path, source: Path | None = None, timeout: float = 30) -> None:
    """Bring into `folder` what it lacks of a data set.

    source: a folder, file or archive to copy from; None downloads. timeout: seconds without an answer.
    Raises CourseError that says what is still lacking, why, and what to do.
    """
    lacking = any(finding.problem for finding in entry.inspect(folder))
    if source is not None:
        if lacking or any(not (folder / table).is_file() for table in entry.tables):
            _copy(entry, folder, source)
    elif lacking and not entry.mirrors:
        raise CourseError(
            f"{entry.title} cannot be downloaded: {entry.request}, "
            f"then run `course data get {entry.name} --from FOLDER_OR_ZIP`"
        )
    elif lacking:
        _download(entry, folder, timeout)


def _download(entry: Entry, folder: Path, timeout: float) -> None:
    for file in entry.files:
        if file.whole(folder):
            continue
        with staging(folder) as scratch:
            copy = scratch / file.name
            try:
                urls = [mirror + file.name for mirror in entry.mirrors]
                download(urls, copy, file.checksum, file.size, timeout)
            except CourseError as error:
                raise CourseError(
                    f"{error}: check the network and try again, or take it from a folder or archive "
                    f"with `course data get {entry.name} --from PATH`"
                ) from error
            _place(copy, folder / file.name)


def _copy(entry: Entry, folder: Path, source: Path) -> None:
    files = [file for file in entry.files if not file.whole(folder)]
    rows = [row for row in entry.pictures if row.problem(folder)]
    with staging(folder) as scratch:
        damaged = _collect_files(files, source, scratch)
        _collect_pictures(entry, rows, source, scratch)
        lacking = [*_place_files(files, scratch, folder), *_place_pictures(rows, scratch, folder)]
        for table in entry.tables:
            if (scratch / table).is_file():
                _place(scratch / table, folder / table)
    if lacking:
        found = "; ".join(damaged.get(name, f"{name} {problem}") for name, problem in lacking)
        raise CourseError(f"{source} does not give all of {entry.name}: {found}: name the folder or archive that does")


def _collect_files(files: list[File], source: Path, scratch: Path) -> dict[str, str]:
    """Put every part that is found whole into `scratch`; tell which were found, and not whole."""
    sought = {_bare(part.name): (file, part) for file in files for part in (*file.unpacked, file)}

    def wanted(bare: str) -> bool:
        return bare in sought and not any((scratch / part.name).exists() for part in sought[bare])

    damaged = {}
    for name, stream in walk(source, wanted):
        _, part = sought[_bare(name)]
        copy = scratch / part.name
        copy.parent.mkdir(exist_ok=True)
        save(stream, copy, name, limit=part.size)
        if part.problem(copy):
            copy.unlink()
            damaged[part.name] = f"{name} is cut off, damaged or another file"
    return damaged


def _collect_pictures(entry: Entry, rows: list[Pictures], source: Path, scratch: Path) -> None:
    """Put the pictures of `rows` and the tables that are found into `scratch`.

    Where a name occurs twice, the one in a folder with the right name holds.
    """
    homes: dict[str, bool] = {}  # whether the picture of that name came from such a folder

    def target(bare: str) -> Path | None:
        matching = (scratch / row.folder / bare for row in rows if fnmatch.fnmatchcase(bare, row.pattern))
        return next(matching, scratch / bare if bare in entry.tables else None)

    for name, stream in walk(source, lambda bare: target(bare) is not None):
        place = target(_bare(name))
        assert place is not None
        at_home = PurePosixPath(name).parent.name == place.parent.name
        if homes.get(place.name, at_home) and not at_home:
            continue
        place.parent.mkdir(exist_ok=True)
        fresh = scratch / "fresh"
        save(stream, fresh, name)
        if homes.get(place.name) == at_home and not filecmp.cmp(fresh, place, shallow=False):
            raise CourseError(f"{source} holds two different files {place.name}: name the folder with the right one")
        homes[place.name] = at_home
        fresh.replace(place)


def _place_files(files: list[File], scratch: Path, folder: Path) -> Iterator[tuple[str, str]]:
    """Move into `folder` every file that is whole; yield what is wrong with the rest."""
    for file in files:
        parts = file.standing(scratch)
        if not file.whole(scratch):
            yield from ((part.name, "is missing") for part in parts if not (scratch / part.name).exists())
            continue
        for part in parts:
            _place(scratch / part.name, folder / part.name)
        if file not in parts:
            (folder / file.name).unlink(missing_ok=True)  # it is damaged, and would be read before its parts


def _place_pictures(rows: list[Pictures], scratch: Path, folder: Path) -> Iterator[tuple[str, str]]:
    for row in rows:
        if problem := row.problem(scratch):
            yield f"{row.folder}/{row.pattern}", problem
            continue
        for path in (scratch / row.folder).glob(row.pattern):
            _place(path, folder / row.folder / path.name)


def _place(copy: Path, target: Path) -> None:
    if target.is_dir():
        raise CourseError(f"{target} is a folder and should be a file: move it away")
    target.parent.mkdir(parents=True, exist_ok=True)
    copy.replace(target)


def _bare(name: str) -> str:
    return PurePosixPath(name).name
